//! The page that a business signs: that it says what runs, and says it whatever the systems call their fields.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use proptest::prelude::*;
use seamless_core::mapper::{ConflictPolicy, DriftPolicy, FirstLinkPolicy, Mapper};
use seamless_core::model::Side;
use seamless_mapping::matrix::Row;
use seamless_mapping::{LoadOptions, Mapping, Matrix, copy, load};

const TEXT: &str = r#"
integration: crm-erp
sides: { crm: dynamics-sales, erp: business-central }
note: agreed in May
links:
  - id: customers
    crm: account
    erp: Customer
    note: customers only
    scope: { crm: customertypecode == 3 }
    match: [accountnumber = No.]
    lifecycle: { crm deleted: delete, erp deleted: park }
    rules:
      - name <-> Name: { types: { crm: text(160), erp: text(50) }, too_long: truncate, on_conflict: take_crm }
      - telephone1 <-> Phone No.: { same_when: digits, note: as the central dials }
      - creditlimit <- Credit Limit (LCY): { on_drift: restore }
      - const CRM -> Source Code: { only_on: create }
      - paymenttermscode <-> Payment Terms Code: { options: [ 1 <-> 30D, 5 -> 30D ], unknown: { crm: park, erp: { use: 30D } } }
      - firstname + lastname <-> Contact: { join: " ", split: at_last }
      - no -> Our No.: { when: { crm: not blank(no) } }
      - lines <-> Lines:
          key: no = No.
          rules:
            - text <-> Text
"#;

fn mapping(text: &str) -> Mapping {
    load("m.yaml", text, &LoadOptions::default()).unwrap().mapping
}

fn row<'m>(matrix: &'m Matrix, rule: &str) -> &'m Row {
    let rows = &matrix.links[0].rows;
    rows.iter().find(|row| row.rule == rule).unwrap_or_else(|| panic!("{rule} in {rows:#?}"))
}

#[test]
fn every_rule_says_who_owns_it_and_what_happens_when_both_move() {
    let matrix = Matrix::of(&mapping(TEXT));
    let table = [
        (
            "name=Name",
            "both, crm in doubt",
            "crm ↔ erp",
            "crm wins",
            "texts longer than 50 characters are cut in erp",
        ),
        (
            "telephone1=Phone No.",
            "both",
            "crm ↔ erp",
            "a person decides",
            "differences that do not count: everything but digits",
        ),
        ("creditlimit=Credit Limit (LCY)", "erp", "crm ← erp", "cannot happen", "nothing"),
        ("=Source Code", "erp (filled once, when it is created)", "crm → erp", "cannot happen", "nothing"),
        (
            "paymenttermscode=Payment Terms Code",
            "both",
            "crm ↔ erp",
            "a person decides",
            "several values of crm are one in erp; unknown values become \"30D\" in erp",
        ),
        (
            "firstname+lastname=Contact",
            "both",
            "crm ↔ erp",
            "a person decides",
            "erp does not tell the parts apart; where a text is taken apart is a guess",
        ),
        ("no=Our No.", "crm", "crm → erp", "cannot happen", "nothing"),
        ("lines=Lines", "both", "crm ↔ erp", "a person decides", "the order of lines"),
        ("lines=Lines: text=Text", "as the list", "crm ↔ erp", "as the list", "nothing"),
    ];
    for (rule, owner, direction, conflict, loss) in table {
        let found = row(&matrix, rule);
        assert_eq!(
            (&*found.owner, &*found.direction, &*found.conflict, &*found.loss),
            (owner, direction, conflict, loss),
            "{rule}"
        );
    }
    assert_eq!(row(&matrix, "creditlimit=Credit Limit (LCY)").drift, "is overwritten again");
    assert_eq!(row(&matrix, "=Source Code").fields.left, "constant \"CRM\"");
    assert_eq!(row(&matrix, "no=Our No.").note, "from crm only when not (blank(no))");
    assert_eq!(row(&matrix, "telephone1=Phone No.").note, "as the central dials");
    let part = &matrix.links[0];
    assert_eq!(part.scope.left, "customertypecode == 3");
    assert_eq!(
        part.lifecycle,
        ["deleted in crm: it is deleted in erp too", "deleted in erp: a person decides"]
    );
}

/// What stands in the matrix is what the engine is given: no rule is missing, no policy is another.
#[test]
fn what_is_signed_is_what_runs() {
    for text in [TEXT, include_str!("data/customers.yaml")] {
        let mapping = mapping(text);
        let matrix = Matrix::of(&mapping);
        for part in &matrix.links {
            let mapper = mapping.link(&part.link).unwrap();
            for rule in mapper.rules() {
                let row = part.rows.iter().find(|row| row.rule == rule.id.as_str()).unwrap();
                let two_way = Side::BOTH.iter().all(|side| rule.direction.allows(*side));
                assert_eq!(row.direction.contains('↔'), two_way, "{}", rule.id);
                if two_way {
                    assert_eq!(row.conflict == "a person decides", rule.on_conflict == ConflictPolicy::Park);
                } else {
                    assert_eq!(row.drift == "is overwritten again", rule.on_drift == DriftPolicy::Restore);
                }
                assert_eq!(
                    row.first_link.contains("is taken"),
                    matches!(rule.first_link, FirstLinkPolicy::Take(_))
                );
            }
        }
        assert!(matrix.to_html().contains(&matrix.digest));
    }
}

/// Owner, direction, policy, table of values, limit: whatever is changed, the signature is for another page.
#[test]
fn a_signature_holds_for_nothing_else_than_what_was_signed() {
    let signed = Matrix::of(&mapping(TEXT)).digest;
    assert_eq!(signed, Matrix::of(&mapping(TEXT)).digest);
    for (from, to) in [
        ("on_conflict: take_crm", "on_conflict: take_erp"),
        ("creditlimit <- Credit", "creditlimit -> Credit"),
        ("on_drift: restore", "on_drift: keep"),
        ("5 -> 30D", "6 -> 30D"),
        ("erp: text(50)", "erp: text(40)"),
        ("const CRM", "const ERP"),
        ("crm deleted: delete", "crm deleted: park"),
        ("customertypecode == 3", "customertypecode == 4"),
        ("[accountnumber = No.]", "none"),
    ] {
        assert!(TEXT.contains(from), "{from}");
        assert_ne!(signed, Matrix::of(&mapping(&TEXT.replacen(from, to, 1))).digest, "{from}");
    }
}

#[test]
fn a_page_needs_nothing_else_and_has_room_for_signatures() {
    let page = Matrix::of(&mapping(TEXT)).to_html();
    for needed in [
        "<!DOCTYPE html>",
        "charset=\"utf-8\"",
        "@page",
        "class=\"signatures\"",
        "agreed in May",
        "customers only",
    ] {
        assert!(page.contains(needed), "{needed}");
    }
    for foreign in ["http:", "https:", "src=", "href=", "<script", "@import", "url("] {
        assert!(!page.contains(foreign), "{foreign}");
    }
}

/// Marks of HTML that are opened and closed, in their order.
fn is_balanced(page: &str) -> bool {
    let mut open: Vec<&str> = Vec::new();
    for piece in page.split('<').skip(1) {
        let Some((tag, _)) = piece.split_once('>') else { return false };
        let name = tag.split(' ').next().unwrap_or("");
        match name.strip_prefix('/') {
            _ if ["!DOCTYPE", "meta", "br"].contains(&name) => {}
            Some(name) => {
                if open.pop() != Some(name) {
                    return false;
                }
            }
            None => open.push(name),
        }
    }
    open.is_empty()
}

fn hostile() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("</td><script>alert(1)</script>".to_owned()),
        Just("\" onmouseover=\"x".to_owned()),
        Just("=1+1".to_owned()),
        Just("&amp;<!--".to_owned()),
        Just("a\u{202e}b".to_owned()),
        "[<>&\"'=a-z ]{1,20}",
    ]
    .prop_filter("a name is not blank", |name| !name.trim().is_empty())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_name_breaks_the_page(left in hostile(), right in hostile(), entity in hostile(), note in hostile()) {
        let mut mapping = Mapping::builder("l", "r").link("link", entity.as_str(), "R").match_nothing()
            .rule(copy(left.as_str(), right.as_str())).done()
            .declare();
        mapping.note = Some(note);
        let mapping = seamless_mapping::compile(&mapping, &Default::default()).unwrap();
        let page = Matrix::of(&mapping).to_html();
        prop_assert!(is_balanced(&page), "{page}");
        prop_assert_eq!(page.matches("<td>").count(), 9);
        let harmless = !page.contains("<script") && !page.contains('\u{202e}') && !page.contains("<!--");
        prop_assert!(harmless, "{}", page);
    }
}

#[cfg(feature = "xlsx")]
mod workbook {
    use calamine::{Data, Reader, Xlsx, open_workbook_from_rs};

    use super::*;

    fn sheet(matrix: &Matrix, name: &str) -> Vec<Vec<Data>> {
        let bytes = std::io::Cursor::new(matrix.to_xlsx().unwrap());
        let mut book: Xlsx<_> = open_workbook_from_rs(bytes).unwrap();
        book.worksheet_range(name).unwrap().rows().map(<[Data]>::to_vec).collect()
    }

    #[test]
    fn another_reader_finds_every_row_as_the_matrix_has_it() {
        let matrix = Matrix::of(&mapping(TEXT));
        let lines = sheet(&matrix, "ownership");
        let part = &matrix.links[0];
        assert_eq!(lines.len(), 1 + part.rows.len());
        for (line, row) in lines[1..].iter().zip(&part.rows) {
            let cells: Vec<String> = line.iter().map(ToString::to_string).collect();
            let wanted = [
                &part.link,
                &part.entity.left,
                &part.entity.right,
                &row.fields.left,
                &row.fields.right,
                &row.owner,
                &row.direction,
                &row.conflict,
                &row.first_link,
                &row.drift,
                &row.loss,
                &row.note,
            ];
            assert_eq!(cells, wanted.map(Clone::clone));
        }
        let links = sheet(&matrix, "links");
        assert!(links.iter().flatten().any(|cell| cell.to_string().contains(&matrix.digest)));
    }

    #[test]
    fn a_name_that_looks_like_a_formula_is_a_text() {
        let mapping = Mapping::builder("l", "r")
            .link("link", "L", "R")
            .match_nothing()
            .rule(copy("=1+1", "@SUM(A1)"))
            .build()
            .unwrap();
        let lines = sheet(&Matrix::of(&mapping), "ownership");
        assert_eq!(lines[1][3], Data::String("=1+1".into()));
        assert_eq!(lines[1][4], Data::String("@SUM(A1)".into()));
    }
}
