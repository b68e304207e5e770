//! Reading: which events, and what is done when they can't be read.

use std::sync::Arc;

use trace_format::TapeError;

use super::Session;
use crate::error::SessionError;
use crate::load::{self, Loader, Read};
use crate::log::{Log, MAX_KEPT};
use crate::overview::Overview;
use crate::source::OpenTape;
use crate::timeline::Timeline;

/// Nothing read yet, with room for the events of this range.
pub(super) fn nothing(tape: &OpenTape, (first, end): (u32, u32), lenient: bool) -> Read {
    let gaps = lenient || !tape.is_whole();
    Read {
        log: Log::new(tape.threads(), first, end - first, gaps),
        timeline: Timeline::new(first, end - first),
        overview: Overview::new(tape.totals().events),
        marks: Vec::new(),
    }
}

impl Session {
    /// Begins to read the tape for its events `from..to`; at most [`MAX_KEPT`] of them are kept.
    ///
    /// # Errors
    /// There are none.
    pub fn choose(&mut self, from: u32, to: u32) -> Result<(), SessionError> {
        let to = to.min(self.events()).min(from.saturating_add(MAX_KEPT));
        if from > to || (from == to && self.events() > 0) {
            return Err(SessionError::NoSuchRange {
                from,
                to,
                events: self.tape.totals().events,
            });
        }
        self.begin((from, to), to);
        Ok(())
    }

    /// Begins to read the whole tape for its overview alone.
    pub fn scan(&mut self) {
        let end = self.events();
        self.begin((end, end), end);
    }

    fn begin(&mut self, range: (u32, u32), end: u32) {
        self.panes.clear();
        self.background = None;
        self.courses.clear();
        // What was read before goes back first.
        self.read = nothing(&self.tape, (0, 0), false);
        self.read = nothing(&self.tape, range, self.lenient);
        self.range = range;
        self.loader = Some(Loader::new(&self.tape, end));
        self.position = range.0;
    }

    /// Reads up to `budget` further events; returns the share that is read, 0 to 1. Damage on the way is noted, and what
    /// is sound beside it is read: [`damage`](Self::damage) says what happened.
    pub fn load(&mut self, budget: u32) -> f64 {
        let Some(loader) = &mut self.loader else {
            return 1.0;
        };
        match loader.read(&mut self.read, budget) {
            Ok(share) if share < 1.0 => return share,
            Ok(_) => {}
            Err(error) => {
                if self.read_around(&error) {
                    return 0.0;
                }
            }
        }
        self.loader = None;
        self.range.1 = self.read.log.end().max(self.range.0);
        self.read.timeline.end();
        self.read.log.close();
        1.0
    }

    /// After an error on the way: begins again with what is sound. `false` when what was read is all that there is.
    fn read_around(&mut self, error: &SessionError) -> bool {
        let (range, end) = (self.range, self.range.1);
        match error {
            SessionError::NotLive { .. } if !self.lenient => {
                self.damage.push(error.to_string());
                self.lenient = true;
            }
            SessionError::Tape(tape) if self.tape.is_whole() => {
                let told = tape.to_string();
                // The scan looks for itself; the error only says what is told when it finds nothing.
                let lost = TapeError::NoFooter {
                    len: self.tape.len_bytes(),
                };
                match load::scan(Arc::clone(&self.source), lost) {
                    Ok((sound, damage)) if !sound.is_whole() => {
                        (self.tape, self.damage) = (sound, damage);
                    }
                    _ => {
                        self.damage.push(
                            SessionError::Broken {
                                after: u64::from(self.read.log.end()),
                                reason: told,
                            }
                            .to_string(),
                        );
                        return false;
                    }
                }
            }
            other => {
                self.damage.push(other.to_string());
                return false;
            }
        }
        let last = self.events();
        self.begin((range.0.min(last), range.1.min(last)), end.min(last));
        true
    }
}
