//! One allocator on one tape.

use super::Allocator;
use crate::stats::Spread;
use crate::theme::Colour;
use replayer::results::{Fault, Percentiles, Ratio, Results, Run};

/// One allocator on one tape: its runs and what they say together.
#[derive(Debug)]
pub struct Cell<'r> {
    /// The name given to `-a`.
    pub id: &'r str,
    /// What people read, see [`Allocator::name`].
    pub name: &'r str,
    /// Its colour.
    pub colour: Colour,
    /// Finished runs, in the order measured.
    pub runs: Vec<&'r Run>,
    /// Runs that gave no measurement.
    pub faults: Vec<&'r Fault>,
    /// Reasons to doubt.
    pub warnings: Vec<&'r str>,
    /// Elapsed time over `system`'s.
    pub time: Option<Estimate>,
    /// Peak RSS over `system`'s.
    pub memory: Option<Estimate>,
    /// Elapsed time over `system`'s, one a repetition that both have.
    pub pairs: Vec<f64>,
    /// Elapsed time, nanoseconds.
    pub elapsed: Option<Spread>,
    /// Peak RSS, bytes.
    pub rss: Option<Spread>,
    /// Peak live bytes.
    pub live: Option<Spread>,
    /// Peak RSS over peak live bytes of the same run.
    pub overhead: Option<Spread>,
    /// Processor time over `system`'s.
    pub processor: Option<Estimate>,
    /// Requests refused, in all runs.
    pub refused: u64,
}

/// A ratio to `system` that can be used: finite, positive, its interval in order.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// The median of the paired ratios.
    pub median: f64,
    /// The lower end of the interval.
    pub low: f64,
    /// The upper end.
    pub high: f64,
    /// Whether there was more than one pair; with one there is no interval, only a figure.
    pub repeated: bool,
}

/// What an [`Estimate`] says of the allocator against `system`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The whole interval is below 1: less time, less memory.
    Less,
    /// The whole interval is above 1.
    More,
    /// The interval includes 1: no difference beyond noise.
    Level,
    /// One pair only: nothing is known of the noise.
    Single,
}

impl Estimate {
    fn new(ratio: Ratio, pairs: usize) -> Option<Estimate> {
        let usable = |v: f64| v.is_finite() && v > 0.0;
        if !usable(ratio.median) {
            return None;
        }
        let (low, high) = if usable(ratio.low) && usable(ratio.high) {
            (ratio.low, ratio.high)
        } else {
            (ratio.median, ratio.median)
        };
        Some(Estimate {
            median: ratio.median,
            low: low.min(ratio.median),
            high: high.max(ratio.median),
            repeated: pairs != 1,
        })
    }

    /// Less, more, or not to be told.
    pub fn verdict(&self) -> Verdict {
        match self {
            _ if !self.repeated => Verdict::Single,
            e if e.high < 1.0 => Verdict::Less,
            e if e.low > 1.0 => Verdict::More,
            _ => Verdict::Level,
        }
    }
}

impl<'r> Cell<'r> {
    /// The runs with `threads` workers ([`Run::threads`]) only: others are other measurements.
    pub(super) fn new(
        results: &'r Results,
        tape: &str,
        of: &Allocator<'r>,
        threads: Option<u32>,
    ) -> Cell<'r> {
        let allocator = of.id;
        let runs_of = |name: &str| -> Vec<&'r Run> {
            let runs = results.runs.iter();
            runs.filter(|r| r.tape == tape && r.allocator == name && r.threads == threads)
                .collect()
        };
        let (runs, base) = (runs_of(allocator), runs_of("system"));
        let pairs: Vec<f64> = runs
            .iter()
            .filter_map(|run| {
                let system = base.iter().find(|b| b.repetition == run.repetition)?;
                (system.elapsed_ns > 0 && run.elapsed_ns > 0)
                    .then(|| run.elapsed_ns as f64 / system.elapsed_ns as f64)
            })
            .collect();
        let summary = results
            .summary
            .iter()
            .find(|s| s.tape == tape && s.allocator == allocator && s.threads == threads);
        let estimate = |ratio: Option<Ratio>| ratio.and_then(|r| Estimate::new(r, pairs.len()));
        let spread =
            |value: fn(&Run) -> Option<f64>| Spread::of(runs.iter().filter_map(|r| value(r)));
        Cell {
            id: allocator,
            name: of.name,
            colour: of.colour,
            faults: results
                .faults
                .iter()
                .filter(|f| f.tape == tape && f.allocator == allocator && f.threads == threads)
                .collect(),
            warnings: summary.map_or_else(Vec::new, |s| {
                s.warnings.iter().map(String::as_str).collect()
            }),
            time: estimate(summary.and_then(|s| s.elapsed_ratio)),
            memory: estimate(summary.and_then(|s| s.rss_ratio)),
            processor: estimate(summary.and_then(|s| s.cpu_ratio)),
            elapsed: spread(|r| Some(r.elapsed_ns as f64)),
            rss: spread(|r| r.peak_rss_bytes.map(|b| b as f64)),
            live: spread(|r| r.peak_live_bytes.map(|b| b as f64)),
            overhead: spread(|r| match (r.peak_rss_bytes, r.peak_live_bytes) {
                (Some(rss), Some(live)) if live > 0 => Some(rss as f64 / live as f64),
                _ => None,
            }),
            refused: runs.iter().map(|r| r.failed).fold(0, u64::saturating_add),
            pairs,
            runs,
        }
    }

    /// Whether this is what the others are compared with.
    pub fn is_baseline(&self) -> bool {
        self.id == "system"
    }

    /// Whether this only calibrates the harness and serves nobody.
    pub fn is_calibration(&self) -> bool {
        self.id == "null"
    }

    /// Whether its figures may be compared with others': it served every request and every run ended.
    /// (One that refuses requests is fast because it fails.)
    pub fn is_contender(&self) -> bool {
        !self.runs.is_empty()
            && self.refused == 0
            && self.faults.is_empty()
            && !self.is_calibration()
    }

    /// Why its figures must not be compared, in a few words.
    pub fn reservation(&self) -> Option<String> {
        if !self.faults.is_empty() {
            return Some(super::plural(self.faults.len(), "faulty run"));
        }
        (self.refused > 0).then(|| format!("{} refused", crate::units::count(self.refused)))
    }

    /// The run whose elapsed time is the median (the lower one of two), among those that `with` accepts.
    pub fn typical_run(&self, with: impl Fn(&Run) -> bool) -> Option<&'r Run> {
        let mut runs: Vec<&'r Run> = self.runs.iter().copied().filter(|r| with(r)).collect();
        runs.sort_by_key(|r| r.elapsed_ns);
        runs.get(runs.len().saturating_sub(1) / 2).copied()
    }

    /// Percentiles over the repetitions: the median of each, and the greatest of the maxima. Nanoseconds: p50, p90, p99, p99.9, max.
    pub fn percentiles(&self, of: impl Fn(&Run) -> Option<Percentiles>) -> Option<[f64; 5]> {
        let all: Vec<Percentiles> = self.runs.iter().filter_map(|r| of(r)).collect();
        let median = |pick: fn(&Percentiles) -> u64| Spread::of(all.iter().map(|p| pick(p) as f64));
        Some([
            median(|p| p.p50)?.median,
            median(|p| p.p90)?.median,
            median(|p| p.p99)?.median,
            median(|p| p.p999)?.median,
            median(|p| p.max)?.max,
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn estimate(median: f64, low: f64, high: f64, pairs: usize) -> Option<Estimate> {
        Estimate::new(Ratio { median, low, high }, pairs)
    }

    #[test]
    fn verdicts() {
        let verdict = |m, l, h, n| estimate(m, l, h, n).map(|e| e.verdict());
        assert_eq!(verdict(0.5, 0.4, 0.6, 5), Some(Verdict::Less));
        assert_eq!(verdict(1.5, 1.4, 1.6, 5), Some(Verdict::More));
        assert_eq!(verdict(0.98, 0.9, 1.02, 5), Some(Verdict::Level));
        assert_eq!(verdict(0.5, 0.5, 0.5, 1), Some(Verdict::Single));
    }

    #[test]
    fn nonsense_is_not_an_estimate() {
        assert_eq!(estimate(f64::NAN, 1.0, 1.0, 5), None);
        assert_eq!(estimate(0.0, 0.0, 1.0, 5), None);
        assert_eq!(estimate(f64::INFINITY, 0.0, 1.0, 5), None);
        let without = estimate(0.5, f64::NAN, 0.6, 5);
        assert_eq!(without.map(|e| (e.low, e.high)), Some((0.5, 0.5)));
        let swapped = estimate(0.5, 0.9, 0.6, 5);
        assert_eq!(swapped.map(|e| (e.low, e.high)), Some((0.5, 0.6)));
    }
}
