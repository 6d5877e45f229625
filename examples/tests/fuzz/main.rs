//! Every reader of bytes that this project has, tried with bytes that nobody meant: stored inputs, damaged by drawn numbers.
//! `FUZZ_SEED` and `FUZZ_ROUNDS` say what is drawn and how much of it; `docs/fuzzing.md` has the rest.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

#[path = "../../workbench/app/mod.rs"]
mod app;
mod damage;
mod environments;
mod harness;
mod targets;

use targets::{
    cursors, documents, expressions, files, forms, mappings, plans, published, schemas, scripts, states,
    templates, values,
};

use harness::hold;

#[test]
fn documents_are_read_with_their_places_or_refused_with_one() {
    hold(documents::TARGET, 4000);
}

#[test]
fn mappings_mean_the_same_in_yaml_and_in_json() {
    hold(mappings::MAPPING, 500);
}

#[test]
fn sentences_are_read_or_refused_with_what_to_write() {
    hold(mappings::SENTENCE, 1500);
}

#[test]
fn conditions_are_read_or_refused_with_what_to_write() {
    hold(mappings::CONDITION, 1500);
}

#[test]
fn expressions_have_bounded_values_or_a_problem_with_its_remedy() {
    hold(expressions::TARGET, 4000);
}

#[test]
fn a_plan_that_is_accepted_is_one_that_was_sealed() {
    hold(plans::TARGET, 1500);
}

#[test]
fn scripts_read_back_from_what_they_are_displayed_as() {
    hold(scripts::TARGET, 4000);
}

#[test]
fn templates_are_put_together_and_carried_over_or_refused_with_places() {
    hold(templates::TARGET, 150);
}

#[test]
fn decimals_read_back_as_they_were_written() {
    hold(values::DECIMAL, 8000);
}

#[test]
fn values_read_back_from_json_whatever_they_are() {
    hold(values::JSON, 8000);
}

#[test]
fn keys_are_read_from_their_own_bytes_only() {
    hold(values::KEY, 8000);
}

#[test]
fn stored_forms_are_refused_or_pay_for_what_they_become() {
    hold(forms::TARGET, 8000);
}

#[test]
fn csv_files_are_read_and_written_or_named_by_line() {
    hold(files::CSV, 250);
}

#[test]
fn json_lines_are_read_and_written_or_named_by_line() {
    hold(files::JSONL, 400);
}

#[test]
fn schemas_beside_files_are_taken_or_refused() {
    hold(files::SIDECAR, 250);
}

#[test]
fn cursors_that_nobody_made_expire_and_invent_nothing() {
    hold(cursors::TARGET, 1000);
}

#[test]
fn declarations_of_tables_claim_what_the_database_holds_to() {
    hold(schemas::TARGET, 600);
}

#[test]
fn schemas_as_texts_read_back_from_their_snapshot_and_can_be_looked_at() {
    hold(published::TARGET, 1500);
}

#[test]
fn a_state_file_with_changed_bytes_is_never_taken_for_a_new_one() {
    hold(states::FLIPPED, 250);
}

#[test]
fn a_state_file_with_any_bytes_in_a_column_answers_or_says_that_it_is_damaged() {
    hold(states::ROWS, 250);
}

#[test]
fn environments_of_the_workbench_are_read_or_refused_with_their_place() {
    hold(environments::TARGET, 400);
}

/// A target that no run guided by coverage has, or that nobody wrote about, is found nowhere else.
#[test]
fn every_target_has_inputs_a_program_and_a_row_in_the_documents() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let read = |path: &str| std::fs::read_to_string(root.join(path)).unwrap();
    let (manifest, document) = (read("fuzz/Cargo.toml"), read("docs/fuzzing.md"));
    for target in targets::ALL {
        let name = target.name;
        assert!(manifest.contains(&format!("name = \"{name}\"")), "fuzz/Cargo.toml has no program {name}");
        assert!(read(&format!("fuzz/targets/{name}.rs")).contains(&format!("(\"{name}\", bytes)")), "{name}");
        assert!(document.contains(&format!("| `{name}` |")), "docs/fuzzing.md has no row for {name}");
    }
}
