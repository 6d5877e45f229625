-- The account and contact part of Dynamics 365 Sales (Dataverse), with its names, lengths and option values.
-- A missing value is NULL. Amounts and dates are text so that SQLite keeps them digit for digit: a declared type
-- that contains TEXT or CHAR has text affinity, one named DECIMAL would turn '0.10' into a floating 0.1.

CREATE TABLE rowversion (only_row INTEGER PRIMARY KEY CHECK (only_row = 1), value INTEGER NOT NULL);
INSERT INTO rowversion VALUES (1, 1000);

CREATE TABLE systemuser (
  systemuserid         CHAR(36) NOT NULL PRIMARY KEY CHECK (length(systemuserid) = 36),
  fullname             NVARCHAR(200) CHECK (length(fullname) <= 200),
  internalemailaddress NVARCHAR(100) UNIQUE CHECK (length(internalemailaddress) <= 100),
  mobilephone          NVARCHAR(64) CHECK (length(mobilephone) <= 64),
  jobtitle             NVARCHAR(100) CHECK (length(jobtitle) <= 100),
  isdisabled           BOOLEAN NOT NULL DEFAULT 0 CHECK (isdisabled IN (0, 1)),
  modifiedon           INSTANTTEXT,
  versionnumber        INTEGER NOT NULL DEFAULT 0
);

CREATE TABLE account (
  accountid                   CHAR(36) NOT NULL PRIMARY KEY CHECK (length(accountid) = 36),
  accountnumber               NVARCHAR(20) UNIQUE CHECK (length(accountnumber) <= 20),
  name                        NVARCHAR(160) CHECK (length(name) <= 160),
  address1_primarycontactname NVARCHAR(100) CHECK (length(address1_primarycontactname) <= 100),
  address1_line1              NVARCHAR(250) CHECK (length(address1_line1) <= 250),
  address1_line2              NVARCHAR(250) CHECK (length(address1_line2) <= 250),
  address1_postalcode         NVARCHAR(20) CHECK (length(address1_postalcode) <= 20),
  address1_city               NVARCHAR(80) CHECK (length(address1_city) <= 80),
  address1_stateorprovince    NVARCHAR(50) CHECK (length(address1_stateorprovince) <= 50),
  address1_country            NVARCHAR(80) CHECK (length(address1_country) <= 80),
  emailaddress1               NVARCHAR(100) CHECK (length(emailaddress1) <= 100),
  telephone1                  NVARCHAR(50) CHECK (length(telephone1) <= 50),
  fax                         NVARCHAR(50) CHECK (length(fax) <= 50),
  websiteurl                  NVARCHAR(200) CHECK (length(websiteurl) <= 200),
  -- 1 Net 30, 2 2% 10; Net 30, 3 Net 45, 4 Net 60; 100000000 (Net 90) was added by an administrator and is mapped to nothing.
  paymenttermscode            INTEGER CHECK (paymenttermscode IN (1, 2, 3, 4, 100000000)),
  creditlimit                 DECTEXT(18,2),
  primarycontactid            CHAR(36) REFERENCES contact (contactid) ON DELETE SET NULL,
  ownerid                     CHAR(36) REFERENCES systemuser (systemuserid),
  customertypecode            INTEGER CHECK (customertypecode IN (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12)),
  -- From here on nothing is mapped.
  industrycode                INTEGER CHECK (industrycode IN (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12)),
  revenue                     DECTEXT(18,2),
  numberofemployees           INTEGER,
  description                 TEXT,
  statecode                   INTEGER NOT NULL DEFAULT 0 CHECK (statecode IN (0, 1)),
  createdon                   INSTANTTEXT,
  modifiedon                  INSTANTTEXT,
  versionnumber               INTEGER NOT NULL DEFAULT 0
);

CREATE TABLE contact (
  contactid                CHAR(36) NOT NULL PRIMARY KEY CHECK (length(contactid) = 36),
  externaluseridentifier   NVARCHAR(50) UNIQUE CHECK (length(externaluseridentifier) <= 50),
  firstname                NVARCHAR(50) CHECK (length(firstname) <= 50),
  middlename               NVARCHAR(50) CHECK (length(middlename) <= 50),
  lastname                 NVARCHAR(50) CHECK (length(lastname) <= 50),
  fullname                 NVARCHAR(160) GENERATED ALWAYS AS (trim(coalesce(firstname || ' ', '') || coalesce(lastname, ''))) VIRTUAL,
  emailaddress1            NVARCHAR(100) CHECK (length(emailaddress1) <= 100),
  telephone1               NVARCHAR(50) CHECK (length(telephone1) <= 50),
  mobilephone              NVARCHAR(50) CHECK (length(mobilephone) <= 50),
  fax                      NVARCHAR(50) CHECK (length(fax) <= 50),
  websiteurl               NVARCHAR(200) CHECK (length(websiteurl) <= 200),
  address1_line1           NVARCHAR(250) CHECK (length(address1_line1) <= 250),
  address1_line2           NVARCHAR(250) CHECK (length(address1_line2) <= 250),
  address1_postalcode      NVARCHAR(20) CHECK (length(address1_postalcode) <= 20),
  address1_city            NVARCHAR(80) CHECK (length(address1_city) <= 80),
  address1_stateorprovince NVARCHAR(50) CHECK (length(address1_stateorprovince) <= 50),
  address1_country         NVARCHAR(80) CHECK (length(address1_country) <= 80),
  parentcustomerid         CHAR(36) REFERENCES account (accountid),
  ownerid                  CHAR(36) REFERENCES systemuser (systemuserid),
  -- From here on nothing is mapped.
  salutation               NVARCHAR(100) CHECK (length(salutation) <= 100),
  jobtitle                 NVARCHAR(100) CHECK (length(jobtitle) <= 100),
  department               NVARCHAR(100) CHECK (length(department) <= 100),
  birthdate                DATETEXT,
  gendercode               INTEGER CHECK (gendercode IN (1, 2)),
  donotemail               BOOLEAN NOT NULL DEFAULT 0 CHECK (donotemail IN (0, 1)),
  statecode                INTEGER NOT NULL DEFAULT 0 CHECK (statecode IN (0, 1)),
  createdon                INSTANTTEXT,
  modifiedon               INSTANTTEXT,
  versionnumber            INTEGER NOT NULL DEFAULT 0
);

CREATE INDEX systemuser_version ON systemuser (versionnumber);
CREATE INDEX account_version ON account (versionnumber);
CREATE INDEX account_primarycontact ON account (primarycontactid);
CREATE INDEX contact_version ON contact (versionnumber);
CREATE INDEX contact_email ON contact (emailaddress1);
CREATE INDEX contact_parent ON contact (parentcustomerid);

-- The stamp counts seconds by the version instead of reading the wall clock, so that the same seed gives the same rows.
-- An update by a trigger changes the version and is thereby told apart from an update by a client: no recursion.
CREATE TRIGGER systemuser_inserted AFTER INSERT ON systemuser BEGIN
  UPDATE rowversion SET value = value + 1;
  UPDATE systemuser SET versionnumber = (SELECT value FROM rowversion),
    modifiedon = (SELECT strftime('%Y-%m-%dT%H:%M:%SZ', 1772438400 + value, 'unixepoch') FROM rowversion) WHERE rowid = NEW.rowid;
END;
CREATE TRIGGER systemuser_updated AFTER UPDATE ON systemuser WHEN NEW.versionnumber IS OLD.versionnumber BEGIN
  UPDATE rowversion SET value = value + 1;
  UPDATE systemuser SET versionnumber = (SELECT value FROM rowversion),
    modifiedon = (SELECT strftime('%Y-%m-%dT%H:%M:%SZ', 1772438400 + value, 'unixepoch') FROM rowversion) WHERE rowid = NEW.rowid;
END;
CREATE TRIGGER account_inserted AFTER INSERT ON account BEGIN
  UPDATE rowversion SET value = value + 1;
  UPDATE account SET versionnumber = (SELECT value FROM rowversion),
    createdon = (SELECT strftime('%Y-%m-%dT%H:%M:%SZ', 1772438400 + value, 'unixepoch') FROM rowversion),
    modifiedon = (SELECT strftime('%Y-%m-%dT%H:%M:%SZ', 1772438400 + value, 'unixepoch') FROM rowversion) WHERE rowid = NEW.rowid;
END;
CREATE TRIGGER account_updated AFTER UPDATE ON account WHEN NEW.versionnumber IS OLD.versionnumber BEGIN
  UPDATE rowversion SET value = value + 1;
  UPDATE account SET versionnumber = (SELECT value FROM rowversion),
    modifiedon = (SELECT strftime('%Y-%m-%dT%H:%M:%SZ', 1772438400 + value, 'unixepoch') FROM rowversion) WHERE rowid = NEW.rowid;
END;
CREATE TRIGGER contact_inserted AFTER INSERT ON contact BEGIN
  UPDATE rowversion SET value = value + 1;
  UPDATE contact SET versionnumber = (SELECT value FROM rowversion),
    createdon = (SELECT strftime('%Y-%m-%dT%H:%M:%SZ', 1772438400 + value, 'unixepoch') FROM rowversion),
    modifiedon = (SELECT strftime('%Y-%m-%dT%H:%M:%SZ', 1772438400 + value, 'unixepoch') FROM rowversion) WHERE rowid = NEW.rowid;
END;
CREATE TRIGGER contact_updated AFTER UPDATE ON contact WHEN NEW.versionnumber IS OLD.versionnumber BEGIN
  UPDATE rowversion SET value = value + 1;
  UPDATE contact SET versionnumber = (SELECT value FROM rowversion),
    modifiedon = (SELECT strftime('%Y-%m-%dT%H:%M:%SZ', 1772438400 + value, 'unixepoch') FROM rowversion) WHERE rowid = NEW.rowid;
END;
