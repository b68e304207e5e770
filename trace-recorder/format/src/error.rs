//! What can go wrong with a tape, in sentences that name the place and the way out.
//!
//! Chunks, threads and events are counted from 0 in every sentence, as they are in the interface.

use crate::event::{BlockId, ThreadIndex};
use crate::sentence::grouped;
use crate::source::ReadError;
use std::fmt;

/// Why a tape could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum TapeError {
    /// The source could not be read.
    #[error("the tape could not be read: {0}")]
    Read(#[from] ReadError),
    /// The destination refused bytes.
    #[error("the tape could not be written: {0}; free some space or choose another place")]
    Write(#[from] std::io::Error),
    /// The first bytes are not those of a tape.
    #[error(
        "this is not a tape: the file does not begin with the magic bytes 89 48 54 41 50 45 0D 0A"
    )]
    NotATape,
    /// A tape of a version that this program does not know.
    #[error(
        "the tape is of format version {found}, this program reads version {}; use a newer heaptape",
        crate::FORMAT_VERSION
    )]
    Version {
        /// The version that the file states.
        found: u32,
    },
    /// The file does not end as a whole tape does.
    #[error("the tape does not end with a trailer at byte {}: the recording was not ended in good order, or the file was cut; `heaptape verify` says what of it is readable", grouped(*len))]
    NoFooter {
        /// Length of the file in bytes.
        len: u64,
    },
    /// Bytes that are not what they must be.
    #[error("damaged: {0}; `heaptape verify` says what of it is readable")]
    Damaged(Damage),
    /// The caller asked for a chunk that is not there.
    #[error("there is no chunk {chunk}: the tape has {chunks}")]
    NoSuchChunk {
        /// The chunk asked for.
        chunk: usize,
        /// How many there are.
        chunks: usize,
    },
    /// The caller handed in events that no tape can hold.
    #[error("event {event} of thread {thread} cannot be written: {what}")]
    BadEvent {
        /// The thread.
        thread: ThreadIndex,
        /// The event's number in its thread.
        event: u64,
        /// What is wrong with it.
        what: String,
    },
    /// The caller handed in a chunk out of turn, or one too large.
    #[error("a chunk of thread {thread} cannot be written: {what}")]
    BadChunk {
        /// The thread.
        thread: ThreadIndex,
        /// What is wrong with it.
        what: String,
    },
    /// Something is larger than the format allows.
    #[error("{what} takes {} bytes, a tape holds at most {} of it; shorten it", grouped(*len), grouped(*most))]
    TooLarge {
        /// What it is.
        what: &'static str,
        /// Its length in bytes.
        len: u64,
        /// The bound in bytes.
        most: u64,
    },
    /// A block is released before it is made, or twice: no order of the events is causal.
    #[error("the tape is not causal: at {} ns thread {thread} releases {block}, {why}; record it again, or report the recorder", grouped(*time_ns))]
    NotCausal {
        /// The releasing thread.
        thread: ThreadIndex,
        /// When it releases, in nanoseconds since the tape's start.
        time_ns: u64,
        /// The block.
        block: BlockId,
        /// Why that cannot be.
        why: &'static str,
    },
}

impl TapeError {
    pub(crate) fn damaged(offset: u64, what: impl Into<String>) -> TapeError {
        TapeError::Damaged(Damage {
            offset,
            chunk: None,
            span: None,
            what: what.into(),
        })
    }

    /// The damage that this error states, if it is about the tape's bytes and not about the reading of them.
    pub(crate) fn into_damage(self, offset: u64) -> Damage {
        match self {
            TapeError::Damaged(damage) => damage,
            TapeError::NoFooter { len } => Damage {
                offset: len,
                chunk: None,
                span: None,
                what: "the file ends without a trailer: it was cut, or the recording was not ended in good order".into(),
            },
            other => Damage { offset, chunk: None, span: None, what: other.to_string() },
        }
    }
}

/// One place of a tape that is not as it must be.
#[derive(Clone, Eq, PartialEq, Debug)]
pub struct Damage {
    /// Byte of the file where the damaged part begins.
    pub offset: u64,
    /// The chunk, counted from 0 in file order, when it is one.
    pub chunk: Option<usize>,
    /// The events that are lost with it, when they are known.
    pub span: Option<EventSpan>,
    /// What is wrong.
    pub what: String,
}

/// Events of one thread that follow one another.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub struct EventSpan {
    /// The thread.
    pub thread: ThreadIndex,
    /// The first event's number in the thread, counted from 0.
    pub first: u64,
    /// How many events.
    pub events: u64,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(chunk) = self.chunk {
            write!(f, "chunk {}", grouped(chunk as u64))?;
            if let Some(span) = &self.span {
                write!(f, " ({span})")?;
            }
            write!(f, " ")?;
        }
        write!(f, "at byte {}: {}", grouped(self.offset), self.what)
    }
}

impl fmt::Display for EventSpan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let last = self.first.saturating_add(self.events.saturating_sub(1));
        write!(
            f,
            "thread {}, events {}–{}",
            self.thread,
            grouped(self.first),
            grouped(last)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_damage_reads_as_a_sentence() {
        let damage = Damage {
            offset: 81_920,
            chunk: Some(17),
            span: Some(EventSpan {
                thread: 3,
                first: 1200,
                events: 64,
            }),
            what: "checksum does not match".into(),
        };
        assert_eq!(
            damage.to_string(),
            "chunk 17 (thread 3, events 1,200–1,263) at byte 81,920: checksum does not match"
        );
    }
}
