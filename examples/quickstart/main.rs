//! Makes the world of the quickstart in a temporary folder and says what is in it.

mod world;

use std::error::Error;
use std::time::Instant;

use world::check::{Verdict, check};
use world::expect::Expectations;
use world::truth::DifferenceKind;
use world::{Side, people};

fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let started = Instant::now();
    let world = world::create(folder.path(), 2026)?;
    println!("made in {} ms", started.elapsed().as_millis());
    for (side, table) in
        [(Side::Crm, "account"), (Side::Crm, "contact"), (Side::Erp, "Customer"), (Side::Erp, "Contact")]
    {
        let rows: i64 =
            world
                .open(side)?
                .query_row(&format!("SELECT count(*) FROM \"{table}\""), [], |row| row.get(0))?;
        println!("{side:?} {table}: {rows}");
    }
    let truth = &world.truth;
    println!("{} fields could differ", truth.comparable_fields);
    for kind in [DifferenceKind::OneBlank, DifferenceKind::Different, DifferenceKind::Harmless] {
        println!("{kind:?}: {}", truth.count(kind));
    }
    println!("ambiguous: {:#?}", truth.ambiguous);

    let mut expected = Expectations::after_first_link(truth);
    for edit in people::edit_different_fields(&world)? {
        println!("{edit:?}");
        expected.edit_stands(&edit);
    }
    let [in_crm, in_erp] = people::edit_the_same_field(&world)?;
    expected.stays_apart(&in_crm, in_erp.after.as_deref().unwrap_or_default());
    println!("{in_crm:?}\n{in_erp:?}");
    println!("{:?}", people::clear_a_field(&world)?);
    println!("{:?}", people::enter_a_value_too_long_for_the_erp(&world)?);
    println!("{:?}", people::use_a_new_option_value(&world)?);
    println!("{:?}", people::delete_a_contact(&world)?);
    println!("{:?}", people::add_a_contact_with_a_new_account(&world)?);

    let started = Instant::now();
    match check(&world, &expected)? {
        Verdict::Holds(report) => println!("{report:?}"),
        Verdict::Broken(violations) => {
            println!("{} rules broken, found in {} ms", violations.len(), started.elapsed().as_millis());
            for violation in violations.iter().step_by(violations.len() / 20 + 1) {
                println!("  {violation}");
            }
        }
    }
    Ok(())
}
