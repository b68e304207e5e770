//! One program that a process ran: what the head of its file says.

use crate::events::{EventsError, EventsFile};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use trace_capture::clock::{Clock, Moment};
use trace_capture::layout::{State, Stop};

/// A program that a process ran, from its start or an exec to its end or the next exec.
#[derive(Clone, Debug)]
pub struct Image {
    /// Its file of events.
    pub path: PathBuf,
    /// The process's number.
    pub pid: u64,
    /// The number of the process's parent.
    pub parent: u64,
    /// The command line; cut after 8 KiB.
    pub command: Vec<String>,
    /// Whether the process began as a fork's child and is still the same program.
    pub forked: bool,
    /// How it ended, as far as it could tell.
    pub state: State,
    /// Its exit status, if it told.
    pub status: Option<u32>,
    /// Why recording of it stopped, if it did before the end.
    pub stop: Option<Stop>,
    /// Events that found no room.
    pub lost: u64,
    /// When recording of it began, nanoseconds since 1970.
    pub began_unix_ns: u64,
    pub(super) clock: Clock,
    pub(super) began: Moment,
    pub(super) latest: Moment,
    pub(super) page_size: u32,
    pub(super) pointer_width: u8,
}

impl Image {
    /// Reads the head of a file of events.
    ///
    /// # Errors
    /// When it is none, or can't be read.
    pub fn read(path: &Path) -> Result<Image, EventsError> {
        let file = EventsFile::open(path)?;
        let head = file.head();
        let status = head.status.load(Ordering::Relaxed);
        let began = head.began.get().unwrap_or_default();
        let kind = |why| EventsError::Kind {
            path: path.to_owned(),
            why,
        };
        Ok(Image {
            path: path.to_owned(),
            pid: head.pid.load(Ordering::Relaxed),
            parent: head.parent.load(Ordering::Relaxed),
            command: head.command(),
            forked: head.forked.load(Ordering::Relaxed) != 0,
            state: State::from_code(head.state.load(Ordering::Acquire)),
            status: (status != u32::MAX).then_some(status),
            stop: Stop::from_code(head.stop.load(Ordering::Relaxed)),
            lost: head.lost.load(Ordering::Relaxed),
            began_unix_ns: head.began_unix_ns.load(Ordering::Relaxed),
            clock: Clock::from_code(head.clock.load(Ordering::Relaxed))
                .ok_or_else(|| kind("its clock is not known"))?,
            began,
            latest: head.latest.get().unwrap_or(began),
            page_size: head.page_size.load(Ordering::Relaxed),
            pointer_width: head.pointer_width.load(Ordering::Relaxed) as u8,
        })
    }

    /// The program's name: the last part of what it was called by.
    pub fn name(&self) -> &str {
        let called = self.command.first().map_or("", String::as_str);
        called.rsplit('/').next().unwrap_or(called)
    }
}
