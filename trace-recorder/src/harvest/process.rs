//! A process: the programs that it ran one after the other, and how it ended.

use super::Image;
use std::collections::HashMap;
use trace_capture::layout::State;
use trace_format::Ending;

use crate::units::counted;

/// A process and the programs that it ran.
#[derive(Clone, Debug)]
pub struct Process {
    /// Its number.
    pub pid: u64,
    /// The programs, in order; at least one.
    pub images: Vec<Image>,
}

/// What is known of a process's end from outside.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum Outcome {
    /// Nothing: only what its own file says.
    #[default]
    Unknown,
    /// It exited with this status.
    Exited(i32),
    /// A signal ended it.
    Killed {
        /// The signal's number.
        signal: i32,
        /// Whether the system wrote a core file.
        core: bool,
    },
    /// It still runs: the recording was ended before.
    Runs,
}

impl Process {
    /// The number of its parent when it began.
    pub fn parent(&self) -> u64 {
        self.images.first().map_or(0, |image| image.parent)
    }

    /// The program that it was last.
    pub fn last(&self) -> Option<&Image> {
        self.images.last()
    }

    /// How the tape shall say that it ended, and what else is to be said of that.
    pub fn ending(&self, outcome: &Outcome) -> (Ending, Vec<String>) {
        let mut notes = Vec::new();
        let lost: u64 = self.images.iter().map(|image| image.lost).sum();
        let Some(last) = self.last() else {
            return (Ending::Complete, notes);
        };
        let told = match outcome {
            Outcome::Exited(status) => Some(*status),
            _ => last.status.map(|status| status as i32),
        };
        let ending = match (outcome, last.state) {
            (Outcome::Killed { signal, core }, _) => Ending::Died {
                reason: killed(*signal, *core),
            },
            (Outcome::Runs, _) => {
                notes.push("The program still ran when the recording was ended.".to_owned());
                Ending::Complete
            }
            (_, State::Replaced) => {
                notes.push(
                    "The process became a program that could not be recorded (exec).".to_owned(),
                );
                notes.extend(told.and_then(failure));
                Ending::Complete
            }
            (Outcome::Exited(_), _) | (_, State::Exited | State::Closed) => {
                notes.extend(told.and_then(failure));
                Ending::Complete
            }
            (Outcome::Unknown, State::Running) => Ending::Died {
                reason:
                    "the process did not say that it ends: it was killed, crashed or left by the bare system call"
                        .to_owned(),
            },
        };
        let stop = self.images.iter().find_map(|image| image.stop);
        if stop.is_none() && lost == 0 {
            return (ending, notes);
        }
        if let Ending::Died { reason } = &ending {
            notes.push(format!("In the end: {reason}."));
        }
        let because = stop.map_or("the capture was full", |stop| stop.because());
        let reason = format!(
            "recording stopped because {because}; {} after that not recorded",
            counted(lost, "event")
        );
        (Ending::Salvaged { reason }, notes)
    }
}

/// What is to be said of an exit status.
fn failure(status: i32) -> Option<String> {
    (status != 0).then(|| format!("The program exited with status {status}."))
}

/// A sentence's end for a process that a signal ended.
pub(super) fn killed(signal: i32, core: bool) -> String {
    let name = match signal {
        libc::SIGHUP => " (SIGHUP)",
        libc::SIGINT => " (SIGINT)",
        libc::SIGQUIT => " (SIGQUIT)",
        libc::SIGILL => " (SIGILL)",
        libc::SIGTRAP => " (SIGTRAP)",
        libc::SIGABRT => " (SIGABRT)",
        libc::SIGBUS => " (SIGBUS)",
        libc::SIGFPE => " (SIGFPE)",
        libc::SIGKILL => " (SIGKILL)",
        libc::SIGSEGV => " (SIGSEGV)",
        libc::SIGPIPE => " (SIGPIPE)",
        libc::SIGALRM => " (SIGALRM)",
        libc::SIGTERM => " (SIGTERM)",
        libc::SIGXCPU => " (SIGXCPU)",
        libc::SIGXFSZ => " (SIGXFSZ)",
        libc::SIGSYS => " (SIGSYS)",
        _ => "",
    };
    let core = if core { ", core dumped" } else { "" };
    format!("killed by signal {signal}{name}{core}")
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Outcome::Unknown => f.write_str("ended in a way that is not known"),
            Outcome::Exited(0) => f.write_str("exited with status 0"),
            Outcome::Exited(status) => write!(f, "exited with status {status}"),
            Outcome::Killed { signal, core } => f.write_str(&killed(*signal, *core)),
            Outcome::Runs => f.write_str("still runs"),
        }
    }
}

/// The processes that programs are of: the one of number `first`, or else the one that began first, and then the others
/// in the order in which they began. A number may be that of several processes, one after the other.
pub(super) fn group(mut images: Vec<Image>, first: u64) -> Vec<Process> {
    images.sort_by(|a, b| (a.began.stamp, a.pid, &a.path).cmp(&(b.began.stamp, b.pid, &b.path)));
    let mut processes: Vec<Process> = Vec::new();
    let mut latest: HashMap<u64, usize> = HashMap::new();
    for image in images {
        let goes_on = latest.get(&image.pid).copied().filter(|&at| {
            processes
                .get(at)
                .and_then(Process::last)
                .is_some_and(|last| last.state == State::Replaced)
        });
        match goes_on.and_then(|at| processes.get_mut(at)) {
            Some(process) => process.images.push(image),
            None => {
                latest.insert(image.pid, processes.len());
                processes.push(Process {
                    pid: image.pid,
                    images: vec![image],
                });
            }
        }
    }
    if let Some(at) = processes.iter().position(|process| process.pid == first) {
        processes[..=at].rotate_right(1);
    }
    processes
}
