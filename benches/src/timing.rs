//! Timing several ways of doing the same work side by side: interleaved rounds, so that other load of the machine
//! hits all alike, and the median, so that one disturbance does not count.

use std::hint::black_box;
use std::time::Instant;

/// One way of doing the work: its name, and what does it once over all pairs.
pub struct Subject<'a> {
    /// The name in the table.
    pub name: &'static str,
    /// Works once over all pairs and returns something that depends on all of them.
    pub work: Box<dyn Fn() -> u64 + 'a>,
}

impl<'a> Subject<'a> {
    /// A subject.
    pub fn new(name: &'static str, work: impl Fn() -> u64 + 'a) -> Self {
        Self { name, work: Box::new(work) }
    }
}

/// How a subject is timed.
#[derive(Clone, Copy)]
pub struct Plan {
    /// Pairs in one pass.
    pub pairs: usize,
    /// Timed passes in a row.
    pub passes: usize,
    /// Rounds over all subjects.
    pub rounds: usize,
    /// Whether an untimed pass comes before the timed ones. Without it, every other subject's data has gone through
    /// the cache since.
    pub warm: bool,
}

/// The median time per pair of each subject, in nanoseconds, in the order of the subjects.
pub fn medians(subjects: &[Subject<'_>], plan: Plan) -> Vec<f64> {
    let mut times: Vec<Vec<f64>> = vec![Vec::new(); subjects.len()];
    for _ in 0..plan.rounds {
        for (subject, times) in subjects.iter().zip(&mut times) {
            if plan.warm {
                black_box((subject.work)());
            }
            let begun = Instant::now();
            for _ in 0..plan.passes {
                black_box((subject.work)());
            }
            times.push(begun.elapsed().as_nanos() as f64 / (plan.pairs * plan.passes) as f64);
        }
    }
    times.iter_mut().for_each(|times| times.sort_by(f64::total_cmp));
    times.iter().map(|times| times.get(times.len() / 2).copied().unwrap_or(f64::NAN)).collect()
}
