//! What a rule loses, or does not tell apart, in words.

use seamless_core::model::{CanonicalForm, Normaliser, Side, Sides};

use crate::declaration::{
    BlankReference, IfBlank, IfMissing, KindDecl, LookupThrough, LookupVia, MoneyPart, OptionKey, RoundDecl,
    RuleDecl, TooLong, TypeDecl, UnknownPolicy,
};
use crate::link_mapper::LinkMapper;

/// What is lost by a rule; `nothing` where every value comes back as it was.
pub(super) fn words(declared: &RuleDecl, mapper: &LinkMapper, names: &Sides<String>) -> String {
    let mut losses = Vec::new();
    let written = || Side::BOTH.into_iter().filter(|side| declared.direction.allows(*side));
    match &declared.kind {
        KindDecl::Copy(copy) => {
            for to in written() {
                let kind = |side: Side| {
                    declared.fields.of(side).first().and_then(|field| mapper.type_of(side, field))
                };
                let name = names.of(to);
                match (kind(to.other()), kind(to)) {
                    (from, Some(TypeDecl::Text { length_max: Some(length) }))
                        if copy.too_long == TooLong::Truncate && is_longer(from, length) =>
                    {
                        losses.push(format!("texts longer than {length} characters are cut in {name}"));
                    }
                    (from, Some(TypeDecl::Decimal { scale: Some(scale), .. }))
                        if copy.round.is_some() && is_finer(from, scale) =>
                    {
                        losses.push(format!("{name} keeps {scale} digits after the point"));
                    }
                    _ => {}
                }
                if let Some(default) = copy.default.of(to) {
                    losses.push(format!("blank becomes {default} in {name}"));
                }
            }
        }
        KindDecl::Options(options) => {
            for to in written() {
                let from = to.other();
                let rows = options.rows.iter().filter(|row| row.direction.allows(to));
                let targets: Vec<&Vec<OptionKey>> = rows.map(|row| row.values.of(to)).collect();
                let several = targets
                    .iter()
                    .enumerate()
                    .any(|(at, one)| targets.iter().take(at).any(|other| other == one));
                if several {
                    losses.push(format!("several values of {} are one in {}", names.of(from), names.of(to)));
                }
                match options.unknown.of(to) {
                    UnknownPolicy::Park => {}
                    UnknownPolicy::Keep => {
                        losses.push(format!("{} keeps its value for unknown ones", names.of(to)))
                    }
                    UnknownPolicy::Use(value) => {
                        losses.push(format!("unknown values become {value} in {}", names.of(to)));
                    }
                }
            }
        }
        KindDecl::Join(join) => {
            let parts = if declared.fields.left.len() > 1 { Side::Left } else { Side::Right };
            if declared.direction.allows(parts.other()) {
                losses.push(format!("{} does not tell the parts apart", names.of(parts.other())));
            }
            if declared.direction.allows(parts) && join.split.is_some() {
                losses.push("where a text is taken apart is a guess".to_owned());
            }
        }
        KindDecl::Lookup(lookup) => {
            for to in written() {
                match lookup.if_missing.of(to) {
                    IfMissing::Later | IfMissing::Park => {}
                    IfMissing::Null => {
                        losses.push(format!("a reference without a partner is cleared in {}", names.of(to)));
                    }
                    IfMissing::Use(value) => {
                        losses.push(format!(
                            "a reference without a partner becomes {value} in {}",
                            names.of(to)
                        ));
                    }
                }
            }
            for to in written() {
                match lookup.if_blank.of(to) {
                    BlankReference::Clear => {}
                    BlankReference::Keep => {
                        losses.push(format!("a reference that is cleared stays in {}", names.of(to)));
                    }
                    BlankReference::Use(value) => {
                        losses.push(format!("blank and {value} of {} are the same", names.of(to)));
                    }
                }
            }
            if let LookupVia::ByEntity(entities) = &lookup.via {
                for (entity, through) in entities {
                    match through {
                        LookupThrough::Link(_) => {}
                        LookupThrough::Keep => losses.push(format!("references to {entity} are not carried")),
                        LookupThrough::Null => losses.push(format!("references to {entity} are cleared")),
                    }
                }
            }
        }
        KindDecl::Expression(expressions) => {
            for to in written() {
                if let Some(expression) = expressions.of(to) {
                    losses.push(format!("{} is worked out: {}", names.of(to), expression.source()));
                }
            }
        }
        KindDecl::Money(money) => {
            if let Some(round) = money.round {
                losses.push(format!("digits that the currency does not have, rounded {}", rounded(round)));
            }
            for side in Side::BOTH {
                let parts = money.parts_of(side, declared.fields.of(side).len());
                if let (Some(local), true) = (money.local.of(side), parts.contains(&MoneyPart::Currency)) {
                    losses.push(format!("whether {local} is said or left blank in {}", names.of(side)));
                }
            }
        }
        KindDecl::Lines(_) => losses.push("the order of lines".to_owned()),
        KindDecl::Embed(embed) => match embed.if_blank {
            IfBlank::Leave => losses.push("clearing all fields of the row".to_owned()),
            IfBlank::Delete => losses.push("what a row says besides, when its fields are cleared".to_owned()),
            IfBlank::Blank => {}
        },
        KindDecl::Custom(name) => losses.push(format!("what the function {name} loses")),
        // What else stands in the text is kept.
        KindDecl::Const(_) | KindDecl::Pack(_) | KindDecl::Compare(_) | KindDecl::Generated(_) => {}
    }
    losses.extend(not_told_apart(&declared.same_when));
    if losses.is_empty() { "nothing".to_owned() } else { losses.join("; ") }
}

fn rounded(round: RoundDecl) -> &'static str {
    match round {
        RoundDecl::HalfUp => "half up",
        RoundDecl::HalfEven => "half to even",
        RoundDecl::Down => "down",
    }
}

/// Whether a side can hold texts of more characters.
fn is_longer(kind: Option<TypeDecl>, length: u32) -> bool {
    !matches!(kind, Some(TypeDecl::Text { length_max: Some(from) }) if from <= length)
}

/// Whether a side can hold more digits after the point.
fn is_finer(kind: Option<TypeDecl>, scale: u32) -> bool {
    !matches!(kind, Some(TypeDecl::Decimal { scale: Some(from), .. }) if from <= scale)
}

/// What counts as the same although it is not.
fn not_told_apart(form: &CanonicalForm) -> Option<String> {
    let words = form.steps().iter().filter_map(|step| match step {
        Normaliser::Trim => Some("blanks at the ends"),
        Normaliser::Case => Some("upper and lower case"),
        Normaliser::Space => Some("runs of blanks"),
        Normaliser::Unicode => Some("spellings of one character"),
        Normaliser::Digits => Some("everything but digits"),
        Normaliser::Email => Some("case and blanks"),
        Normaliser::Set => Some("the order of members"),
        Normaliser::EmptyIsNull => Some("empty and nothing"),
        Normaliser::ZeroIsNull => Some("zero and nothing"),
        Normaliser::OptionValue => Some("the text 1 and the number 1"),
        Normaliser::Truncated(_) | Normaliser::Scale(_) | Normaliser::Instant(_) => {
            Some("what is beyond the limit")
        }
        Normaliser::Lines(_) | Normaliser::Packed(_) | Normaliser::Row(_) => None,
    });
    let words: Vec<&str> = words.collect();
    (!words.is_empty()).then(|| format!("differences that do not count: {}", words.join(", ")))
}
