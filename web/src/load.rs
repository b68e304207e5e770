//! The way from the tape to the log, slice by slice, so that a page can say how far it is.

use std::rc::Rc;
use std::sync::Arc;

use self_cell::self_cell;
use trace_format::{EventKind, Merged, TapeError};

use crate::error::SessionError;
use crate::log::Log;
use crate::overview::Overview;
use crate::source::{OpenTape, Source};
use crate::timeline::Timeline;

/// Longest file that is searched for sound parts when it has no end. Bytes.
const LONGEST_SCAN: u64 = 512 << 20;

/// All that comes of reading.
pub struct Read {
    /// The events that are kept.
    pub log: Log,
    /// Live bytes over them.
    pub timeline: Timeline,
    /// Live bytes over the whole tape, as far as it was read.
    pub overview: Overview,
    /// The kept events that name a phase.
    pub marks: Vec<u32>,
}

/// Opens the tape in `source`; of one without a sound end, whatever is readable. Says what is wrong with it.
///
/// # Errors
/// It is no tape, can't be read, or is damaged and too long to be searched.
pub fn open(source: Source) -> Result<(Rc<OpenTape>, Vec<String>), SessionError> {
    match OpenTape::open(Arc::clone(&source)) {
        Ok(tape) => Ok((Rc::new(tape), Vec::new())),
        Err(error @ (TapeError::NoFooter { .. } | TapeError::Damaged(_))) => scan(source, error),
        Err(error) => Err(error.into()),
    }
}

/// The sound parts of a tape on which `error` was met.
///
/// # Errors
/// There is nothing sound, it can't be read, or it is too long.
pub fn scan(source: Source, error: TapeError) -> Result<(Rc<OpenTape>, Vec<String>), SessionError> {
    if source.len() > LONGEST_SCAN {
        return Err(SessionError::TooLongToScan {
            error: Box::new(error),
        });
    }
    let (tape, damages) = OpenTape::scan(source)?;
    if tape.totals().events == 0 {
        return Err(error.into());
    }
    let mut told: Vec<String> = damages.iter().map(ToString::to_string).collect();
    if told.is_empty() {
        told.push(error.to_string());
    }
    Ok((Rc::new(tape), told))
}

type Events<'t> = Merged<'t, Source>;

self_cell!(
    struct Reading {
        owner: Rc<OpenTape>,
        #[not_covariant]
        dependent: Events,
    }
);

/// A tape that is being read.
pub struct Loader {
    reading: Reading,
    /// Behind the last event that is wanted.
    end: u32,
}

impl Loader {
    /// Reads the tape's events up to `end`; none yet.
    pub fn new(tape: &Rc<OpenTape>, end: u32) -> Loader {
        Loader {
            reading: Reading::new(Rc::clone(tape), |tape| tape.merged()),
            end,
        }
    }

    /// Reads up to `budget` further events; the share that is read, 0 to 1.
    ///
    /// # Errors
    /// The tape is damaged at this place. What was read before stays.
    pub fn read(&mut self, read: &mut Read, budget: u32) -> Result<f64, SessionError> {
        let end = self.end;
        self.reading.with_dependent_mut(|tape, events| {
            let gaps = !tape.is_whole();
            let Read {
                log,
                timeline,
                overview,
                marks,
            } = read;
            let most = budget.min(end.saturating_sub(log.end())) as usize;
            let seen = events.visit(most, |next| -> Result<(), SessionError> {
                let number = log.end();
                if let (true, Some(made)) = (gaps, next.made) {
                    log.skip_to(next.thread, made.index);
                }
                log.push(next.thread, &next.event)?;
                overview.note(next.event.time_ns, log.live_bytes());
                if number >= log.first() {
                    timeline.note_live(log.live_bytes());
                    if matches!(next.event.kind, EventKind::Mark { .. }) {
                        marks.push(number);
                    }
                }
                Ok(())
            })?;
            if seen < most || log.end() >= end {
                return Ok(1.0);
            }
            Ok((f64::from(log.end()) / f64::from(end.max(1))).min(1.0 - f64::EPSILON))
        })
    }
}
