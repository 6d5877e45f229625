//! Chapters 7 and 8: the last plan is empty, SQL alone judges both databases, and where to go on from here.

use super::{Story, plans};
use crate::systems::Systems;
use crate::terminal::{bad, chapter, good, number, quiet, say, space};
use crate::world::Outcome;
use crate::world::check::{Verdict, check};

/// Broken rules that are shown; the others are counted.
const SHOWN: usize = 20;

pub(super) fn at_rest(story: &mut Story, systems: &Systems) -> Outcome<()> {
    chapter(7, "The last plan is empty");
    story.settle(systems)?;
    let plan = story.plan(systems)?;
    plans::counts(systems, &plan);
    if plan.is_empty() {
        good("nothing is to be done");
    } else {
        story.surprises += 1;
        bad("something is left to do");
        plans::text(&plan, Some(3))?;
    }
    Ok(())
}

/// Judges the end state; true when it is what it should be.
pub(super) fn by_sql(story: &Story) -> Outcome<bool> {
    chapter(8, "Is it true? A checker that shares no line with the SDK looks at both databases");
    let holds = match check(&story.world, &story.expected)? {
        Verdict::Holds(report) => {
            good(format!(
                "checked by SQL alone: {} pairs, {} fields, 0 violations",
                number(report.account_pairs + report.contact_pairs),
                number(report.fields_compared)
            ));
            quiet(format!(
                "    {} fields apart because they wait, {} records without a partner, {} gone from both sides: all as expected",
                number(report.fields_apart),
                number(report.records_alone),
                number(report.records_gone)
            ));
            true
        }
        Verdict::Broken(violations) => {
            bad(format!("checked by SQL alone: {} violations", number(violations.len())));
            violations.iter().take(SHOWN).for_each(bad);
            false
        }
    };
    if story.surprises > 0 {
        bad(format!("{} things on the way were not as expected", story.surprises));
    }
    space();
    let folder = story.folder.display();
    say(format!(
        "{folder}/ is yours: crm.db, erp.db, integration.yaml, environments/demo.yaml, state/demo.db"
    ));
    say("Edit something in either database, and go on with the workbench:");
    for command in ["status", "plan", "run --yes"] {
        say(format!("  cargo run --release --example workbench -- --project {folder} --env demo {command}"));
    }
    Ok(holds && story.surprises == 0)
}
