//! One run: starts a worker, watches it, ends it when it hangs, and makes of whatever it does a result or a reason.

use std::ffi::OsString;
use std::io::Read;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::job::{Job, Measured, Reply, WORKER_COMMAND};
use super::watch::Watcher;
use crate::engine::Board;
use crate::results::FootprintSample;

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

/// Runs the job in a fresh process. The error is a sentence.
pub(super) fn run(
    worker: &Worker,
    job: &Job,
    board: &Board,
    timeout: Duration,
) -> Result<Watched, String> {
    let text = serde_json::to_string(job)
        .map_err(|error| format!("the job could not be written: {error}"))?;
    let mut child = Command::new(&worker.program)
        .args(&worker.arguments)
        .arg(text)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| {
            format!(
                "the worker {} could not be started: {error}",
                worker.program.display()
            )
        })?;
    let said = child.stdout.take().map(listen);
    let complained = child.stderr.take().map(listen);

    let mut watcher = Watcher::new(board, child.id());
    let ended = wait(&mut child, &mut watcher, timeout);
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
        Some(Reply::Measured(measured)) if status.success() => {
            let (footprint, peak_live_bytes) = watcher.end();
            Ok(Watched {
                measured: *measured,
                footprint,
                peak_live_bytes,
            })
        }
        Some(Reply::Refused(reason)) => Err(reason),
        _ => Err(reason(status, &complained)),
    }
}

/// Waits for the end, sampling. A worker that takes longer than `timeout` is killed.
fn wait(
    child: &mut Child,
    watcher: &mut Watcher<'_>,
    timeout: Duration,
) -> Result<ExitStatus, String> {
    let began = Instant::now();
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Ok(status),
            Ok(None) if began.elapsed() < timeout => {}
            outcome => {
                // Both can only fail if the worker is gone already.
                let _ = child.kill();
                let _ = child.wait();
                return Err(match outcome {
                    Err(error) => format!("the worker could not be waited for: {error}"),
                    Ok(_) => format!(
                        "the worker did not end within {} s and was stopped; `--timeout` gives it longer",
                        timeout.as_secs_f64()
                    ),
                });
            }
        }
        std::thread::sleep(watcher.sample());
    }
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

fn reason(status: ExitStatus, complained: &str) -> String {
    let mut reason = match (status.signal(), status.code()) {
        (Some(signal), _) => format!("the worker was killed by {}", signal_name(signal)),
        (None, Some(0)) => "the worker ended without saying what it measured".to_owned(),
        (None, code) => format!("the worker ended with exit code {}", code.unwrap_or(-1)),
    };
    if let Some(last) = complained
        .lines()
        .rev()
        .find(|line| !line.trim().is_empty())
    {
        reason.push_str(": ");
        reason.extend(last.trim().chars().take(300));
    }
    reason
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
