-- The customer and contact part of Business Central, with its names, lengths and option values.
-- A missing text is '' and a missing amount is '0.00': this system knows no NULL. The one exception is a reference,
-- because a foreign key of SQLite has no other way to point at nothing.
-- Two simplifications: a contact's "Company No." names the customer itself (the original goes through a contact of
-- type Company and a business relation), and the payment terms are an option set instead of a table.

CREATE TABLE "Row Version" ("Only Row" INTEGER PRIMARY KEY CHECK ("Only Row" = 1), "Value" INTEGER NOT NULL);
INSERT INTO "Row Version" VALUES (1, 50000);

CREATE TABLE "Salesperson/Purchaser" (
  "Code"             VARCHAR(20) NOT NULL PRIMARY KEY CHECK (length("Code") BETWEEN 1 AND 20),
  "Name"             VARCHAR(50) NOT NULL DEFAULT '' CHECK (length("Name") <= 50),
  "E-Mail"           VARCHAR(80) NOT NULL DEFAULT '' CHECK (length("E-Mail") <= 80),
  "Phone No."        VARCHAR(30) NOT NULL DEFAULT '' CHECK (length("Phone No.") <= 30),
  "Job Title"        VARCHAR(30) NOT NULL DEFAULT '' CHECK (length("Job Title") <= 30),
  "Commission %"     DECTEXT(5,2) NOT NULL DEFAULT '0.00',
  "Blocked"          BOOLEAN NOT NULL DEFAULT 0 CHECK ("Blocked" IN (0, 1)),
  "SystemModifiedAt" INSTANTTEXT NOT NULL DEFAULT '',
  "timestamp"        INTEGER NOT NULL DEFAULT 0
);

CREATE TABLE "Customer" (
  "No."                     VARCHAR(20) NOT NULL PRIMARY KEY CHECK (length("No.") BETWEEN 1 AND 20),
  "Name"                    VARCHAR(100) NOT NULL DEFAULT '' CHECK (length("Name") <= 100),
  "Contact"                 VARCHAR(100) NOT NULL DEFAULT '' CHECK (length("Contact") <= 100),
  "Address"                 VARCHAR(100) NOT NULL DEFAULT '' CHECK (length("Address") <= 100),
  "Address 2"               VARCHAR(50) NOT NULL DEFAULT '' CHECK (length("Address 2") <= 50),
  "Post Code"               VARCHAR(20) NOT NULL DEFAULT '' CHECK (length("Post Code") <= 20),
  "City"                    VARCHAR(30) NOT NULL DEFAULT '' CHECK (length("City") <= 30),
  "County"                  VARCHAR(30) NOT NULL DEFAULT '' CHECK (length("County") <= 30),
  "Country/Region Code"     VARCHAR(10) NOT NULL DEFAULT '' CHECK (length("Country/Region Code") <= 10),
  "E-Mail"                  VARCHAR(80) NOT NULL DEFAULT '' CHECK (length("E-Mail") <= 80),
  "Phone No."               VARCHAR(30) NOT NULL DEFAULT '' CHECK (length("Phone No.") <= 30),
  "Fax No."                 VARCHAR(30) NOT NULL DEFAULT '' CHECK (length("Fax No.") <= 30),
  "Home Page"               VARCHAR(255) NOT NULL DEFAULT '' CHECK (length("Home Page") <= 255),
  -- COD and 14 DAYS have no counterpart in the CRM.
  "Payment Terms Code"      VARCHAR(10) NOT NULL DEFAULT '' CHECK ("Payment Terms Code" IN ('', 'NET30', '2%10NET30', 'NET45', 'NET60', 'COD', '14 DAYS')),
  "Credit Limit (LCY)"      DECTEXT(18,2) NOT NULL DEFAULT '0.00',
  "Primary Contact No."     VARCHAR(20) REFERENCES "Contact" ("No.") ON DELETE SET NULL,
  "Salesperson Code"        VARCHAR(20) REFERENCES "Salesperson/Purchaser" ("Code"),
  -- From here on nothing is mapped.
  "Name 2"                  VARCHAR(50) NOT NULL DEFAULT '' CHECK (length("Name 2") <= 50),
  "Language Code"           VARCHAR(10) NOT NULL DEFAULT '' CHECK (length("Language Code") <= 10),
  "Gen. Bus. Posting Group" VARCHAR(20) NOT NULL DEFAULT 'DOMESTIC' CHECK (length("Gen. Bus. Posting Group") <= 20),
  "VAT Registration No."    VARCHAR(20) NOT NULL DEFAULT '' CHECK (length("VAT Registration No.") <= 20),
  "Balance (LCY)"           DECTEXT(18,2) NOT NULL DEFAULT '0.00',
  "Blocked"                 INTEGER NOT NULL DEFAULT 0 CHECK ("Blocked" IN (0, 1, 2, 3)),
  "Last Date Modified"      DATETEXT NOT NULL DEFAULT '',
  "SystemModifiedAt"        INSTANTTEXT NOT NULL DEFAULT '',
  "timestamp"               INTEGER NOT NULL DEFAULT 0
);

CREATE TABLE "Contact" (
  "No."                 VARCHAR(20) NOT NULL PRIMARY KEY CHECK (length("No.") BETWEEN 1 AND 20),
  "Type"                INTEGER NOT NULL DEFAULT 0 CHECK ("Type" IN (0, 1)),
  "First Name"          VARCHAR(30) NOT NULL DEFAULT '' CHECK (length("First Name") <= 30),
  "Middle Name"         VARCHAR(30) NOT NULL DEFAULT '' CHECK (length("Middle Name") <= 30),
  "Surname"             VARCHAR(30) NOT NULL DEFAULT '' CHECK (length("Surname") <= 30),
  "Name"                VARCHAR(100) GENERATED ALWAYS AS (trim("First Name" || ' ' || "Surname")) VIRTUAL,
  "E-Mail"              VARCHAR(80) NOT NULL DEFAULT '' CHECK (length("E-Mail") <= 80),
  "Phone No."           VARCHAR(30) NOT NULL DEFAULT '' CHECK (length("Phone No.") <= 30),
  "Mobile Phone No."    VARCHAR(30) NOT NULL DEFAULT '' CHECK (length("Mobile Phone No.") <= 30),
  "Fax No."             VARCHAR(30) NOT NULL DEFAULT '' CHECK (length("Fax No.") <= 30),
  "Home Page"           VARCHAR(255) NOT NULL DEFAULT '' CHECK (length("Home Page") <= 255),
  "Address"             VARCHAR(100) NOT NULL DEFAULT '' CHECK (length("Address") <= 100),
  "Address 2"           VARCHAR(50) NOT NULL DEFAULT '' CHECK (length("Address 2") <= 50),
  "Post Code"           VARCHAR(20) NOT NULL DEFAULT '' CHECK (length("Post Code") <= 20),
  "City"                VARCHAR(30) NOT NULL DEFAULT '' CHECK (length("City") <= 30),
  "County"              VARCHAR(30) NOT NULL DEFAULT '' CHECK (length("County") <= 30),
  "Country/Region Code" VARCHAR(10) NOT NULL DEFAULT '' CHECK (length("Country/Region Code") <= 10),
  "Company No."         VARCHAR(20) REFERENCES "Customer" ("No."),
  "Salesperson Code"    VARCHAR(20) REFERENCES "Salesperson/Purchaser" ("Code"),
  -- From here on nothing is mapped.
  "Salutation Code"     VARCHAR(10) NOT NULL DEFAULT '' CHECK (length("Salutation Code") <= 10),
  "Job Title"           VARCHAR(30) NOT NULL DEFAULT '' CHECK (length("Job Title") <= 30),
  "Language Code"       VARCHAR(10) NOT NULL DEFAULT '' CHECK (length("Language Code") <= 10),
  "Correspondence Type" INTEGER NOT NULL DEFAULT 0 CHECK ("Correspondence Type" IN (0, 1, 2)),
  "Last Date Modified"  DATETEXT NOT NULL DEFAULT '',
  "SystemModifiedAt"    INSTANTTEXT NOT NULL DEFAULT '',
  "timestamp"           INTEGER NOT NULL DEFAULT 0
);

CREATE INDEX "Salesperson timestamp" ON "Salesperson/Purchaser" ("timestamp");
CREATE INDEX "Customer timestamp" ON "Customer" ("timestamp");
CREATE INDEX "Customer Primary Contact" ON "Customer" ("Primary Contact No.");
CREATE INDEX "Contact timestamp" ON "Contact" ("timestamp");
CREATE INDEX "Contact E-Mail" ON "Contact" ("E-Mail");
CREATE INDEX "Contact Company No." ON "Contact" ("Company No.");

-- The stamp counts seconds by the version instead of reading the wall clock, so that the same seed gives the same rows.
-- An update by a trigger changes the version and is thereby told apart from an update by a client: no recursion.
CREATE TRIGGER "Salesperson inserted" AFTER INSERT ON "Salesperson/Purchaser" BEGIN
  UPDATE "Row Version" SET "Value" = "Value" + 1;
  UPDATE "Salesperson/Purchaser" SET "timestamp" = (SELECT "Value" FROM "Row Version"),
    "SystemModifiedAt" = (SELECT strftime('%Y-%m-%dT%H:%M:%SZ', 1772438400 + "Value", 'unixepoch') FROM "Row Version") WHERE rowid = NEW.rowid;
END;
CREATE TRIGGER "Salesperson updated" AFTER UPDATE ON "Salesperson/Purchaser" WHEN NEW."timestamp" IS OLD."timestamp" BEGIN
  UPDATE "Row Version" SET "Value" = "Value" + 1;
  UPDATE "Salesperson/Purchaser" SET "timestamp" = (SELECT "Value" FROM "Row Version"),
    "SystemModifiedAt" = (SELECT strftime('%Y-%m-%dT%H:%M:%SZ', 1772438400 + "Value", 'unixepoch') FROM "Row Version") WHERE rowid = NEW.rowid;
END;
CREATE TRIGGER "Customer inserted" AFTER INSERT ON "Customer" BEGIN
  UPDATE "Row Version" SET "Value" = "Value" + 1;
  UPDATE "Customer" SET "timestamp" = (SELECT "Value" FROM "Row Version"),
    "Last Date Modified" = (SELECT date(1772438400 + "Value", 'unixepoch') FROM "Row Version"),
    "SystemModifiedAt" = (SELECT strftime('%Y-%m-%dT%H:%M:%SZ', 1772438400 + "Value", 'unixepoch') FROM "Row Version") WHERE rowid = NEW.rowid;
END;
CREATE TRIGGER "Customer updated" AFTER UPDATE ON "Customer" WHEN NEW."timestamp" IS OLD."timestamp" BEGIN
  UPDATE "Row Version" SET "Value" = "Value" + 1;
  UPDATE "Customer" SET "timestamp" = (SELECT "Value" FROM "Row Version"),
    "Last Date Modified" = (SELECT date(1772438400 + "Value", 'unixepoch') FROM "Row Version"),
    "SystemModifiedAt" = (SELECT strftime('%Y-%m-%dT%H:%M:%SZ', 1772438400 + "Value", 'unixepoch') FROM "Row Version") WHERE rowid = NEW.rowid;
END;
CREATE TRIGGER "Contact inserted" AFTER INSERT ON "Contact" BEGIN
  UPDATE "Row Version" SET "Value" = "Value" + 1;
  UPDATE "Contact" SET "timestamp" = (SELECT "Value" FROM "Row Version"),
    "Last Date Modified" = (SELECT date(1772438400 + "Value", 'unixepoch') FROM "Row Version"),
    "SystemModifiedAt" = (SELECT strftime('%Y-%m-%dT%H:%M:%SZ', 1772438400 + "Value", 'unixepoch') FROM "Row Version") WHERE rowid = NEW.rowid;
END;
CREATE TRIGGER "Contact updated" AFTER UPDATE ON "Contact" WHEN NEW."timestamp" IS OLD."timestamp" BEGIN
  UPDATE "Row Version" SET "Value" = "Value" + 1;
  UPDATE "Contact" SET "timestamp" = (SELECT "Value" FROM "Row Version"),
    "Last Date Modified" = (SELECT date(1772438400 + "Value", 'unixepoch') FROM "Row Version"),
    "SystemModifiedAt" = (SELECT strftime('%Y-%m-%dT%H:%M:%SZ', 1772438400 + "Value", 'unixepoch') FROM "Row Version") WHERE rowid = NEW.rowid;
END;
