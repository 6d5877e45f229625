//! What schedules are played over, here and in the tests of the simulated world: customers and contacts, as an ERP and a CRM
//! have them, and the mapping between. Knows no rule of merging. The doors are [`kinds`] and [`mapping`].

use std::time::Duration;

use seamless_core::mapper::DeletePolicy;
use seamless_core::model::{Entity, Field, FieldKind, Side};
use seamless_core::testkit::world::Kind;
use seamless_mapping::declaration::{IfMissing, RuleDecl};
use seamless_mapping::{Mapping, Refused, copy, lookup};

fn text(name: &str) -> Field {
    Field::new(name, FieldKind::Text { length_max: Some(40) })
}

fn decimal(name: &str) -> Field {
    Field::new(name, FieldKind::Decimal { precision: Some(18), scale: Some(5) })
}

fn reference(name: &str, to: &str) -> Field {
    Field::new(name, FieldKind::Reference { targets: vec![to.into()] })
}

/// An entity whose first field is its key.
fn entity(name: &str, fields: Vec<Field>) -> Entity {
    let key = fields.first().map(|field| field.name.clone());
    Entity {
        name: name.into(),
        label: None,
        fields,
        key: key.into_iter().collect(),
        unique: vec![],
        actions: Vec::new(),
    }
}

fn customers() -> Kind {
    let left = entity(
        "account",
        vec![
            text("accountid"),
            text("accountnumber"),
            text("name"),
            text("web"),
            decimal("limit"),
            text("note"),
            reference("owner", "contact"),
        ],
    );
    let right = entity(
        "Customer",
        vec![
            Field::new("id", FieldKind::Int),
            text("No."),
            text("Name"),
            text("Home Page"),
            decimal("Credit Limit"),
            text("Memo"),
            reference("Primary Contact", "Contact"),
        ],
    );
    Kind::new("customers", left, right, ["accountnumber", "No."])
        .carries("name", "Name")
        .carries("web", "Home Page")
        .carries("limit", "Credit Limit")
        .refers("owner", "Primary Contact", 1)
        .own("note", "Memo")
}

fn contacts() -> Kind {
    let left = entity(
        "contact",
        vec![
            text("contactid"),
            text("email"),
            text("fullname"),
            text("title"),
            text("note"),
            reference("account", "account"),
        ],
    );
    let right = entity(
        "Contact",
        vec![
            Field::new("id", FieldKind::Int),
            text("E-Mail"),
            text("Name"),
            text("Job Title"),
            text("Memo"),
            reference("Company", "Customer"),
        ],
    );
    Kind::new("contacts", left, right, ["email", "E-Mail"])
        .carries("fullname", "Name")
        .carries("title", "Job Title")
        .refers("account", "Company", 0)
        .own("note", "Memo")
}

/// What the oracle keeps an eye on. The left system has texts as keys, so that its clients choose ids.
pub(crate) fn kinds() -> Vec<Kind> {
    vec![customers(), contacts()]
}

/// References go both ways in a ring, so that one of them has to wait.
fn later(rule: RuleDecl) -> RuleDecl {
    rule.if_missing(Side::Right, IfMissing::Later).if_missing(Side::Left, IfMissing::Later)
}

/// How often everything is read from the start whatever the feeds say, where nothing else is asked for.
pub(crate) const SWEEP: Duration = Duration::from_secs(3600);

/// How the two systems are kept in step, with everything read from the start this often.
pub(crate) fn mapping(sweep: Duration) -> Result<Mapping, Refused> {
    Mapping::builder("left", "right")
        .link("customers", "account", "Customer")
        .two_way()
        .match_on([("accountnumber", "No.")])
        .on_delete(Side::Left, DeletePolicy::Delete)
        .sweep_every(sweep)
        .rule(copy("accountnumber", "No."))
        .rule(copy("name", "Name"))
        .rule(copy("web", "Home Page"))
        .rule(copy("limit", "Credit Limit"))
        .rule(later(lookup("owner", "Primary Contact", "contacts")))
        .link("contacts", "contact", "Contact")
        .two_way()
        .match_on([("email", "E-Mail")])
        .on_delete(Side::Right, DeletePolicy::Delete)
        .sweep_every(sweep)
        .rule(copy("email", "E-Mail"))
        .rule(copy("fullname", "Name"))
        .rule(copy("title", "Job Title"))
        .rule(later(lookup("account", "Company", "customers")))
        .build()
}

/// The same with the two systems changed over.
pub(crate) fn mirrored() -> Result<Mapping, Refused> {
    Mapping::builder("right", "left")
        .link("customers", "Customer", "account")
        .two_way()
        .match_on([("No.", "accountnumber")])
        .on_delete(Side::Right, DeletePolicy::Delete)
        .sweep_every(SWEEP)
        .rule(copy("No.", "accountnumber").id("accountnumber=No."))
        .rule(copy("Name", "name").id("name=Name"))
        .rule(copy("Home Page", "web").id("web=Home Page"))
        .rule(copy("Credit Limit", "limit").id("limit=Credit Limit"))
        .rule(later(lookup("Primary Contact", "owner", "contacts")).id("owner=Primary Contact"))
        .link("contacts", "Contact", "contact")
        .two_way()
        .match_on([("E-Mail", "email")])
        .on_delete(Side::Left, DeletePolicy::Delete)
        .sweep_every(SWEEP)
        .rule(copy("E-Mail", "email").id("email=E-Mail"))
        .rule(copy("Name", "fullname").id("fullname=Name"))
        .rule(copy("Job Title", "title").id("title=Job Title"))
        .rule(later(lookup("Company", "account", "customers")).id("account=Company"))
        .done()
        .build()
}
