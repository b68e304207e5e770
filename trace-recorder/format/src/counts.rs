//! What events add up to.

use crate::index::Totals;
use crate::opcode;

/// What the events of a chunk add up to.
#[derive(Copy, Clone, Eq, PartialEq, Debug, Default)]
pub struct ChunkCounts {
    /// Blocks made: mallocs and reallocs.
    pub allocations: u64,
    /// Malloc, calloc and aligned malloc.
    pub mallocs: u64,
    /// Frees of blocks that the tape knows.
    pub frees: u64,
    /// Successful reallocs.
    pub reallocs: u64,
    /// Refused requests.
    pub failed: u64,
    /// Frees of blocks from before the recording.
    pub unknown_frees: u64,
    /// Frees of other threads' blocks.
    pub remote_frees: u64,
    /// Thread starts.
    pub starts: u64,
    /// Thread ends.
    pub ends: u64,
}

impl ChunkCounts {
    /// Counts by opcode.
    pub(crate) fn of(opcodes: &[u64; opcode::COUNT]) -> ChunkCounts {
        let count = |code: u8| opcodes[usize::from(code)];
        let mallocs = count(opcode::MALLOC) + count(opcode::CALLOC) + count(opcode::ALIGNED_MALLOC);
        let reallocs = count(opcode::REALLOC_OWN)
            + count(opcode::REALLOC_REMOTE)
            + count(opcode::REALLOC_UNKNOWN);
        ChunkCounts {
            allocations: mallocs + reallocs,
            mallocs,
            frees: count(opcode::FREE_OWN) + count(opcode::FREE_REMOTE),
            reallocs,
            failed: count(opcode::FAILED),
            unknown_frees: count(opcode::FREE_UNKNOWN),
            remote_frees: count(opcode::FREE_REMOTE),
            starts: count(opcode::THREAD_START),
            ends: count(opcode::THREAD_END),
        }
    }

    /// The totals that they add up to; the live figures are not among them.
    pub(crate) fn totals(&self, events: u64, duration_ns: u64) -> Totals {
        Totals {
            events,
            mallocs: self.mallocs,
            frees: self.frees,
            reallocs: self.reallocs,
            failed: self.failed,
            unknown_frees: self.unknown_frees,
            remote_frees: self.remote_frees,
            duration_ns,
            ..Totals::default()
        }
    }

    /// Adds those of another chunk.
    pub(crate) fn add(&mut self, other: &ChunkCounts) {
        self.allocations += other.allocations;
        self.mallocs += other.mallocs;
        self.frees += other.frees;
        self.reallocs += other.reallocs;
        self.failed += other.failed;
        self.unknown_frees += other.unknown_frees;
        self.remote_frees += other.remote_frees;
        self.starts += other.starts;
        self.ends += other.ends;
    }
}
