//! One tape with one number of threads, ready to be run.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use trace_format::{FileSource, Tape};

use super::error::ReplayError;
use super::job::{Job, Measured, Replay};
use super::kernel;
use super::machine::cores;
use super::matrix::{Measurement, Progress, fault_of};
use super::supervise::{self, FaultKind, Limits, NoRun, Watched};
use super::tape_file::{self, sha256};
use crate::allocators::AllocatorName;
use crate::engine::Board;
use crate::mapping::{MapError, MemoryFile};
use crate::plan::{self, Pace, Plan, PlanError};
use crate::results::{Fault, Run, TapeSummary, TimeSplit};

/// One tape with one number of threads, ready to be run.
pub(super) struct Session<'a> {
    plan: Plan,
    summary: TapeSummary,
    threads: Option<u32>,
    how: &'a Measurement<'a>,
}

/// How far all is.
pub(super) struct Step {
    pub done: u64,
    pub total: u64,
}

/// What the harness costs on this tape, from runs under `null`.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Harness {
    /// Wall time × threads that can run at once ÷ operations.
    pub ns_per_op: Option<f64>,
    /// User time ÷ operations, without waiting.
    pub user_ns_per_op: Option<f64>,
}

impl Harness {
    /// Runs under `null`.
    pub const RUNS: u32 = 3;
}

impl<'a> Session<'a> {
    /// Reads the tape and makes its plan. `None`: nobody wants it any more.
    pub fn open(
        path: &Path,
        others: &[TapeSummary],
        threads: Option<u32>,
        how: &'a Measurement<'a>,
    ) -> Result<Option<Session<'a>>, ReplayError> {
        let open_error = |error| ReplayError::Open {
            path: path.to_owned(),
            error,
        };
        let source = FileSource::open(path).map_err(open_error)?;
        let tape = Tape::open(source).map_err(|error| ReplayError::Tape {
            path: path.to_owned(),
            error,
        })?;
        let name = tape_file::unique_name(&tape.header().name, path, others);
        let (done, total) = (AtomicU64::new(0), tape.totals().events * 2);
        let tell = |more: u64| {
            (how.progress)(Progress::Planning {
                tape: &name,
                done: done.fetch_add(more, Ordering::Relaxed) + more,
                total,
            });
            if how.stop.load(Ordering::Relaxed) {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        };
        let options = how.settings.plan_options(threads);
        let (plan, digest) = std::thread::scope(|scope| {
            let digest = scope.spawn(|| sha256(path, how.stop));
            let plan = plan::plan(&tape, &options, &tell);
            (plan, digest.join())
        });
        let plan = match plan {
            Err(PlanError::Unwanted) => return Ok(None),
            other => other.map_err(|error| ReplayError::Plan {
                path: path.to_owned(),
                error,
            })?,
        };
        let digest = digest.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        let Some(digest) = digest.map_err(open_error)? else {
            return Ok(None);
        };
        let mut summary = tape_file::summary(&tape, name.clone(), digest);
        // Recording and planning leave free memory behind.
        kernel::give_back();
        let facts = plan.facts();
        summary.leaked_blocks = Some(facts.leaked_blocks);
        summary.plan_ns = Some(facts.plan_ns);
        summary.plan_bytes = Some(facts.bytes);
        summary.plan_ops = Some(facts.counts.ops);
        summary.edges = Some(facts.counts.shared);
        summary.plan_windows = Some(facts.counts.windows).filter(|&windows| windows > 1);
        Ok(Some(Session {
            plan,
            summary,
            threads,
            how,
        }))
    }

    /// The tape, as the results have it.
    pub fn summary(&self) -> &TapeSummary {
        &self.summary
    }

    /// The number of workers, where threads are folded.
    pub fn threads(&self) -> Option<u32> {
        self.threads
    }

    /// What the harness costs on this tape.
    pub fn calibrate(&self, step: &mut Step, faults: &mut Vec<Fault>) -> Harness {
        let mut runs = Vec::new();
        for _ in 0..Harness::RUNS {
            match self.one(&AllocatorName::Null, 0, step) {
                Some(Ok(watched)) => runs.push(watched.measured),
                Some(Err(fault)) => {
                    faults.push(fault);
                    break;
                }
                None => break,
            }
        }
        // The least of them: all that other programs can do is make it look dearer.
        let least = |of: &dyn Fn(&Measured) -> Option<f64>| {
            runs.iter()
                .filter(|m| m.ops() > 0)
                .filter_map(|m| Some(of(m)? / m.ops() as f64))
                .min_by(f64::total_cmp)
        };
        let at_once = self.plan.facts().counts.lanes.min(u64::from(cores())) as f64;
        Harness {
            // At the recorded pace most of the time is nobody's.
            ns_per_op: least(&|m| Some(m.elapsed_ns as f64 * at_once))
                .filter(|_| self.how.settings.pace == Pace::Asap),
            user_ns_per_op: least(&|m| {
                Some(m.user_ns?.saturating_sub(m.wait_user_ns + m.idle_ns) as f64)
            }),
        }
    }

    /// A run that is thrown away.
    pub fn warm_up(&self, allocator: &AllocatorName, step: &mut Step, faults: &mut Vec<Fault>) {
        if let Some(Err(fault)) = self.one(allocator, 0, step) {
            faults.push(fault);
        }
    }

    /// One run. `None`: nobody wants it any more.
    pub fn run(
        &self,
        allocator: &AllocatorName,
        repetition: u32,
        harness: &Harness,
        step: &mut Step,
    ) -> Option<Result<Run, Fault>> {
        let outcome = self.one(allocator, repetition, step)?;
        Some(outcome.map(|watched| self.run_of(watched, allocator, repetition, harness)))
    }

    fn one(
        &self,
        allocator: &AllocatorName,
        repetition: u32,
        step: &mut Step,
    ) -> Option<Result<Watched, Fault>> {
        let tape = self.summary.name.as_str();
        (self.how.progress)(Progress::Running {
            tape,
            allocator,
            threads: self.threads,
            repetition,
            done: step.done,
            total: step.total,
        });
        step.done += 1;
        let fault = |kind, reason| {
            Some(Err(fault_of(
                tape,
                allocator,
                self.threads,
                repetition,
                kind,
                reason,
            )))
        };
        match self.start(allocator) {
            Ok(Ok(watched)) => Some(Ok(watched)),
            Ok(Err(NoRun::Fault(kind, reason))) => fault(kind, reason),
            Ok(Err(NoRun::Interrupted)) => None,
            Err(error) => fault(FaultKind::Other, error.to_string()),
        }
    }

    fn start(&self, allocator: &AllocatorName) -> Result<Result<Watched, NoRun>, MapError> {
        let settings = self.how.settings;
        let counts = &self.plan.facts().counts;
        let lanes = counts.lanes as usize;
        let file = MemoryFile::new(c"heaptape-board", Board::bytes(lanes))?;
        let board = Board::open(file.file(), lanes)?;
        let job = Job {
            allocator: allocator.to_string(),
            parent: std::process::id(),
            replay: Some(Replay {
                plan: self.plan.path(),
                board: file.path(),
                touch: settings.touch,
                sample_every: settings.sample_every(counts.ops),
                pin: settings.pin,
                memory: settings.memory,
            }),
        };
        let mut timeout = settings.timeout;
        if settings.pace == Pace::Recorded {
            timeout += std::time::Duration::from_nanos(self.summary.duration_ns);
        }
        let limits = Limits {
            timeout,
            memory: settings.memory,
            stop: self.how.stop,
        };
        let preload = allocator.preload();
        Ok(supervise::run(
            self.how.worker,
            &job,
            preload,
            &board,
            limits,
        ))
    }

    fn run_of(
        &self,
        watched: Watched,
        allocator: &AllocatorName,
        repetition: u32,
        harness: &Harness,
    ) -> Run {
        let Watched {
            measured: m,
            footprint,
            peak_live_bytes,
        } = watched;
        let paced = self.how.settings.pace == Pace::Recorded;
        Run {
            tape: self.summary.name.clone(),
            allocator: allocator.to_string(),
            repetition,
            threads: self.threads,
            elapsed_ns: m.elapsed_ns,
            user_ns: m.user_ns,
            sys_ns: m.sys_ns,
            ops: m.ops(),
            mallocs: m.mallocs,
            frees: m.frees,
            reallocs: m.reallocs,
            failed: m.failed,
            sync_wait_ns: Some(m.sync_wait_ns),
            harness_ns_per_op: harness.ns_per_op,
            peak_live_bytes,
            peak_rss_bytes: m.peak_rss_bytes,
            minor_faults: m.minor_faults,
            major_faults: m.major_faults,
            footprint,
            time: split(&m, harness),
            sync_waits: Some(m.sync_waits),
            beat_wait_ns: Some(m.beat_wait_ns),
            clock_ns: Some(m.clock_ns),
            late_ns: paced.then_some(m.late_ns),
            latency_ns: Some(m.latency_ns),
            latency_histogram: Some(m.latency_histogram),
            allocator_stats: m.allocator_stats,
        }
    }
}

/// Where the processor time went; see `docs/results.md`. The sum of user and system time is exact, its division is the kernel's estimate,
/// so the parts are cut, in the order waits, kernel, harness, where they would exceed the whole.
fn split(m: &Measured, harness: &Harness) -> Option<TimeSplit> {
    let (user, sys) = (m.user_ns?, m.sys_ns?);
    let wait_ns = (m.wait_user_ns + m.wait_sys_ns).min(user + sys);
    let left = user + sys - wait_ns;
    let kernel_ns = sys.saturating_sub(m.wait_sys_ns).min(left);
    let left = left - kernel_ns;
    let harness_ns = (harness.user_ns_per_op? * m.ops() as f64) as u64 + m.idle_ns;
    let harness_ns = harness_ns.min(left);
    Some(TimeSplit {
        allocator_ns: left - harness_ns,
        kernel_ns,
        wait_ns,
        harness_ns,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_the_time_add_up() {
        let harness = Harness {
            ns_per_op: Some(4.0),
            user_ns_per_op: Some(3.0),
        };
        for (wait, idle) in [(0, 0), (50, 10), (5_000, 0), (0, 5_000)] {
            let m = Measured {
                user_ns: Some(1_000),
                sys_ns: Some(200),
                mallocs: 50,
                frees: 50,
                wait_user_ns: wait,
                wait_sys_ns: wait,
                idle_ns: idle,
                ..Measured::default()
            };
            let s = split(&m, &harness).unwrap();
            assert_eq!(
                s.allocator_ns + s.kernel_ns + s.wait_ns + s.harness_ns,
                1_200
            );
            if (wait, idle) == (0, 0) {
                assert_eq!((s.harness_ns, s.allocator_ns, s.kernel_ns), (300, 700, 200));
            }
        }
        assert_eq!(split(&Measured::default(), &harness), None);
    }
}
