#![allow(missing_docs, clippy::unwrap_used)]
use seamless_mapping::{LoadOptions, load};
use std::time::Instant;
fn t(name: &str, text: String) {
    let b = Instant::now();
    let r = load("m", &text, &LoadOptions::default());
    println!(
        "{name}: {} bytes {:?} {}",
        text.len(),
        b.elapsed(),
        match r {
            Ok(_) => "ok".to_owned(),
            Err(e) => e.to_string().lines().next().unwrap_or("").to_owned(),
        }
    );
}
const H: &str = "integration: t\nsides: { l: a, r: b }\nlinks:\n";
#[test]
fn probe() {
    for n in [2_000, 8_000] {
        let rows: Vec<String> = (0..n).map(|i| format!("v{i} <-> w{i}")).collect();
        t(
            &format!("options {n}"),
            format!(
                "{H}  - {{ id: x, l: A, r: B, match: none, rules: [ {{ a <-> b: {{ options: [ {} ] }} }} ] }}\n",
                rows.join(", ")
            ),
        );
        let rules: Vec<String> = (0..n).map(|i| format!("v{i} <-> w{i}")).collect();
        t(
            &format!("rules {n}"),
            format!("{H}  - {{ id: x, l: A, r: B, match: none, rules: [ {} ] }}\n", rules.join(", ")),
        );
        let links: Vec<String> = (0..n/2).map(|i| format!("  - {{ id: x{i}, l: A, r: B, match: none, rules: [ {{ a <-> b: {{ lookup: x{} }} }} ] }}", (i + 1) % (n/2))).collect();
        t(&format!("links {}", n / 2), format!("{H}{}\n", links.join("\n")));
        let fields: Vec<String> = (0..n).map(|i| format!("v{i}")).collect();
        t(
            &format!("join {n}"),
            format!(
                "{H}  - {{ id: x, l: A, r: B, match: none, rules: [ {{ {} -> b: {{ join: x }} }} ] }}\n",
                fields.join(" + ")
            ),
        );
        let same: Vec<String> = (0..n).map(|_| "case".to_owned()).collect();
        t(
            &format!("same_when {n}"),
            format!(
                "{H}  - {{ id: x, l: A, r: B, match: none, rules: [ {{ a <-> b: {{ same_when: [{}] }} }} ] }}\n",
                same.join(", ")
            ),
        );
        let states: Vec<String> =
            (0..n / 2).map(|i| format!("s{i}: {{ l: {{ a: {i} }}, r: {{ b: {i} }} }}")).collect();
        t(
            &format!("states {}", n / 2),
            format!(
                "{H}  - {{ id: x, l: A, r: B, match: none, states: {{ {} }}, rules: [] }}\n",
                states.join(", ")
            ),
        );
        let params: Vec<String> = (0..n).map(|i| format!("p{i}: {{ type: text, default: x }}")).collect();
        t(
            &format!("params {n}"),
            format!(
                "integration: t\nsides: {{ l: a, r: b }}\nparameters: {{ {} }}\nlinks:\n  - {{ id: x, l: A, r: B, match: none, rules: [a <-> b] }}\n",
                params.join(", ")
            ),
        );
    }
}
