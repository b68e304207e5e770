//! All runs of a measurement: tapes × numbers of threads × repetitions × allocators.
//!
//! Repetitions interleave over the allocators (all once, then all again, each time another one first), so that a machine that changes
//! its speed changes it for all. Before them each tape has some runs under `null`, which tell the harness's own cost, and one
//! warm-up under the first allocator, which is thrown away; the warm-up is for the machine (page cache, clock rate), a worker is
//! always a fresh process.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use trace_format::sentence::counted;

use super::error::ReplayError;
use super::machine::machine;
use super::resume::{self, Done};
use super::session::{Harness, Session, Step};
use super::settings::Settings;
use super::statistics::{is_narrow, summarize};
use super::supervise::{self, Worker};
use crate::allocators::AllocatorName;
use crate::results::{AllocatorInfo, Fault, Results, Run};

/// What a measurement needs besides its tapes.
pub struct Measurement<'a> {
    /// The allocators, each once.
    pub allocators: &'a [AllocatorName],
    /// How to measure.
    pub settings: &'a Settings,
    /// How workers are started.
    pub worker: &'a Worker,
    /// Told how far it is.
    pub progress: &'a (dyn Fn(Progress<'_>) + Sync),
    /// Given what is measured so far, after each run.
    pub save: &'a (dyn Fn(&Results) + Sync),
    /// Set from outside when it is to end: what was measured by then is what it gives.
    pub stop: &'a AtomicBool,
    /// An earlier measurement, broken off, whose runs need not be made again.
    pub earlier: Option<Results>,
}

/// How far a measurement is.
#[derive(Clone, Debug)]
pub enum Progress<'a> {
    /// A plan is being made.
    Planning {
        /// The tape.
        tape: &'a str,
        /// Events that are read; each is read twice.
        done: u64,
        /// Twice the events of the tape.
        total: u64,
    },
    /// A run begins.
    Running {
        /// The tape.
        tape: &'a str,
        /// The allocator.
        allocator: &'a AllocatorName,
        /// The number of workers, where threads are folded.
        threads: Option<u32>,
        /// 0: warm-up or calibration.
        repetition: u32,
        /// Runs that are done, over all tapes.
        done: u64,
        /// Runs that there will be, as far as is known.
        total: u64,
    },
}

/// The most repetitions that a budget is spent on.
const MOST_REPETITIONS: u32 = 100;

/// Replays every tape under every allocator, `repetitions` times, each run in a fresh process.
///
/// # Errors
/// [`ReplayError`] if a tape can't be replayed at all. Runs that fail are in [`Results::faults`].
pub fn run_matrix(tapes: &[PathBuf], how: &Measurement<'_>) -> Result<Results, ReplayError> {
    let mut results = Results {
        machine: machine(),
        allocators: how.allocators.iter().map(|name| about(name, how)).collect(),
        replay: Some(how.settings.told()),
        ..Results::default()
    };
    let done = how
        .earlier
        .as_ref()
        .map(|earlier| resume::check(earlier, &results).map(|()| Done::of(earlier)))
        .transpose()?;
    let began = Instant::now();
    let measurements = tapes.len() * how.settings.threads.len();
    for (number, path) in tapes.iter().enumerate() {
        for (at, &threads) in how.settings.threads.iter().enumerate() {
            if how.stop.load(Ordering::Relaxed) {
                break;
            }
            let others = match at {
                0 => &results.tapes[..],
                _ => &results.tapes[..results.tapes.len() - 1],
            };
            let Some(session) = Session::open(path, others, threads, how)? else {
                break;
            };
            if at == 0 {
                results.tapes.push(session.summary().clone());
            }
            let before = number * how.settings.threads.len() + at;
            let share = how.settings.budget.map(|budget| {
                // What earlier measurements did not use is for the later ones.
                let left = budget.saturating_sub(began.elapsed());
                left / (measurements - before).max(1) as u32
            });
            let place = Place {
                before,
                measurements,
                share,
            };
            measure(&session, how, done.as_ref(), place, &mut results);
        }
    }
    if how.stop.load(Ordering::Relaxed) {
        if let Some(earlier) = &how.earlier {
            resume::keep_runs(&mut results, earlier);
            resume::keep_summaries(&mut results, earlier);
        }
        results.partial = Some(format!(
            "interrupted after {}; `--resume` makes the others",
            counted(results.runs.len() as u64, "run")
        ));
    }
    results.warnings = resume::shared_warnings(&results);
    Ok(results)
}

/// Where a measurement stands among all.
struct Place {
    before: usize,
    measurements: usize,
    /// Its share of the budget.
    share: Option<Duration>,
}

/// What an allocator tells of itself; what is preloaded is asked in a process that has it.
fn about(name: &AllocatorName, how: &Measurement<'_>) -> AllocatorInfo {
    let own = name.allocator().describe();
    match name.preload() {
        None => own,
        Some(_) => {
            supervise::describe(how.worker, name, how.stop).unwrap_or_else(|reason| AllocatorInfo {
                notes: vec![reason],
                ..own
            })
        }
    }
}

/// All runs of one tape with one number of threads.
fn measure(
    session: &Session<'_>,
    how: &Measurement<'_>,
    done: Option<&Done>,
    place: Place,
    results: &mut Results,
) {
    let began = Instant::now();
    let Settings {
        repetitions,
        budget,
        ..
    } = *how.settings;
    let tape = session.summary().name.as_str();
    let threads = session.threads();
    let count = how.allocators.len();
    let extra = Harness::RUNS + u32::from(count > 0);
    let each = u64::from(extra) + count as u64 * u64::from(repetitions);
    let mut step = Step {
        done: place.before as u64 * each,
        total: place.measurements as u64 * each,
    };
    let names: Vec<String> = how.allocators.iter().map(ToString::to_string).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let earlier = |name: &str, repetition| {
        done.and_then(|done| done.run(session.summary(), name, threads, repetition))
    };
    let all_there = names
        .iter()
        .all(|name| (1..=repetitions).all(|repetition| earlier(name, repetition).is_some()));
    let mut harness = Harness::default();
    if all_there && budget.is_none() {
        step.done += u64::from(extra);
    } else {
        harness = session.calibrate(&mut step, &mut results.faults);
        if let Some(first) = how.allocators.first() {
            session.warm_up(first, &mut step, &mut results.faults);
        }
    }
    let busy = super::busy::Busy::begin();
    let mut refused = vec![false; count];
    'all: for repetition in 1..=MOST_REPETITIONS.max(repetitions) {
        let over = match place.share {
            None => repetition > repetitions,
            Some(share) => {
                // Who gives no measurement has no ratio, however often it is tried.
                let ran = |name: &&&str| {
                    let mine = |run: &Run| run.tape == tape && run.allocator == **name;
                    results.runs.iter().any(mine)
                };
                let names: Vec<&str> = names.iter().filter(ran).copied().collect();
                repetition > repetitions
                    && (began.elapsed() >= share || is_narrow(tape, threads, &names, &results.runs))
            }
        };
        if over {
            break;
        }
        if budget.is_some() && repetition > repetitions {
            step.total += count as u64;
        }
        for turn in 0..count {
            let at = (turn + repetition as usize - 1) % count;
            let allocator = &how.allocators[at];
            if how.stop.load(Ordering::Relaxed) {
                break 'all;
            }
            if refused[at] {
                step.done += 1;
                continue;
            }
            if let Some(run) = earlier(names[at], repetition) {
                results.runs.push(run);
                step.done += 1;
                continue;
            }
            match session.run(allocator, repetition, &harness, &mut step) {
                Some(Ok(run)) => results.runs.push(run),
                Some(Err(fault)) => {
                    // A worker that could not begin won't the next time.
                    refused[at] = fault.kind.as_deref() == Some("refused");
                    results.faults.push(fault);
                }
                None => break 'all,
            }
            (how.save)(&so_far(results, how, tape, threads, &names, &busy.doubts()));
        }
    }
    if how.stop.load(Ordering::Relaxed)
        && let Some(earlier) = &how.earlier
    {
        resume::keep_runs(results, earlier);
    }
    let mut doubts = busy.doubts();
    for earlier in done.map_or(&[][..], |done| done.doubts(session.summary(), threads)) {
        if !doubts.contains(earlier) {
            doubts.push(earlier.clone());
        }
    }
    results.summary.extend(summarize(
        tape,
        threads,
        &names,
        &results.runs,
        &results.faults,
        &doubts,
    ));
}

/// What is measured by now, marked as a part.
fn so_far(
    results: &Results,
    how: &Measurement<'_>,
    tape: &str,
    threads: Option<u32>,
    names: &[&str],
    doubts: &[String],
) -> Results {
    let mut part = results.clone();
    if let Some(earlier) = &how.earlier {
        resume::keep_runs(&mut part, earlier);
    }
    part.summary.extend(summarize(
        tape,
        threads,
        names,
        &part.runs,
        &part.faults,
        doubts,
    ));
    if let Some(earlier) = &how.earlier {
        resume::keep_summaries(&mut part, earlier);
    }
    part.partial = Some(format!(
        "ended after {}; `--resume` makes the others",
        counted(part.runs.len() as u64, "run")
    ));
    part
}

/// A fault, as the results have it.
pub(super) fn fault_of(
    tape: &str,
    allocator: &AllocatorName,
    threads: Option<u32>,
    repetition: u32,
    kind: supervise::FaultKind,
    reason: String,
) -> Fault {
    Fault {
        tape: tape.to_owned(),
        allocator: allocator.to_string(),
        repetition,
        reason,
        threads,
        kind: Some(kind.name().to_owned()),
    }
}
