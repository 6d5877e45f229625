//! The integration that is tried in the simulated world: customers and contacts, as an ERP and a CRM have them.

use std::sync::Arc;
use std::time::Duration;

use seamless_core::mapper::DeletePolicy;
use seamless_core::model::{Entity, Field, FieldKind, Result, Side};
use seamless_core::sync::{Integration, IntegrationBuilder};
use seamless_core::testkit::world::{Kind, Process, Subject};
use seamless_mapping::declaration::{IfMissing, RuleDecl};
use seamless_mapping::{Mapping, copy, lookup};

fn text(name: &str) -> Field {
    Field::new(name, FieldKind::Text { length_max: Some(40) })
}

fn decimal(name: &str) -> Field {
    Field::new(name, FieldKind::Decimal { precision: Some(18), scale: Some(5) })
}

fn reference(name: &str, to: &str) -> Field {
    Field::new(name, FieldKind::Reference { targets: vec![to.into()] })
}

fn entity(name: &str, fields: Vec<Field>) -> Entity {
    let key = fields.first().map(|field| field.name.clone());
    Entity { name: name.into(), label: None, fields, key: key.into_iter().collect(), unique: vec![] }
}

/// What both systems know. The left one has texts as keys, so that its clients choose ids.
pub(crate) fn kinds() -> Vec<Kind> {
    let account = entity(
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
    let customer = entity(
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
    vec![
        Kind::new("customers", account, customer, ["accountnumber", "No."])
            .carries("name", "Name")
            .carries("web", "Home Page")
            .carries("limit", "Credit Limit")
            .refers("owner", "Primary Contact", 1)
            .own("note", "Memo")
            .renames(),
        Kind::new("contacts", left, right, ["email", "E-Mail"])
            .carries("fullname", "Name")
            .carries("title", "Job Title")
            .refers("account", "Company", 0)
            .own("note", "Memo")
            .renames(),
    ]
}

/// How often a link is read from the start whatever its feeds say.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sweeps {
    Hourly,
    Never,
}

fn mapping(sweeps: Sweeps) -> Mapping {
    let every = Duration::from_secs(match sweeps {
        Sweeps::Hourly => 3600,
        // Longer than any schedule takes.
        Sweeps::Never => 365 * 24 * 3600,
    });
    Mapping::builder("left", "right")
        .link("customers", "account", "Customer")
        .two_way()
        .match_on([("accountnumber", "No.")])
        .on_delete(Side::Left, DeletePolicy::Delete)
        .sweep_every(every)
        .rule(copy("accountnumber", "No."))
        .rule(copy("name", "Name"))
        .rule(copy("web", "Home Page"))
        .rule(copy("limit", "Credit Limit"))
        .rule(later(lookup("owner", "Primary Contact", "contacts")))
        .link("contacts", "contact", "Contact")
        .two_way()
        .match_on([("email", "E-Mail")])
        .on_delete(Side::Right, DeletePolicy::Delete)
        .sweep_every(every)
        .rule(copy("email", "E-Mail"))
        .rule(copy("fullname", "Name"))
        .rule(copy("title", "Job Title"))
        .rule(later(lookup("account", "Company", "customers")))
        .done()
        .build()
        .unwrap()
}

fn later(rule: RuleDecl) -> RuleDecl {
    rule.if_missing(Side::Right, IfMissing::Later).if_missing(Side::Left, IfMissing::Later)
}

pub(crate) fn builder(process: &Process) -> IntegrationBuilder {
    built(process, Sweeps::Hourly)
}

fn built(process: &Process, sweeps: Sweeps) -> IntegrationBuilder {
    Integration::builder("world")
        .left("left", process.left.clone())
        .right("right", process.right.clone())
        .links(mapping(sweeps).links())
        .store(process.store.clone())
        .clock(Arc::clone(&process.clock) as Arc<_>)
}

pub(crate) fn integration(process: &Process) -> Result<Integration> {
    builder(process).build()
}

/// The same with the two systems changed over.
pub(crate) fn mirror(process: &Process) -> IntegrationBuilder {
    let mapping = Mapping::builder("right", "left")
        .link("customers", "Customer", "account")
        .two_way()
        .match_on([("No.", "accountnumber")])
        .on_delete(Side::Right, DeletePolicy::Delete)
        .sweep_every(Duration::from_secs(3600))
        .rule(copy("No.", "accountnumber").id("accountnumber=No."))
        .rule(copy("Name", "name").id("name=Name"))
        .rule(copy("Home Page", "web").id("web=Home Page"))
        .rule(copy("Credit Limit", "limit").id("limit=Credit Limit"))
        .rule(later(lookup("Primary Contact", "owner", "contacts")).id("owner=Primary Contact"))
        .link("contacts", "Contact", "contact")
        .two_way()
        .match_on([("E-Mail", "email")])
        .on_delete(Side::Left, DeletePolicy::Delete)
        .sweep_every(Duration::from_secs(3600))
        .rule(copy("E-Mail", "email").id("email=E-Mail"))
        .rule(copy("Name", "fullname").id("fullname=Name"))
        .rule(copy("Job Title", "title").id("title=Job Title"))
        .rule(later(lookup("Company", "account", "customers")).id("account=Company"))
        .done()
        .build()
        .unwrap();
    Integration::builder("world")
        .left("right", process.left.clone())
        .right("left", process.right.clone())
        .links(mapping.links())
        .store(process.store.clone())
        .clock(Arc::clone(&process.clock) as Arc<_>)
}

pub(crate) fn subject() -> Subject {
    Subject::new(kinds(), integration).unwrap().mirrored_by(|process| mirror(process).build())
}

/// The same without sweeps: what a feed shows once must be enough.
pub(crate) fn unswept() -> Subject {
    Subject::new(kinds(), |process| built(process, Sweeps::Never).build()).unwrap()
}
