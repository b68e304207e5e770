//! One run: starts a worker, watches it, ends it when it hangs, and makes of whatever it does a result or a reason.

use std::ffi::OsString;
use std::io::Read;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::job::{Job, Measured, Reply, WORKER_COMMAND};
use super::kernel;
use super::watch::Watcher;
use crate::allocators::AllocatorName;
use crate::engine::Board;
use crate::results::{AllocatorInfo, FootprintSample};

/// How a worker is started: this program with these arguments, and the job behind them.
#[derive(Clone, Debug)]
pub struct Worker {
    /// The executable.
    pub program: PathBuf,
    /// What stands before the job.
    pub arguments: Vec<OsString>,
}

impl Worker {
    /// `program __replay-worker JOB`
    pub fn new(program: impl Into<PathBuf>) -> Worker {
        Worker {
            program: program.into(),
            arguments: vec![WORKER_COMMAND.into()],
        }
    }
}

/// What a run gave.
#[derive(Clone, Debug)]
pub(super) struct Watched {
    pub measured: Measured,
    pub footprint: Vec<FootprintSample>,
    pub peak_live_bytes: Option<u64>,
}

/// Longest texts that are kept of what a worker says.
const MOST_SAID: u64 = 1 << 20;

/// Why a run gave nothing.
#[derive(Clone, Debug)]
pub(super) enum NoRun {
    /// The worker failed; the reason is a sentence.
    Fault(FaultKind, String),
    /// Whoever asked for it wants no more.
    Interrupted,
}

/// The kinds of [`Fault`](crate::results::Fault).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FaultKind {
    Crash,
    Hang,
    Memory,
    Refused,
    Other,
}

impl FaultKind {
    /// As the results have it.
    pub fn name(self) -> &'static str {
        match self {
            FaultKind::Crash => "crash",
            FaultKind::Hang => "hang",
            FaultKind::Memory => "memory",
            FaultKind::Refused => "refused",
            FaultKind::Other => "other",
        }
    }
}

/// When a run is stopped from outside.
#[derive(Clone, Copy)]
pub(super) struct Limits<'a> {
    /// After this long it counts as hung.
    pub timeout: Duration,
    /// The most resident memory beyond the baseline.
    pub memory: Option<u64>,
    /// Set when all is to end.
    pub stop: &'a AtomicBool,
}

/// Runs the job in a fresh process, which has `preload` in it from the beginning.
pub(super) fn run(
    worker: &Worker,
    job: &Job,
    preload: Option<&Path>,
    board: &Board,
    limits: Limits<'_>,
) -> Result<Watched, NoRun> {
    let (reply, watcher) = talk(worker, job, preload, limits, |pid| {
        Watcher::new(board, pid, limits.memory)
    })?;
    match reply {
        Reply::Measured(measured) => {
            let (footprint, peak_live_bytes) = watcher.end();
            Ok(Watched {
                measured: *measured,
                footprint,
                peak_live_bytes,
            })
        }
        Reply::Refused(reason) => Err(NoRun::Fault(FaultKind::Refused, reason)),
        Reply::Described(_) => Err(NoRun::Fault(
            FaultKind::Other,
            "the worker ended without saying what it measured".to_owned(),
        )),
    }
}

/// Asks an allocator about itself, in a fresh process that has its object in it, if it is one that is preloaded.
///
/// # Errors
/// A sentence: why the allocator can't be used.
pub fn describe(
    worker: &Worker,
    name: &AllocatorName,
    stop: &AtomicBool,
) -> Result<AllocatorInfo, String> {
    let job = Job {
        allocator: name.to_string(),
        parent: std::process::id(),
        replay: None,
    };
    let limits = Limits {
        timeout: Duration::from_secs(60),
        memory: None,
        stop,
    };
    match talk(worker, &job, name.preload(), limits, |_| Nobody) {
        Ok((Reply::Described(info), _)) => Ok(*info),
        Ok((Reply::Refused(reason), _)) | Err(NoRun::Fault(_, reason)) => Err(reason),
        Ok((Reply::Measured(_), _)) => {
            Err("the worker measured what it was not asked to".to_owned())
        }
        Err(NoRun::Interrupted) => Err("interrupted".to_owned()),
    }
}

/// Whoever looks at a worker while it runs.
trait Watch {
    /// Looks; returns how long to wait until the next look.
    fn look(&mut self) -> Duration;
    /// Resident memory when it exceeded the limit.
    fn over_limit(&self) -> Option<u64>;
}

impl Watch for Watcher<'_> {
    fn look(&mut self) -> Duration {
        self.sample()
    }

    fn over_limit(&self) -> Option<u64> {
        Watcher::over_limit(self)
    }
}

/// Nobody looks.
struct Nobody;

impl Watch for Nobody {
    fn look(&mut self) -> Duration {
        Duration::from_millis(2)
    }

    fn over_limit(&self) -> Option<u64> {
        None
    }
}

/// Starts a worker, hands it the job, and hears what it says at its end.
fn talk<W: Watch>(
    worker: &Worker,
    job: &Job,
    preload: Option<&Path>,
    limits: Limits<'_>,
    watch: impl FnOnce(u32) -> W,
) -> Result<(Reply, W), NoRun> {
    let other = |reason: String| NoRun::Fault(FaultKind::Other, reason);
    let text = serde_json::to_string(job)
        .map_err(|error| other(format!("the job could not be written: {error}")))?;
    let mut command = Command::new(&worker.program);
    command.args(&worker.arguments).arg(text);
    match preload {
        Some(object) => command.env("LD_PRELOAD", object),
        // What heaptape itself was started with must not stand behind `system`.
        None => command.env_remove("LD_PRELOAD"),
    };
    let mut child = command
        // Ctrl-C is for the process that measures; it ends the worker.
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| {
            other(format!(
                "the worker {} could not be started: {error}",
                worker.program.display()
            ))
        })?;
    let said = child.stdout.take().map(listen);
    let complained = child.stderr.take().map(listen);
    let mut watcher = watch(child.id());
    let ended = wait(&mut child, &mut watcher, limits);
    let said = said
        .and_then(|thread| thread.join().ok())
        .unwrap_or_default();
    let complained = complained
        .and_then(|thread| thread.join().ok())
        .unwrap_or_default();
    let status = ended?;
    let reply = said
        .lines()
        .last()
        .and_then(|line| serde_json::from_str::<Reply>(line).ok());
    match reply {
        Some(reply) if status.success() || matches!(reply, Reply::Refused(_)) => {
            Ok((reply, watcher))
        }
        _ => Err(fault(status, &complained)),
    }
}

/// Waits for the end, looking. A worker that takes too long or too much is killed, and so is one that nobody wants any more.
fn wait(
    child: &mut Child,
    watcher: &mut impl Watch,
    limits: Limits<'_>,
) -> Result<ExitStatus, NoRun> {
    let began = Instant::now();
    let lost = |error: std::io::Error| {
        NoRun::Fault(
            FaultKind::Other,
            format!("the worker could not be waited for: {error}"),
        )
    };
    let end = kernel::Ending::of(child.id());
    loop {
        let pause = watcher.look();
        let ended = match &end {
            Ok(end) => end.wait(pause),
            Err(error) => Err(error.kind().into()),
        };
        let stop = match ended {
            Ok(false) => over(watcher, began.elapsed(), limits),
            Ok(true) if limits.stop.load(Ordering::Relaxed) => Some(NoRun::Interrupted),
            Ok(true) => {
                // With whatever the allocator may have started: nothing stays behind, and nobody holds the pipes open.
                kernel::kill_group(child.id());
                return child.wait().map_err(lost);
            }
            Err(error) => Some(lost(error)),
        };
        if let Some(why) = stop {
            kernel::kill_group(child.id());
            // Fails only if it is gone already.
            let _ = child.wait();
            return Err(why);
        }
    }
}

/// Why a worker that runs must be stopped, if it must.
fn over(watcher: &impl Watch, elapsed: Duration, limits: Limits<'_>) -> Option<NoRun> {
    if limits.stop.load(Ordering::Relaxed) {
        return Some(NoRun::Interrupted);
    }
    if let (Some(rss), Some(limit)) = (watcher.over_limit(), limits.memory) {
        return Some(NoRun::Fault(
            FaultKind::Memory,
            format!(
                "the run took {} MiB of memory and was stopped; `--memory` allows {} MiB",
                rss >> 20,
                limit >> 20
            ),
        ));
    }
    if elapsed < limits.timeout {
        return None;
    }
    Some(NoRun::Fault(
        FaultKind::Hang,
        format!(
            "the worker did not end within {} s and was stopped; `--timeout` gives it longer",
            limits.timeout.as_secs_f64()
        ),
    ))
}

/// Reads a pipe to its end, so that the worker never blocks on it; keeps the beginning.
fn listen(mut pipe: impl Read + Send + 'static) -> JoinHandle<String> {
    std::thread::spawn(move || {
        let mut kept = Vec::new();
        let _ = pipe.by_ref().take(MOST_SAID).read_to_end(&mut kept);
        let _ = std::io::copy(&mut pipe, &mut std::io::sink());
        String::from_utf8_lossy(&kept).into_owned()
    })
}

fn fault(status: ExitStatus, complained: &str) -> NoRun {
    let (kind, mut reason) = match (status.signal(), status.code()) {
        (Some(signal), _) => {
            let kind = match signal {
                // Only the kernel's memory killer sends this one without being asked.
                libc::SIGKILL => FaultKind::Memory,
                libc::SIGTERM | libc::SIGINT => FaultKind::Other,
                _ => FaultKind::Crash,
            };
            (
                kind,
                format!("the worker was killed by {}", signal_name(signal)),
            )
        }
        (None, Some(0)) => (
            FaultKind::Other,
            "the worker ended without saying what it measured".to_owned(),
        ),
        (None, code) => (
            FaultKind::Other,
            format!("the worker ended with exit code {}", code.unwrap_or(-1)),
        ),
    };
    if let Some(words) = last_words(complained) {
        reason.push_str(": ");
        reason.extend(words.trim().chars().take(300));
    }
    NoRun::Fault(kind, reason)
}

/// What tells most of what a worker complained: why memory ran out or what panicked, else its last line.
fn last_words(complained: &str) -> Option<&str> {
    let mut lines = complained.lines().filter(|line| !line.trim().is_empty());
    let telling = |line: &&str| line.contains("memory allocation of") || line.contains("panicked");
    let (first, last) = (lines.clone().find(telling), lines.next_back());
    first.or(last)
}

fn signal_name(signal: i32) -> String {
    let name = match signal {
        libc::SIGSEGV => "SIGSEGV, it touched memory that is not there",
        libc::SIGBUS => "SIGBUS, memory that was promised could not be had",
        libc::SIGABRT => "SIGABRT, the allocator or the C library gave up",
        libc::SIGKILL => "SIGKILL, as the kernel does when memory runs out",
        libc::SIGILL => "SIGILL",
        libc::SIGFPE => "SIGFPE",
        libc::SIGTERM => "SIGTERM",
        libc::SIGINT => "SIGINT",
        _ => return format!("signal {signal}"),
    };
    format!("signal {signal} ({name})")
}
