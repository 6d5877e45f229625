//! Changes are what went into them, however they are kept.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::sync::Arc;

use proptest::prelude::{prop_assert, prop_assert_eq, proptest};

use super::{Changes, ChangesBuilder, PlannedRef};
use crate::model::{Planned, RuledFields, Slot, Value};
use crate::plan::entry::{FieldChange, Provenance};
use crate::store::form::arbitrary::changes;

proptest! {
    // Catches: a value, an origin or something that is known only later that stands at another field's place.
    #[test]
    fn changes_are_what_went_into_them(changes in changes()) {
        let kept = Changes::of(changes.clone());
        prop_assert_eq!(kept.to_vec(), changes.clone());
        prop_assert_eq!(kept.len(), changes.len());
        for change in &changes {
            prop_assert_eq!(kept.field(change.field.as_str()).unwrap().to_owned(), change.clone());
        }
        let all_known = changes.iter().all(|change| matches!(change.after, Planned::Known(_)));
        prop_assert_eq!(kept.known().is_some(), all_known && !changes.is_empty());
    }

    #[test]
    fn changes_are_equal_where_what_went_into_them_is(one in changes(), other in changes()) {
        prop_assert_eq!(Changes::of(one.clone()) == Changes::of(other.clone()), one == other);
        prop_assert!(Changes::of(one.clone()) == Changes::of(one));
    }
}

fn change(field: &str, after: &str) -> FieldChange {
    FieldChange {
        rule: None,
        field: field.into(),
        before: Slot::Absent,
        after: Planned::Known(Value::text(after)),
        from: Provenance::Lifecycle,
    }
}

#[test]
fn of_two_changes_to_one_field_the_later_is_meant() {
    let kept = Changes::of(vec![change("a", "1"), change("b", "2"), change("a", "3")]);
    assert_eq!(kept.to_vec(), [change("a", "3"), change("b", "2")]);
}

#[test]
fn changes_of_shared_fields_share_them() {
    let fields = RuledFields::new([(None, "a".into())]).unwrap();
    let made = || {
        let mut making = ChangesBuilder::new(Arc::clone(&fields));
        making.push(Slot::Absent.as_presence(), &Planned::Known(Value::text("1")), Provenance::Lifecycle);
        making.finish()
    };
    let (one, other) = (made(), made());
    assert!(Arc::ptr_eq(one.fields().unwrap(), other.fields().unwrap()));
    assert_eq!(one, Changes::of(vec![change("a", "1")]));
    assert_eq!(one.field("a").unwrap().after, PlannedRef::Known(Value::text("1").as_ref()));
    assert!(one.field("b").is_none());
}
