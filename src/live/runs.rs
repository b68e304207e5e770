//! Live runs: repetitions interleaved over allocators, a warm-up before.

use std::ffi::OsString;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Result, bail};
use replayer::measure::{Busy, LiveError, LiveProgram, run_live};
use replayer::results::{Fault, LiveRun};

use super::objects::LiveAllocator;
use crate::elf;
use crate::progress;
use crate::table::short_name;

/// What is run.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The program's name in the results.
    pub name: String,
    /// The program and its arguments.
    pub command: Vec<OsString>,
    /// Repetitions of each run.
    pub repetitions: u32,
    /// After this long a run counts as hung.
    pub timeout: Duration,
    /// Whether the program's standard output is shown.
    pub show_output: bool,
}

/// What live runs gave.
#[derive(Debug, Default)]
pub struct LiveRuns {
    /// One entry a run.
    pub runs: Vec<LiveRun>,
    /// Runs that gave nothing.
    pub faults: Vec<Fault>,
    /// Whether it was broken off.
    pub interrupted: bool,
    /// What makes all runs doubtful, in sentences.
    pub doubts: Vec<String>,
}

/// Runs the program under each allocator, `repetitions` times. A program that ends badly is measured, and said.
///
/// # Errors
/// No such program, or one into which nothing can be preloaded.
pub fn live_runs(
    plan: &Plan,
    allocators: &[LiveAllocator],
    worker: &Path,
    stop: &AtomicBool,
) -> Result<LiveRuns> {
    if let Some(program) = plan.command.first() {
        let Some(file) = elf::find(Path::new(program)) else {
            bail!("{}: no such program", Path::new(program).display());
        };
        if allocators.iter().any(|a| a.object.is_some())
            && let Some(reason) = elf::why_not(&file)
        {
            bail!(
                "{}: no allocator can be preloaded: {reason}; only `-a system` can be measured",
                file.display()
            );
        }
    }
    let mut live = LiveRuns::default();
    let busy = Busy::begin();
    let count = allocators.len();
    let bar = progress::bar(count as u64 * u64::from(plan.repetitions + 1), "running");
    'all: for repetition in 0..=plan.repetitions {
        for turn in 0..count {
            let at = (turn + repetition as usize) % count;
            // Repetition 0 is for the machine: files that are read first, clock rate. One allocator is enough.
            if repetition == 0 && turn > 0 {
                bar.inc(1);
                continue;
            }
            if stop.load(Ordering::Relaxed) {
                break 'all;
            }
            let allocator = &allocators[at];
            let name = allocator.name.to_string();
            bar.set_message(match repetition {
                0 => format!("{}, warm-up", short_name(&name)),
                n => format!("{}, run {n} of {}", short_name(&name), plan.repetitions),
            });
            let program = LiveProgram {
                command: plan.command.clone(),
                object: allocator.object.clone(),
                variables: allocator.variables.clone(),
                show_output: plan.show_output,
            };
            let outcome = run_live(worker, &program, plan.timeout, stop);
            bar.inc(1);
            let fault = |reason: String, kind: &str| Fault {
                tape: plan.name.clone(),
                allocator: name.clone(),
                repetition,
                reason,
                kind: Some(kind.to_owned()),
                ..Fault::default()
            };
            match outcome {
                Ok(lived) => {
                    if lived.exit_code != 0 {
                        let kind = if lived.exit_code > 128 {
                            "crash"
                        } else {
                            "other"
                        };
                        let reason =
                            format!("the program ended with exit code {}", lived.exit_code);
                        live.faults.push(fault(reason, kind));
                    }
                    if repetition > 0 {
                        live.runs.push(LiveRun {
                            program: plan.name.clone(),
                            allocator: name,
                            repetition,
                            object: allocator.object.as_ref().map(|o| o.display().to_string()),
                            elapsed_ns: lived.elapsed_ns,
                            user_ns: lived.user_ns,
                            sys_ns: lived.sys_ns,
                            peak_rss_bytes: lived.peak_rss_bytes,
                            peak_anon_bytes: Some(lived.peak_anon_bytes).filter(|&b| b > 0),
                            minor_faults: lived.minor_faults,
                            major_faults: lived.major_faults,
                            exit_code: lived.exit_code,
                        });
                    }
                }
                Err(LiveError::Interrupted) => break 'all,
                Err(error @ LiveError::Hung(_)) => {
                    live.faults.push(fault(error.to_string(), "hang"))
                }
                Err(error) => live.faults.push(fault(error.to_string(), "other")),
            }
        }
    }
    bar.finish_and_clear();
    live.doubts = busy.doubts();
    live.interrupted = stop.load(Ordering::Relaxed);
    Ok(live)
}
