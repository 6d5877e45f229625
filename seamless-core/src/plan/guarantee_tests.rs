//! Tests of the table of promises: each capability, each mode, and the page that shows the table.

use proptest::prelude::{Strategy, any, prop_assert, proptest};

use super::{Concerns, Holding, PROMISES, guarantees, markdown};
use crate::connector::{Capabilities, Capability, UniqueKey, WriteReturns};
use crate::mapper::LinkMode;
use crate::model::{Side, Sides};

fn capabilities(bits: u8) -> Capabilities {
    let has = |capability: Capability| bits & (1 << capability as u8) != 0;
    Capabilities {
        conditional_update: has(Capability::ConditionalUpdate),
        write_returns: if has(Capability::WriteReturns) {
            WriteReturns::Version
        } else {
            WriteReturns::Nothing
        },
        unique_key: if has(Capability::UniqueKey) { UniqueKey::ClientChosenId } else { UniqueKey::None },
        consistent_read: has(Capability::ConsistentRead),
        tombstones: has(Capability::Tombstones),
        complete_enumeration: has(Capability::CompleteEnumeration),
        low_water: has(Capability::LowWater),
        gone_not_hidden: has(Capability::GoneNotHidden),
        changes: true,
        create: true,
        update: true,
        delete: true,
        ..Capabilities::default()
    }
}

fn holding(mode: LinkMode, has: &Sides<Capabilities>, invariant: &str, side: Side) -> Option<Holding> {
    guarantees(&"customers".into(), mode, Sides::new("crm", "erp"), has)
        .into_iter()
        .filter(|found| found.invariant == invariant && found.side == side)
        .map(|found| found.holding)
        .max()
}

fn both(bits: u8) -> Sides<Capabilities> {
    Sides::new(capabilities(bits), capabilities(bits))
}

const ALL: u8 = 0xff;

fn without(lacking: &[Capability]) -> u8 {
    lacking.iter().fold(ALL, |bits, capability| bits & !(1 << *capability as u8))
}

// Catches: a row whose needs, holding or alternatives were changed away from what the algorithm can do.
#[test]
fn each_capability_lowers_what_the_algorithm_needs_it_for() {
    use Capability as C;
    let cases: [(&[C], &str, Holding); 19] = [
        (&[], "I10", Holding::Holds),
        (&[C::ConditionalUpdate], "I10", Holding::NotPromised),
        (&[C::ConditionalUpdate], "I11", Holding::NotPromised),
        (&[C::ConditionalUpdate], "I25", Holding::Holds),
        (&[C::WriteReturns], "I19", Holding::Reported),
        (&[C::WriteReturns], "I20", Holding::Reported),
        (&[C::WriteReturns], "I10", Holding::Holds),
        (&[C::UniqueKey], "I25", Holding::Reported),
        (&[C::UniqueKey], "I27", Holding::Reported),
        (&[C::ConsistentRead], "I27", Holding::Reported),
        (&[C::ConsistentRead], "I25", Holding::Holds),
        (&[C::Tombstones], "I23", Holding::Holds),
        (&[C::GoneNotHidden], "I23", Holding::Holds),
        (&[C::Tombstones, C::GoneNotHidden], "I23", Holding::Reported),
        (&[C::Tombstones, C::CompleteEnumeration], "I9", Holding::NotPromised),
        (&[C::LowWater], "I28", Holding::Reported),
        (&[C::LowWater], "I9", Holding::Holds),
        (&[C::LowWater, C::CompleteEnumeration], "I29", Holding::NotPromised),
        (&[C::CompleteEnumeration], "I18", Holding::NotPromised),
    ];
    for (lacking, invariant, expected) in cases {
        let has = both(without(lacking));
        assert_eq!(
            holding(LinkMode::TwoWay, &has, invariant, Side::Right),
            Some(expected),
            "{invariant} without {lacking:?}"
        );
    }
}

// Catches: dropping the mode from a row's condition, or mixing up the side that is written with the one that is read.
#[test]
fn only_rows_of_what_a_link_does_to_a_side_are_there() {
    let has = both(0);
    let to_right = LinkMode::To(Side::Right);
    assert_eq!(holding(to_right, &has, "I10", Side::Right), Some(Holding::NotPromised));
    assert_eq!(holding(to_right, &has, "I10", Side::Left), None);
    assert_eq!(holding(to_right, &has, "I28", Side::Left), Some(Holding::Reported));
    assert_eq!(holding(to_right, &has, "I28", Side::Right), None);
    assert_eq!(holding(to_right, &has, "I23", Side::Left), Some(Holding::Reported));
    assert_eq!(holding(to_right, &has, "I23", Side::Right), None, "nothing is deleted on the left");
    assert_eq!(holding(LinkMode::Observe, &has, "I10", Side::Right), None);
    assert_eq!(holding(LinkMode::Observe, &has, "I9", Side::Right), Some(Holding::NotPromised));
    assert!(guarantees(&"x".into(), LinkMode::Off, Sides::new("a", "b"), &has).is_empty());
    let mut read_only = both(0);
    read_only.right = Capabilities { changes: false, ..Capabilities::default() };
    assert_eq!(holding(LinkMode::TwoWay, &read_only, "I10", Side::Right), None, "nothing can be written");
    assert_eq!(holding(LinkMode::TwoWay, &read_only, "I28", Side::Right), None, "there is no feed");
}

// Catches: a placeholder that is not filled, sides swapped in the words, or the missing capability not named.
#[test]
fn words_name_the_sides_and_the_missing_capability() {
    let has = Sides::new(capabilities(ALL), capabilities(without(&[Capability::ConditionalUpdate])));
    let found = guarantees(&"customers".into(), LinkMode::TwoWay, Sides::new("crm", "erp"), &has);
    let lowered: Vec<_> = found.iter().filter(|found| found.holding != Holding::Holds).collect();
    assert!(
        lowered
            .iter()
            .all(|found| found.side == Side::Right && found.lacks == Some(Capability::ConditionalUpdate))
    );
    assert_eq!(
        lowered.first().map(|found| found.words.as_str()),
        Some(
            "edits made in erp within the write window can be overwritten, and an update that arrives late in that \
             window is sent twice: it has no conditional update"
        )
    );
    assert!(found.iter().all(|found| !found.words.contains('{')));
    let followed = found.iter().find(|found| found.invariant == "I23" && found.side == Side::Left);
    assert_eq!(
        followed.map(|found| found.words.as_str()),
        Some("a record of erp is only deleted when its partner in crm is proven gone")
    );
}

// Catches: a capability that no row needs, a row that promises more without than with, words without a side.
#[test]
fn the_table_is_complete_and_consistent() {
    for capability in Capability::ALL {
        assert!(PROMISES.iter().any(|row| row.needs.contains(&capability)), "{}", capability.code());
    }
    for row in PROMISES {
        assert!(row.with < row.without && !row.needs.is_empty(), "{row:?}");
        assert!(row.words_with.contains("{side}") && row.words_without.contains("{side}"), "{row:?}");
        let same = |other: &&super::Promise| {
            (other.invariant, other.concerns, other.needs) == (row.invariant, row.concerns, row.needs)
        };
        assert_eq!(PROMISES.iter().filter(same).count(), 1, "{row:?}");
    }
}

fn mode() -> impl Strategy<Value = LinkMode> {
    (0usize..5).prop_map(|mode| {
        [
            LinkMode::Observe,
            LinkMode::CoupleOnly,
            LinkMode::To(Side::Left),
            LinkMode::To(Side::Right),
            LinkMode::TwoWay,
        ][mode]
    })
}

proptest! {
    // Catches: a need that is tested the wrong way round.
    #[test]
    fn one_more_capability_never_lowers_a_promise(bits: u8, more in 0u8..8, mode in mode()) {
        let link = "customers".into();
        let names = Sides::new("crm", "erp");
        let fewer = guarantees(&link, mode, names, &both(bits));
        let more = guarantees(&link, mode, names, &both(bits | 1 << more));
        prop_assert!(fewer.len() == more.len());
        prop_assert!(fewer.iter().zip(&more).all(|(fewer, more)| more.holding <= fewer.holding));
    }

    // Catches: a rule about a side that looks at the other side's capabilities.
    #[test]
    fn mirrored_sides_give_mirrored_guarantees(left: u8, right: u8, two_way in any::<bool>()) {
        let link = "customers".into();
        let has = Sides::new(capabilities(left), capabilities(right));
        let (mode, mirror) = if two_way {
            (LinkMode::TwoWay, LinkMode::TwoWay)
        } else {
            (LinkMode::To(Side::Left), LinkMode::To(Side::Right))
        };
        let found = guarantees(&link, mode, Sides::new("a", "b"), &has);
        let mut mirrored = guarantees(&link, mirror, Sides::new("b", "a"), &has.mirrored());
        mirrored.iter_mut().for_each(|one| one.side = one.side.other());
        mirrored.sort_by_key(|one| one.side);
        prop_assert!(found == mirrored);
    }
}

// Catches: a table that is changed without the page that people read.
#[test]
fn the_documentation_shows_the_table_as_it_is() {
    const BEGIN: &str = "<!-- promises: begin -->\n";
    const END: &str = "<!-- promises: end -->\n";
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/guarantees.md");
    let page = std::fs::read_to_string(path).unwrap();
    let (before, rest) = page.split_once(BEGIN).unwrap();
    let (shown, after) = rest.split_once(END).unwrap();
    let table = markdown();
    if shown == table {
        return;
    }
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(path, format!("{before}{BEGIN}{table}{END}{after}")).unwrap();
        return;
    }
    panic!(
        "docs/guarantees.md shows another table; run this test again with UPDATE_DOCS=1 and commit the page"
    );
}

// Catches: a row that concerns nothing.
#[test]
fn every_row_concerns_a_side_that_can_everything() {
    let has = capabilities(ALL);
    for row in PROMISES {
        assert!(row.concerns.applies(LinkMode::TwoWay, Side::Left, &has), "{row:?}");
        assert!(!row.concerns.applies(LinkMode::Off, Side::Left, &has), "{row:?}");
    }
    assert!(!Concerns::Created.applies(LinkMode::TwoWay, Side::Left, &Capabilities { create: false, ..has }));
}
