//! What verifying found, as a value and as sentences.

use crate::error::Damage;
use crate::index::Ending;
use crate::sentence::{counted, grouped};
use std::fmt;

/// Most damages that a report lists; further ones are counted.
pub(crate) const MOST_DAMAGES: usize = 64;

/// What [`verify`](crate::verify) found.
#[derive(Clone, Debug, Default)]
pub struct VerifyReport {
    /// Whether nothing at all is wrong.
    pub sound: bool,
    /// What is damaged and where, in the order it was found; at most 64 of them.
    pub damages: Vec<Damage>,
    /// How many more damages there are.
    pub damages_left_out: u64,
    /// Chunks that decode.
    pub chunks_readable: u64,
    /// Chunks that the footer promises; `None` when there is no sound footer.
    pub chunks_promised: Option<u64>,
    /// Events in chunks that decode.
    pub events_readable: u64,
    /// Events that the footer promises; `None` when there is no sound footer.
    pub events_promised: Option<u64>,
    /// How the tape ended; `None` when there is no sound footer.
    pub ending: Option<Ending>,
    /// Length of the file in bytes.
    pub len_bytes: u64,
}

impl VerifyReport {
    pub(crate) fn add(&mut self, damage: Damage) {
        if self.damages.len() < MOST_DAMAGES {
            self.damages.push(damage);
        } else {
            self.damages_left_out += 1;
        }
    }
}

impl fmt::Display for VerifyReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let chunks = grouped(self.chunks_readable);
        let events = grouped(self.events_readable);
        if self.sound {
            write!(
                f,
                "sound: {} in {}, {}",
                counted(self.events_readable, "event"),
                counted(self.chunks_readable, "chunk"),
                counted(self.len_bytes, "byte")
            )?;
            return match &self.ending {
                Some(Ending::Died { reason }) => write!(f, "; the recorded program died: {reason}"),
                Some(Ending::Salvaged { reason }) => {
                    write!(f, "; salvaged: {reason}")
                }
                Some(Ending::Complete) | None => Ok(()),
            };
        }
        for damage in &self.damages {
            writeln!(f, "damaged: {damage}")?;
        }
        if self.damages_left_out > 0 {
            writeln!(f, "and {} more", counted(self.damages_left_out, "place"))?;
        }
        match self.chunks_promised {
            Some(promised) => {
                write!(f, "{chunks} of {} readable", counted(promised, "chunk"))?;
            }
            None => write!(
                f,
                "{} readable, there is no sound footer that says of how many",
                counted(self.chunks_readable, "chunk")
            )?,
        }
        match self.events_promised {
            Some(promised) => write!(f, ", {events} of {}", counted(promised, "event")),
            None => write!(f, ", {}", counted(self.events_readable, "event")),
        }
    }
}
