//! What belongs together: the columns of both systems side by side. A mapping file has to say the same.
//!
//! | account, CRM                  | Customer, ERP         | compared as | flow       |
//! |-------------------------------|-----------------------|-------------|------------|
//! | `accountnumber` (20)          | `No.` (20)            | text        | the key: match on it; a create on either side carries it over |
//! | `name` (160)                  | `Name` (100)          | text        | both       |
//! | `address1_primarycontactname` | `Contact` (100)       | text        | both       |
//! | `address1_line1` (250)        | `Address` (100)       | text        | both       |
//! | `address1_line2` (250)        | `Address 2` (50)      | text        | both       |
//! | `address1_postalcode` (20)    | `Post Code` (20)      | text        | both       |
//! | `address1_city` (80)          | `City` (30)           | text        | both       |
//! | `address1_stateorprovince`    | `County` (30)         | text        | both       |
//! | `address1_country` (80)       | `Country/Region Code` | text        | both       |
//! | `emailaddress1` (100)         | `E-Mail` (80)         | e-mail      | both       |
//! | `telephone1` (50)             | `Phone No.` (30)      | phone       | both       |
//! | `fax` (50)                    | `Fax No.` (30)        | phone       | both       |
//! | `websiteurl` (200)            | `Home Page` (255)     | text        | both       |
//! | `paymenttermscode`            | `Payment Terms Code`  | option      | both: 1 = NET30, 2 = 2%10NET30, 3 = NET45, 4 = NET60, NULL = '' |
//! | `creditlimit` (18,2)          | `Credit Limit (LCY)`  | number      | ERP to CRM |
//! | `primarycontactid`            | `Primary Contact No.` | reference   | both, to the contact's pair |
//! | `ownerid`                     | `Salesperson Code`    | reference   | both, to the pair of `systemuser` and `Salesperson/Purchaser` (same e-mail) |
//! | `customertypecode`            |                       |             | an account made from a customer gets 3 |
//!
//! | contact, CRM                  | Contact, ERP          | compared as | flow       |
//! |-------------------------------|-----------------------|-------------|------------|
//! | `externaluseridentifier` (50) | `No.` (20)            | text        | a create on either side carries it over; on a pair that was matched the CRM's is empty and takes the ERP's |
//! | `firstname` (50)              | `First Name` (30)     | text        | both       |
//! | `middlename` (50)             | `Middle Name` (30)    | text        | both       |
//! | `lastname` (50)               | `Surname` (30)        | text        | both       |
//! | `emailaddress1` (100)         | `E-Mail` (80)         | e-mail      | both       |
//! | `telephone1` (50)             | `Phone No.` (30)      | phone       | both       |
//! | `mobilephone` (50)            | `Mobile Phone No.`    | phone       | both       |
//! | `fax` (50)                    | `Fax No.` (30)        | phone       | both       |
//! | `websiteurl` (200)            | `Home Page` (255)     | text        | both       |
//! | `address1_*`                  | `Address` ..          | text        | both, as for the account |
//! | `parentcustomerid`            | `Company No.`         | reference   | both, to the account's pair |
//! | `ownerid`                     | `Salesperson Code`    | reference   | both       |
//! |                               | `Type`                |             | a Contact made from a contact gets 1 (Person) |
//!
//! A credit limit is granted in the ERP: an account that only the CRM has says 0.00, which is what the ERP gives a new
//! customer. Everything else of a record that only one side has goes to the other as it is.
//!
//! Contacts match on the e-mail first, then on first name, last name and company. Within what the e-mail leaves
//! over, first and last name alone are unique too.
//!
//! Normalisations: *text* without blanks at the ends; *e-mail* the same without regard to case; *phone* only digits
//! and plus signs; *number* by value; NULL and '' are the same absence everywhere.

/// How two values are compared, which is also what kind of value the column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Equal without blanks at the ends.
    Text,
    /// Equal without blanks at the ends and in any case.
    Email,
    /// Equal in digits and plus signs.
    Phone,
    /// An option value in the CRM, a code in the ERP: see [`PAYMENT_TERMS`].
    Terms,
    /// Equal as numbers; a missing one is zero.
    Money,
    /// The number under which both systems know the record.
    Number,
    /// Names an account.
    AccountReference,
    /// Names a contact.
    ContactReference,
    /// Names a user of the CRM, a salesperson of the ERP.
    UserReference,
}

/// Which way a value goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flow {
    /// An edit on either side reaches the other.
    Both,
    /// The ERP has the say.
    ErpToCrm,
}

/// One row of the tables above.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Correspondence {
    /// The column of the CRM.
    pub(crate) crm: &'static str,
    /// The column of the ERP.
    pub(crate) erp: &'static str,
    /// How the two compare.
    pub(crate) kind: Kind,
    /// Which way values go.
    pub(crate) flow: Flow,
}

impl Correspondence {
    /// True when the value is the record's own: neither its number nor a reference to another record.
    pub(crate) fn is_plain(&self) -> bool {
        matches!(self.kind, Kind::Text | Kind::Email | Kind::Phone | Kind::Terms | Kind::Money)
    }
}

const fn both(crm: &'static str, erp: &'static str, kind: Kind) -> Correspondence {
    Correspondence { crm, erp, kind, flow: Flow::Both }
}

const fn from_erp(crm: &'static str, erp: &'static str, kind: Kind) -> Correspondence {
    Correspondence { crm, erp, kind, flow: Flow::ErpToCrm }
}

/// The payment terms that both sides know: option value of the CRM, its label, code of the ERP.
pub(crate) const PAYMENT_TERMS: [(i64, &str, &str); 4] = [
    (1, "Net 30", "NET30"),
    (2, "2% 10; Net 30", "2%10NET30"),
    (3, "Net 45", "NET45"),
    (4, "Net 60", "NET60"),
];

/// `account` and `Customer`.
pub(crate) const ACCOUNT: [Correspondence; 17] = [
    both("accountnumber", "No.", Kind::Number),
    both("name", "Name", Kind::Text),
    both("address1_primarycontactname", "Contact", Kind::Text),
    both("address1_line1", "Address", Kind::Text),
    both("address1_line2", "Address 2", Kind::Text),
    both("address1_postalcode", "Post Code", Kind::Text),
    both("address1_city", "City", Kind::Text),
    both("address1_stateorprovince", "County", Kind::Text),
    both("address1_country", "Country/Region Code", Kind::Text),
    both("emailaddress1", "E-Mail", Kind::Email),
    both("telephone1", "Phone No.", Kind::Phone),
    both("fax", "Fax No.", Kind::Phone),
    both("websiteurl", "Home Page", Kind::Text),
    both("paymenttermscode", "Payment Terms Code", Kind::Terms),
    from_erp("creditlimit", "Credit Limit (LCY)", Kind::Money),
    both("primarycontactid", "Primary Contact No.", Kind::ContactReference),
    both("ownerid", "Salesperson Code", Kind::UserReference),
];

/// `contact` and `Contact`.
pub(crate) const CONTACT: [Correspondence; 17] = [
    both("externaluseridentifier", "No.", Kind::Number),
    both("firstname", "First Name", Kind::Text),
    both("middlename", "Middle Name", Kind::Text),
    both("lastname", "Surname", Kind::Text),
    both("emailaddress1", "E-Mail", Kind::Email),
    both("telephone1", "Phone No.", Kind::Phone),
    both("mobilephone", "Mobile Phone No.", Kind::Phone),
    both("fax", "Fax No.", Kind::Phone),
    both("websiteurl", "Home Page", Kind::Text),
    both("address1_line1", "Address", Kind::Text),
    both("address1_line2", "Address 2", Kind::Text),
    both("address1_postalcode", "Post Code", Kind::Text),
    both("address1_city", "City", Kind::Text),
    both("address1_stateorprovince", "County", Kind::Text),
    both("address1_country", "Country/Region Code", Kind::Text),
    both("parentcustomerid", "Company No.", Kind::AccountReference),
    both("ownerid", "Salesperson Code", Kind::UserReference),
];
