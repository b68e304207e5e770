//! A program run live under an allocator, measured from outside.
//!
//! Between us and the program stands a small process of its own ([`live_worker_main`]): the kernel counts to a program's peak memory
//! what its parent had when it started it, and we may have had much.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::ErrorKind;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::kernel;
use crate::engine::now_ns;

/// The hidden command of the executable that runs a program and measures it.
pub const LIVE_COMMAND: &str = "__live-worker";

/// What to run.
#[derive(Clone, Debug)]
pub struct LiveProgram {
    /// The program and its arguments; at least one.
    pub command: Vec<OsString>,
    /// The object to preload.
    pub object: Option<PathBuf>,
    /// Variables that the allocator is set with.
    pub variables: BTreeMap<String, String>,
    /// Whether the program's standard output is shown; otherwise it goes nowhere.
    pub show_output: bool,
}

/// What a live run took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[allow(
    missing_docs,
    reason = "each field is documented where it goes, in results::LiveRun"
)]
pub struct Lived {
    pub elapsed_ns: u64,
    pub user_ns: u64,
    pub sys_ns: u64,
    pub peak_rss_bytes: u64,
    pub peak_anon_bytes: u64,
    pub minor_faults: u64,
    pub major_faults: u64,
    pub exit_code: i32,
}

/// Why a live run gave nothing.
#[derive(Debug, thiserror::Error)]
pub enum LiveError {
    /// Somebody wants no more.
    #[error("interrupted")]
    Interrupted,
    /// It ran too long.
    #[error("the program did not end within {0} s and was stopped; `--timeout` gives it longer")]
    Hung(f64),
    /// It could not be started, or the process between could not.
    #[error("{0}")]
    Failed(String),
}

/// Runs the program once. `worker` is the executable that has [`LIVE_COMMAND`].
///
/// # Errors
/// [`LiveError`]. A program that ends badly is none: its exit code says so.
pub fn run_live(
    worker: &Path,
    program: &LiveProgram,
    timeout: Duration,
    stop: &AtomicBool,
) -> Result<Lived, LiveError> {
    let failed =
        |what: &str, error: &dyn std::fmt::Display| LiveError::Failed(format!("{what}: {error}"));
    let report = tempfile::NamedTempFile::new()
        .map_err(|error| failed("no temporary file for what is measured", &error))?;
    let mut command = Command::new(worker);
    command
        .arg(LIVE_COMMAND)
        .arg(report.path())
        .arg(std::process::id().to_string())
        .arg(program.object.as_deref().unwrap_or(Path::new("")))
        .arg(if program.show_output { "show" } else { "hide" })
        .arg(program.variables.len().to_string());
    for (name, value) in &program.variables {
        command.arg(format!("{name}={value}"));
    }
    let mut child = command
        .args(&program.command)
        .stdin(Stdio::null())
        .process_group(0)
        .spawn()
        .map_err(|error| failed("the process that measures could not be started", &error))?;
    let group = child.id();
    let began = Instant::now();
    let waiting = |error: std::io::Error| failed("waiting for the program", &error);
    let end = kernel::Ending::of(group).map_err(waiting)?;
    let status = loop {
        // A signal ends the waiting at once.
        let left = timeout.saturating_sub(began.elapsed());
        if end.wait(left.min(MOST_PAUSE)).map_err(waiting)? {
            break child.wait().map_err(waiting)?;
        }
        let why = if stop.load(Ordering::Relaxed) {
            Some(LiveError::Interrupted)
        } else if began.elapsed() >= timeout {
            Some(LiveError::Hung(timeout.as_secs_f64()))
        } else {
            None
        };
        if let Some(why) = why {
            kernel::kill_group(group);
            let _ = child.wait();
            return Err(why);
        }
    };
    let text = fs::read_to_string(report.path()).unwrap_or_default();
    match serde_json::from_str::<Result<Lived, String>>(&text) {
        Ok(Ok(lived)) => Ok(lived),
        Ok(Err(reason)) => Err(LiveError::Failed(reason)),
        Err(_) => Err(LiveError::Failed(match status.signal() {
            Some(signal) => format!("the process that measures was ended by signal {signal}"),
            None => "the process that measures said nothing".to_owned(),
        })),
    }
}

/// Waits for a child without looking at it again and again. `None`: `stop` was set, and it runs on.
///
/// # Errors
/// It can't be waited for.
pub fn wait_unless(stop: &AtomicBool, child: &mut Child) -> std::io::Result<Option<ExitStatus>> {
    let end = kernel::Ending::of(child.id())?;
    // A signal ends the waiting at once.
    while !end.wait(MOST_PAUSE)? {
        if stop.load(Ordering::Relaxed) {
            return Ok(None);
        }
    }
    child.wait().map(Some)
}

/// Asks a child, the leader of a process group, to end, and ends the whole group if it has not done so after this time.
pub fn ask_to_end(child: &mut Child, patience: Duration) {
    kernel::ask_to_end(child.id());
    let over = Instant::now() + patience;
    if let Ok(end) = kernel::Ending::of(child.id()) {
        while Instant::now() < over && !end.wait(Duration::from_millis(100)).unwrap_or(true) {}
    }
    kernel::kill_group(child.id());
    let _ = child.wait();
}

/// The small process's whole life; `arguments` are those behind [`LIVE_COMMAND`], made by [`run_live`].
pub fn live_worker_main(arguments: &[OsString]) -> ExitCode {
    let Some((report, rest)) = arguments.split_first() else {
        eprintln!("this command is heaptape's own: it is started by `heaptape run`");
        return ExitCode::from(2);
    };
    let outcome = measure(rest);
    let text = serde_json::to_string(&outcome).unwrap_or_default();
    match fs::write(report, text) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("heaptape: what was measured can't be written: {error}");
            ExitCode::FAILURE
        }
    }
}

fn measure(arguments: &[OsString]) -> Result<Lived, String> {
    let broken = || "the command line is not one of `heaptape run`".to_owned();
    let [parent, object, output, count, rest @ ..] = arguments else {
        return Err(broken());
    };
    let number = |text: &OsStr| text.to_str().and_then(|text| text.parse::<usize>().ok());
    let count = number(count)
        .filter(|&n| n < rest.len())
        .ok_or_else(broken)?;
    let (variables, command) = rest.split_at(count);
    let (program, arguments) = command.split_first().ok_or_else(broken)?;
    let parent = number(parent).ok_or_else(broken)?;
    kernel::end_with_parent(parent as u32)?;
    let mut start = Command::new(program);
    start.args(arguments).stdin(Stdio::null());
    if output == "hide" {
        start.stdout(Stdio::null());
    }
    if object.is_empty() {
        start.env_remove("LD_PRELOAD");
    } else {
        start.env("LD_PRELOAD", object);
    }
    for variable in variables {
        if let Some((name, value)) = variable.to_str().and_then(|text| text.split_once('=')) {
            start.env(name, value);
        }
    }
    let began = now_ns();
    let child = start.spawn().map_err(|error| match error.kind() {
        ErrorKind::NotFound => format!("{}: no such program", Path::new(program).display()),
        _ => format!("{}: {error}", Path::new(program).display()),
    })?;
    let pid = child.id();
    let end = kernel::Ending::of(pid).map_err(|error| format!("watching the program: {error}"))?;
    let status = format!("/proc/{pid}/status");
    let (mut file_bytes, mut pause) = (0, FIRST_LOOK);
    // Each look takes a processor from the program for a moment, and whoever waited for one may get it then: in a program of many
    // threads that changes how far each has come. So there are few looks, and the peak is the kernel's own.
    while !end
        .wait(pause)
        .map_err(|error| format!("waiting for the program: {error}"))?
    {
        let mapped = ["RssFile", "RssShmem"].map(|field| kernel::status_field(&status, field));
        file_bytes = mapped.into_iter().flatten().sum::<u64>().max(file_bytes);
        pause = (pause * 2).min(MOST_PAUSE);
    }
    let ended =
        kernel::wait_child(pid).map_err(|error| format!("waiting for the program: {error}"))?;
    Ok(Lived {
        elapsed_ns: now_ns() - began,
        user_ns: ended.usage.user_ns,
        sys_ns: ended.usage.sys_ns,
        peak_rss_bytes: ended.peak_rss_bytes,
        peak_anon_bytes: if file_bytes > 0 {
            ended.peak_rss_bytes.saturating_sub(file_bytes)
        } else {
            0
        },
        minor_faults: ended.usage.minor_faults,
        major_faults: ended.usage.major_faults,
        exit_code: ended.exit_code,
    })
}

/// When the program is looked at first, and the longest time between two looks.
const FIRST_LOOK: Duration = Duration::from_millis(5);
const MOST_PAUSE: Duration = Duration::from_secs(1);
