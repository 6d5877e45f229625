//! Chapters 1 and 2: what there is before anything was synchronised, and what the systems say of themselves.

use seamless_core::model::{FieldKind, Side};

use super::Story;
use crate::systems::Systems;
use crate::terminal::{care, chapter, good, number, quiet, say, space, table};
use crate::world::truth::DifferenceKind;
use crate::world::{Entity, Outcome, Side as System};

/// Warnings that are shown; the others are counted.
const WARNINGS_SHOWN: usize = 2;

pub(super) fn two_systems(story: &Story) -> Outcome<()> {
    chapter(1, "Two systems that have never met");
    let world = &story.world;
    let count = |system: System, table: &str| -> Outcome<String> {
        let sql = format!("SELECT count(*) FROM \"{table}\"");
        let rows: i64 = world.open(system)?.query_row(&sql, [], |row| row.get(0))?;
        Ok(number(rows))
    };
    table(
        &[
            "",
            "CRM, in the manner of Dynamics 365 Sales",
            "ERP, in the manner of Business Central",
            "in both",
        ],
        vec![
            vec![
                "companies".into(),
                format!("account: {}", count(System::Crm, "account")?),
                format!("Customer: {}", count(System::Erp, "Customer")?),
                number(world.truth.population(Entity::Account).shared.len()),
            ],
            vec![
                "people".into(),
                format!("contact: {}", count(System::Crm, "contact")?),
                format!("Contact: {}", count(System::Erp, "Contact")?),
                number(world.truth.population(Entity::Contact).shared.len()),
            ],
        ],
        3,
    );
    let truth = &world.truth;
    let [blank, different, harmless] =
        [DifferenceKind::OneBlank, DifferenceKind::Different, DifferenceKind::Harmless]
            .map(|kind| truth.count(kind));
    let percent = 100.0 * (blank + different) as f64 / truth.comparable_fields.max(1) as f64;
    say(format!(
        "Of the {} fields that the two have in common {percent:.0} % differ: in {} one side has nothing,",
        number(truth.comparable_fields),
        number(blank)
    ));
    say(format!(
        "in {} both say something else, and {} more only look different (a blank, capitals, hyphens).",
        number(different),
        number(harmless)
    ));
    Ok(())
}

pub(super) fn what_they_say(systems: &Systems) {
    chapter(2, "Discover: the systems say what they have, and the mapping is checked against it");
    let mut rows = Vec::new();
    for side in Side::BOTH {
        for entity in systems.schemas.of(side).entities.values() {
            let of_kind =
                |is: fn(&FieldKind) -> bool| entity.fields.iter().filter(|field| is(&field.kind)).count();
            let is_mapped =
                systems.integration.links().any(|link| *link.spec().entity.of(side) == entity.name);
            if is_mapped {
                rows.push(vec![
                    systems.name(side).to_owned(),
                    entity.name.to_string(),
                    entity.key.iter().map(|field| field.as_str()).collect::<Vec<_>>().join(", "),
                    number(entity.fields.len()),
                    number(of_kind(|kind| matches!(kind, FieldKind::Reference { .. }))),
                    number(of_kind(|kind| matches!(kind, FieldKind::Option { .. }))),
                ]);
            }
        }
    }
    table(&["side", "entity", "key", "fields", "references", "option sets"], rows, 3);
    let rules: usize = systems.integration.links().map(|link| link.rules().len()).sum();
    let links = systems.integration.links().count();
    good(format!("integration.yaml: {links} links with {rules} rules fit both schemas"));
    if let Some(warnings) = &systems.loaded.warnings {
        care(format!("{} places where not every value fits, for instance:", warnings.len()));
        for warning in
            warnings.iter().filter(|warning| warning.diagnostic().code == "lossy-length").take(WARNINGS_SHOWN)
        {
            quiet(format!("     {}", warning.diagnostic().message));
        }
    }
    space();
}
