use proptest::prelude::{Strategy, prop_assert, prop_assert_eq, proptest};

use super::{Choice, RowForm, Several};
use crate::model::{CanonicalForm, Comparison, Condition, Normaliser, Record, Shape, Slot, Value, record};

/// A row: its type, its number, its city and what nobody maps.
type Row = (Option<u8>, Option<i64>, String, i64);

fn row((kind, number, city, other): &Row) -> Record {
    let shape = Shape::new(["type".into(), "no".into(), "city".into(), "other".into()]).unwrap();
    let kind = match kind {
        Some(kind) => Slot::Value(Value::text(["billing", "shipping"][usize::from(kind % 2)])),
        None => Slot::Value(Value::Null),
    };
    let number = Slot::Value(number.map_or(Value::Null, Value::Int));
    let city = Slot::Value(Value::text(city));
    let values = [("type", kind), ("no", number), ("city", city), ("other", Slot::Value(Value::Int(*other)))];
    record(&shape, values.map(|(name, value)| (name.into(), value))).unwrap()
}

fn form(several: Several) -> RowForm {
    let billing = Value::text("billing");
    let condition = Condition::Compare { field: "type".into(), is: Comparison::Equal, value: billing };
    let fields = vec![("city".into(), CanonicalForm::new([Normaliser::Case]))];
    RowForm { condition, several, fields }
}

fn rows() -> impl Strategy<Value = Vec<Row>> {
    let row = (proptest::option::of(0u8..2), proptest::option::weighted(0.8, 0i64..3), "[aAb]{0,2}", 0i64..3);
    proptest::collection::vec(row, 0..5)
}

proptest! {
    // Catches: a form of a list that is taken for a list again, a form that depends on the order of what is undecided.
    #[test]
    fn i04_the_form_of_a_chosen_row_is_idempotent(rows in rows()) {
        let list = Value::List(rows.iter().map(row).collect());
        for several in [Several::Park, Several::Lowest("no".into())] {
            let form = CanonicalForm::new([Normaliser::Row(form(several).into())]);
            let once = form.apply(list.as_ref());
            prop_assert_eq!(form.apply(once.as_ref()), once);
        }
    }

    // Catches: an edit of another row or of a field that nobody maps taken for a change, an edit of the row overlooked, a
    // choice that depends on the order of rows.
    #[test]
    fn only_the_row_that_is_meant_counts(rows in rows(), city in "[aAb]{0,2}") {
        for several in [Several::Park, Several::Lowest("no".into())] {
            let form = form(several);
            let canonical = CanonicalForm::new([Normaliser::Row(form.clone().into())]);
            let records: Vec<Record> = rows.iter().map(row).collect();
            let list = |rows: &[Row]| Value::List(rows.iter().map(row).collect());
            let choice = form.choose(&records);
            let mut turned = rows.clone();
            turned.reverse();
            prop_assert!(canonical.same(list(&rows).as_ref(), list(&turned).as_ref()));
            let mut edited = rows.clone();
            for (place, row) in edited.iter_mut().enumerate() {
                row.3 += 1;
                let undecided = matches!(choice, Choice::Several(_)) && row.0 == Some(0);
                if choice != Choice::Row(place) && !undecided {
                    row.2 = city.clone();
                }
            }
            prop_assert!(canonical.same(list(&rows).as_ref(), list(&edited).as_ref()));
            if let Choice::Row(place) = choice {
                edited[place].2 = city.clone();
                let same = rows[place].2.to_lowercase() == city.to_lowercase();
                prop_assert_eq!(canonical.same(list(&rows).as_ref(), list(&edited).as_ref()), same);
            }
        }
    }
}

#[test]
fn which_row_is_meant() {
    let row = |kind, number| row(&(kind, number, "x".to_owned(), 0));
    let (billing, shipping) = (Some(0), Some(1));
    let shape = Shape::new(["city".into()]).unwrap();
    let silent = Record::absent(&shape);
    let lowest = Several::Lowest("no".into());
    for (rows, park, named) in [
        (vec![], Choice::Nothing, Choice::Nothing),
        (vec![row(shipping, Some(1)), row(None, Some(2))], Choice::Nothing, Choice::Nothing),
        (vec![row(shipping, Some(1)), row(billing, None)], Choice::Row(1), Choice::Row(1)),
        (vec![row(billing, Some(2)), row(billing, Some(1))], Choice::Several(2), Choice::Row(1)),
        (vec![row(billing, None), row(billing, Some(1))], Choice::Several(2), Choice::Row(1)),
        (vec![row(billing, Some(1)), row(billing, Some(1))], Choice::Several(2), Choice::Several(2)),
        (vec![row(billing, None), row(billing, None)], Choice::Several(2), Choice::Several(2)),
        (vec![row(billing, Some(1)), silent], Choice::Unknown(1), Choice::Unknown(1)),
    ] {
        assert_eq!((form(Several::Park).choose(&rows), form(lowest.clone()).choose(&rows)), (park, named));
    }
}

#[test]
fn a_row_without_values_is_as_good_as_none() {
    let form = CanonicalForm::new([Normaliser::Row(form(Several::Park).into())]);
    let blank = Value::List([row(&(Some(0), Some(1), String::new(), 7))].into());
    let none = Value::List([row(&(Some(1), Some(1), "x".to_owned(), 7))].into());
    assert!(form.same(blank.as_ref(), none.as_ref()));
    assert!(form.same(blank.as_ref(), Value::Null.as_ref()));
    assert!(form.apply(blank.as_ref()).is_blank());
}
