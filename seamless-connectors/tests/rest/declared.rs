//! Declarations: every mistake with its place and what to write instead, all at once.

use seamless_connectors::rest::{Rest, RestConfig};
use seamless_core::model::ErrorKind;

use super::desk::DECLARATION;

fn refused(declaration: &str) -> String {
    let mut config = RestConfig::new("desk.yaml");
    config.url = Some("https://desk.example/".to_owned());
    let error = Rest::declared("desk.yaml", declaration, config).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    error.to_string()
}

#[test]
fn a_mistake_is_told_with_its_line_and_what_to_write() {
    for (from, to, said) in [
        ("connector: rest", "connector: rst", "desk.yaml:2:12"),
        ("list: GET tickets", "list: GET /tickets", "no slash at its beginning"),
        ("one: GET tickets/{id}", "one: GET tickets", "has {id} in it"),
        ("list: GET tickets", "list: FETCH tickets", "is no method"),
        ("key: id", "key: nr", "there is no field `nr`"),
        ("key: id", "key: price", "a key is text or a whole number"),
        ("modified: updated_at", "modified: due", "the stamp of changes is an instant"),
        ("subject: text(200)", "subject: txt(200)", "is no kind"),
        ("records: /data", "records: data", "begins with a slash: /data"),
        ("by: cursor", "by: curser", "there are page, offset, cursor"),
        ("gone: [404, 410]", "gone: [200]", "a status from 400 to 499"),
        ("returns: record", "returns: yes", "`record` or `nothing`"),
        ("overlap_s: 5", "overlp_s: 5", "did you mean `overlap_s`?"),
        ("label: Ticket", "lable: Ticket", "did you mean `label`?"),
        ("count: int", "count: reference(user)", "there is no entity user"),
        ("unique: [subject]", "unique: [subjekt]", "did you mean `subject`?"),
    ] {
        assert!(DECLARATION.contains(from), "{from}");
        let said_all = refused(&DECLARATION.replacen(from, to, 1));
        assert!(said_all.contains(said), "{to}: {said_all}");
        assert!(said_all.contains("desk.yaml:"), "{said_all}");
    }
}

#[test]
fn all_mistakes_are_told_at_once() {
    let wrong = DECLARATION
        .replace("key: id", "key: nr")
        .replace("subject: text(200)", "subject: txt")
        .replace("POST", "PUSH");
    let said = refused(&wrong);
    for part in ["`nr`", "\"txt\"", "\"PUSH\""] {
        assert!(said.contains(part), "{part}: {said}");
    }
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let error = Rest::open(RestConfig::new("/nowhere/desk.yaml")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.to_string().contains("/nowhere/desk.yaml"), "{error}");
}

/// The promise of the documentation: an API like this one takes few lines.
#[test]
fn a_declaration_is_short() {
    assert!(DECLARATION.lines().count() < 80);
}
