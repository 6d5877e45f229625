//! Counts of a whole plan: each number weighs otherwise, so that none can be left out or counted twice.

use std::collections::BTreeMap;

use super::{Counts, Trailer};
use crate::model::Sides;

fn counts(unit: u64) -> Counts {
    let weight = |place: u32| unit * 10u64.pow(place);
    Counts {
        create: Sides::new(weight(0), weight(1)),
        update: Sides::new(weight(2), weight(3)),
        delete: Sides::new(weight(4), weight(5)),
        act: Sides::new(weight(16), weight(17)),
        link: weight(6),
        agree: weight(7),
        conflict: weight(8),
        parked: weight(9),
        diverged: weight(10),
        ended: weight(11),
        closed: weight(12),
        scope: weight(13),
        looked_at: weight(14),
        pairs: weight(15),
    }
}

fn trailer(counts: &[(&str, Counts)]) -> Trailer {
    Trailer {
        counts: counts.iter().map(|(link, counts)| ((*link).into(), counts.clone())).collect(),
        guards: Vec::new(),
        forms: Vec::new(),
        runs_to_quiet: 0,
        digest: String::new(),
        seal: String::new(),
    }
}

#[test]
fn a_plan_counts_its_writes_its_entries_and_what_waits() {
    assert_eq!(counts(1).writes(), 110_000_000_000_111_111);
    let both = trailer(&[("customers", counts(1)), ("contacts", counts(2))]);
    assert_eq!(both.writes(), 330_000_000_000_333_333);
    assert_eq!(both.entries(), 330_033_333_333_333_333);
    assert_eq!(both.waiting(), 3_300_000_000);
    let nothing = Trailer { counts: BTreeMap::new(), ..both };
    assert_eq!((nothing.writes(), nothing.entries(), nothing.waiting()), (0, 0, 0));
}
