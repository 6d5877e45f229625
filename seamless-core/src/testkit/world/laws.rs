//! Laws that relate two worlds: records that come in another order, sides that change places, processes that die. No
//! expected result is needed, only that both worlds do the same. The doors are [`order_law`], [`mirror_law`] and
//! [`crash_law`].

use std::collections::BTreeSet;

use futures::executor::block_on;

use super::chronicle::Thing;
use super::deed::{Deed, What};
use super::finding::{Finding, Harm};
use super::kind::Subject;
use super::play::{Outcome, Player};
use super::script::{Run, Script, Step};
use crate::model::{Error, Result, Side};

/// I17: plays the script twice, with enumerations in two orders. The plan of what is left to do at the end must be the same,
/// entry by entry, and when all is quiet so must be what both systems hold. The systems must promise no order, or nothing
/// is shuffled.
///
/// Errors: as [`play`](super::play).
pub fn order_law(subject: &Subject, script: &Script) -> Result<Outcome> {
    let shuffled = |shuffle: u64| -> Result<(Vec<String>, Outcome)> {
        let mut script = script.clone();
        Side::BOTH.into_iter().for_each(|side| script.systems.of_mut(side).shuffle = shuffle);
        let mut player = Player::new(subject, &script)?;
        script.steps.iter().try_for_each(|step| player.step(step))?;
        let entries = planned(&player)?;
        player.settle()?;
        Ok((entries, player.outcome()))
    };
    let (entries, mut outcome) = shuffled(1)?;
    let (others, other) = shuffled(2)?;
    if let Some((one, another)) = differing(&entries, &others) {
        outcome.add(Harm::OrderMatters, "I17", format!("in one order {one}, in another {another}"));
    }
    if let Some((one, another)) = differing(&outcome.picture, &other.picture) {
        outcome.add(
            Harm::OrderMatters,
            "I17",
            format!("it ends with {one}, in another order with {another}"),
        );
    }
    Ok(outcome)
}

/// I16: plays the script as it is, and with everything changed over, under the mapping that the subject has for that. What
/// both systems hold in the end must be mirrored. Deeds within runs and broken off runs are left out, since moments and
/// steps are counted over both systems in an order that is not mirrored.
///
/// Errors: as [`play`](super::play); the subject does not say how it is built with its sides changed over.
pub fn mirror_law(subject: &Subject, script: &Script) -> Result<Outcome> {
    let mirror = subject.mirror.clone().ok_or_else(|| {
        Error::configuration("the subject does not say how it is built mirrored")
            .with_remedy("say so with `mirrored_by`")
    })?;
    let mut script = script.clone();
    for step in &mut script.steps {
        if let Step::Run(run) = step {
            *run = Run::default();
        }
    }
    let other = Subject {
        kinds: subject.kinds.iter().map(super::kind::Kind::mirrored).collect(),
        build: mirror,
        mirror: None,
        open: subject.open.clone(),
    };
    let mut outcome = super::play::play(subject, &script)?;
    let mirrored = super::play::play(&other, &mirror_of(&script))?;
    let mut picture: Vec<String> = mirrored.picture.iter().map(|line| change_over(line)).collect();
    picture.sort();
    if let Some((one, another)) = differing(&outcome.picture, &picture) {
        outcome.add(Harm::SidesMatter, "I16", format!("it ends with {one}, changed over with {another}"));
    }
    let writes = (outcome.writes, mirrored.writes);
    // Of records that change names in a ring one lets go first; which one is nobody's business, and it may need a write more.
    let has_rings = script.deeds().any(|deed| matches!(deed.what, What::Rename(_) | What::Swap(_)));
    if writes.0 != writes.1 && !has_rings {
        let words = format!("{} operations were sent, changed over {}", writes.0, writes.1);
        outcome.add(Harm::SidesMatter, "I16", words);
    }
    Ok(outcome)
}

/// I27: plays the script as it is, and without its crashes. A process that died is followed by one that comes to the end of
/// its run before anybody acts again, so that users find the same in both worlds; then both must end in the same picture,
/// but for things that wait for a person in the world with crashes. What would not be the same in both worlds is left out:
/// deeds within runs, faults, edits that are committed late, and what the systems write of their own accord.
///
/// Errors: as [`play`](super::play).
pub fn crash_law(subject: &Subject, script: &Script) -> Result<Outcome> {
    let script = resumed(script);
    let mut without = script.clone();
    for step in &mut without.steps {
        if let Step::Run(run) = step {
            run.crash = None;
        }
    }
    let ended = |script: &Script| -> Result<(Outcome, Ended)> {
        let mut player = Player::new(subject, script)?;
        player.world.lock().is_thorough = true;
        script.steps.iter().try_for_each(|step| player.step(step))?;
        player.settle()?;
        let ended = Ended { owed: player.owes("I27"), waiting: player.waiting()?, lines: player.lines() };
        Ok((player.outcome(), ended))
    };
    let (undisturbed, before) = ended(&without)?;
    let (mut outcome, after) = ended(&script)?;
    let is_unsettled = |outcome: &Outcome| outcome.findings.iter().any(|of| of.harm == Harm::Unsettled);
    if is_unsettled(&undisturbed) || is_unsettled(&outcome) {
        return Ok(outcome);
    }
    let lines = |ended: &Ended| -> Vec<String> {
        let is_compared = |thing: &Option<Thing>| thing.is_none_or(|thing| !after.waiting.contains(&thing));
        ended.lines.iter().filter(|(thing, _)| is_compared(thing)).map(|(_, line)| line.clone()).collect()
    };
    if let Some((one, another)) = differing(&lines(&before), &lines(&after)) {
        let words = format!("it ends with {one}, where no process died, and with {another}, where some did");
        outcome.find(Finding {
            harm: Harm::CrashMatters,
            invariant: "I27",
            side: Side::Left,
            owed: after.owed,
            words,
        });
    }
    Ok(outcome)
}

/// What a world of [`crash_law`] came to.
struct Ended {
    owed: bool,
    /// Things that wait for a person.
    waiting: BTreeSet<Thing>,
    lines: Vec<(Option<Thing>, String)>,
}

/// The script with two runs behind those that die, and without what cannot be the same in a world without crashes. The first
/// comes to the end, the second finds nothing to do: users change names of what they know to be linked.
fn resumed(script: &Script) -> Script {
    let mut steps: Vec<Step> = Vec::with_capacity(script.steps.len());
    let mut died = false;
    let resume = |steps: &mut Vec<Step>, died: &mut bool| {
        if std::mem::take(died) {
            steps.extend([Step::Run(Run::default()), Step::Run(Run::default())]);
        }
    };
    for step in &script.steps {
        if !matches!(step, Step::Run(_) | Step::Fault(..)) {
            resume(&mut steps, &mut died);
        }
        match step {
            Step::Fault(..) => {}
            Step::Run(run) => {
                died |= run.crash.is_some();
                steps.push(Step::Run(Run { crash: run.crash, deeds: Vec::new() }));
            }
            Step::Deed(Deed { what: What::Begin(field), side, kind, thing }) => {
                let what = What::Edit(*field);
                steps.push(Step::Deed(Deed { what, side: *side, kind: *kind, thing: *thing }));
            }
            step => steps.push(step.clone()),
        }
    }
    resume(&mut steps, &mut died);
    let mut resumed = Script { steps, ..script.clone() };
    for side in Side::BOTH {
        let switches = resumed.systems.of_mut(side);
        (switches.automation, switches.default_on_create) = (false, false);
    }
    resumed
}

fn mirror_of(script: &Script) -> Script {
    let mut mirrored = script.clone();
    mirrored.systems = script.systems.clone().mirrored();
    for step in &mut mirrored.steps {
        match step {
            Step::Deed(deed) => deed.side = deed.side.other(),
            Step::Event(side, _) | Step::Fault(side, _) => *side = side.other(),
            Step::Wait(_) | Step::Run(_) => {}
        }
    }
    mirrored
}

fn change_over(line: &str) -> String {
    match (line.strip_prefix("left "), line.strip_prefix("right ")) {
        (Some(rest), _) => format!("right {rest}"),
        (_, Some(rest)) => format!("left {rest}"),
        _ => line.to_owned(),
    }
}

/// The entries of a plan as lines; head and trailer, which name times and cursors, are left out.
fn planned(player: &Player<'_>) -> Result<Vec<String>> {
    let mut bytes = Vec::new();
    let plan = block_on(player.integration.plan())?;
    block_on(plan.write_jsonl(&mut bytes))?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let mut lines: Vec<String> = text.lines().skip(1).map(str::to_owned).collect();
    lines.pop();
    Ok(lines)
}

/// The first place where two lists differ.
fn differing(one: &[String], other: &[String]) -> Option<(String, String)> {
    let at = (0..one.len().max(other.len())).find(|at| one.get(*at) != other.get(*at))?;
    let shown = |list: &[String]| list.get(at).cloned().unwrap_or_else(|| "nothing".to_owned());
    Some((shown(one), shown(other)))
}
