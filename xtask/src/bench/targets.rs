//! What is aimed at, and whether it is reached.

use super::results::{Kind, Results};
use super::summary::{Comparison, Figure, comparisons, overall};

/// One target beside what was measured.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// What is measured.
    pub what: String,
    /// The figure.
    pub figure: f64,
    /// What it may be at most.
    pub target: f64,
    /// What the figure is about: a peer, a workload, a number of workloads.
    pub note: String,
}

impl Verdict {
    /// Whether the target is reached.
    pub fn met(&self) -> bool {
        self.figure <= self.target
    }

    /// `met`, or by how much the figure is above the target.
    pub fn word(&self) -> String {
        match self.met() {
            true => "met".to_owned(),
            false => format!(
                "missed by {:.0} %",
                (self.figure / self.target - 1.0) * 100.0
            ),
        }
    }
}

/// A loop's time may be this times the best peer's: less than a twentieth is a tie.
const LOOP: f64 = 1.05;
/// The same for frees in random order, where a header before each block costs cache.
const LOOP_RANDOM: f64 = 1.15;
/// Instructions for a pair of 64 bytes, call and loop included.
const INSTRUCTIONS: f64 = 42.0;
/// The geometric mean over the programs of time, to the best peer of each.
const MEAN_TIME: f64 = 0.95;
/// The same for memory.
const MEAN_MEMORY: f64 = 1.0;
/// No program may take longer than this times its best peer.
const WORST_TIME: f64 = 1.2;
/// The same for memory.
const WORST_MEMORY: f64 = 1.5;

/// All targets that the results say something about, for `allocator` against `peers`.
pub fn verdicts(results: &Results, allocator: &str, peers: &[&str]) -> Vec<Verdict> {
    let time = comparisons(results, allocator, peers, Figure::Time);
    let memory = comparisons(results, allocator, peers, Figure::Memory);
    let mut verdicts: Vec<Verdict> = time
        .iter()
        .filter(|one| one.kind == Kind::Loop)
        .map(timed)
        .collect();
    let pair = results
        .workloads
        .iter()
        .find(|workload| workload.name == "pair");
    if let Some(&figure) = pair.and_then(|pair| pair.instructions.get(allocator)) {
        verdicts.push(Verdict {
            what: "instructions a pair".to_owned(),
            figure,
            target: INSTRUCTIONS,
            note: "malloc and free of 64 B, call and loop included".to_owned(),
        });
    }
    let both = [
        ("time", &time, MEAN_TIME, WORST_TIME),
        ("memory", &memory, MEAN_MEMORY, WORST_MEMORY),
    ];
    for (name, comparisons, mean, worst) in both {
        let Some(overall) = overall(comparisons) else {
            continue;
        };
        verdicts.push(Verdict {
            what: format!("programs, {name}: geometric mean"),
            figure: overall.mean,
            target: mean,
            note: format!("of {} programs, to the best peer of each", overall.programs),
        });
        verdicts.push(Verdict {
            what: format!("programs, {name}: worst"),
            figure: overall.worst.0,
            target: worst,
            note: overall.worst.1,
        });
    }
    verdicts
}

fn timed(one: &Comparison) -> Verdict {
    Verdict {
        what: format!("{}, time", one.workload),
        figure: one.ratio,
        target: if one.workload == "random" {
            LOOP_RANDOM
        } else {
            LOOP
        },
        note: format!("to {}", one.best),
    }
}

#[cfg(test)]
mod tests {
    use super::super::results::tests::{results, run, workload};
    use super::*;

    #[test]
    fn targets_are_met_or_missed_by_a_share() {
        let mut pair = workload(
            "pair",
            Kind::Loop,
            &[
                ("fancy", &[run(1.0, 1, Some(2.1))]),
                ("glibc", &[run(1.0, 1, Some(2.0))]),
            ],
        );
        pair.instructions.insert("fancy".to_owned(), 63.0);
        let program = workload(
            "a",
            Kind::Program,
            &[
                ("fancy", &[run(1.0, 3, None)]),
                ("glibc", &[run(2.0, 1, None)]),
            ],
        );
        let verdicts = verdicts(&results(vec![pair, program]), "fancy", &["glibc"]);
        let words: Vec<String> = verdicts.iter().map(Verdict::word).collect();
        assert_eq!(
            words,
            [
                "met",
                "missed by 50 %",
                "met",
                "met",
                "missed by 200 %",
                "missed by 100 %"
            ]
        );
    }

    #[test]
    fn what_was_not_measured_is_not_judged() {
        assert!(verdicts(&results(Vec::new()), "fancy", &["glibc"]).is_empty());
    }
}
