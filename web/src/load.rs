//! The way from the tape to the log, slice by slice, so that a page can say how far it is.

use std::rc::Rc;
use std::sync::Arc;

use self_cell::self_cell;
use trace_format::{EventKind, Merged, MergedEvent, TapeError};

use crate::error::SessionError;
use crate::log::Log;
use crate::overview::Overview;
use crate::source::{OpenTape, Source};
use crate::timeline::Timeline;

/// Longest file that is searched for sound parts when it has no end. Bytes.
const LONGEST_SCAN: u64 = 512 << 20;

/// Live blocks from which on what events release is looked at ahead: of fewer the log's rows stay near the processor anyway.
const FAR: u64 = 1 << 15;

/// How many events are looked at ahead.
const LOOKED_AT: usize = 64;

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

impl Read {
    /// Takes in the next event.
    #[inline]
    fn take(&mut self, next: &MergedEvent, gaps: bool) -> Result<(), SessionError> {
        let log = &mut self.log;
        let number = log.end();
        if let (true, Some(made)) = (gaps, next.made) {
            log.skip_to(next.thread, made.index);
        }
        log.push(next.thread, &next.event)?;
        self.overview.note(next.event.time_ns, log.live_bytes());
        if number >= log.first() {
            self.timeline.note_live(log.live_bytes());
            if matches!(next.event.kind, EventKind::Mark { .. }) {
                self.marks.push(number);
            }
        }
        Ok(())
    }

    /// Takes these events in, after a look at what they release: where millions of blocks live that is all over the log, and so
    /// it is waited for once, and not once an event. None are left.
    fn take_all(&mut self, some: &mut Vec<MergedEvent>, gaps: bool) -> Result<(), SessionError> {
        let released = some.iter().filter_map(|next| next.event.kind.releases());
        let seen = released.fold(0, |seen, block| seen ^ self.log.touch(block));
        std::hint::black_box(seen);
        some.drain(..).try_for_each(|next| self.take(&next, gaps))
    }
}

/// Reads up to `most` events, some at a time.
fn visit_ahead(
    read: &mut Read,
    events: &mut Events<'_>,
    most: usize,
    gaps: bool,
) -> Result<usize, SessionError> {
    let mut some = Vec::with_capacity(LOOKED_AT);
    let seen = events.visit(most, |next| -> Result<(), SessionError> {
        some.push(next);
        match some.len() {
            LOOKED_AT => read.take_all(&mut some, gaps),
            _ => Ok(()),
        }
    });
    // Those before an error of the tape are read all the same.
    read.take_all(&mut some, gaps)?;
    seen
}

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
            let most = budget.min(end.saturating_sub(read.log.end())) as usize;
            let seen = if read.log.live_blocks() < FAR {
                events.visit(most, |next| read.take(&next, gaps))?
            } else {
                visit_ahead(read, events, most, gaps)?
            };
            let log = &read.log;
            if seen < most || log.end() >= end {
                return Ok(1.0);
            }
            Ok((f64::from(log.end()) / f64::from(end.max(1))).min(1.0 - f64::EPSILON))
        })
    }
}
