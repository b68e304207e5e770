//! The answer to "which allocator for these tapes, and what does it cost me?", with how sure it is.

use super::cell::{Estimate, Verdict};
use super::{Study, list, plural};
use crate::stats::geometric_mean;
use crate::units::{percent, times, times_range_of, times_with_interval};

/// The recommendation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advice {
    /// One sentence.
    pub headline: String,
    /// What to know beside it: the cost in memory, rivals, how sure it is.
    pub points: Vec<String>,
}

/// An allocator that was a contender, with a ratio, on every tape.
struct Candidate<'s> {
    name: &'s str,
    times: Vec<(&'s str, Estimate)>,
    memories: Vec<(&'s str, Estimate)>,
    mean_time: f64,
    mean_memory: Option<f64>,
}

/// Weighs the contenders over all tapes by the geometric mean of their time ratios.
pub fn advice(study: &Study<'_>) -> Advice {
    let candidates = candidates(study);
    let tapes = study.tapes.len();
    let here = match tapes {
        1 => format!("For the tape {}", study.tapes[0].name),
        n => format!("For these {n} tapes"),
    };
    let mut points = Vec::new();
    let best = candidates
        .iter()
        .filter(|c| c.name != "system")
        .min_by(|a, b| a.mean_time.total_cmp(&b.mean_time));
    let headline = match best {
        None => without_candidates(study, &here),
        Some(best) => {
            let headline = headline(best, &here, tapes);
            points.extend(cost(best));
            points.extend(rivals(best, &candidates));
            points.extend(leaner(best, &candidates));
            headline
        }
    };
    points.extend(doubts(study));
    Advice { headline, points }
}

fn candidates<'s>(study: &'s Study<'_>) -> Vec<Candidate<'s>> {
    let all = study.allocators.iter().enumerate();
    all.filter_map(|(i, allocator)| {
        let cells: Vec<_> = study.tapes.iter().map(|t| (t.name, &t.cells[i])).collect();
        if !cells.iter().all(|(_, c)| c.is_contender()) {
            return None;
        }
        let times: Vec<_> = cells
            .iter()
            .map(|(t, c)| Some((*t, c.time?)))
            .collect::<Option<_>>()?;
        let memories: Vec<_> = cells
            .iter()
            .filter_map(|(t, c)| Some((*t, c.memory?)))
            .collect();
        let means = |of: &[(&str, Estimate)]| {
            geometric_mean(&of.iter().map(|(_, e)| e.median).collect::<Vec<_>>())
        };
        let mean_memory = if memories.len() == times.len() {
            means(&memories)
        } else {
            None
        };
        Some(Candidate {
            name: allocator.name,
            mean_time: means(&times)?,
            mean_memory,
            times,
            memories,
        })
    })
    .collect()
}

fn with(of: &[(&str, Estimate)], verdict: Verdict) -> Vec<String> {
    of.iter()
        .filter(|(_, e)| e.verdict() == verdict)
        .map(|(tape, _)| (*tape).to_owned())
        .collect()
}

fn range(of: &[(&str, Estimate)]) -> String {
    times_range_of(of.iter().map(|(_, e)| e.median))
}

fn headline(best: &Candidate<'_>, here: &str, tapes: usize) -> String {
    let (faster, slower) = (
        with(&best.times, Verdict::Less),
        with(&best.times, Verdict::More),
    );
    let single = with(&best.times, Verdict::Single);
    let each = if tapes == 1 {
        ""
    } else {
        ", and is faster beyond noise on every one"
    };
    if best.mean_time >= 1.0 {
        return format!("{here}, stay with system: on the whole no allocator was faster.");
    }
    if !single.is_empty() {
        return format!(
            "{here}, {} took the least time, {} system’s, but one repetition says nothing of the noise: measure more.",
            best.name,
            range(&best.times)
        );
    }
    if faster.len() == tapes {
        let needs = match &best.times[..] {
            [(_, e)] => format!("{} of", times_with_interval(e.median, e.low, e.high)),
            all => range(all),
        };
        return format!(
            "{here}, take {}: it needs {needs} system’s time{each}.",
            best.name
        );
    }
    if faster.is_empty() {
        return format!("{here}, stay with system: no allocator was faster beyond noise.");
    }
    let but = if slower.is_empty() {
        String::from("on the rest there is no difference beyond noise")
    } else {
        format!("but it is slower on {}", list(&slower))
    };
    format!(
        "{here}, {} is the fastest on the whole ({} system’s time, geometric mean): it is faster on {}, {but}.",
        best.name,
        times(best.mean_time),
        list(&faster)
    )
}

fn cost(best: &Candidate<'_>) -> Option<String> {
    if best.memories.is_empty() {
        return Some(format!(
            "What {} costs in memory was not measured.",
            best.name
        ));
    }
    let (less, more) = (
        with(&best.memories, Verdict::Less),
        with(&best.memories, Verdict::More),
    );
    let all = best.memories.len();
    let worst = best
        .memories
        .iter()
        .max_by(|a, b| a.1.median.total_cmp(&b.1.median))?;
    let range = range(&best.memories);
    Some(if !more.is_empty() {
        let elsewhere = if more.len() == all {
            String::new()
        } else {
            format!(", {range} over all")
        };
        format!(
            "What it costs: {} system’s peak RSS on {}{elsewhere}.",
            times(worst.1.median),
            worst.0
        )
    } else if less.len() == all {
        format!("It costs no memory: its peak RSS is {range} system’s.")
    } else {
        format!("Its peak RSS is {range} system’s: nowhere larger beyond noise.")
    })
}

fn rivals(best: &Candidate<'_>, candidates: &[Candidate<'_>]) -> Option<String> {
    let overlap = |a: &Estimate, b: &Estimate| a.low <= b.high && b.low <= a.high;
    let level: Vec<&str> = candidates
        .iter()
        .filter(|c| c.name != best.name && c.name != "system")
        .filter(|c| {
            c.times
                .iter()
                .zip(&best.times)
                .all(|(a, b)| overlap(&a.1, &b.1))
        })
        .map(|c| c.name)
        .collect();
    (!level.is_empty()).then(|| {
        format!(
            "{} cannot be told from {} by time: the intervals overlap on every tape.",
            list(&level),
            best.name
        )
    })
}

fn leaner(best: &Candidate<'_>, candidates: &[Candidate<'_>]) -> Option<String> {
    let least = candidates
        .iter()
        .filter_map(|c| Some((c.mean_memory?, c)))
        .min_by(|a, b| a.0.total_cmp(&b.0))?;
    // Less than 2 % is no reason to choose another allocator.
    if least.1.name == best.name || least.0 > best.mean_memory? * 0.98 {
        return None;
    }
    Some(format!(
        "If memory matters more than time: {} peaks at {} system’s RSS and takes {} its time.",
        least.1.name,
        times(least.0),
        times(least.1.mean_time)
    ))
}

fn doubts(study: &Study<'_>) -> Vec<String> {
    let cells = || {
        study
            .tapes
            .iter()
            .flat_map(|t| t.cells.iter().map(move |c| (t.name, c)))
    };
    let mut out = Vec::new();
    if let Some(partial) = &study.results.partial {
        out.push(format!("Not all runs were made: {partial}"));
    }
    let settings = study.results.replay.as_ref();
    if settings.is_some_and(|s| s.pace == "recorded") {
        out.push(recorded_pace(study));
    }
    match study.repetitions() {
        0 | 1 => {}
        n => out.push(format!(
            "Intervals are 95 % bootstrap intervals of the paired ratio over {}{}.",
            plural(n, "repetition"),
            few(n)
        )),
    }
    let refusing: Vec<String> = cells()
        .filter(|(_, c)| c.refused > 0)
        .map(|(t, c)| format!("{} on {t}", c.name))
        .collect();
    if !refusing.is_empty() {
        out.push(format!(
            "Not compared, because requests were refused: {}.",
            list(&refusing)
        ));
    }
    let faulty: Vec<String> = cells()
        .filter(|(_, c)| !c.faults.is_empty())
        .map(|(t, c)| format!("{} on {t}", c.name))
        .collect();
    if !faulty.is_empty() {
        out.push(format!(
            "Not compared, because runs failed: {}.",
            list(&faulty)
        ));
    }
    match study.results.warnings.len() + cells().map(|(_, c)| c.warnings.len()).sum::<usize>() {
        0 => {}
        n => out.push(format!(
            "The measurement came with {}: see below.",
            plural(n, "warning")
        )),
    }
    out
}

/// The interval of a median can't reach beyond the least and the most that was seen. Those two enclose the true median unless all
/// repetitions fall on one side of it: in 1 − 2^(1−n) of all cases.
fn few(repetitions: usize) -> String {
    let covered = 1.0 - 0.5f64.powi(repetitions.saturating_sub(1).min(60) as i32);
    if covered > 0.93 {
        return String::new();
    }
    format!(
        "; from so few they reach from the least to the most and can be trusted in {} of cases only (-n 5 or more is better)",
        percent(covered)
    )
}

/// Elapsed time says nothing where every allocator waits for the clock: the processor time does.
fn recorded_pace(study: &Study<'_>) -> String {
    let cells = study
        .tapes
        .iter()
        .flat_map(|t| t.contenders().map(move |c| (t.name, c)));
    let least = cells
        .filter_map(|(tape, c)| Some((c.processor?, tape, c.name)))
        .min_by(|a, b| a.0.median.total_cmp(&b.0.median));
    let best = least.map_or_else(String::new, |(ratio, tape, name)| {
        format!(
            ": the least is {} system’s, by {name} on {tape}",
            times(ratio.median)
        )
    });
    format!(
        "The tapes ran at their recorded pace, so compare processor time, not elapsed time{best}."
    )
}

fn without_candidates(study: &Study<'_>, here: &str) -> String {
    let measured = |id: &str| study.results.runs.iter().any(|r| r.allocator == id);
    if study.results.runs.is_empty() {
        "Nothing was measured: no run finished.".to_owned()
    } else if !measured("system") {
        format!("{here} there is no comparison: system was not measured.")
    } else if study
        .allocators
        .iter()
        .all(|a| a.id == "system" || !measured(a.id))
    {
        format!("{here} there is no comparison: only system was measured.")
    } else {
        format!(
            "{here} no allocator was measured on every tape without a refused request or a fault."
        )
    }
}
