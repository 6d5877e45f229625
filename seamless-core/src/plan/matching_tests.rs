//! Tests of matching: which values agree, and groups against an oracle that neither sorts nor groups.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::{Just, Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest};

use super::{Group, MEMBERS_MAX, MatchRow, Matcher, match_key};
use crate::mapper::{MatchField, MatchLine};
use crate::model::{CanonicalForm, Normaliser, Record, RecordId, Side, Sides};

fn line(same_when: &[Normaliser]) -> MatchLine {
    let field = |left: &str, right: &str| MatchField {
        field: Sides::new(left.into(), right.into()),
        same_when: CanonicalForm::new(same_when.iter().cloned()),
    };
    MatchLine { fields: vec![field("no", "No."), field("town", "City")] }
}

/// Whether a left and a right record agree, each given as JSON values of its two fields.
fn agree(form: &[Normaliser], left: (&str, &str), right: (&str, &str)) -> bool {
    let spec = line(form);
    let record = |a: &str, b: &str, (x, y): (&str, &str)| {
        Record::from_json(&format!("{{{a:?}: {x}, {b:?}: {y}}}")).unwrap()
    };
    let left = match_key(0, &spec, Side::Left, &record("no", "town", left));
    let right = match_key(0, &spec, Side::Right, &record("No.", "City", right));
    left.is_some() && left == right
}

// Catches: kinds mixed into the key; parts that are joined without their lengths; the form left out.
#[test]
fn values_agree_when_they_are_written_alike() {
    let town = r#""Bonn""#;
    let cases = [
        ("5", r#""5""#, true),
        ("5", r#"{"decimal":"5.00"}"#, true),
        (r#"{"float":"5"}"#, r#"{"decimal":"5.0"}"#, true),
        (r#"{"float":"0.1"}"#, r#"{"decimal":"0.1"}"#, true),
        ("100", r#"{"decimal":"1E2"}"#, true),
        ("5", r#""05""#, false),
        ("5", "6", false),
        (r#"{"date":"2024-02-29"}"#, r#""2024-02-29""#, true),
        (r#"{"instant":"2024-03-31T02:30:00+02:00"}"#, r#"{"instant":"2024-03-31T00:30:00Z"}"#, true),
        (r#"{"set":[1,2]}"#, r#"{"set":["2","1"]}"#, true),
        (r#"{"set":[1]}"#, "1", false),
        (r#"{"bytes":"00"}"#, r#""00""#, false),
        (r#"{"set":[1,""]}"#, r#"{"set":["1"]}"#, true),
        (r#"{"set":[1,2]}"#, r#"{"set":["1"]}"#, false),
        (r#"{"float":"inf"}"#, r#""inf""#, false),
        (r#"{"reference":["e","k1"]}"#, r#""k1""#, true),
        (r#"{"reference":["e",["k",1]]}"#, r#"{"reference":["e",["k",1]]}"#, true),
        (r#"{"reference":["e",["k",1]]}"#, r#"{"reference":["e",["k",2]]}"#, false),
    ];
    for (left, right, expected) in cases {
        assert_eq!(agree(&[], (left, town), (right, town)), expected, "{left} and {right}");
    }
    assert!(!agree(&[], (r#""ab""#, r#""c""#), (r#""a""#, r#""bc""#)));
    assert!(!agree(&[], (r#""a\u0000b""#, r#""c""#), (r#""a""#, r#""b\u0000c""#)));
    assert!(agree(&[Normaliser::Case, Normaliser::Space], (r#""A  b ""#, town), (r#""a B""#, r#""BONN""#)));
    assert!(!agree(&[], (r#""A""#, town), (r#""a""#, town)));
}

// Catches: blanks, or what a form makes blank, agreeing with each other: the classic way to pair strangers.
#[test]
fn nothing_is_matched_by_nothing() {
    let town = r#""Bonn""#;
    for blank in [
        "null",
        r#""""#,
        r#""  ""#,
        r#"{"unreadable":true}"#,
        r#"{"absent":true}"#,
        r#"{"set":[""]}"#,
        r#"{"bytes":""}"#,
        r#"{"list":[]}"#,
    ] {
        assert!(!agree(&[], (blank, town), (blank, town)), "{blank}");
    }
    assert!(!agree(&[Normaliser::Digits], (r#""n/a""#, "1"), (r#""n/a""#, "1")));
    assert!(!agree(&[Normaliser::Digits], (r#""+""#, "1"), (r#""+""#, "1")));
    assert!(!agree(&[Normaliser::ZeroIsNull], ("0", "1"), ("0", "1")));
    let missing = Record::from_json(r#"{"no": 1}"#).unwrap();
    assert_eq!(match_key(0, &line(&[]), Side::Left, &missing), None);
    assert_eq!(match_key(0, &MatchLine { fields: vec![] }, Side::Left, &missing), None);
}

// Catches: keys of two lines that could be taken for each other in one spill.
#[test]
fn keys_of_two_lines_differ() {
    let record = Record::from_json(r#"{"no": 1, "town": "Bonn"}"#).unwrap();
    let key = |place| match_key(place, &line(&[]), Side::Left, &record).unwrap();
    assert_ne!(key(0), key(1));
    assert_eq!(key(1), key(1));
}

/// Rows as (key, left side, id), with what was taken before.
type Rows = Vec<(u8, bool, u8)>;
type Place = (Side, u8);

fn row((key, left, id): (u8, bool, u8), ordinal: u64) -> MatchRow {
    let side = if left { Side::Left } else { Side::Right };
    MatchRow { key: [key; 16], side, id: RecordId::int(i64::from(id)), ordinal }
}

fn place(side: Side, id: &RecordId) -> Place {
    (side, u8::try_from(id.as_int().unwrap()).unwrap())
}

fn groups(rows: &Rows, taken: &BTreeSet<Place>) -> BTreeMap<u8, Group> {
    let mut rows: Vec<MatchRow> = rows.iter().map(|one| row(*one, u64::from(one.2))).collect();
    rows.sort();
    let mut matcher = Matcher::new(|side, id: &RecordId| taken.contains(&place(side, id)));
    let mut groups = BTreeMap::new();
    for row in rows {
        groups.extend(matcher.push(row).unwrap().map(|(key, group)| (key[0], group)));
    }
    groups.extend(matcher.finish().map(|(key, group)| (key[0], group)));
    groups
}

fn named(group: &Group) -> BTreeSet<Place> {
    let members = match group {
        Group::One { left, right } => {
            return [place(Side::Left, &left.id), place(Side::Right, &right.id)].into();
        }
        Group::Several(members) | Group::Alone(members) | Group::Taken { free: members, .. } => members,
    };
    let of = |side| members.first.of(side).iter().map(move |member| place(side, &member.id));
    of(Side::Left).chain(of(Side::Right)).collect()
}

fn rows() -> impl Strategy<Value = Rows> {
    proptest::collection::vec((0u8..4, any::<bool>(), 0u8..5), 0..16)
}

fn taken() -> impl Strategy<Value = BTreeSet<Place>> {
    let side = prop_oneof![Just(Side::Left), Just(Side::Right)];
    proptest::collection::btree_set((side, 0u8..5), 0..5)
}

proptest! {
    // Catches: a pair of a record that is taken, a pair that ignores a third record, a parked group with a member
    // left out. The oracle looks at every two records, without sorting or grouping.
    #[test]
    fn a_pair_is_made_exactly_of_one_free_left_and_one_free_right(rows in rows(), taken in taken()) {
        let found = groups(&rows, &taken);
        let distinct: BTreeSet<_> = rows.iter().copied().collect();
        for key in 0u8..4 {
            let of = |left: bool, free: bool| {
                let side = if left { Side::Left } else { Side::Right };
                distinct.iter().filter(|(k, l, id)| *k == key && *l == left && taken.contains(&(side, *id)) != free)
                    .map(|(_, _, id)| (side, *id)).collect::<BTreeSet<Place>>()
            };
            let (left, right) = (of(true, true), of(false, true));
            let free: BTreeSet<Place> = left.union(&right).copied().collect();
            let group = found.get(&key);
            prop_assert_eq!(group.map(named).unwrap_or_default(), free);
            match group {
                Some(Group::One { .. }) => prop_assert!(left.len() == 1 && right.len() == 1),
                Some(Group::Several(_)) => {
                    prop_assert!(!left.is_empty() && !right.is_empty() && left.len() + right.len() > 2);
                }
                Some(Group::Taken { taken: gone, .. }) => {
                    let (side, opposite) = if left.is_empty() { (true, of(true, false)) } else { (false, of(false, false)) };
                    prop_assert!(!opposite.is_empty() && (left.is_empty() != right.is_empty()));
                    let count = if side { gone.count.left } else { gone.count.right };
                    prop_assert_eq!(count, opposite.len() as u64);
                }
                Some(Group::Alone(_)) => {
                    prop_assert!(left.is_empty() != right.is_empty());
                    prop_assert!(of(left.is_empty(), false).is_empty());
                }
                None => prop_assert!(left.is_empty() && right.is_empty()),
            }
        }
    }

    // Catches: anything that depends on the order in which records were read.
    #[test]
    fn i17_permuted_rows_give_the_same_groups(rows in rows(), taken in taken(), seed: u64) {
        let mut permuted = rows.clone();
        permuted.sort_by_key(|one| blake3::hash(&[&seed.to_le_bytes()[..], &[one.0, u8::from(one.1), one.2]].concat()).to_hex().to_string());
        prop_assert_eq!(groups(&rows, &taken), groups(&permuted, &taken));
    }

    // Catches: sides that are not treated alike.
    #[test]
    fn i16_mirrored_rows_give_mirrored_groups(rows in rows(), taken in taken()) {
        let flipped: Rows = rows.iter().map(|(key, left, id)| (*key, !left, *id)).collect();
        let flipped_taken = taken.iter().map(|(side, id)| (side.other(), *id)).collect();
        let mirror = |group: &Group| (std::mem::discriminant(group), named(group).into_iter().map(|(side, id)| (side.other(), id)).collect::<BTreeSet<_>>());
        let found: BTreeMap<u8, _> = groups(&rows, &taken).iter().map(|(key, group)| (*key, mirror(group))).collect();
        let expected: BTreeMap<u8, _> = groups(&flipped, &flipped_taken).iter()
            .map(|(key, group)| (*key, (std::mem::discriminant(group), named(group)))).collect();
        prop_assert_eq!(found, expected);
    }

    // Catches: a later line that takes a record away from an earlier one, or pairs one that was parked. The oracle
    // goes line by line over all pairs of records, and keeps who is out.
    #[test]
    fn the_order_of_lines_decides(first in rows(), second in rows()) {
        let mut out = BTreeSet::new();
        let mut expected = BTreeSet::new();
        let mut found = BTreeSet::new();
        let mut taken = BTreeSet::new();
        for rows in [first, second] {
            let before = out.clone();
            for key in 0u8..4 {
                let of = |left: bool| rows.iter().filter(|one| one.0 == key && one.1 == left)
                    .map(|one| (if left { Side::Left } else { Side::Right }, one.2)).collect::<BTreeSet<Place>>();
                let (all_left, all_right) = (of(true), of(false));
                let free = |all: &BTreeSet<Place>| all.difference(&before).copied().collect::<Vec<_>>();
                let (left, right) = (free(&all_left), free(&all_right));
                if let ([left], [right]) = (left.as_slice(), right.as_slice()) {
                    expected.insert((*left, *right));
                }
                if !all_left.is_empty() && !all_right.is_empty() {
                    out.extend(left.into_iter().chain(right));
                }
            }
            let mut leaving = BTreeSet::new();
            for group in groups(&rows, &taken).values() {
                if let Group::One { left, right } = group {
                    found.insert((place(Side::Left, &left.id), place(Side::Right, &right.id)));
                }
                if !matches!(group, Group::Alone(_)) {
                    leaving.extend(named(group));
                }
            }
            taken.extend(leaving);
        }
        prop_assert_eq!(found, expected);
        prop_assert_eq!(taken, out);
    }

    // Catches: bytes that do not sort as rows do.
    #[test]
    fn the_order_of_rows_is_the_order_of_their_bytes(a in (0u8..3, any::<bool>(), 0u8..5), b in (0u8..3, any::<bool>(), 0u8..5)) {
        let (a, b) = (row(a, 1), row(b, 1));
        prop_assert_eq!(a.to_bytes().cmp(&b.to_bytes()), a.cmp(&b));
        prop_assert_eq!(MatchRow::from_bytes(&a.to_bytes(), 1), Some(a));
    }
}

// Catches: a group of any size kept in memory, or counted short.
#[test]
fn a_large_group_names_its_first_members_and_counts_all() {
    let mut matcher = Matcher::new(|_, _: &RecordId| false);
    for side in Side::BOTH {
        for id in 0..1000 {
            let row = MatchRow { key: [1; 16], side, id: RecordId::int(id), ordinal: 0 };
            assert_eq!(matcher.push(row).unwrap(), None);
        }
    }
    let Some((_, Group::Several(members))) = matcher.finish() else { panic!("it is ambiguous") };
    assert_eq!((members.count, members.total()), (Sides::new(1000, 1000), 2000));
    assert_eq!((members.first.left.len(), members.first.right.len()), (MEMBERS_MAX, MEMBERS_MAX));
}

// Catches: unsorted rows giving wrong pairs in silence.
#[test]
fn rows_out_of_order_are_refused() {
    let mut matcher = Matcher::new(|_, _: &RecordId| false);
    matcher.push(row((2, true, 1), 0)).unwrap();
    let error = matcher.push(row((1, true, 1), 0)).unwrap_err();
    assert_eq!(error.kind(), crate::ErrorKind::Internal);
}
