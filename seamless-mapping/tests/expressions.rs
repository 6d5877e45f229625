//! Expressions in mapping files: where what is wrong is told, and what parameters can and cannot do.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use seamless_core::mapper::Mapper;
use seamless_core::model::Value;
use seamless_mapping::{LoadOptions, Loaded, ParameterValues, load, run_tests};

fn file(rules: &str) -> String {
    format!(
        "integration: i\nsides: {{ crm: a, erp: b }}\nparameters: {{ vat: {{ type: decimal, default: 1.19 }}, mark: {{ default: X }} }}\n\
         links:\n  - id: x\n    crm: A\n    erp: B\n    match: none\n    rules:\n{rules}"
    )
}

fn loaded(rules: &str, parameters: ParameterValues) -> Result<Loaded, String> {
    let options = LoadOptions { parameters, ..LoadOptions::default() };
    load("m", &file(rules), &options).map_err(|findings| findings.to_string())
}

#[test]
fn what_is_wrong_with_an_expression_is_said_at_its_place() {
    for (rule, code, place) in [
        ("      - a -> b: { expression: uper(a) }\n", "no function is called `uper`", "m:10:31"),
        ("      - a -> b: { expression: a+c }\n", "does not name the field a+c of crm", "m:10:19"),
        (
            "      - a <-> b: { expression: { erp: upper(a) } }\n",
            "how the value of crm is worked out",
            "m:10:",
        ),
        ("      - a <-> b: { expression: upper(a) }\n", "does not say which side", "m:10:"),
        ("      - a -> b: { expression: { crm: lower(b) } }\n", "the rule does not write crm", "m:10:19"),
        ("      - a -> b + c: { expression: a }\n", "makes one field of erp", "m:10:"),
        ("      - a -> b: { expression: a, join: x }\n", "a rule is of one kind", "m:10:"),
        ("      - a -> b: { expression: \"a * ${tax}\" }\n", "no parameter is called `tax`", "m:10:36"),
        ("      - a -> b: { expression: [a] }\n", "an expression", "m:10:"),
    ] {
        let found = loaded(rule, ParameterValues::new()).map(|_| ()).unwrap_err();
        assert!(found.contains(code) && found.contains(place), "{rule}{code} at {place}: {found}");
    }
}

const PRICES: &str = "
      - net -> gross: { expression: \"round(net * ${vat}, 2)\" }
      - name -> label: { expression: \"name + ' ${mark}'\" }
    tests:
      - { name: with the parameters, to: erp, record: { net: { decimal: \"10\" }, name: bolt },
          expect: { gross: { decimal: \"GROSS\" }, label: \"LABEL\" } }
";

// Catches: a parameter that is put into the text of an expression and so becomes a part of it, and a changed parameter
// under which bases are kept although they were made by another rule.
#[test]
fn a_parameter_is_a_value_and_never_a_part_of_the_expression() {
    let with = |parameters: &[(&str, Value)], gross: &str, label: &str| {
        let given = parameters.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        let loaded = loaded(&PRICES.replace("GROSS", gross).replace("LABEL", label), given).unwrap();
        let report = run_tests(&loaded.mapping);
        assert!(report.passed(), "{report}");
        let digests: Vec<_> =
            loaded.mapping.link("x").unwrap().rules().iter().map(|rule| rule.digest).collect();
        digests
    };
    let usual = with(&[], "11.90", "bolt X");
    let other = with(&[("vat", Value::Decimal("1.07".parse().unwrap()))], "10.70", "bolt X");
    assert_ne!(usual[0], other[0]);
    assert_eq!(usual[1], other[1]);
    with(&[("mark", Value::text("' + upper('z') + '"))], "11.90", "bolt ' + upper('z') + '");
}
