//! The program, started with the recorder in it, and watched: times, signals, its end.

use std::ffi::OsString;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::ExitStatus;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::process::{Child, Command};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::{Instant, MissedTickBehavior, sleep_until};
use trace_recorder::harvest::Outcome;
use trace_recorder::runtime::{CaptureFolder, FOLDER_VARIABLE};

use super::survivors;

/// How often the clocks are compared and the disk is looked at.
const TICK: Duration = Duration::from_millis(500);

/// How often it is looked whether processes of a program that has ended still run.
const LOOK: Duration = Duration::from_millis(200);

/// When to record.
#[derive(Copy, Clone, Debug)]
pub struct Times {
    /// How long after the start to begin.
    pub start_after: Option<Duration>,
    /// How long to record.
    pub duration: Option<Duration>,
    /// Most bytes on disk.
    pub most_bytes: u64,
    /// Whether to go on until all processes have ended, not only the first.
    pub wait: bool,
}

/// The signals that are listened to.
struct Signals {
    toggle: Signal,
    interrupt: Signal,
    quit: Signal,
    terminate: Signal,
    hang_up: Signal,
}

/// A program that runs and is recorded.
pub struct Running {
    child: Child,
    signals: Signals,
    times: Times,
    began: Instant,
    interrupts: u32,
}

impl Running {
    /// Starts a program. Within a tokio runtime.
    ///
    /// # Errors
    /// When there is no such program, or it can't be started.
    pub fn start(
        program: &[OsString],
        recorder: &Path,
        folder: &CaptureFolder,
        times: Times,
    ) -> Result<Running> {
        let (name, arguments) = program.split_first().context("no program is given")?;
        let signals = Signals {
            toggle: signal(SignalKind::user_defined1())?,
            interrupt: signal(SignalKind::interrupt())?,
            quit: signal(SignalKind::quit())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
        };
        let mut preload = recorder.as_os_str().to_owned();
        if let Some(before) = std::env::var_os("LD_PRELOAD").filter(|before| !before.is_empty()) {
            preload.push(":");
            preload.push(before);
        }
        folder.set_limit(times.most_bytes);
        let on = u32::from(times.start_after.is_none());
        folder.control().on.store(on, Ordering::Relaxed);
        let child = Command::new(name)
            .args(arguments)
            .env("LD_PRELOAD", preload)
            .env(FOLDER_VARIABLE, folder.path())
            .spawn()
            .with_context(|| format!("cannot start {}", Path::new(name).display()))?;
        Ok(Running {
            child,
            signals,
            times,
            began: Instant::now(),
            interrupts: 0,
        })
    }

    /// The process's number.
    pub fn pid(&self) -> u64 {
        self.child.id().map_or(0, u64::from)
    }

    /// Waits until the recording is over, because the program ended, its time is over or a user wants so, and says how
    /// the program ended. Recording is off then.
    ///
    /// # Errors
    /// When the system can't say what became of the program.
    pub async fn record(&mut self, folder: &CaptureFolder) -> Result<Outcome> {
        let control = folder.control();
        let begin = self.times.start_after.map(|after| self.began + after);
        let mut waits = begin.is_some();
        let first = begin.unwrap_or(self.began);
        let end = self.times.duration.map(|duration| first + duration);
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let mut looks = tokio::time::interval(LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let mut ended = None;
        let outcome = loop {
            tokio::select! {
                status = self.child.wait(), if ended.is_none() => {
                    let outcome = outcome(status.context("waiting for the program")?);
                    if !self.times.wait || survivors::of(folder.path()).is_empty() {
                        break outcome;
                    }
                    eprintln!("heaptape: the program {outcome}, its other processes still run and are recorded; interrupt to end that");
                    ended = Some(outcome);
                }
                _ = looks.tick(), if ended.is_some() => if survivors::of(folder.path()).is_empty() {
                    break ended.unwrap_or_default();
                },
                () = sleep_until(first), if waits => {
                    waits = false;
                    control.on.store(1, Ordering::Relaxed);
                }
                () = at(end), if end.is_some() => break ended.unwrap_or(Outcome::Runs),
                Some(()) = self.signals.toggle.recv() => {
                    let on = control.on.fetch_xor(1, Ordering::Relaxed) ^ 1;
                    waits = false;
                    if on == 0 {
                        control.pauses.fetch_add(1, Ordering::Relaxed);
                    }
                    eprintln!("heaptape: recording is {}", if on == 1 { "on" } else { "off" });
                }
                Some(()) = self.signals.interrupt.recv() => match ended {
                    Some(outcome) => break outcome,
                    None => if self.is_over() { break Outcome::Runs },
                },
                Some(()) = self.signals.quit.recv() => match ended {
                    Some(outcome) => break outcome,
                    None => if self.is_over() { break Outcome::Runs },
                },
                Some(()) = self.signals.terminate.recv() => match ended {
                    Some(outcome) => break outcome,
                    None => self.pass_on(libc::SIGTERM),
                },
                Some(()) = self.signals.hang_up.recv() => match ended {
                    Some(outcome) => break outcome,
                    None => self.pass_on(libc::SIGHUP),
                },
                _ = ticks.tick() => {
                    folder.compare_clocks();
                    folder.set_limit(self.times.most_bytes);
                }
            }
        };
        control.on.store(0, Ordering::Relaxed);
        control.over.store(1, Ordering::Relaxed);
        folder.compare_clocks();
        Ok(outcome)
    }

    /// Waits for the program's end, when the recording is over.
    ///
    /// # Errors
    /// When the system can't say what became of the program.
    pub async fn wait(&mut self) -> Result<Outcome> {
        loop {
            tokio::select! {
                status = self.child.wait() => {
                    return Ok(outcome(status.context("waiting for the program")?));
                }
                Some(()) = self.signals.interrupt.recv() => if self.is_over() { return Ok(Outcome::Runs) },
                Some(()) = self.signals.quit.recv() => if self.is_over() { return Ok(Outcome::Runs) },
                Some(()) = self.signals.terminate.recv() => self.pass_on(libc::SIGTERM),
                Some(()) = self.signals.hang_up.recv() => self.pass_on(libc::SIGHUP),
            }
        }
    }

    /// Waits for a signal that asks heaptape to stop what it does.
    pub async fn interrupted(&mut self) {
        tokio::select! {
            _ = self.signals.interrupt.recv() => {}
            _ = self.signals.quit.recv() => {}
            _ = self.signals.terminate.recv() => {}
            _ = self.signals.hang_up.recv() => {}
        }
    }

    /// The terminal gives the first interrupt to the program as well; a second one is for the recording.
    fn is_over(&mut self) -> bool {
        self.interrupts += 1;
        self.interrupts > 1
    }

    fn pass_on(&self, signal: i32) {
        if let Some(pid) = self.child.id() {
            trace_recorder::runtime::signals::send(pid, signal);
        }
    }
}

/// Until `end`; for ever without one.
async fn at(end: Option<Instant>) {
    match end {
        Some(end) => sleep_until(end).await,
        None => std::future::pending().await,
    }
}

fn outcome(status: ExitStatus) -> Outcome {
    match (status.code(), status.signal()) {
        (Some(code), _) => Outcome::Exited(code),
        (None, Some(signal)) => Outcome::Killed {
            signal,
            core: status.core_dumped(),
        },
        (None, None) => Outcome::Unknown,
    }
}
