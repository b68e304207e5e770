//! What changed for one allocator on one tape, and whether it is beyond noise.

use crate::stats::bootstrap_ratio;
use crate::study::Estimate;
use crate::theme::Colour;
use crate::units::{percent, times};

/// A change of less than this is not worth a word, however sure.
pub const WORTH: f64 = 0.01;

/// What changed for one allocator on one tape.
#[derive(Clone, Debug)]
pub struct Change {
    /// The tape.
    pub tape: String,
    /// The allocator as people read it, with the workers where they were folded.
    pub allocator: String,
    /// The allocator's.
    pub colour: Colour,
    /// Elapsed time.
    pub time: Option<Shift>,
    /// Peak RSS.
    pub memory: Option<Shift>,
    /// Why it cannot be compared.
    pub lost: Option<Lost>,
}

/// Why an allocator cannot be compared on a tape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lost {
    /// The first has no sound runs of it.
    Before(String),
    /// The other has none, though the first has.
    After(String),
}

/// New over old.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shift {
    /// With its 95 % interval, if either side has repetitions.
    pub ratio: Estimate,
    /// The first's median.
    pub before: f64,
    /// The other's.
    pub after: f64,
}

/// What a [`Shift`] comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Less, beyond noise.
    Better,
    /// More, beyond noise.
    Worse,
    /// Not to be told.
    Same,
}

impl Shift {
    /// Between two sets of figures; `None` where either has none, or no positive one.
    pub(super) fn between(before: &[f64], after: &[f64]) -> Option<Shift> {
        let bootstrapped = bootstrap_ratio(before, after)?;
        let ratio = Estimate {
            median: bootstrapped.median,
            low: bootstrapped.low,
            high: bootstrapped.high,
            repeated: before.len() > 1 && after.len() > 1,
        };
        Some(Shift {
            ratio,
            before: bootstrapped.before,
            after: bootstrapped.after,
        })
    }

    /// Better and worse need an interval that leaves out 1, and a change of [`WORTH`].
    pub fn turn(&self) -> Turn {
        let r = &self.ratio;
        if !r.repeated || (r.median - 1.0).abs() < WORTH {
            return Turn::Same;
        }
        match () {
            () if r.high < 1.0 => Turn::Better,
            () if r.low > 1.0 => Turn::Worse,
            () => Turn::Same,
        }
    }

    /// Whether it is worse by more than `limit` (a share): beyond noise where the noise is known, else by the medians alone.
    pub fn exceeds(&self, limit: f64) -> bool {
        let noise = self.ratio.repeated && self.ratio.low <= 1.0;
        self.ratio.median > 1.0 + limit && !noise
    }
}

impl Change {
    /// A few words: `18 % slower, 3.2 % smaller`, `no change beyond noise`, or why not.
    pub fn words(&self) -> String {
        match &self.lost {
            Some(Lost::Before(why)) => return format!("no old figures: {why}"),
            Some(Lost::After(why)) => return format!("lost: {why}"),
            None => {}
        }
        let mut said = Vec::new();
        let sides = [
            (self.time, ["faster", "slower"], "time"),
            (self.memory, ["smaller", "larger"], "memory"),
        ];
        for (shift, words, what) in sides {
            let Some(shift) = shift else {
                said.push(format!("no {what} to compare"));
                continue;
            };
            match shift.turn() {
                Turn::Better => {
                    said.push(format!("{} {}", amount(1.0 / shift.ratio.median), words[0]))
                }
                Turn::Worse => said.push(format!("{} {}", amount(shift.ratio.median), words[1])),
                Turn::Same => {}
            }
        }
        let single = [self.time, self.memory]
            .iter()
            .flatten()
            .any(|s| !s.ratio.repeated);
        match (said.is_empty(), single) {
            (true, true) => "one repetition: noise unknown".to_owned(),
            (true, false) => "no change beyond noise".to_owned(),
            (false, _) => said.join(", "),
        }
    }
}

/// `18 %`, or `2.30 ×` where a percentage would be hard to read.
pub(super) fn amount(ratio: f64) -> String {
    if ratio < 2.0 {
        percent(ratio - 1.0)
    } else {
        times(ratio)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shift(before: &[f64], after: &[f64]) -> Shift {
        Shift::between(before, after).unwrap()
    }

    #[test]
    fn noise_is_no_change_and_one_repetition_no_verdict() {
        let same = shift(
            &[100.0, 102.0, 98.0, 101.0, 99.0],
            &[101.0, 99.0, 100.0, 103.0, 98.0],
        );
        assert_eq!(same.turn(), Turn::Same);
        let slower = shift(
            &[100.0, 102.0, 98.0, 101.0, 99.0],
            &[121.0, 119.0, 120.0, 123.0, 118.0],
        );
        assert_eq!(slower.turn(), Turn::Worse);
        assert!(slower.exceeds(0.05) && !slower.exceeds(0.30));
        let faster = shift(&[121.0, 119.0, 120.0], &[100.0, 102.0, 98.0]);
        assert_eq!(faster.turn(), Turn::Better);
        let once = shift(&[100.0], &[120.0]);
        assert_eq!(once.turn(), Turn::Same);
        assert!(
            once.exceeds(0.05),
            "where the noise is unknown the median decides"
        );
        assert!(Shift::between(&[], &[1.0]).is_none() && Shift::between(&[0.0], &[1.0]).is_none());
    }
}
