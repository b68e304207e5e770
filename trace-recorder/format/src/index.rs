//! What stands behind the chunks: threads, marks, the index of chunks, totals, and how the tape ended.

use crate::error::TapeError;
use crate::event::ThreadIndex;
use crate::header::FORMAT_VERSION;
use bincode::{Decode, Encode};

/// How a tape ended. Variants are only ever appended: their numbers are on tapes.
#[derive(Clone, Eq, PartialEq, Debug, Encode, Decode)]
pub enum Ending {
    /// The program ended, or the recording was stopped, in good order.
    Complete,
    /// The program died while it was recorded; the tape has what it did up to there.
    Died {
        /// For example `killed by signal 9`.
        reason: String,
    },
    /// The tape was made of the readable parts of a damaged or unfinished one.
    Salvaged {
        /// What was wrong with that one.
        reason: String,
    },
}

/// Where a chunk lies and what it covers.
#[derive(Copy, Clone, Eq, PartialEq, Debug, Encode, Decode)]
pub struct ChunkInfo {
    /// The thread whose events these are.
    pub thread: ThreadIndex,
    /// How many events, 1 to [`MAX_CHUNK_EVENTS`](crate::MAX_CHUNK_EVENTS).
    pub events: u32,
    /// [`BlockId::index`](crate::BlockId) of the first block that the chunk makes, or would make.
    pub first_allocation: u64,
    /// How many events of this thread precede.
    pub first_event: u64,
    /// Time of the first event, in nanoseconds since the tape's start.
    pub start_ns: u64,
    /// Time of the last event, in nanoseconds since the tape's start.
    pub end_ns: u64,
    /// Byte of the file where the frame begins.
    pub offset: u64,
    /// Bytes of the payload in the file, without the frame's header.
    pub stored_len: u32,
    /// Bytes of the payload when it is unpacked.
    pub len: u32,
}

/// What is known of a thread.
#[derive(Clone, Eq, PartialEq, Debug, Default, Encode, Decode)]
pub struct ThreadInfo {
    /// The system's number of the thread; 0 when it is not known.
    pub os_tid: u64,
    /// Events of the thread on the tape.
    pub events: u64,
    /// Blocks the thread made.
    pub allocations: u64,
    /// Time of the first event, in nanoseconds since the tape's start; 0 without events.
    pub start_ns: u64,
    /// Time of the last event, in nanoseconds since the tape's start; 0 without events.
    pub end_ns: u64,
    /// Whether the tape has the thread's start.
    pub started: bool,
    /// Whether the tape has the thread's end.
    pub ended: bool,
    /// The thread's name; empty when it has none.
    pub name: String,
}

/// Sums over the whole tape.
#[derive(Copy, Clone, Eq, PartialEq, Debug, Default, Encode, Decode)]
pub struct Totals {
    /// Events of every kind.
    pub events: u64,
    /// Malloc, calloc and aligned malloc.
    pub mallocs: u64,
    /// Frees of blocks that the tape knows.
    pub frees: u64,
    /// Successful reallocs, of known and of unknown blocks.
    pub reallocs: u64,
    /// Requests that the recorded allocator refused.
    pub failed: u64,
    /// Frees of blocks that were made before the recording began; not among `frees`.
    pub unknown_frees: u64,
    /// Frees by another thread than the block's maker; a part of `frees`.
    pub remote_frees: u64,
    /// Largest sum of the sizes of living blocks, in bytes as requested.
    pub peak_live_bytes: u64,
    /// When that sum was first reached, in nanoseconds since the tape's start.
    pub peak_live_ns: u64,
    /// Sum of the sizes of the blocks that still live at the end, in bytes.
    pub live_bytes_at_end: u64,
    /// Blocks that still live at the end.
    pub live_blocks_at_end: u64,
    /// Time of the last event, in nanoseconds since the tape's start.
    pub duration_ns: u64,
}

/// The part of [`Totals`] that only who sees all threads in order can know.
#[derive(Copy, Clone, Eq, PartialEq, Debug, Default)]
pub struct LiveTotals {
    /// See [`Totals::peak_live_bytes`].
    pub peak_live_bytes: u64,
    /// See [`Totals::peak_live_ns`].
    pub peak_live_ns: u64,
    /// See [`Totals::live_bytes_at_end`].
    pub live_bytes_at_end: u64,
    /// See [`Totals::live_blocks_at_end`].
    pub live_blocks_at_end: u64,
}

impl Totals {
    /// The live figures among these totals.
    pub fn live(&self) -> LiveTotals {
        LiveTotals {
            peak_live_bytes: self.peak_live_bytes,
            peak_live_ns: self.peak_live_ns,
            live_bytes_at_end: self.live_bytes_at_end,
            live_blocks_at_end: self.live_blocks_at_end,
        }
    }

    /// These totals with other live figures.
    pub fn with_live(self, live: LiveTotals) -> Totals {
        Totals {
            peak_live_bytes: live.peak_live_bytes,
            peak_live_ns: live.peak_live_ns,
            live_bytes_at_end: live.live_bytes_at_end,
            live_blocks_at_end: live.live_blocks_at_end,
            ..self
        }
    }
}

/// Most entries of one frame that holds a list. Long lists take several frames, so that a reader with little memory
/// goes through them piece by piece.
pub(crate) const LIST_ENTRIES: usize = 2048;

/// Payload of the footer frame.
#[derive(Clone, Eq, PartialEq, Debug, Encode, Decode)]
pub(crate) struct Footer {
    pub ending: Ending,
    pub totals: Totals,
    pub threads: u32,
    pub marks: u32,
    pub chunks: u64,
}

/// The last bytes of a tape: they say where the footer is.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub(crate) struct Trailer {
    /// Byte of the file where the first frame behind the chunks begins.
    pub sections: u64,
    /// Byte of the file where the footer frame begins.
    pub footer: u64,
}

/// Length in bytes of the trailer.
pub(crate) const TRAILER_LEN: usize = 32;

/// The first eight bytes of the trailer.
pub(crate) const TRAILER_MAGIC: [u8; 8] = *b"HTAPEEND";

impl Trailer {
    pub fn to_bytes(self) -> [u8; TRAILER_LEN] {
        let mut bytes = [0; TRAILER_LEN];
        bytes[..8].copy_from_slice(&TRAILER_MAGIC);
        bytes[8..16].copy_from_slice(&self.sections.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.footer.to_le_bytes());
        bytes[24..28].copy_from_slice(&FORMAT_VERSION.to_le_bytes());
        let crc = crc32c::crc32c(&bytes[..28]);
        bytes[28..].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// Reads the trailer that stands at byte `at`; `None` when there is none, which means a cut or unfinished file.
    pub fn parse(bytes: &[u8; TRAILER_LEN], at: u64) -> Result<Option<Trailer>, TapeError> {
        if bytes[..8] != TRAILER_MAGIC {
            return Ok(None);
        }
        let word = |from: usize| {
            let mut word = [0; 8];
            word.copy_from_slice(&bytes[from..from + 8]);
            u64::from_le_bytes(word)
        };
        let trailer = Trailer {
            sections: word(8),
            footer: word(16),
        };
        if trailer.to_bytes() != *bytes {
            return Err(TapeError::damaged(
                at,
                "the trailer's checksum does not match",
            ));
        }
        Ok(Some(trailer))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trailer_comes_back_and_any_flip_is_seen() {
        let trailer = Trailer {
            sections: 1234,
            footer: 5678,
        };
        let bytes = trailer.to_bytes();
        assert_eq!(Trailer::parse(&bytes, 0).unwrap(), Some(trailer));
        for at in 0..TRAILER_LEN {
            let mut flipped = bytes;
            flipped[at] ^= 0x10;
            assert_ne!(Trailer::parse(&flipped, 0).ok().flatten(), Some(trailer));
            assert!(!matches!(Trailer::parse(&flipped, 0), Ok(Some(_))));
        }
    }
}
