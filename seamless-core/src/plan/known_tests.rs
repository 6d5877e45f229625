//! A pair that was kept under another mapping, read under this one.

use super::{Pair, PairStatus, Trail};
use crate::merge::tests::fixture::{TestMapper, copy};
use crate::model::{Bits, Record, RecordId, Side, Sides};

fn pair(base: &str) -> Pair {
    let base = Record::from_json(base).unwrap();
    let slots: Sides<Bits> = Sides::new([0usize, 1].into_iter().collect(), [1usize].into_iter().collect());
    Pair {
        ids: Sides::new(RecordId::text("l1"), RecordId::text("r1")),
        status: PairStatus::Linked,
        revision: 1,
        plan: None,
        base: Sides::new(base.clone(), base),
        trail: Trail { acknowledged: slots.clone(), written: slots.mirrored(), ..Trail::default() },
        fingerprint: Sides::default(),
        version: Sides::default(),
        watch: false,
        configuration: String::new(),
    }
}

// Catches: bases and marks read at the places that other fields had.
#[test]
fn what_was_kept_under_another_mapping_is_read_by_field() {
    let link = TestMapper::new([copy("new"), copy("b"), copy("c")]).link();
    let read = pair(r#"{"a":"1","b":"2","c":"3"}"#).as_read_by(&link);
    for side in Side::BOTH {
        let base = read.base.of(side);
        assert_eq!(base.shape().names(), link.shape(side).names());
        let held: Vec<String> = base.fields().map(|(_, held)| held.to_slot().to_string()).collect();
        assert_eq!(held, ["(not said)", r#""2""#, r#""3""#]);
        // Of `a` and `b` only `b` is still there, at the place that it has now.
        assert_eq!(read.trail.acknowledged.of(side).iter().collect::<Vec<_>>(), [1]);
        assert_eq!(read.trail.written.of(side).iter().collect::<Vec<_>>(), [1]);
    }
}

#[test]
fn what_was_kept_under_the_same_fields_is_as_it_was() {
    let link = TestMapper::new([copy("a"), copy("b"), copy("c")]).link();
    let kept = pair(r#"{"a":"1","b":"2","c":"3"}"#);
    let read = kept.clone().as_read_by(&link);
    assert_eq!(read, kept);
    for side in Side::BOTH {
        let own = std::sync::Arc::ptr_eq(read.base.of(side).shape(), kept.base.of(side).shape());
        assert!(own, "nothing is read anew");
    }
}
