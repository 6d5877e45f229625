//! Chapters 4 and 5: people work in both systems; the next plan does exactly what follows from that, parks what it must
//! not decide, and people answer.

use std::collections::BTreeSet;

use futures::executor::block_on;
use seamless_core::model::{LinkId, RecordId, RuleId, Side};
use seamless_core::plan::AttentionWhy;

use super::{Story, plans};
use crate::systems::Systems;
use crate::terminal::{bad, care, chapter, good, say, space, table};
use crate::world::people::{self, Deletion, Edit, Newcomers};
use crate::world::{Outcome, Side as System, World};

/// Who decides the conflict of this story.
const FINANCE: &str = "ann of finance";

/// Everything that people did between two runs.
struct Day {
    different_fields: [Edit; 2],
    same_field: [Edit; 2],
    cleared: Edit,
    too_long: Edit,
    new_option: Edit,
    deleted: Deletion,
    new: Newcomers,
}

pub(super) fn at_work(story: &mut Story, systems: &Systems) -> Outcome<()> {
    chapter(4, "People work in both systems, and the next plan does exactly that");
    let day = Day::happens(story)?;
    day.show();
    let plan = story.plan(systems)?;
    plans::text(&plan, None)?;
    space();
    let (found, wanted) = (plans::deeds(systems, &plan)?, day.deeds());
    if found == wanted {
        good(format!("the plan does exactly these {} things and nothing else", wanted.len()));
    } else {
        story.surprises += 1;
        bad("the plan does not do exactly what follows from the edits");
        found.difference(&wanted).for_each(|deed| bad(format!("not expected: {deed}")));
        wanted.difference(&found).for_each(|deed| bad(format!("missing: {deed}")));
    }
    story.apply(systems, &plan)?;
    story.settle(systems)?;
    answers(story, systems, &day)
}

/// A person decides the conflict, another one shortens the city, a third clears up a person who was stored twice.
fn answers(story: &mut Story, systems: &Systems, day: &Day) -> Outcome<()> {
    chapter(5, "What was parked waits for people; they answer");
    let [in_crm, in_erp] = &day.same_field;
    let link = LinkId::new("customers");
    let id = RecordId::text(&in_crm.crm_id);
    let store = systems.integration.store();
    let open = block_on(store.attention_of(&link, Side::Left, std::slice::from_ref(&id)))?;
    let open = open.into_iter().flatten().find_map(|attention| match attention.why {
        AttentionWhy::Conflict { rules, message } => Some((rules.into_iter().next()?, message)),
        _ => None,
    });
    let Some((rule, message)): Option<(RuleId, String)> = open else {
        return Err("the conflict is not parked: see the plan above".into());
    };
    care(format!("conflict about {}: {message}", in_crm.crm_id));
    block_on(systems.integration.resolve(&link, Side::Left, &id, &rule, Side::Right, FINANCE))?;
    good(format!("{FINANCE} decides: the ERP is right"));
    story.expected.is_settled(in_crm);
    story.expected.edit_stands(in_erp);

    let corrected = people::correct(&story.world, &day.too_long, Some("Llanfairpwll"))?;
    story.expected.is_settled(&day.too_long);
    story.expected.edit_stands(&corrected);
    good("sales writes the short name of the city, which the ERP can hold");
    if let Some(group) = story.world.truth.ambiguous.first() {
        people::delete_the_twins(&story.world, group)?;
        story.expected.twins_are_cleared(group);
        good(format!("somebody deletes the second copy of {}", group.email));
    }
    say("The option that the ERP has never heard of stays parked: somebody has to map it.");
    space();
    let plan = story.plan(systems)?;
    plans::text(&plan, None)?;
    story.apply(systems, &plan)?;
    story.settle(systems)?;
    Ok(())
}

fn side_name(side: System) -> String {
    match side {
        System::Crm => "crm".to_owned(),
        System::Erp => "erp".to_owned(),
    }
}

/// What the ERP says of payment terms that were edited in the CRM.
fn terms_in_erp(world: &World, edit: &Edit) -> Outcome<String> {
    let sql = r#"SELECT "Payment Terms Code" FROM "Customer" WHERE "No." = ?1"#;
    Ok(world.open(System::Erp)?.query_row(sql, [&edit.erp_no], |row| row.get(0))?)
}

impl Day {
    /// People do their work, and what is to come of it is noted for the checker.
    fn happens(story: &mut Story) -> Outcome<Self> {
        let world = &story.world;
        let day = Self {
            different_fields: people::edit_different_fields(world)?,
            same_field: people::edit_the_same_field(world)?,
            cleared: people::clear_a_field(world)?,
            too_long: people::enter_a_value_too_long_for_the_erp(world)?,
            new_option: people::use_a_new_option_value(world)?,
            deleted: people::delete_a_contact(world)?,
            new: people::add_a_contact_with_a_new_account(world)?,
        };
        let terms = terms_in_erp(world, &day.new_option)?;
        let city = day.too_long.before.clone().unwrap_or_default();
        let [in_crm, in_erp] = &day.same_field;
        let expected = &mut story.expected;
        expected.stays_apart(in_crm, in_erp.after.as_deref().unwrap_or_default());
        expected.stays_apart(&day.too_long, &city);
        expected.stays_apart(&day.new_option, &terms);
        day.different_fields.iter().for_each(|edit| expected.edit_stands(edit));
        expected.edit_stands(&day.cleared);
        expected.is_gone(&day.deleted);
        expected.are_new(&day.new);
        Ok(day)
    }

    fn show(&self) {
        let [phone, page] = &self.different_fields;
        let [crm, erp] = &self.same_field;
        let edits = [
            (phone, "two fields of one customer ..."),
            (page, "... one on each side"),
            (crm, "the same field ..."),
            (erp, "... on both sides"),
            (&self.cleared, "a value is cleared"),
            (&self.too_long, "a value too long for the ERP"),
            (&self.new_option, "an option the ERP does not have"),
        ];
        let shown = |value: &Option<String>| value.clone().unwrap_or_else(|| "(nothing)".to_owned());
        let mut rows: Vec<Vec<String>> = edits
            .iter()
            .map(|(edit, what)| {
                let (before, after) = (shown(&edit.before), shown(&edit.after));
                vec![side_name(edit.side), (*what).to_owned(), edit.column.to_owned(), before, after]
            })
            .collect();
        let gone = vec![
            side_name(self.deleted.side),
            "a contact is deleted".to_owned(),
            String::new(),
            self.deleted.erp_no.clone(),
        ];
        rows.push(gone.into_iter().chain(["(gone)".to_owned()]).collect());
        let Newcomers { account_number, contact_number, .. } = &self.new;
        let new = format!("{contact_number}, {account_number}");
        let what = "a new contact of a new account".to_owned();
        rows.push(vec!["crm".to_owned(), what, String::new(), String::new(), new]);
        table(&["side", "what", "field", "before", "after"], rows, usize::MAX);
    }

    /// What the plan has to do, and nothing else.
    fn deeds(&self) -> BTreeSet<String> {
        let [phone, page] = &self.different_fields;
        let [same, _] = &self.same_field;
        let Newcomers { account_id, contact_id, .. } = &self.new;
        let Deletion { crm_id: deleted, .. } = &self.deleted;
        BTreeSet::from([
            format!("customers: update {} in erp: Phone No.", phone.crm_id),
            format!("customers: update {} in crm: websiteurl", page.crm_id),
            format!("customers: conflict about {}: address1_line1", same.crm_id),
            format!("contacts: update {} in erp: Mobile Phone No.", self.cleared.crm_id),
            format!("customers: park {}: address1_city=City", self.too_long.crm_id),
            format!("customers: park {}: paymenttermscode=Payment Terms Code", self.new_option.crm_id),
            format!("contacts: delete {deleted} in erp"),
            format!("customers: create {account_id} in erp"),
            format!("contacts: create {contact_id} in erp"),
            format!("customers: update {account_id} in erp: Primary Contact No."),
        ])
    }
}
