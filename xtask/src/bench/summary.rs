//! What the runs say: medians, ratios to the best peer of each workload, geometric means.

use super::results::{Kind, Measured, Results, Role, Run, Workload};

/// Which figure of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Figure {
    /// Loops: nanoseconds a pair. Programs: seconds from start to end.
    Time,
    /// The most memory that was resident, in MiB.
    Memory,
    /// Processor time of all threads, in the program and in the kernel, in seconds.
    Processor,
}

impl Figure {
    /// Its value in one run of a workload of `kind`.
    pub fn of(self, kind: Kind, run: &Run) -> f64 {
        match (self, kind, run.nanoseconds_per_pair) {
            (Figure::Memory, ..) => run.peak_rss_kib as f64 / 1024.0,
            (Figure::Processor, ..) => {
                (run.user_microseconds + run.system_microseconds) as f64 / 1e6
            }
            (Figure::Time, Kind::Loop, Some(pair)) => pair,
            (Figure::Time, ..) => run.wall_nanoseconds as f64 / 1e9,
        }
    }
}

/// How one allocator stands to the best peer of one workload.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// The workload.
    pub workload: String,
    /// What it is compared by.
    pub kind: Kind,
    /// The peer with the lowest median.
    pub best: String,
    /// The median over the rounds of the allocator's figure divided by that peer's in the same round.
    pub ratio: f64,
    /// The lowest and the highest of these quotients.
    pub range: (f64, f64),
}

/// One figure over all programs.
#[derive(Clone, Debug, PartialEq)]
pub struct Overall {
    /// How many programs it is about.
    pub programs: usize,
    /// The geometric mean of the ratios.
    pub mean: f64,
    /// The highest ratio, and where.
    pub worst: (f64, String),
}

/// The median of `values`, which are finite; `None` without any.
pub fn median(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    let mut sorted: Vec<f64> = values.into_iter().collect();
    sorted.sort_by(f64::total_cmp);
    let upper = *sorted.get(sorted.len() / 2)?;
    Some(match sorted.len() % 2 {
        0 => (sorted[sorted.len() / 2 - 1] + upper) / 2.0,
        _ => upper,
    })
}

/// The lowest and the highest of `values`.
fn range(values: &[f64]) -> (f64, f64) {
    let fold = |start: f64, choose: fn(f64, f64) -> f64| values.iter().copied().fold(start, choose);
    (
        fold(f64::INFINITY, f64::min),
        fold(f64::NEG_INFINITY, f64::max),
    )
}

/// Median, lowest and highest of `figure` of `allocator` in `workload`.
pub fn spread(workload: &Workload, allocator: &str, figure: Figure) -> Option<(f64, (f64, f64))> {
    let values: Vec<f64> = values(workload, allocator, figure)?;
    Some((median(values.iter().copied())?, range(&values)))
}

fn values(workload: &Workload, allocator: &str, figure: Figure) -> Option<Vec<f64>> {
    let runs = workload.runs.get(allocator)?;
    Some(
        runs.iter()
            .map(|run| figure.of(workload.kind, run))
            .collect(),
    )
}

/// The allocators of `roles`, by name.
pub fn names<'a>(allocators: &'a [Measured], roles: &[Role]) -> Vec<&'a str> {
    let chosen = allocators.iter().filter(|one| roles.contains(&one.role));
    chosen.map(|one| one.name.as_str()).collect()
}

/// How `allocator` stands in `workload` to the best of `peers`; `None` when it or all peers failed.
pub fn compare(
    workload: &Workload,
    allocator: &str,
    peers: &[&str],
    figure: Figure,
) -> Option<Comparison> {
    let own = values(workload, allocator, figure)?;
    let medians = peers
        .iter()
        .filter(|&&peer| peer != allocator)
        .filter_map(|&peer| Some((peer, spread(workload, peer, figure)?.0)));
    let (best, _) = medians.min_by(|one, other| one.1.total_cmp(&other.1))?;
    let others = values(workload, best, figure)?;
    let quotients: Vec<f64> = own
        .iter()
        .zip(&others)
        .map(|(own, other)| own / other)
        .collect();
    Some(Comparison {
        workload: workload.name.clone(),
        kind: workload.kind,
        best: best.to_owned(),
        ratio: median(quotients.iter().copied())?,
        range: range(&quotients),
    })
}

/// How `allocator` stands to the best of `peers` in every workload where that can be said.
pub fn comparisons(
    results: &Results,
    allocator: &str,
    peers: &[&str],
    figure: Figure,
) -> Vec<Comparison> {
    let workloads = results.workloads.iter();
    workloads
        .filter_map(|workload| compare(workload, allocator, peers, figure))
        .collect()
}

/// The programs among `comparisons` together; `None` without any.
pub fn overall(comparisons: &[Comparison]) -> Option<Overall> {
    let programs: Vec<&Comparison> = comparisons
        .iter()
        .filter(|one| one.kind == Kind::Program)
        .collect();
    let worst = programs
        .iter()
        .max_by(|one, other| one.ratio.total_cmp(&other.ratio))?;
    let logarithms: f64 = programs.iter().map(|one| one.ratio.ln()).sum();
    Some(Overall {
        programs: programs.len(),
        mean: (logarithms / programs.len() as f64).exp(),
        worst: (worst.ratio, worst.workload.clone()),
    })
}

#[cfg(test)]
mod tests {
    use super::super::results::tests::{results, run, workload};
    use super::*;

    #[test]
    fn medians() {
        assert_eq!(median([3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median([4.0, 1.0, 2.0, 3.0]), Some(2.5));
        assert_eq!(median([]), None);
    }

    #[test]
    fn ratios_are_taken_within_a_round() {
        // The machine slows down by half between the rounds; the ratio is 0.5 in both.
        let fancy = [run(1.0, 4, None), run(2.0, 4, None)];
        let glibc = [run(2.0, 8, None), run(4.0, 8, None)];
        let mimalloc = [run(9.0, 2, None), run(9.0, 2, None)];
        let one = workload(
            "a",
            Kind::Program,
            &[
                ("fancy", &fancy),
                ("glibc", &glibc),
                ("mimalloc", &mimalloc),
            ],
        );
        let peers = ["glibc", "mimalloc"];
        let time = compare(&one, "fancy", &peers, Figure::Time).unwrap();
        assert_eq!(
            (time.best.as_str(), time.ratio, time.range),
            ("glibc", 0.5, (0.5, 0.5))
        );
        let memory = compare(&one, "fancy", &peers, Figure::Memory).unwrap();
        assert_eq!((memory.best.as_str(), memory.ratio), ("mimalloc", 2.0));
        assert_eq!(compare(&one, "guest", &peers, Figure::Time), None);
        assert_eq!(compare(&one, "fancy", &["guest"], Figure::Time), None);
    }

    #[test]
    fn loops_are_compared_by_the_pair_and_stay_out_of_the_mean() {
        let timed = workload(
            "pair",
            Kind::Loop,
            &[
                ("fancy", &[run(9.0, 1, Some(2.0))]),
                ("glibc", &[run(1.0, 1, Some(4.0))]),
            ],
        );
        let program = |name, seconds| {
            let runs = [run(seconds, 1, None)];
            let other = [run(1.0, 1, None)];
            workload(name, Kind::Program, &[("fancy", &runs), ("glibc", &other)])
        };
        let results = results(vec![timed, program("a", 0.5), program("b", 2.0)]);
        let all = comparisons(&results, "fancy", &["glibc"], Figure::Time);
        assert_eq!(all[0].ratio, 0.5);
        let overall = overall(&all).unwrap();
        assert_eq!(
            (overall.programs, overall.worst),
            (2, (2.0, "b".to_owned()))
        );
        assert!((overall.mean - 1.0).abs() < 1e-12);
    }
}
