//! The company that tests of templates are about.

use seamless_core::model::Value;
use seamless_mapping::ParameterValues;

/// What a company says of itself.
pub(crate) fn company() -> ParameterValues {
    let said = [
        ("company", "cronus"),
        ("company_id", "c1"),
        ("local_currency", "EUR"),
        ("local_currency_id", "eur"),
        ("default_price_list", "pl1"),
        ("owning_team", "t1"),
    ];
    said.into_iter().map(|(name, value)| (name.to_owned(), Value::text(value))).collect()
}
