//! Which forms are proposed, from what is seen of each, and in which words.

use proptest::prelude::{Just, Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest};

use super::{FORMS_MAX, FormProposal, Proposals, notation};
use crate::merge::LossyForm;
use crate::model::{CanonicalForm, Normaliser, RecordId, Side};
use crate::plan::{
    Attention, AttentionWhy, Body, Effect, ParkReason, Parked, ParkedAs, Rank, Suspicion, samples,
};

fn suspicion() -> impl Strategy<Value = Suspicion> {
    let cut = |length| LossyForm::Folded(CanonicalForm::new([Normaliser::Truncated(length)]));
    let form = prop_oneof![
        (10u32..12).prop_map(cut),
        (0u8..3, 0u8..3).prop_map(|(least, more)| LossyForm::Rounded { least, most: least + more }),
    ];
    let sent = prop_oneof![Just("a"), Just("b")];
    (form, sent).prop_map(|(form, sent)| Suspicion { field: "name".into(), form, sent: sent.into() })
}

proptest! {
    /// Against counting by hand: what is cut to a length is proposed where two different values were.
    #[test]
    fn a_form_is_proposed_where_two_different_values_show_it(
        seen in proptest::collection::vec((any::<bool>(), suspicion()), 0..12),
    ) {
        let mut proposals = Proposals::new();
        let side = |left: bool| if left { Side::Left } else { Side::Right };
        for (left, suspicion) in &seen {
            proposals.add(&"customers".into(), side(*left), suspicion);
        }
        let proposed = proposals.proposed();
        for (left, length) in [(true, 10), (true, 11), (false, 10), (false, 11)] {
            let form = LossyForm::Folded(CanonicalForm::new([Normaliser::Truncated(length)]));
            let of = |sent: &str| {
                let mut seen = seen.iter();
                seen.any(|(at, one)| *at == left && one.form == form && one.sent == sent)
            };
            let found = proposed.iter().find(|found| found.side == side(left) && found.form == form);
            prop_assert_eq!(found.is_some(), of("a") && of("b"));
            let records = seen.iter().filter(|(at, one)| *at == left && one.form == form).count();
            prop_assert!(found.is_none_or(|found| found.records == records as u64));
        }
    }
}

fn cut(length: u32, sent: &str) -> Suspicion {
    let form = LossyForm::Folded(CanonicalForm::new([Normaliser::Truncated(length)]));
    Suspicion { field: "name".into(), form, sent: sent.into() }
}

// Catches: suspicions of this plan or of an earlier one that nobody counts.
#[test]
fn suspicions_of_entries_and_of_open_items_are_put_together() {
    let parked = |why| {
        let effect = Effect::Park(Parked {
            side: Side::Right,
            id: None,
            rules: vec![],
            why,
            message: String::new(),
            remedy: String::new(),
        });
        samples::entry(Rank::State, Side::Left, "l1", Body::Effect(effect))
    };
    let open = |suspicion| {
        let (message, remedy) = (String::new(), String::new());
        let why =
            AttentionWhy::Parked { reason: ParkedAs::Suspected, rules: vec![], message, remedy, suspicion };
        let at = samples::at("2024-05-01T10:00:00Z");
        Attention { side: Side::Right, id: RecordId::text("l2"), why, due: at, since: at }
    };
    let mut proposals = Proposals::new();
    assert!(proposals.entry(&parked(ParkReason::Suspected(cut(10, "a")))));
    assert!(!proposals.entry(&parked(ParkReason::Returned)));
    assert!(!proposals.entry(&samples::one_of_everything()[1]));
    proposals.attention(&"customers".into(), &open(None));
    assert_eq!(proposals.clone().proposed(), [], "one value proves nothing");
    proposals.attention(&"customers".into(), &open(Some(cut(10, "b"))));
    let found = proposals.proposed();
    assert_eq!(found.len(), 1);
    let FormProposal { link, side, field, form, records } = &found[0];
    assert_eq!((link.as_str(), *side, field.as_str(), *records), ("customers", Side::Right, "name", 2));
    assert_eq!(*form, cut(10, "").form);
}

// Catches: a field that fills memory with forms, or one whose eighth form is lost.
#[test]
fn so_many_forms_of_a_field_are_kept_apart() {
    let mut proposals = Proposals::new();
    for sent in ["a", "b"] {
        for length in 0..20 {
            proposals.add(&"customers".into(), Side::Left, &cut(length, sent));
        }
    }
    assert_eq!(proposals.proposed().len(), FORMS_MAX);
}

#[test]
fn a_proposal_says_what_is_stored_and_what_can_be_declared() {
    let proposal = |form| FormProposal {
        link: "customers".into(),
        side: Side::Right,
        field: "name".into(),
        form,
        records: 3,
    };
    let folded = proposal(LossyForm::Folded(CanonicalForm::new([Normaliser::Truncated(30)])));
    assert_eq!(
        folded.words("erp"),
        "erp seems to store name of customers cut to 30 characters (3 records); declare it in the mapping under \
         forms, erp: `name: truncated(30)`, or decide record by record"
    );
    let several = LossyForm::Folded(CanonicalForm::new([Normaliser::Trim, Normaliser::Case]));
    assert_eq!(proposal(several).notation().as_deref(), Some("[case, trim]"));
    let dropped = proposal(LossyForm::Dropped { least: 0, most: 2 });
    assert_eq!(dropped.notation(), None);
    assert_eq!(
        dropped.words("erp"),
        "erp seems to store name of customers shortened to 2 digits after the point (3 records); let the rule round \
         as the system does, or decide record by record"
    );
}

// Catches: a form that is proposed in words which no mapping file knows.
#[test]
fn each_form_is_written_as_a_mapping_file_writes_it() {
    let steps = [
        (Normaliser::Trim, "trim"),
        (Normaliser::Case, "case"),
        (Normaliser::Space, "space"),
        (Normaliser::Unicode, "unicode"),
        (Normaliser::Digits, "digits"),
        (Normaliser::Email, "email"),
        (Normaliser::Truncated(5), "truncated(5)"),
        (Normaliser::Scale(2), "scale(2)"),
        (Normaliser::Instant(3), "instant(3)"),
        (Normaliser::Set, "set"),
        (Normaliser::EmptyIsNull, "blank"),
        (Normaliser::ZeroIsNull, "zero_is_null"),
        (Normaliser::OptionValue, "option"),
    ];
    for (step, expected) in steps {
        assert_eq!(notation(&step), expected);
    }
}
