//! A record that somebody wrote down, and partners that somebody names: an explanation without any system.

use std::sync::Arc;

use seamless_core::document::did_you_mean;
use seamless_core::mapper::{Answer, Ask, Resolved};
use seamless_core::model::{FieldName, LinkId, Record, RecordId, Shape, Side, Slot, Value, record};

use crate::link_mapper::LinkMapper;
use crate::rules::convert;
use crate::testing::typed_line;

/// A record in the shape that a link reads, from fields by name; values get the kinds that the rules say. Fields that are
/// not named are not known.
///
/// Errors: a field that the link does not read, with the nearest ones.
pub fn given_record(
    mapper: &LinkMapper,
    side: Side,
    shape: &Arc<Shape>,
    fields: &[(FieldName, Slot)],
) -> Result<Record, String> {
    for (name, _) in fields {
        if shape.slot(name.as_str()).is_none() {
            let known = shape.names().iter().map(FieldName::as_str);
            let help = did_you_mean(name.as_str(), known).map(|help| format!("; {help}")).unwrap_or_default();
            return Err(format!("the link reads no field {name}{help}"));
        }
    }
    let typed = |name: &FieldName, slot: &Slot| match (slot, mapper.type_of(side, name)) {
        (Slot::Value(Value::List(lines)), _) => match mapper.of_lines(side, name) {
            Some(inner) => {
                Slot::Value(Value::List(lines.iter().map(|line| typed_line(inner, side, line)).collect()))
            }
            None => slot.clone(),
        },
        (Slot::Value(value), Some(kind)) => {
            Slot::Value(convert::literal_as(value, kind).unwrap_or_else(|| value.clone()))
        }
        _ => slot.clone(),
    };
    let values = fields.iter().map(|(name, slot)| (name.clone(), typed(name, slot)));
    record(shape, values).map_err(|error| error.to_string())
}

/// What references resolve to, from partners of records of a side: link, record, partner. Both ways, since a target is
/// looked up too, to see whether it means the same already.
pub fn partners(from: Side, given: &[(LinkId, RecordId, RecordId)]) -> Resolved {
    let mut resolved = Resolved::new();
    for (link, id, partner) in given {
        let ask = Ask::Partner { link: link.clone(), side: from, id: id.clone() };
        resolved.insert(ask, Answer::Paired(partner.clone()));
        let back = Ask::Partner { link: link.clone(), side: from.other(), id: partner.clone() };
        resolved.insert(back, Answer::Paired(id.clone()));
    }
    resolved
}
