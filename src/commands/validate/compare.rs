//! Live and replayed, side by side.

use replayer::measure::median;
use replayer::results::{LiveRun, Results, Run, Summary};

use crate::commands::run::{middle, paired, ratios};

/// One allocator, live and replayed. Ratios are to `system`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Row {
    /// The name given to `-a`.
    pub allocator: String,
    /// Elapsed time live, nanoseconds.
    pub live_ns: Option<f64>,
    /// Elapsed time replayed.
    pub replay_ns: Option<f64>,
    /// Ratio of elapsed time, live.
    pub live_ratio: Option<f64>,
    /// Ratio of elapsed time, replayed.
    pub replay_ratio: Option<f64>,
    /// What the replayed ratio says of the whole program: see [`Compared::share`].
    pub predicted_ratio: Option<f64>,
    /// The least and the most of the live ratios.
    pub live_ratio_range: Option<(f64, f64)>,
    /// Ratio of processor time, live.
    pub live_cpu_ratio: Option<f64>,
    /// What the replay says of it for the whole program: see [`Compared::own_cpu_ns`].
    pub predicted_cpu_ratio: Option<f64>,
    /// Peak memory live, bytes: private memory where it is known, since the replay has none of the program's code.
    pub live_rss: Option<f64>,
    /// The least and the most that a live run had.
    pub live_rss_range: Option<(f64, f64)>,
    /// Peak memory replayed.
    pub replay_rss: Option<f64>,
    /// What the replay says of the whole program's memory: see [`Compared::own_memory`].
    pub predicted_rss: Option<f64>,
}

/// All allocators, and what they say together.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Compared {
    /// One row an allocator, in the order given.
    pub rows: Vec<Row>,
    /// The replay's time under `system` over the live one's: the share of the program that the replay stands for. What is left is the
    /// program's own work, which no allocator changes. A replayed ratio r predicts 1 − share × (1 − r) for the program, with a share
    /// of 1 at most.
    pub share: Option<f64>,
    /// Live processor time under `system` less what the replay had there for allocator and kernel, or nothing where that is below 0:
    /// the program's own work. Replayed times a, and s under `system`, predict the ratio (a + own) ÷ (s + own). On a busy machine this
    /// tells more than elapsed time.
    pub own_cpu_ns: Option<f64>,
    /// What the program has besides its allocator's memory, stacks and variables, which no allocator changes: the median over the
    /// allocators of live memory less replayed, or nothing where that is below 0. A replayed peak p predicts p + own memory.
    pub own_memory: Option<f64>,
    /// Spearman's rank correlation of the times, live and replayed.
    pub time_rank: Option<f64>,
    /// The same of peak memory.
    pub memory_rank: Option<f64>,
}

/// Compares the runs of `program` with the only tape of the results.
pub fn compare(results: &Results, program: &str) -> Compared {
    let Some(tape) = results.tapes.first() else {
        return Compared::default();
    };
    let live: Vec<_> = results
        .live
        .iter()
        .filter(|run| run.program == program)
        .cloned()
        .collect();
    let replayed = |allocator: &str, of: fn(&Run) -> Option<u64>| {
        let values: Vec<f64> = results
            .runs
            .iter()
            .filter(|run| run.tape == tape.name && run.allocator == allocator)
            .filter_map(of)
            .map(|value| value as f64)
            .collect();
        median(&values)
    };
    let summary = |allocator: &str| -> Option<&Summary> {
        let of = |s: &&Summary| s.tape == tape.name && s.allocator == allocator;
        results.summary.iter().find(of)
    };
    let share = replayed("system", |run| Some(run.elapsed_ns))
        .zip(middle(&live, "system", |run| run.elapsed_ns))
        .filter(|&(_, live)| live > 0.0)
        .map(|(replayed, live)| replayed / live);
    let memory_of = |run: &LiveRun| run.peak_anon_bytes.unwrap_or(run.peak_rss_bytes);
    let more = |allocator: &str| {
        let replayed = replayed(allocator, |run| run.peak_rss_bytes)?;
        Some(middle(&live, allocator, memory_of)? - replayed)
    };
    let cpu_of = |run: &LiveRun| run.user_ns + run.sys_ns;
    let replayed_cpu = |allocator: &str| {
        replayed(allocator, |run| {
            run.time.map(|time| time.allocator_ns + time.kernel_ns)
        })
    };
    let own_cpu_ns = middle(&live, "system", cpu_of)
        .zip(replayed_cpu("system"))
        .map(|(live, replayed)| (live - replayed).max(0.0));
    let predicted_cpu = |allocator: &str| {
        let (own, system) = (own_cpu_ns?, replayed_cpu("system")?);
        let ratio = (replayed_cpu(allocator)? + own) / (system + own);
        ratio.is_finite().then_some(ratio)
    };
    let names = results.allocators.iter().map(|a| a.name.as_str());
    let own_memory = median(&names.filter_map(more).collect::<Vec<_>>()).map(|more| more.max(0.0));
    let row = |allocator: &str| {
        let replay_rss = replayed(allocator, |run| run.peak_rss_bytes);
        let replay_ratio = summary(allocator)
            .and_then(|s| s.elapsed_ratio)
            .map(|ratio| ratio.median);
        Row {
            allocator: allocator.to_owned(),
            live_ns: middle(&live, allocator, |run| run.elapsed_ns),
            replay_ns: replayed(allocator, |run| Some(run.elapsed_ns)),
            live_ratio: paired(&live, allocator, |run| run.elapsed_ns).map(|r| r.median),
            replay_ratio,
            predicted_ratio: replay_ratio
                .zip(share)
                .map(|(ratio, share)| 1.0 - share.min(1.0) * (1.0 - ratio)),
            live_ratio_range: range(&ratios(&live, allocator, |run| run.elapsed_ns)),
            live_cpu_ratio: paired(&live, allocator, cpu_of).map(|r| r.median),
            predicted_cpu_ratio: predicted_cpu(allocator),
            live_rss: middle(&live, allocator, memory_of),
            live_rss_range: {
                let of = live.iter().filter(|run| run.allocator == allocator);
                range(&of.map(|run| memory_of(run) as f64).collect::<Vec<_>>())
            },
            replay_rss,
            predicted_rss: replay_rss.zip(own_memory).map(|(rss, own)| rss + own),
        }
    };
    let rows: Vec<Row> = results.allocators.iter().map(|a| row(&a.name)).collect();
    let pairs = |one: fn(&Row) -> Option<f64>, other: fn(&Row) -> Option<f64>| {
        let pairs: Vec<(f64, f64)> = rows
            .iter()
            .filter_map(|row| one(row).zip(other(row)))
            .collect();
        rank_correlation(&pairs)
    };
    Compared {
        share,
        own_cpu_ns,
        own_memory,
        time_rank: pairs(|row| row.live_ns, |row| row.replay_ns),
        memory_rank: pairs(|row| row.live_rss, |row| row.replay_rss),
        rows,
    }
}

/// The least and the most.
fn range(values: &[f64]) -> Option<(f64, f64)> {
    let least = values.iter().copied().reduce(f64::min)?;
    let most = values.iter().copied().reduce(f64::max)?;
    Some((least, most))
}

/// Spearman's rank correlation (1904): Pearson's of the ranks, ties sharing the mean of theirs. `None` of fewer than three pairs, or
/// where all of one side are equal.
fn rank_correlation(pairs: &[(f64, f64)]) -> Option<f64> {
    if pairs.len() < 3 {
        return None;
    }
    let ranks = |of: fn(&(f64, f64)) -> f64| -> Vec<f64> {
        pairs
            .iter()
            .map(|pair| {
                let value = of(pair);
                let below = pairs.iter().filter(|other| of(other) < value).count();
                let equal = pairs.iter().filter(|other| of(other) == value).count();
                below as f64 + (equal as f64 + 1.0) / 2.0
            })
            .collect()
    };
    let (one, other) = (ranks(|pair| pair.0), ranks(|pair| pair.1));
    let mean = (pairs.len() as f64 + 1.0) / 2.0;
    let product = |a: &[f64], b: &[f64]| -> f64 {
        a.iter().zip(b).map(|(x, y)| (x - mean) * (y - mean)).sum()
    };
    let spread = (product(&one, &one) * product(&other, &other)).sqrt();
    (spread > 0.0).then(|| product(&one, &other) / spread)
}

#[cfg(test)]
mod tests {
    use super::*;
    use replayer::results::{AllocatorInfo, Ratio, TapeSummary, TimeSplit};

    #[test]
    fn ranks_are_correlated() {
        let of = |pairs: &[(f64, f64)]| rank_correlation(pairs);
        assert_eq!(of(&[(1.0, 10.0), (2.0, 11.0), (3.0, 50.0)]), Some(1.0));
        assert_eq!(of(&[(1.0, 3.0), (2.0, 2.0), (3.0, 1.0)]), Some(-1.0));
        assert_eq!(of(&[(1.0, 1.0), (2.0, 2.0)]), None);
        assert_eq!(of(&[(1.0, 5.0), (2.0, 5.0), (3.0, 5.0)]), None);
        // Ranks 1, 2, 3, 4 and 1, 3, 2, 4: 1 − 6 × 2 ÷ (4 × 15).
        let swapped = of(&[(1.0, 1.0), (2.0, 3.0), (3.0, 2.0), (4.0, 4.0)]);
        assert!((swapped.unwrap() - 0.8).abs() < 1e-12);
    }

    #[test]
    fn a_ratio_is_put_into_proportion() {
        let live = |allocator: &str, repetition, elapsed_ns| LiveRun {
            program: "p".into(),
            allocator: allocator.into(),
            repetition,
            elapsed_ns,
            user_ns: elapsed_ns - 100,
            sys_ns: 50,
            peak_rss_bytes: 500,
            peak_anon_bytes: Some(90 + u64::from(repetition) * 10),
            ..LiveRun::default()
        };
        let run = |allocator: &str, elapsed_ns, rss| Run {
            tape: "t".into(),
            allocator: allocator.into(),
            repetition: 1,
            elapsed_ns,
            peak_rss_bytes: Some(rss),
            time: Some(TimeSplit {
                allocator_ns: elapsed_ns,
                kernel_ns: 100,
                ..TimeSplit::default()
            }),
            ..Run::default()
        };
        let info = |name: &str| AllocatorInfo {
            name: name.into(),
            ..AllocatorInfo::default()
        };
        let results = Results {
            tapes: vec![TapeSummary {
                name: "t".into(),
                ..TapeSummary::default()
            }],
            allocators: vec![info("system"), info("x")],
            runs: vec![run("system", 250, 80), run("x", 125, 95)],
            summary: vec![Summary {
                tape: "t".into(),
                allocator: "x".into(),
                elapsed_ratio: Some(Ratio {
                    median: 0.5,
                    low: 0.5,
                    high: 0.5,
                }),
                ..Summary::default()
            }],
            live: vec![
                live("system", 1, 1000),
                live("system", 2, 1000),
                live("system", 3, 1000),
                live("x", 1, 880),
                live("x", 2, 900),
                live("x", 3, 860),
            ],
            ..Results::default()
        };
        let compared = compare(&results, "p");
        assert_eq!(compared.share, Some(0.25));
        let x = &compared.rows[1];
        assert_eq!((x.live_ratio, x.replay_ratio), (Some(0.88), Some(0.5)));
        assert_eq!(x.predicted_ratio, Some(0.875));
        // 950 live under system, 350 of them the allocator's and the kernel's; 225 of the two under x.
        assert_eq!(compared.own_cpu_ns, Some(600.0));
        assert_eq!(x.live_cpu_ratio, Some(830.0 / 950.0));
        assert_eq!(x.predicted_cpu_ratio, Some(825.0 / 950.0));
        assert_eq!(x.live_ratio_range, Some((0.86, 0.9)));
        assert_eq!((x.live_rss, x.replay_rss), (Some(110.0), Some(95.0)));
        assert_eq!(x.live_rss_range, Some((100.0, 120.0)));
        // 110 live under system, 80 replayed; 110 and 95 under x: in the middle 22.5 are the program's own.
        assert_eq!(
            (compared.own_memory, x.predicted_rss),
            (Some(22.5), Some(117.5))
        );
    }
}
