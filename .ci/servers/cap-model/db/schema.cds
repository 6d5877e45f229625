// A small CRM: what connectors are tried on. Every kind of value, versions that move with every change, option sets, keys of
// texts and of several parts, and documents with lines.
namespace crm;

using { cuid, managed } from '@sap/cds/common';

type Kind : Integer enum { prospect = 1; customer = 2; partner = 3; }
type Status : String(1) enum { open = 'O'; won = 'W'; lost = 'L'; }

// A version of its own: stamps of milliseconds can be the same after two quick changes.
aspect versioned { version : UUID; }

entity Industries { key code : String(20); name : String(80); }

entity Accounts : cuid, managed, versioned {
  accountNo   : String(20);
  @mandatory name : String(160);
  @assert.range kind : Kind default 1;
  @assert.range status : Status default 'O';
  industry    : Association to Industries;
  parent      : Association to Accounts;
  // Fifteen digits: CAP on SQLite rounds longer ones without a word.
  creditLimit : Decimal(15,2);
  employees   : Integer;
  turnover    : Int64;
  active      : Boolean;
  founded     : Date;
  opens       : Time;
  lastVisit   : Timestamp;
  rating      : Double;
  seal        : Binary(40);
  website     : String(200);
  notes       : LargeString;
  contacts    : Composition of many Contacts on contacts.account = $self;
}

// The version is the stamp of the last change, as CAP's own models have it.
entity Contacts : cuid, managed {
  account   : Association to Accounts;
  firstName : String(80);
  lastName  : String(80);
  email     : String(200);
}

entity Products : versioned {
  key sku    : String(40);
  title      : String(200);
  price      : Decimal(12,4);
  stock      : Integer;
  modifiedAt : Timestamp @cds.on.insert: $now @cds.on.update: $now;
}

entity Prices : versioned {
  key sku       : String(40);
  key validFrom : Date;
  amount        : Decimal(15,4);
  note          : String(100);
  modifiedAt    : Timestamp @cds.on.insert: $now @cds.on.update: $now;
}

entity Orders : cuid, managed, versioned {
  orderNo : String(20);
  account : Association to Accounts;
  state   : String(10) default 'open';
  total   : Decimal(15,2);
  items   : Composition of many {
    key pos : Integer;
    product : Association to Products;
    qty     : Decimal(10,3);
    net     : Decimal(15,2);
  };
}
