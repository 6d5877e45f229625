//! What stands in two databases on a disk, and what users do there: the beginnings of runs.

use super::disk::Disk;
use super::site::{Site, empty, user};

/// What stands in both databases before anybody knows of an integration.
const FIRST: [&str; 2] = [
    "INSERT INTO account (number, name, phone) VALUES ('C1', 'Adatum', '1'), ('C2', 'Contoso', '2'), ('C3', 'Fabrikam', '3'),
        ('C4', 'Litware', '4'), ('C5', 'Proseware', '5'), ('C6', 'Tailspin', '6');
     INSERT INTO contact (email, account) VALUES ('ann', 1), ('bob', 2), ('cyd', 3);
     UPDATE account SET contact = id WHERE id <= 2;",
    "INSERT INTO customer (no, name, phone) VALUES ('C1', 'Adatum', '1'), ('C2', 'Contoso', '2'), ('D1', 'Alpine', '7'),
        ('D2', 'Bellows', '8');
     INSERT INTO person (email, customer) VALUES ('ann', 1), ('eve', 3);",
];

/// What users do on the second day, on both sides.
const SECOND: [&str; 2] = [
    "UPDATE account SET phone = '11' WHERE number = 'C1';
     UPDATE account SET name = 'Fabrikam Ltd' WHERE number = 'C3';
     UPDATE account SET name = 'Alpine Ltd' WHERE number = 'D1';
     DELETE FROM account WHERE number = 'C5';
     INSERT INTO account (number, name, phone) VALUES ('C7', 'Wingtip', '9');
     INSERT INTO contact (email, account) SELECT 'fay', id FROM account WHERE number = 'C7';",
    "UPDATE customer SET name = 'Contoso Inc' WHERE no = 'C2';
     UPDATE customer SET name = 'Fabrikam Inc' WHERE no = 'C3';
     UPDATE customer SET phone = '77' WHERE no = 'D1';
     DELETE FROM customer WHERE no = 'C6';
     INSERT INTO customer (no, name, phone) VALUES ('D3', 'Woodgrove', '10');",
];

/// The two databases before the first run.
pub(crate) fn first_day() -> Disk {
    let disk = Disk::new();
    empty(disk.folder());
    user(disk.folder(), "crm", FIRST[0]);
    user(disk.folder(), "erp", FIRST[1]);
    disk
}

/// In step, and then a day of work on both sides.
pub(crate) fn second_day() -> Disk {
    let disk = first_day();
    Site::open(disk.folder()).unwrap().settle();
    user(disk.folder(), "crm", SECOND[0]);
    user(disk.folder(), "erp", SECOND[1]);
    disk
}

/// A few records that are so large that the store's log is carried over while it is open.
pub(crate) fn many() -> Disk {
    let disk = Disk::new();
    empty(disk.folder());
    let sql = "WITH RECURSIVE n (n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM n WHERE n < 200)
               INSERT INTO account (number, name) SELECT 'C' || n, hex(zeroblob(60000)) FROM n;";
    user(disk.folder(), "crm", sql);
    disk
}

/// Notes, which nothing tells apart but their texts, and no integration yet.
pub(crate) fn notes() -> Disk {
    let disk = Disk::new();
    empty(disk.folder());
    let make = |at: u32| format!("INSERT INTO note (text) VALUES ('note {at}');");
    user(disk.folder(), "crm", &(100..114).map(make).collect::<String>());
    disk
}
