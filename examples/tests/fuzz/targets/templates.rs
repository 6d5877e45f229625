//! Templates and overlays: bytes are an overlay, its template and the next version of that, divided by a line.

use seamless_mapping::notation::declarations;
use seamless_mapping::template::{Choices, Composed, Overlay, Template, compose, upgrade};
use seamless_mapping::{LoadOptions, ParameterValues};

use super::{Target, findings};

pub(crate) const TARGET: Target = Target {
    name: "template",
    run,
    made,
    words: &[
        "replace: ",
        "disable",
        "set: ",
        "unset: ",
        "add: ",
        "options: ",
        "move: ",
        "after: ",
        "only_with: ",
        "variants: ",
        "links:\n",
        "rules:\n",
        "add_links:\n",
        "tests:\n",
        " <-> ",
        " -> ",
        "version: ",
        "template: ",
        "${",
        "=",
        "\r\n",
    ],
};

const DIVIDER: &str = "\n=====\n";

fn made() -> Vec<Vec<u8>> {
    let overlay = include_str!("../../../../seamless-mapping/tests/data/template/customer.yaml");
    let old = include_str!("../../../../seamless-mapping/tests/data/template/sales-erp-1.yaml");
    let new = include_str!("../../../../seamless-mapping/tests/data/template/sales-erp-2.yaml");
    vec![[overlay, old, new].join(DIVIDER).into_bytes()]
}

fn run(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let mut parts = text.split(DIVIDER);
    let (overlay, old, new) = (parts.next().unwrap_or(""), parts.next(), parts.next());
    let overlay = Overlay::read("overlay", overlay).map_err(|found| findings(&found));
    let template = |name: &str, text: Option<&str>| {
        Template::read(name, text.unwrap_or("")).map_err(|found| findings(&found))
    };
    let (Ok(old), Ok(overlay)) = (template("old", old), overlay) else { return };
    let new = new.map_or_else(|| Ok(old.clone()), |text| template("new", Some(text)));
    for choices in old.combinations(4) {
        if let Ok(composed) = compose(&old, &[], &choices) {
            whole(&composed);
        }
    }
    let overlays = [overlay];
    let composed = match compose(&old, &overlays, &Choices::new()) {
        Ok(composed) => composed,
        Err(found) => return findings(&found),
    };
    whole(&composed);
    let Ok(new) = new else { return };
    match upgrade(&old, &new, &overlays, &ParameterValues::new()) {
        Ok(done) => {
            let [layer] = done.overlays.as_slice() else { panic!("one overlay is one overlay") };
            let again = Overlay::read("upgraded", &layer.text).unwrap_or_else(|found| panic!("{found}"));
            compose(&new, &[again], &Choices::new()).unwrap_or_else(|found| panic!("{found}"));
            done.refused.iter().for_each(findings);
        }
        Err(found) => {
            let loads = |composed: Composed| composed.load(&LoadOptions::default()).is_ok();
            let sound =
                new.combinations(16).iter().all(|choices| compose(&new, &[], choices).is_ok_and(loads));
            assert!(old.id() != new.id() || !sound, "{found}");
            findings(&found);
        }
    }
}

/// What was put together has an origin for every line, and loads or says why not in places of its files.
fn whole(composed: &Composed) {
    assert_eq!(composed.lines().len(), composed.text().lines().count());
    if let Err(found) = composed.load(&LoadOptions::default()) {
        findings(&found);
    }
    let read = |text: &str| declarations("m", text, &ParameterValues::new()).ok();
    assert_eq!(read(&composed.annotated()), read(composed.text()), "{}", composed.annotated());
}
