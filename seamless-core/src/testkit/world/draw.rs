//! Random scripts: which systems, which users, which mishaps a seed stands for. The door is [`Script::draw`].

use super::deed::{Deed, Event, What};
use super::dice::Dice;
use super::level::Level;
use super::script::{Run, Script, Step};
use super::switches::{Blank, Switches, Versions};
use super::system::Fault;
use crate::model::{Side, Sides};

/// What a drawn script may meet.
#[derive(Clone, Debug)]
pub struct Weather {
    /// The levels that the two systems are drawn from.
    pub levels: Sides<Vec<Level>>,
    /// How many oddities a system has at most.
    pub oddities_max: usize,
    /// Whether calls go wrong and processes die.
    pub faults: bool,
    /// Whether users act while the integration runs.
    pub rushes: bool,
    /// Whether records are merged and hidden, cursors expire and environments are copied.
    pub upheavals: bool,
    /// Whether systems are restored from backups. Who approves plans respects guards then, which are all that stops the
    /// engine from taking what is missing afterwards for deleted: a script that restores few records among many fails.
    pub restores: bool,
    /// Whether content changes behind the back of versions and feeds.
    pub silent: bool,
    /// Whether people decide what waits for them, and ask for another try.
    pub resolves: bool,
    /// Whether users change the names that records are matched by, where the kind says that they may.
    pub renames: bool,
    /// Whether users type former values again, and what stands on the other side. Not by default: of what is found then,
    /// one in some two thousand schedules, it is not decided whether the engine or the oracle is wrong.
    pub repeats: bool,
    /// Whether systems declare what is not so.
    pub lies: bool,
    /// Whether faults go on to the end.
    pub unbounded: bool,
    /// Steps of a script at most.
    pub steps_max: usize,
}

impl Default for Weather {
    /// Everything but restores, repeated values and lies, over all levels, until it becomes quiet.
    fn default() -> Self {
        Self {
            levels: Sides::new(Level::ALL.to_vec(), Level::ALL.to_vec()),
            oddities_max: 2,
            faults: true,
            rushes: true,
            upheavals: true,
            restores: false,
            silent: true,
            resolves: true,
            renames: true,
            repeats: false,
            lies: false,
            unbounded: false,
            steps_max: 30,
        }
    }
}

impl Weather {
    /// Systems of these levels without oddities.
    pub fn plain(left: Level, right: Level) -> Self {
        Self {
            levels: Sides::new(vec![left], vec![right]),
            oddities_max: 0,
            upheavals: false,
            silent: false,
            ..Self::default()
        }
    }
}

/// What may be drawn for a step, weather permitting.
#[derive(Clone, Copy)]
enum Draw {
    Deed,
    Run,
    Rushed,
    Faulty,
    Crashing,
    Wait,
    Upheaval,
    Quarrel,
}

impl Script {
    /// The script of a seed, for a subject with so many kinds.
    pub fn draw(seed: u64, kinds: usize, weather: &Weather) -> Self {
        let mut dice = Dice::new(seed);
        let mut script = Script::new(
            draw_switches(&mut dice, &weather.levels.left, weather),
            draw_switches(&mut dice, &weather.levels.right, weather),
        );
        script.unbounded = weather.unbounded;
        script.things = 2 + dice.below(2);
        let steps = 3 + dice.below(weather.steps_max.max(1));
        let has_merges = weather.upheavals && dice.once_in(4);
        let has_silent = weather.silent && dice.once_in(4);
        let has_resolves = weather.resolves && dice.once_in(2);
        // A backup that is restored is somebody's doing who is there to be asked.
        let has_restores = weather.restores && dice.once_in(2);
        // Whose name a merge or a backup brings back could not be told.
        let has_renames = weather.renames && !has_merges && !has_restores && dice.once_in(3);
        let deeds = Deeds {
            kinds,
            things: script.things,
            has_merges,
            has_silent,
            has_begins: true,
            has_resolves,
            has_renames,
        };
        script.cautious = has_restores;
        for _ in 0..steps {
            let step = draw_step(&mut dice, weather, &deeds, has_restores);
            script.steps.extend(step);
        }
        if weather.repeats {
            script.repeat(seed);
        }
        script
    }

    /// Lets users of some scripts repeat now and then what was typed before, where they would have typed something new. By
    /// chance of its own, so that the others stay as they are.
    fn repeat(&mut self, seed: u64) {
        let mut dice = Dice::new(seed ^ REPEATS);
        if !dice.once_in(3) {
            return;
        }
        let deeds = self.steps.iter_mut().flat_map(|step| match step {
            Step::Deed(deed) => vec![deed],
            Step::Run(run) => run.deeds.iter_mut().map(|(_, deed)| deed).collect(),
            Step::Event(..) | Step::Fault(..) | Step::Wait(_) => Vec::new(),
        });
        for deed in deeds {
            if let What::Edit(field) | What::Clear(field) = deed.what {
                deed.what = match dice.below(5) {
                    0 => What::Back(field),
                    1 => What::Copy(field),
                    _ => deed.what,
                };
            }
        }
    }
}

/// What the chance of repeated values is mixed with.
const REPEATS: u64 = 0x5EED_0F0A_6A14;

impl Script {
    /// A graph of records that both systems hold in step, and then edits of both: what one plan has to decide at once.
    pub(super) fn draw_graph(seed: u64, kinds: usize, weather: &Weather) -> Self {
        let mut dice = Dice::new(seed);
        let mut script = Script::new(
            draw_switches(&mut dice, &weather.levels.left, weather),
            draw_switches(&mut dice, &weather.levels.right, weather),
        );
        script.things = 4;
        // What is committed at a time of its own is seen or not, as other things take longer or shorter.
        let deeds = Deeds {
            kinds,
            things: script.things,
            has_merges: false,
            has_silent: weather.silent,
            has_begins: false,
            has_resolves: weather.resolves,
            has_renames: weather.renames,
        };
        for kind in 0..kinds {
            for thing in (0..script.things).filter(|_| !dice.once_in(4)).collect::<Vec<_>>() {
                let side = draw_side(&mut dice);
                script.steps.push(Step::Deed(Deed { side, kind, thing, what: What::Create }));
            }
        }
        for round in 0..1 + dice.below(2) {
            script.steps.push(Step::Run(Run::default()));
            script.steps.push(Step::Wait(2 * 3600));
            let count = if round == 0 { 4 + dice.below(20) } else { dice.below(8) };
            script.steps.extend((0..count).map(|_| Step::Deed(deeds.draw(&mut dice))));
        }
        if weather.repeats {
            script.repeat(seed);
        }
        script
    }
}

struct Deeds {
    kinds: usize,
    things: usize,
    has_merges: bool,
    has_silent: bool,
    /// Whether edits are committed late.
    has_begins: bool,
    /// Whether people decide what waits for them.
    has_resolves: bool,
    /// Whether users change names.
    has_renames: bool,
}

fn draw_side(dice: &mut Dice) -> Side {
    if dice.once_in(2) { Side::Left } else { Side::Right }
}

fn draw_switches(dice: &mut Dice, levels: &[Level], weather: &Weather) -> Switches {
    let mut switches = Switches::of(dice.pick(levels).unwrap_or(Level::Full));
    let count = dice.below(weather.oddities_max + 1);
    for _ in 0..count {
        match dice.below(20) {
            0 => switches.truncate = 6 + dice.below(8),
            1 => switches.round = Some(u32::try_from(dice.below(2)).unwrap_or(1)),
            2 => switches.upper = true,
            3 => switches.trim = true,
            4 => switches.blank = Blank::Empty,
            5 => switches.blank = Blank::Null,
            6 => switches.default_on_create = true,
            7 => switches.computed = true,
            8 => switches.automation = true,
            9 => switches.versions = Versions::None,
            10 => switches.versions = Versions::Stamp(1000),
            11 => switches.lag = 20 + 20 * u64::try_from(dice.below(10)).unwrap_or(0),
            12 => switches.page_skew = true,
            13 => switches.cap = 1 + dice.below(3),
            14 => switches.soft_delete = true,
            15 => switches.narrow = 8 + dice.below(6),
            16 => switches.short = 8 + dice.below(6),
            17 => switches.required = true,
            18 => switches.picky = true,
            _ => switches.redirect = false,
        }
    }
    switches.late_commit = 50 + 50 * u64::try_from(dice.below(10)).unwrap_or(0);
    switches.page = 1 + dice.below(3);
    if weather.lies && dice.once_in(2) {
        switches.lies.extend(dice.pick(&crate::connector::Capability::ALL));
    }
    switches
}

fn draw_step(dice: &mut Dice, weather: &Weather, deeds: &Deeds, has_restores: bool) -> Vec<Step> {
    let mut draws = vec![(Draw::Deed, 10), (Draw::Run, 3), (Draw::Wait, 1)];
    if weather.rushes {
        draws.push((Draw::Rushed, 4));
    }
    if weather.faults {
        draws.extend([(Draw::Faulty, 2), (Draw::Crashing, 2)]);
    }
    if weather.upheavals {
        draws.push((Draw::Upheaval, 1));
    }
    if deeds.has_resolves {
        draws.push((Draw::Quarrel, 3));
    }
    let sum = draws.iter().map(|(_, weight)| weight).sum();
    let mut at = dice.below(sum);
    let mut chosen = Draw::Deed;
    for (draw, weight) in draws {
        if at < weight {
            chosen = draw;
            break;
        }
        at -= weight;
    }
    match chosen {
        Draw::Deed => vec![Step::Deed(deeds.draw(dice))],
        Draw::Run => vec![Step::Run(Run::default())],
        Draw::Wait => vec![Step::Wait(dice.pick(&[1, 60, 4000]).unwrap_or(60))],
        Draw::Rushed if dice.once_in(2) => {
            // Aimed at the moment between reading and writing: what is about to be written is edited there, too.
            let (kind, thing, side) = (dice.below(deeds.kinds), dice.below(deeds.things), draw_side(dice));
            let what = What::Edit(dice.below(4));
            let first = Deed { side, kind, thing, what };
            let moment = 4 + u64::try_from(dice.below(24)).unwrap_or(0);
            let second = Deed { side: side.other(), ..first };
            vec![Step::Deed(first), Step::Run(Run { crash: None, deeds: vec![(moment, second)] })]
        }
        Draw::Rushed => {
            let count = 1 + dice.below(4);
            let deeds =
                (0..count).map(|_| (1 + u64::try_from(dice.below(60)).unwrap_or(0), deeds.draw(dice)));
            vec![Step::Run(Run { crash: None, deeds: deeds.collect() })]
        }
        Draw::Faulty => {
            let fault = dice.pick(&Fault::ALL).unwrap_or(Fault::LostReply);
            vec![Step::Fault(draw_side(dice), fault), Step::Run(Run::default())]
        }
        Draw::Crashing => {
            let crash = u64::try_from(dice.below(400)).ok();
            vec![Step::Run(Run { crash, deeds: Vec::new() })]
        }
        Draw::Quarrel => draw_quarrel(dice, deeds),
        Draw::Upheaval => draw_upheaval(dice, deeds, has_restores),
    }
}

/// Both sides edit a field, and somebody decides between them: at once or later, between two runs or within one, and now and
/// then without knowing what was edited since.
fn draw_quarrel(dice: &mut Dice, deeds: &Deeds) -> Vec<Step> {
    let (kind, thing, field) = (dice.below(deeds.kinds), dice.below(deeds.things), dice.below(4));
    let deed = |side: Side, what: What| Deed { side, kind, thing, what };
    let edit = |side: Side, what: What| Step::Deed(deed(side, what));
    let second = if dice.once_in(4) { What::Clear(field) } else { What::Edit(field) };
    let mut steps = vec![edit(draw_side(dice), What::Create), Step::Run(Run::default())];
    let first = draw_side(dice);
    steps.extend([edit(first, What::Edit(field)), edit(first.other(), second), Step::Run(Run::default())]);
    if dice.once_in(2) {
        steps.push(edit(draw_side(dice), What::Look));
        if dice.once_in(2) {
            steps
                .push(edit(draw_side(dice), What::Edit(if dice.once_in(3) { dice.below(4) } else { field })));
        }
        steps.extend(dice.once_in(2).then(|| Step::Run(Run::default())));
    }
    let decided = deed(draw_side(dice), What::Resolve);
    if dice.once_in(2) {
        steps.push(Step::Deed(decided));
        let moment = 1 + u64::try_from(dice.below(40)).unwrap_or(0);
        let late = deed(draw_side(dice), What::Edit(field));
        let deeds = if dice.once_in(2) { vec![(moment, late)] } else { Vec::new() };
        steps.push(Step::Run(Run { crash: None, deeds }));
    } else {
        let moment = 1 + u64::try_from(dice.below(60)).unwrap_or(0);
        steps.push(Step::Run(Run { crash: None, deeds: vec![(moment, decided)] }));
    }
    steps
}

fn draw_upheaval(dice: &mut Dice, deeds: &Deeds, has_restores: bool) -> Vec<Step> {
    let side = draw_side(dice);
    let (kind, thing) = (dice.below(deeds.kinds), dice.below(deeds.things));
    let deed = |what| Step::Deed(Deed { side, kind, thing, what });
    match dice.below(6) {
        0 => vec![deed(What::Hide), Step::Run(Run::default()), deed(What::Show)],
        1 => {
            let field = dice.below(3);
            vec![deed(What::Deny(field)), Step::Run(Run::default()), deed(What::Allow(field))]
        }
        2 => vec![deed(What::Hide)],
        3 => {
            vec![Step::Event(side, Event::Clone), Step::Run(Run::default()), Step::Event(side, Event::Return)]
        }
        4 if has_restores => vec![Step::Event(side, Event::Restore)],
        5 if has_restores => vec![Step::Event(side, Event::Backup)],
        _ => vec![Step::Event(side, Event::Expire)],
    }
}

impl Deeds {
    fn draw(&self, dice: &mut Dice) -> Deed {
        let side = draw_side(dice);
        let (kind, thing) = (dice.below(self.kinds), dice.below(self.things));
        if self.has_renames && dice.once_in(4) {
            let what = if dice.once_in(3) {
                What::Swap(dice.below(self.things))
            } else {
                What::Rename(dice.below(self.things * 3))
            };
            return Deed { side, kind, thing, what };
        }
        let what = match dice.below(if self.has_resolves { 30 } else { 26 }) {
            0..=4 => What::Create,
            5..=10 => What::Edit(dice.below(4)),
            11..=12 => What::Clear(dice.below(4)),
            13 => What::Both(dice.below(4)),
            14..=16 => What::Refer(dice.below(self.things)),
            17 => What::Unrefer,
            18 => What::Note,
            19..=20 => What::Delete,
            21 => What::Undelete,
            22 => What::Touch,
            23 if self.has_merges => What::Merge(dice.below(self.things)),
            24 if self.has_silent => What::Silent(dice.below(4)),
            23 | 24 => What::Edit(dice.below(4)),
            25 if self.has_begins => What::Begin(dice.below(4)),
            26..=27 => What::Resolve,
            28 => What::Look,
            29 => What::Hint,
            _ => What::Edit(dice.below(4)),
        };
        Deed { side, kind, thing, what }
    }
}
