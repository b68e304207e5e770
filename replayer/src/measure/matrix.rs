//! All runs of a measurement: tapes × repetitions × allocators.
//!
//! Repetitions interleave over the allocators (all once, then all again), so that a machine that changes its speed changes it for
//! all. Before them each tape has one run under `null`, which tells the harness's own cost, and one warm-up under the first
//! allocator, which is thrown away; the warm-up is for the machine (page cache, clock rate), a worker is always a fresh process.

use std::path::{Path, PathBuf};
use std::time::Duration;

use trace_format::{FileSource, Tape, TapeError};

use super::busy::Busy;
use super::job::Job;
use super::kernel;
use super::machine::{cores, machine};
use super::statistics::summarize;
use super::supervise::{self, Watched, Worker};
use super::tape_file::{self, sha256};
use crate::allocators::AllocatorName;
use crate::engine::{Board, Touch};
use crate::mapping::{MapError, MemoryFile};
use crate::plan::{self, Plan, PlanError};
use crate::results::{Fault, Results, Run, SCHEMA, TapeSummary};

/// How to measure.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// What is written into new blocks.
    pub touch: Touch,
    /// One operation in so many has its latency taken.
    pub sample_every: u32,
    /// After this long a worker counts as hung.
    pub timeout: Duration,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            touch: Touch::default(),
            sample_every: 64,
            timeout: Duration::from_secs(600),
        }
    }
}

/// Why nothing could be measured. A single run that fails is no such reason, but a [`Fault`].
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// A tape's file could not be opened.
    #[error("{}: {error}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// What the system said.
        error: std::io::Error,
    },
    /// A tape could not be read.
    #[error("{}: {error}", path.display())]
    Tape {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        error: TapeError,
    },
    /// No plan could be made of a tape.
    #[error("{}: {error}", path.display())]
    Plan {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        error: PlanError,
    },
    /// No memory for what the runs share.
    #[error(transparent)]
    Memory(#[from] MapError),
}

/// How far a measurement is.
#[derive(Clone, Copy, Debug)]
pub enum Progress<'a> {
    /// A plan is being made.
    Planning {
        /// The tape.
        tape: &'a str,
    },
    /// A run begins.
    Running {
        /// The tape.
        tape: &'a str,
        /// The allocator.
        allocator: AllocatorName,
        /// 0: warm-up or calibration.
        repetition: u32,
        /// Runs that are done, over all tapes.
        done: u64,
        /// Runs that there will be.
        total: u64,
    },
}

/// Replays every tape under every allocator, `repetitions` times, each run in a fresh process.
///
/// # Errors
/// [`ReplayError`] if a tape can't be replayed at all. Runs that fail are in [`Results::faults`].
pub fn run_matrix(
    tapes: &[PathBuf],
    allocators: &[AllocatorName],
    repetitions: u32,
    settings: &Settings,
    worker: &Worker,
    progress: &(dyn Fn(Progress<'_>) + Sync),
) -> Result<Results, ReplayError> {
    let mut results = Results {
        schema: SCHEMA,
        machine: machine(),
        tapes: Vec::new(),
        allocators: allocators
            .iter()
            .map(|name| name.allocator().describe())
            .collect(),
        runs: Vec::new(),
        summary: Vec::new(),
        faults: Vec::new(),
    };
    let extra = 1 + u64::from(!allocators.is_empty());
    let total = tapes.len() as u64 * (extra + allocators.len() as u64 * u64::from(repetitions));
    for (number, path) in tapes.iter().enumerate() {
        let done = number as u64 * (total / tapes.len() as u64);
        let session = Session::open(path, &results.tapes, *settings, worker, progress)?;
        session.measure(
            allocators,
            repetitions,
            (done, total),
            progress,
            &mut results,
        )?;
        results.tapes.push(session.summary);
    }
    Ok(results)
}

/// One tape, ready to be run.
struct Session<'a> {
    plan: Plan,
    summary: TapeSummary,
    settings: Settings,
    worker: &'a Worker,
}

impl<'a> Session<'a> {
    fn open(
        path: &Path,
        others: &[TapeSummary],
        settings: Settings,
        worker: &'a Worker,
        progress: &(dyn Fn(Progress<'_>) + Sync),
    ) -> Result<Session<'a>, ReplayError> {
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
        progress(Progress::Planning { tape: &name });
        let plan = plan::plan(&tape, &|_| {}).map_err(|error| ReplayError::Plan {
            path: path.to_owned(),
            error,
        })?;
        let mut summary = tape_file::summary(&tape, name, sha256(path).map_err(open_error)?);
        // Recording and planning leave free memory behind.
        kernel::give_back();
        let facts = plan.facts();
        summary.leaked_blocks = Some(facts.leaked_blocks);
        summary.plan_ns = Some(facts.plan_ns);
        summary.plan_bytes = Some(facts.bytes);
        Ok(Session {
            plan,
            summary,
            settings,
            worker,
        })
    }

    fn measure(
        &self,
        allocators: &[AllocatorName],
        repetitions: u32,
        (mut done, total): (u64, u64),
        progress: &(dyn Fn(Progress<'_>) + Sync),
        results: &mut Results,
    ) -> Result<(), ReplayError> {
        let tape = self.summary.name.as_str();
        let busy = Busy::begin();
        let mut one = |allocator: AllocatorName,
                       repetition: u32,
                       faults: &mut Vec<Fault>|
         -> Result<Option<Watched>, ReplayError> {
            progress(Progress::Running {
                tape,
                allocator,
                repetition,
                done,
                total,
            });
            done += 1;
            Ok(self
                .run(allocator)?
                .map_err(|reason| {
                    faults.push(Fault {
                        tape: tape.to_owned(),
                        allocator: allocator.to_string(),
                        repetition,
                        reason,
                    });
                })
                .ok())
        };
        let calibration = one(AllocatorName::Null, 0, &mut results.faults)?;
        let harness_ns_per_op = calibration.and_then(|run| self.harness_cost(&run));
        if let Some(&first) = allocators.first() {
            one(first, 0, &mut results.faults)?;
        }
        for repetition in 1..=repetitions {
            for &allocator in allocators {
                if let Some(watched) = one(allocator, repetition, &mut results.faults)? {
                    results.runs.push(self.run_of(
                        watched,
                        allocator,
                        repetition,
                        harness_ns_per_op,
                    ));
                }
            }
        }
        let names: Vec<&str> = allocators.iter().map(|a| a.name()).collect();
        results.summary.extend(summarize(
            tape,
            &names,
            &results.runs,
            &results.faults,
            &busy.doubts(),
        ));
        Ok(())
    }

    /// One run; the inner error is why it gave no measurement.
    fn run(&self, allocator: AllocatorName) -> Result<Result<Watched, String>, ReplayError> {
        let lanes = self.plan.facts().counts.lanes as usize;
        let file = MemoryFile::new(c"heaptape-board", Board::bytes(lanes))?;
        let board = Board::open(file.file(), lanes)?;
        let job = Job {
            plan: self.plan.path(),
            board: file.path(),
            allocator: allocator.to_string(),
            touch: self.settings.touch,
            sample_every: self.settings.sample_every,
            parent: std::process::id(),
        };
        Ok(supervise::run(
            self.worker,
            &job,
            &board,
            self.settings.timeout,
        ))
    }

    /// What one operation costs a thread under an allocator that does nothing: wall time × threads that can run at once ÷ operations.
    fn harness_cost(&self, null: &Watched) -> Option<f64> {
        let m = &null.measured;
        let ops = m.mallocs + m.frees + m.reallocs;
        let at_once = self.plan.facts().counts.lanes.min(u64::from(cores()));
        (ops > 0).then(|| m.elapsed_ns as f64 * at_once as f64 / ops as f64)
    }

    fn run_of(
        &self,
        watched: Watched,
        allocator: AllocatorName,
        repetition: u32,
        harness_ns_per_op: Option<f64>,
    ) -> Run {
        let Watched {
            measured: m,
            footprint,
            peak_live_bytes,
        } = watched;
        Run {
            tape: self.summary.name.clone(),
            allocator: allocator.to_string(),
            repetition,
            elapsed_ns: m.elapsed_ns,
            user_ns: m.user_ns,
            sys_ns: m.sys_ns,
            ops: m.mallocs + m.frees + m.reallocs,
            mallocs: m.mallocs,
            frees: m.frees,
            reallocs: m.reallocs,
            failed: m.failed,
            sync_wait_ns: Some(m.sync_wait_ns),
            harness_ns_per_op,
            peak_live_bytes,
            peak_rss_bytes: m.peak_rss_bytes,
            minor_faults: m.minor_faults,
            major_faults: m.major_faults,
            latency_ns: Some(m.latency_ns),
            footprint,
        }
    }
}
