//! What a heap has done and what it holds.

use super::arenas::Arenas;
use crate::source::MemorySource;

/// Counters of one heap since it was made. Bytes of blocks are what the program may use of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HeapStats {
    /// Requests that were served: malloc and its kin, and the half of a realloc that moves.
    pub alloc_calls: u64,
    /// Blocks freed, and the other half of a realloc that moves.
    pub free_calls: u64,
    /// Requests that were refused.
    pub failed: u64,
    /// Bytes in blocks that the program holds.
    pub current_bytes: u64,
    /// The most bytes in blocks that were outside the free lists: held by the program or in the cache.
    pub peak_bytes: u64,
    /// Bytes in small blocks that the cache holds.
    pub cached_bytes: u64,
    /// Bytes got from the source and not given back.
    pub footprint_bytes: u64,
    /// Arenas now.
    pub arenas: u64,
    /// Spans now.
    pub spans: u64,
    /// Arenas made.
    pub arenas_made: u64,
    /// Arenas given back.
    pub arenas_released: u64,
    /// Chunks cut in two.
    pub splits: u64,
    /// Chunks merged with a neighbour.
    pub coalesces: u64,
    /// How often an empty bin of the cache got blocks.
    pub refills: u64,
    /// How often a full bin of the cache sent blocks home.
    pub flushes: u64,
}

/// Counts of the slow paths, kept as they happen; all else is derived when asked for.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counters {
    pub chunk_allocs: u64,
    pub chunk_frees: u64,
    pub span_allocs: u64,
    pub span_frees: u64,
    pub failed: u64,
    /// Bytes of chunk blocks in use (payload).
    pub chunk_bytes: u64,
    /// Bytes of spans in use (payload).
    pub span_bytes: u64,
    /// Bytes of small blocks (payload) that are not home in a run.
    pub out_bytes: u64,
    pub peak_bytes: u64,
    pub arenas_made: u64,
    pub arenas_released: u64,
    pub splits: u64,
    pub coalesces: u64,
    pub refills: u64,
    pub flushes: u64,
}

impl Counters {
    pub const ZERO: Counters = Counters {
        chunk_allocs: 0,
        chunk_frees: 0,
        span_allocs: 0,
        span_frees: 0,
        failed: 0,
        chunk_bytes: 0,
        span_bytes: 0,
        out_bytes: 0,
        peak_bytes: 0,
        arenas_made: 0,
        arenas_released: 0,
        splits: 0,
        coalesces: 0,
        refills: 0,
        flushes: 0,
    };

    pub fn note_peak(&mut self) {
        self.peak_bytes = self
            .peak_bytes
            .max(self.out_bytes + self.chunk_bytes + self.span_bytes);
    }
}

impl<S: MemorySource> Arenas<S> {
    /// The statistics of a heap of these arenas before which caches have served `served` requests, took `freed` blocks
    /// back, and hold `cached` blocks and bytes.
    pub fn stats(&self, served: u64, freed: u64, cached: (u64, u64)) -> HeapStats {
        let c = &self.counters;
        HeapStats {
            alloc_calls: served + c.chunk_allocs + c.span_allocs,
            free_calls: freed + c.chunk_frees + c.span_frees,
            failed: c.failed,
            current_bytes: self.out_bytes().saturating_sub(cached.1),
            peak_bytes: c.peak_bytes,
            cached_bytes: cached.1,
            footprint_bytes: self.footprint_bytes(),
            arenas: self.count,
            spans: self.spans.count,
            arenas_made: c.arenas_made,
            arenas_released: c.arenas_released,
            splits: c.splits,
            coalesces: c.coalesces,
            refills: c.refills,
            flushes: c.flushes,
        }
    }
}
