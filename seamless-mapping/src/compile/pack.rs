//! A rule that packs several fields of one side into a text of the other: which side holds the text, what each value is
//! called there, and what each holds.

use std::sync::Arc;

use seamless_core::model::{CanonicalForm, FieldName, Normaliser, Packing, Side, Sides};

use super::rule::{RuleCx, form_of};
use super::{LinkCx, fit};
use crate::declaration::{PackDecl, RuleDecl, TypeDecl};
use crate::finding::Findings;
use crate::rules::pack::Pack;

/// A compiled rule that packs.
pub(super) struct Compiled {
    pub(super) carrier: Arc<Pack>,
    pub(super) forms: Sides<Vec<CanonicalForm>>,
}

pub(super) fn compile(rcx: &RuleCx<'_, '_>, pack: &PackDecl, findings: &mut Findings) -> Option<Compiled> {
    let whole = side_of_text(rcx, pack, findings)?;
    let (cx, declared) = (rcx.cx, rcx.declared);
    let parts = declared.fields.of(whole.other());
    let names = match &pack.names {
        Some(names) if names.len() != parts.len() => {
            let message = format!("{} names for {} fields", names.len(), parts.len());
            rcx.error(
                findings,
                "pack-names",
                "names",
                message,
                "name each value, in the order of the fields",
            );
            return None;
        }
        Some(names) => names.clone(),
        None => parts.iter().map(|field| field.as_str().to_owned()).collect(),
    };
    let packing = match Packing::new(pack.layout, names) {
        Ok(packing) => Arc::new(packing),
        Err(error) => {
            let help = "say what the values are called in the text: `names: [Web, Born on]`";
            rcx.error(findings, "pack-names", "names", error.message().to_owned(), help);
            return None;
        }
    };
    let of_text = declared.fields.of(whole).iter().map(|field| form_of(cx, whole, field));
    if !declared.same_when.is_exact() || of_text.into_iter().any(|form| !form.is_exact()) {
        let message =
            "the text that values are packed into counts as the same when its values are".to_owned();
        let help = "remove the form of the text; a form of a part stands in `forms` of its side";
        rcx.error(findings, "pack-same", "same_when", message, help);
        return None;
    }
    let types = parts.iter().map(|field| fit::type_in_schema(cx, whole.other(), field));
    let text = rcx.types.of(whole).unwrap_or(TypeDecl::TEXT);
    let form = CanonicalForm::new([Normaliser::Packed(Arc::clone(&packing))]);
    let carrier = Pack { whole, packing, types: types.collect(), text };
    Some(Compiled { carrier: Arc::new(carrier), forms: forms(cx, declared, whole, form) })
}

/// The side that holds the text: the one that is named, else the one with one field where the other has several.
fn side_of_text(rcx: &RuleCx<'_, '_>, pack: &PackDecl, findings: &mut Findings) -> Option<Side> {
    let counts = rcx.declared.fields.as_ref().map(Vec::len);
    let whole = match (pack.into, counts.left, counts.right) {
        (Some(side), _, _) => Some(side),
        (None, 1, 2..) => Some(Side::Left),
        (None, 2.., 1) => Some(Side::Right),
        _ => None,
    };
    let help =
        "write `web + birthday <-> Comment: { pack: lines }`; with one field each, `pack: { SIDE: lines }`";
    match whole {
        Some(side) if *counts.of(side) == 1 && *counts.of(side.other()) > 0 => Some(side),
        Some(side) => {
            let message = format!("values are packed into one field of {}", rcx.cx.side_name(side));
            rcx.error(findings, "pack-fields", "fields", message, help);
            None
        }
        None => {
            let message = "nothing says which side holds the text".to_owned();
            rcx.error(findings, "pack-side", "pack", message, help);
            None
        }
    }
}

fn forms(
    cx: &LinkCx<'_>,
    declared: &RuleDecl,
    whole: Side,
    form: CanonicalForm,
) -> Sides<Vec<CanonicalForm>> {
    let of_parts = |field: &FieldName| form_of(cx, whole.other(), field);
    let parts: Vec<CanonicalForm> = declared.fields.of(whole.other()).iter().map(of_parts).collect();
    match whole {
        Side::Left => Sides::new(vec![form], parts),
        Side::Right => Sides::new(parts, vec![form]),
    }
}
