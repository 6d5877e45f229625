CREATE TABLE account (accountid INTEGER PRIMARY KEY, number VARCHAR(20) UNIQUE, name VARCHAR(160), phone VARCHAR(50));
INSERT INTO account VALUES (1, 'C10', 'Adatum', '555-0100'), (2, 'C20', 'Fabrikam', NULL);
