//! A declared capability held against what was seen, and what to declare instead. Knows no case. The door is [`claim`].

use super::verdict::{Held, Stop, broken};
use crate::connector::Capabilities;

/// A declared capability; `instead` makes of the declaration what it should be.
pub(super) fn claim(
    ok: bool,
    can: &Capabilities,
    instead: impl FnOnce(&mut Capabilities),
    observed: impl FnOnce() -> String,
) -> Held {
    if ok {
        return Ok(());
    }
    let mut right = can.clone();
    instead(&mut right);
    let (before, after) = (lines(can), lines(&right));
    let differing = |of: &[String], other: &[String]| -> String {
        let lines = of.iter().filter(|line| !other.contains(line)).map(String::as_str);
        lines.collect::<Vec<_>>().join(" ")
    };
    let declared = differing(&before, &after);
    let declared = declared.trim_end_matches(',').to_owned();
    let paste = differing(&after, &before);
    if paste.is_empty() {
        // It is declared as it is; what was seen breaks the contract all the same.
        return Err(broken("what the declaration says", observed()));
    }
    Err(Stop::Failed { declared, observed: observed(), paste: Some(paste) })
}

/// A declaration as the lines that an author writes.
fn lines(can: &Capabilities) -> Vec<String> {
    let Capabilities {
        conditional_update,
        write_returns,
        unique_key,
        consistent_read,
        tombstones,
        complete_enumeration,
        low_water,
        gone_not_hidden,
        changes,
        order,
        create,
        update,
        delete,
        idempotency_key,
        batch_max,
        triggers,
    } = can;
    vec![
        format!("conditional_update: {conditional_update},"),
        format!("write_returns: WriteReturns::{write_returns:?},"),
        format!("unique_key: UniqueKey::{unique_key:?},"),
        format!("consistent_read: {consistent_read},"),
        format!("tombstones: {tombstones},"),
        format!("complete_enumeration: {complete_enumeration},"),
        format!("low_water: {low_water},"),
        format!("gone_not_hidden: {gone_not_hidden},"),
        format!("changes: {changes},"),
        format!("order: Order::{order:?},"),
        format!("create: {create},"),
        format!("update: {update},"),
        format!("delete: {delete},"),
        format!("idempotency_key: {idempotency_key},"),
        format!("triggers: vec!{triggers:?},"),
        format!("batch_max: NonZeroU32::new({batch_max}).unwrap_or(NonZeroU32::MIN),"),
    ]
}

#[cfg(test)]
mod tests {
    use super::claim;
    use crate::connector::Capabilities;
    use crate::testkit::Outcome;

    #[test]
    fn a_false_claim_says_what_to_paste_and_nothing_else() {
        let can = Capabilities { tombstones: true, changes: true, ..Capabilities::default() };
        let refuted = claim(false, &can, |can| can.tombstones = false, || "none came".to_owned());
        let expected = Outcome::Failed {
            declared: "tombstones: true".into(),
            observed: "none came".into(),
            paste: Some("tombstones: false,".into()),
        };
        assert_eq!(Outcome::from(refuted), expected);
        assert_eq!(Outcome::from(claim(true, &can, |_| (), String::new)), Outcome::Passed);
    }
}
