//! Measurements side by side: what changed from the first to each of the others, and what of it is beyond noise.

mod around;
mod change;
mod gather;

pub use around::Difference;
pub use change::{Change, Lost, Shift, Turn, WORTH};

use super::plural;
use crate::stats::Spread;
use crate::units::{nanos, percent, times};
use around::{differences, same_machine};
use change::amount;
use gather::changes;
use replayer::results::Results;

/// Measurements, compared with the first.
#[derive(Debug)]
pub struct Diff<'r> {
    /// What the first is called.
    pub before: String,
    /// Its results.
    pub old: &'r Results,
    /// The others, in the order given.
    pub after: Vec<After<'r>>,
}

/// One measurement against the first.
#[derive(Debug)]
pub struct After<'r> {
    /// What it is called.
    pub label: String,
    /// Its results.
    pub new: &'r Results,
    /// What was compared.
    pub basis: Basis,
    /// One for each tape, allocator and number of workers that either has.
    pub changes: Vec<Change>,
    /// What is not the same around the measurement.
    pub differences: Vec<Difference>,
}

/// Time or memory of a change.
type Side = fn(&Change) -> Option<Shift>;

/// What is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Basis {
    /// Times and sizes as measured: both come from the same machine.
    Absolute,
    /// Their ratios to `system`'s in the same repetition: machines differ, and what they do to `system` they do to all.
    ToSystem,
}

impl Basis {
    /// For a sentence.
    pub fn words(self) -> &'static str {
        match self {
            Basis::Absolute => "by the figures as measured, since the machine is the same",
            Basis::ToSystem => "by the ratios to system, since the machines are not the same",
        }
    }
}

impl<'r> Diff<'r> {
    /// Compares each of the others with the first; each comes with what it is called.
    pub fn new(first: (&str, &'r Results), others: &[(&str, &'r Results)]) -> Diff<'r> {
        let after = others.iter().map(|(label, new)| {
            let differences = differences(first.1, new);
            let basis = if same_machine(first.1, new) {
                Basis::Absolute
            } else {
                Basis::ToSystem
            };
            After {
                label: (*label).to_owned(),
                new,
                basis,
                changes: changes(first.1, new, basis),
                differences,
            }
        });
        Diff {
            before: first.0.to_owned(),
            old: first.1,
            after: after.collect(),
        }
    }

    /// What got slower by more than `limit` (a share), or was lost; sentences.
    pub fn regressions(&self, limit: f64) -> Vec<String> {
        let of = |after: &After<'_>, change: &Change| {
            let who = format!("{}: {} on {}", after.label, change.allocator, change.tape);
            if let Some(Lost::After(why)) = &change.lost {
                return Some(format!("{who} gave no figures to compare: {why}"));
            }
            let time = change.time.filter(|t| t.exceeds(limit))?;
            let doubt = if time.ratio.repeated {
                ""
            } else {
                " in one repetition, so the noise is unknown"
            };
            let figures = match after.basis {
                Basis::Absolute => format!("{} → {}", nanos(time.before), nanos(time.after)),
                Basis::ToSystem => format!(
                    "{} → {} of system’s time",
                    times(time.before),
                    times(time.after)
                ),
            };
            Some(format!(
                "{who} is {} slower{doubt} ({figures})",
                amount(time.ratio.median)
            ))
        };
        let all = self
            .after
            .iter()
            .flat_map(|a| a.changes.iter().map(move |c| (a, c)));
        all.filter_map(|(after, change)| of(after, change))
            .collect()
    }

    /// One sentence for all: what changed beyond noise, and who the most.
    pub fn headline(&self) -> String {
        let changes = || self.after.iter().flat_map(|a| &a.changes);
        let compared = changes().filter(|c| c.time.is_some()).count();
        let lost = changes()
            .filter(|c| matches!(c.lost, Some(Lost::After(_))))
            .count();
        if compared == 0 {
            return "Nothing can be compared: no allocator has sound runs of the same tape on both sides.".to_owned();
        }
        let (time, memory): (Side, Side) = (|c| c.time, |c| c.memory);
        let parts: Vec<String> = [
            (time, Turn::Worse, "slower"),
            (time, Turn::Better, "faster"),
            (memory, Turn::Worse, "larger"),
            (memory, Turn::Better, "smaller"),
        ]
        .into_iter()
        .filter_map(|(side, turn, word)| self.turned(side, turn, word))
        .collect();
        let of = plural(compared, "comparison");
        let unknown = changes().filter_map(|c| c.time).all(|t| !t.ratio.repeated);
        let mut text = match parts.is_empty() {
            true if unknown => {
                format!("One repetition says nothing of the noise: none of {of} can be judged")
            }
            true => format!("Nothing changed beyond noise in {of}"),
            false => format!("Beyond noise, of {of}: {}", super::list(&parts)),
        };
        if lost > 0 {
            text += &format!("; {} lost", plural(lost, "figure"));
        }
        text + "."
    }

    /// How many have turned so, and which of them the most: `2 slower (most: fancy on basic, by 30 %)`; `None` of none.
    fn turned(&self, side: Side, turn: Turn, word: &str) -> Option<String> {
        let turned = self.after.iter().flat_map(|after| {
            let changes = after.changes.iter();
            changes.filter_map(move |change| {
                let shift = side(change).filter(|shift| shift.turn() == turn)?;
                let ratio = shift.ratio.median;
                // How far from what it was, whichever way.
                Some((after, change, ratio.max(1.0 / ratio)))
            })
        });
        let turned: Vec<_> = turned.collect();
        let (after, change, by) = turned.iter().max_by(|a, b| a.2.total_cmp(&b.2))?;
        let label = match self.after.len() {
            1 => String::new(),
            _ => format!(" in {}", after.label),
        };
        Some(format!(
            "{} {word} ({}{} on {}{label}, by {})",
            turned.len(),
            if turned.len() > 1 { "most: " } else { "" },
            change.allocator,
            change.tape,
            amount(*by)
        ))
    }

    /// A change that would be seen in half of the comparisons of time, as a share: how far the intervals reach above their
    /// ratios. `None` where nothing was repeated.
    pub fn resolution(&self) -> Option<f64> {
        let changes = self.after.iter().flat_map(|a| &a.changes);
        let reach = changes
            .filter_map(|c| c.time)
            .filter(|t| t.ratio.repeated)
            .map(|t| t.ratio.high / t.ratio.median - 1.0);
        Spread::of(reach).map(|s| s.median)
    }

    /// What makes the comparison doubtful as a whole.
    pub fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if let Some(share) = self.resolution().filter(|share| *share > 0.1) {
            notes.push(format!(
                "The noise is such that a change of time of less than {} would mostly go unseen: more repetitions (-n), or a quieter machine, would show it.",
                percent(share)
            ));
        }
        for after in &self.after {
            let tapes = after
                .differences
                .iter()
                .filter(|d| d.what.starts_with("tape "));
            for tape in tapes {
                notes.push(format!(
                    "{} is not the same recording in {} and {}: part of any change may be the recording’s.",
                    tape.what, self.before, after.label
                ));
            }
            let no_system =
                after.basis == Basis::ToSystem && after.changes.iter().all(|c| c.time.is_none());
            if no_system {
                notes.push(format!(
                    "{} comes from another machine, and without system on both sides nothing can be compared.",
                    after.label
                ));
            }
        }
        notes
    }
}
