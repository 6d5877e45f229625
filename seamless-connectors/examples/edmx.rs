//! Prints what a metadata document of an OData service says, as this SDK reads it.
//!
//! ```sh
//! cargo run -p seamless-connectors --features odata --example edmx -- metadata.xml
//! cargo run -p seamless-connectors --features odata --example edmx -- metadata.xml Accounts   # one set in full
//! ```
#![allow(missing_docs)]

use std::process::ExitCode;

use seamless_connectors::odata::{edmx, entity};

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let Some(file) = arguments.next() else {
        eprintln!("usage: edmx FILE [SET]");
        return ExitCode::from(2);
    };
    match show(&file, arguments.next().as_deref()) {
        Ok(text) => {
            print!("{text}");
            ExitCode::SUCCESS
        }
        Err(problem) => {
            eprintln!("{file}: {problem}");
            ExitCode::FAILURE
        }
    }
}

fn show(file: &str, set: Option<&str>) -> Result<String, String> {
    let document = std::fs::read_to_string(file).map_err(|problem| problem.to_string())?;
    let read = edmx::parse(&document).map_err(|problem| problem.to_string())?;
    let mut text = String::new();
    let mut line = |words: String| {
        text.push_str(&words);
        text.push('\n');
    };
    if let Some(set) = set {
        let found = entity(&read, set).map_err(|problem| problem.to_string())?;
        let Some(found) = found else { return Err(format!("{set} has no key that can be read")) };
        line(format!("{} (key: {})", found.name, join(&found.key)));
        for field in &found.fields {
            let notes =
                [(field.required, "required"), (field.read_only, "read-only"), (field.computed, "computed")];
            let notes: Vec<&str> = notes.iter().filter(|(is, _)| *is).map(|(_, word)| *word).collect();
            line(format!(
                "  {:<32} {:<24} {}",
                field.name.to_string(),
                field.kind.to_string(),
                notes.join(", ")
            ));
        }
        for action in &found.actions {
            line(format!("  action {}", action.name));
        }
        return Ok(text);
    }
    line(format!("version {}", read.version));
    for (what, count) in [
        ("entity types", read.entity_types.len()),
        ("complex types", read.complex_types.len()),
        ("enums", read.enums.len()),
        ("enum members", read.enums.values().map(|of| of.members.len()).sum()),
        ("properties", read.property_count()),
        ("navigation properties", read.entity_types.values().map(|of| of.navigation.len()).sum()),
        ("entity sets", read.entity_sets.len()),
        ("singletons", read.singletons.len()),
        ("actions and functions", read.operations.len()),
        ("imports", read.imports.len()),
        ("annotations without a place", read.unplaced.len()),
    ] {
        line(format!("{count:>6} {what}"));
    }
    for set in &read.entity_sets {
        let shown = entity(&read, &set.name).map_err(|problem| problem.to_string())?;
        line(match shown {
            Some(shown) => format!(
                "{:<40} {} fields, key {}{}",
                set.name,
                shown.fields.len(),
                join(&shown.key),
                if shown.actions.is_empty() {
                    String::new()
                } else {
                    format!(", {} actions", shown.actions.len())
                }
            ),
            None => format!("{:<40} no key that can be read", set.name),
        });
    }
    Ok(text)
}

fn join<T: std::fmt::Display>(names: &[T]) -> String {
    names.iter().map(T::to_string).collect::<Vec<_>>().join(", ")
}
