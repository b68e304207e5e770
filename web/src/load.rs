//! The way from the tape to the log, slice by slice, so that a page stays alive meanwhile.

use std::sync::Arc;

use self_cell::self_cell;
use trace_format::{Merged, Tape};

use crate::error::SessionError;
use crate::log::{Kind, Log, MAX_EVENTS};
use crate::timeline::Timeline;

/// A tape whose bytes are in memory.
pub type LoadedTape = Tape<Arc<[u8]>>;

type Events<'t> = Merged<'t, Arc<[u8]>>;

self_cell!(
    struct Reading {
        owner: LoadedTape,
        #[not_covariant]
        dependent: Events,
    }
);

/// A tape that is being read.
pub struct Loader {
    reading: Reading,
    expected: u64,
}

/// What came of a slice.
#[derive(Debug)]
pub enum Slice {
    /// There is more; the share that is read, 0 to 1.
    More(f64),
    /// All is read.
    End,
}

impl Loader {
    /// Opens the tape in `bytes`; reads no events yet.
    ///
    /// # Errors
    /// It is no sound tape, or has more events than fit.
    pub fn open(bytes: Vec<u8>) -> Result<Loader, SessionError> {
        let tape = Tape::open(Arc::<[u8]>::from(bytes))?;
        let expected = tape.totals().events;
        if expected > MAX_EVENTS {
            return Err(SessionError::TooManyEvents {
                events: expected,
                most: MAX_EVENTS,
            });
        }
        Ok(Loader {
            reading: Reading::new(tape, |tape| tape.merged()),
            expected,
        })
    }

    /// The tape.
    pub fn tape(&self) -> &LoadedTape {
        self.reading.borrow_owner()
    }

    /// Appends up to `budget` further events to the log and the timeline, and the events that are marks to `marks`.
    ///
    /// # Errors
    /// The tape is damaged at this place. What was read before stays.
    pub fn read(
        &mut self,
        log: &mut Log,
        timeline: &mut Timeline,
        marks: &mut Vec<u32>,
        budget: u32,
    ) -> Result<Slice, SessionError> {
        let expected = self.expected.max(1);
        self.reading.with_dependent_mut(|_, events| {
            for _ in 0..budget {
                let Some(next) = events.next() else {
                    return Ok(Slice::End);
                };
                let number = log.len();
                let next = next.map_err(|error| SessionError::Broken {
                    after: u64::from(number),
                    error: Box::new(error),
                })?;
                log.push(next.thread, &next.event)?;
                timeline.note_live(number, log.live_bytes());
                if log
                    .get(number)
                    .is_some_and(|entry| entry.kind == Kind::Mark)
                {
                    marks.push(number);
                }
            }
            Ok(Slice::More(f64::from(log.len()) / expected as f64))
        })
    }

    /// Gives the tape back.
    pub fn into_tape(self) -> LoadedTape {
        self.reading.into_owner()
    }
}
