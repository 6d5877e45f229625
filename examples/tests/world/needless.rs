//! What waits for a person without a reason. An engine that asks about everything does no other harm, so each kind of needless
//! question is asked here on purpose, and must be found.

use std::sync::Arc;

use seamless_core::mapper::{
    Draft, LinkSpec, MapContext, MapError, MapProblem, Mapper, References, Resolved, Rule,
};
use seamless_core::model::{Record, RuleIndex, Side};
use seamless_core::sync::Integration;
use seamless_core::testkit::world::{Finding, Harm, Process, Script, Subject, play};

use super::broken::{that_hides_records, that_refuses_by_itself};
use super::subject::{kinds, mapped, subject};

/// A mapping that carries nothing into a record that is there.
#[derive(Debug)]
struct Timid {
    inner: Arc<dyn Mapper>,
    problem: MapProblem,
}

impl Mapper for Timid {
    fn link(&self) -> &LinkSpec {
        self.inner.link()
    }

    fn rules(&self) -> &[Rule] {
        self.inner.rules()
    }

    fn references(&self, from: Side, source: &Record, resolved: &Resolved) -> References {
        self.inner.references(from, source, resolved)
    }

    fn carry(
        &self,
        rule: RuleIndex,
        from: Side,
        source: &Record,
        target: &mut Draft<'_>,
        cx: &MapContext<'_>,
    ) -> Result<(), Box<MapError>> {
        if cx.creating {
            return self.inner.carry(rule, from, source, target, cx);
        }
        let rule = &self.rules()[usize::from(rule.0)];
        Err(Box::new(MapError {
            rule: rule.id.clone(),
            field: rule.fields.of(from)[0].clone(),
            kind: None,
            problem: self.problem.clone(),
            message: "somebody might mind".to_owned(),
            remedy: "ask everybody".to_owned(),
        }))
    }
}

/// The integration with a mapping that parks every edit for this reason.
fn timid(problem: MapProblem) -> Subject {
    let build = move |process: &Process| -> seamless_core::model::Result<Integration> {
        mapped(process, |links| {
            let timid = |inner| Arc::new(Timid { inner, problem: problem.clone() }) as Arc<dyn Mapper>;
            links.into_iter().map(timid).collect()
        })
        .build()
    };
    Subject::new(kinds(), build).unwrap()
}

fn found(subject: &Subject, script: &str) -> Vec<Finding> {
    let outcome = play(subject, &Script::parse(script).unwrap()).unwrap();
    outcome.findings.into_iter().filter(|finding| finding.owed).collect()
}

fn check(subject: &Subject, script: &str) {
    assert_eq!(found(&super::subject::subject(), script), [], "the script does no harm by itself");
    let found = found(subject, script);
    let is_needless = |finding: &Finding| finding.harm == Harm::NeedlessQuestion;
    assert!(found.iter().any(is_needless), "{found:#?}");
}

const EDIT: &str = "left create 0.0\nrun\nleft edit 0.0 0\nrun\n";

#[test]
fn i9_an_engine_that_asks_about_every_edit_is_found() {
    check(&timid(MapProblem::Unmappable), EDIT);
    check(&timid(MapProblem::DoesNotFit), EDIT);
}

#[test]
fn i9_a_refusal_that_the_system_did_not_speak_is_no_reason_to_ask() {
    check(&that_refuses_by_itself(), EDIT);
}

#[test]
fn i9_a_record_that_is_there_and_is_called_hidden_is_no_reason_to_ask() {
    check(&that_hides_records(), "right create 0.0\nrun\nright edit 0.0 0\nrun\n");
}

/// The same reasons are none of harm where they are so.
#[test]
fn i9_what_a_system_does_not_take_or_show_is_a_reason_to_ask() {
    for script in [
        "right: full short=9\nleft create 0.0\nrun\nleft edit 0.0 0\nrun\n",
        "right: full narrow=9\nleft create 0.0\nrun\nleft edit 0.0 0\nrun\n",
        "left create 0.0\nrun\nleft hide 0.0\nright edit 0.0 0\nrun\n",
        "left: gone-looks-hidden\nleft create 0.0\nrun\nleft delete 0.0\nright edit 0.0 0\nrun\n",
        "right: least upper\nleft create 0.0\nrun\n",
        // What is referred to was deleted; its thing then got another record, which nothing refers to.
        "things: 2\nleft create 1.0\nrun\n  at 13 right create 0.1\nleft refer 1.0 1\nleft delete 0.1\nright fault throttled\nrun\nright create 0.1\n",
    ] {
        let outcome = play(&subject(), &Script::parse(script).unwrap()).unwrap();
        assert_eq!(outcome.violation(), None, "{script}");
    }
}
