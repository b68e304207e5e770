//! From runs to ratios, and reasons to doubt them.

use trace_format::sentence::counted;

use crate::results::{Fault, Ratio, Run, Summary};

/// How often the bootstrap draws. With more, the ends of the interval move by less than a run's own noise.
const DRAWS: usize = 2_000;

/// An interval wider than this share of its median is too wide to tell.
const WIDE: f64 = 0.15;

/// The allocator that ratios are to.
pub const REFERENCE: &str = "system";

/// The middle value; the mean of the two middle ones of an even number. `None` of nothing, or of what is not a number.
pub fn median(values: &[f64]) -> Option<f64> {
    if values.is_empty() || values.iter().any(|v| v.is_nan()) {
        return None;
    }
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let half = sorted.len() / 2;
    Some(if sorted.len() % 2 == 1 {
        sorted[half]
    } else {
        f64::midpoint(sorted[half - 1], sorted[half])
    })
}

/// The median of ratios and its 95 % interval by the percentile bootstrap (Efron 1979). The draws come from a fixed seed: the same
/// values give the same interval.
pub fn ratio(values: &[f64]) -> Option<Ratio> {
    let middle = median(values)?;
    let mut random = 0x2545_f491_4f6c_dd1du64;
    let mut drawn = vec![0.0; values.len()];
    let mut medians: Vec<f64> = (0..DRAWS)
        .filter_map(|_| {
            for value in &mut drawn {
                // splitmix64 (Steele, Lea, Flood 2014).
                random = random.wrapping_add(0x9e37_79b9_7f4a_7c15);
                let mut z = random;
                z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
                z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
                z ^= z >> 31;
                *value = values[((u128::from(z) * values.len() as u128) >> 64) as usize];
            }
            median(&drawn)
        })
        .collect();
    medians.sort_unstable_by(f64::total_cmp);
    let at = |quantile: f64| medians[((medians.len() - 1) as f64 * quantile).round() as usize];
    Some(Ratio {
        median: middle,
        low: at(0.025),
        high: at(0.975),
    })
}

/// An interval of at most this share of its median is narrow: no more repetitions are needed.
const NARROW: f64 = 0.05;

/// Whether the ratio of elapsed time is known well for every allocator that has one; without a reference nothing can be known.
pub(super) fn is_narrow(
    tape: &str,
    threads: Option<u32>,
    allocators: &[&str],
    runs: &[Run],
) -> bool {
    let summaries = summarize(tape, threads, allocators, runs, &[], &[]);
    summaries
        .iter()
        .filter(|summary| summary.allocator != REFERENCE)
        .all(|summary| {
            summary
                .elapsed_ratio
                .is_some_and(|r| r.high - r.low <= NARROW * r.median)
        })
}

/// What the allocator took, and the kernel on its behalf.
fn cpu_ns(run: &Run) -> Option<u64> {
    run.time.map(|time| time.allocator_ns + time.kernel_ns)
}

/// One summary for each allocator on one tape with one number of threads. `runs` and `faults` may hold other tapes' too; `doubts` are said of every allocator.
pub fn summarize(
    tape: &str,
    threads: Option<u32>,
    allocators: &[&str],
    runs: &[Run],
    faults: &[Fault],
    doubts: &[String],
) -> Vec<Summary> {
    let of = |allocator: &str| -> Vec<&Run> {
        runs.iter()
            .filter(|r| r.tape == tape && r.threads == threads && r.allocator == allocator)
            .collect()
    };
    let reference = of(REFERENCE);
    let summarize_one = |&allocator: &&str| {
        let mine = of(allocator);
        let paired = |measure: fn(&Run) -> Option<u64>| -> Vec<f64> {
            let pair = |run: &&Run| {
                let other = reference
                    .iter()
                    .find(|other| other.repetition == run.repetition)?;
                let (mine, other) = (measure(run)?, measure(other)?);
                (other > 0).then(|| mine as f64 / other as f64)
            };
            mine.iter().filter_map(pair).collect()
        };
        let elapsed = paired(|run| Some(run.elapsed_ns));
        let elapsed_ratio = ratio(&elapsed);
        let rss_ratio = ratio(&paired(|run| run.peak_rss_bytes));
        let cpu_ratio = ratio(&paired(cpu_ns));
        let mut warnings = Vec::new();
        if let Some(wide) =
            elapsed_ratio.filter(|r| r.high - r.low > WIDE * r.median && allocator != REFERENCE)
        {
            let (low, high) = (wide.low, wide.high);
            warnings.push(format!("the time ratio is uncertain: 95 % of it lies between {low:.2} and {high:.2}; more repetitions (-n) narrow it"));
        }
        if elapsed.len() == 1 && allocator != REFERENCE {
            warnings.push("one repetition tells no spread; use -n 3 or more".to_owned());
        }
        let failed: u64 = mine.iter().map(|run| run.failed).sum();
        if failed > 0 {
            warnings.push(format!(
                "{} failed over {}: work that was not done counts as fast",
                counted(failed, "request"),
                counted(mine.len() as u64, "run")
            ));
        }
        if let Some(run) = mine
            .iter()
            .find(|run| run.failed == 0 && run.mallocs != run.frees)
        {
            warnings.push(format!(
                "{} but {} in repetition {}",
                counted(run.mallocs, "malloc"),
                counted(run.frees, "free"),
                run.repetition
            ));
        }
        if mine.iter().any(|run| run.peak_rss_bytes.is_none()) {
            warnings.push("the kernel did not tell the peak of resident memory".to_owned());
        }
        let lost = faults
            .iter()
            .filter(|f| f.tape == tape && f.threads == threads && f.allocator == allocator)
            .count();
        if lost > 0 {
            warnings.push(format!(
                "{} without a measurement; `faults` has the reasons",
                counted(lost as u64, "run")
            ));
        }
        warnings.extend(doubts.iter().cloned());
        Summary {
            tape: tape.to_owned(),
            allocator: allocator.to_owned(),
            elapsed_ratio,
            rss_ratio,
            cpu_ratio,
            threads,
            warnings,
        }
    };
    allocators.iter().map(summarize_one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians() {
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[f64::NAN]), None);
        assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), Some(2.5));
    }

    #[test]
    fn the_interval_holds_the_median_and_narrows() {
        let spread = |n: u32| {
            ratio(
                &(0..n)
                    .map(|i| 1.0 + f64::from(i % 10) / 100.0)
                    .collect::<Vec<_>>(),
            )
            .unwrap()
        };
        let (few, many) = (spread(10), spread(1000));
        for r in [few, many] {
            assert!(r.low <= r.median && r.median <= r.high, "{r:?}");
        }
        assert!(many.high - many.low < few.high - few.low);
        assert_eq!(few, spread(10));
        assert_eq!(
            ratio(&[0.7]),
            Some(Ratio {
                median: 0.7,
                low: 0.7,
                high: 0.7
            })
        );
    }

    fn run(allocator: &str, repetition: u32, elapsed_ns: u64, failed: u64) -> Run {
        Run {
            tape: "t".into(),
            allocator: allocator.into(),
            repetition,
            elapsed_ns,
            failed,
            peak_rss_bytes: Some(elapsed_ns * 2),
            ..Run::default()
        }
    }

    #[test]
    fn ratios_are_paired_by_repetition() {
        // The machine was twice as slow in the second repetition, for both.
        let runs = [
            run("system", 1, 100, 0),
            run("x", 1, 50, 0),
            run("x", 2, 100, 3),
            run("system", 2, 200, 0),
            run("x", 3, 1, 0),
        ];
        let summaries = summarize(
            "t",
            None,
            &["system", "x", "gone"],
            &runs,
            &[],
            &["busy".to_owned()],
        );
        assert_eq!(
            summaries[0].elapsed_ratio,
            Some(Ratio {
                median: 1.0,
                low: 1.0,
                high: 1.0
            })
        );
        assert_eq!(
            summaries[1].elapsed_ratio,
            Some(Ratio {
                median: 0.5,
                low: 0.5,
                high: 0.5
            })
        );
        assert_eq!(summaries[1].rss_ratio, summaries[1].elapsed_ratio);
        assert!(
            summaries[1]
                .warnings
                .iter()
                .any(|w| w.starts_with("3 requests failed"))
        );
        assert_eq!(summaries[2].elapsed_ratio, None);
        assert_eq!(summaries[2].warnings, ["busy"]);
    }

    #[test]
    fn repetitions_end_when_all_ratios_are_known() {
        let runs = |noise: u64| -> Vec<Run> {
            (1..=5)
                .flat_map(|i| {
                    [
                        run("system", i, 1000, 0),
                        run("x", i, 600 + noise * u64::from(i), 0),
                    ]
                })
                .collect()
        };
        let narrow = |runs: &[Run], names: &[&str]| is_narrow("t", None, names, runs);
        assert!(narrow(&runs(1), &["system", "x"]));
        assert!(!narrow(&runs(20), &["system", "x"]));
        assert!(!narrow(&runs(1), &["system", "x", "gone"]));
        assert!(!is_narrow("t", Some(2), &["system", "x"], &runs(1)));
    }

    #[test]
    fn a_wide_interval_is_said() {
        let runs: Vec<Run> = (1..=3)
            .flat_map(|i| {
                [
                    run("system", i, 100, 0),
                    run("x", i, 60 + 20 * u64::from(i), 0),
                ]
            })
            .collect();
        let summaries = summarize("t", None, &["x"], &runs, &[], &[]);
        assert!(
            summaries[0].warnings[0].contains("uncertain"),
            "{:?}",
            summaries[0]
        );
    }
}
