//! Statistics of the whole process.

use core::sync::atomic::Ordering::Relaxed;

use super::current;
use crate::heap::HeapStats;
use crate::threaded::home::{OUT_BYTES, PEAK_BYTES};
use crate::threaded::pool::POOL;
use crate::threaded::ways_home::{COUNTED_TWICE, OWNERLESS_FREES};
use crate::threaded::{homes, large, manager, reclaimer};

/// What the process's allocator has done and holds. Exact for the calling thread and for threads that have ended; for
/// others as of their last request that the cache could not answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Requests that were served.
    pub alloc_calls: u64,
    /// Blocks freed, by whichever thread.
    pub free_calls: u64,
    /// Requests that were refused.
    pub failed: u64,
    /// Bytes in blocks that programs hold or that wait in a cache; exact to 32 KiB for each running thread.
    pub current_bytes: u64,
    /// The most there were of [`current_bytes`](Self::current_bytes).
    pub peak_bytes: u64,
    /// Bytes got from the system and not given back: heaps, large blocks and what waits for reuse.
    pub footprint_bytes: u64,
    /// Of these, bytes that wait for reuse.
    pub pooled_bytes: u64,
    /// Bytes that the reclaimer gave back.
    pub reclaimed_bytes: u64,
    /// Bytes in blocks that have memory of their own; part of [`current_bytes`](Self::current_bytes).
    pub large_bytes: u64,
    /// How many such blocks there are.
    pub large_blocks: u64,
    /// Arenas in heaps.
    pub arenas: u64,
    /// Heaps made: the most threads that allocated at the same time.
    pub heaps: u64,
}

/// The statistics now.
pub fn stats() -> Stats {
    current::prepare();
    let owner = current::get();
    if !current::is_vacant(owner) {
        // SAFETY: the owner is the calling thread's, and no other reference to it is alive.
        unsafe { (*owner).show() };
    }
    let mut arenas = HeapStats::default();
    homes::each(|home| {
        home.visit();
        let of_one = home.stats();
        arenas.alloc_calls += of_one.alloc_calls;
        arenas.free_calls += of_one.free_calls;
        arenas.failed += of_one.failed;
        arenas.arenas += of_one.arenas;
    });
    let mut stats = Stats {
        alloc_calls: large::ALLOCS.load(Relaxed),
        free_calls: large::FREES.load(Relaxed) + OWNERLESS_FREES.load(Relaxed),
        failed: large::FAILED.load(Relaxed),
        current_bytes: u64::try_from(OUT_BYTES.load(Relaxed)).unwrap_or(0),
        peak_bytes: u64::try_from(PEAK_BYTES.load(Relaxed)).unwrap_or(0),
        footprint_bytes: POOL.mapped_bytes(),
        pooled_bytes: POOL.pooled_bytes(),
        reclaimed_bytes: reclaimer::RETURNED.load(Relaxed),
        large_bytes: large::BYTES.load(Relaxed),
        large_blocks: large::ALLOCS
            .load(Relaxed)
            .saturating_sub(large::FREES.load(Relaxed)),
        arenas: 0,
        heaps: 0,
    };
    #[cfg(feature = "hardened")]
    {
        stats.footprint_bytes += crate::threaded::guarded::mapped_bytes();
    }
    stats.alloc_calls += arenas.alloc_calls;
    stats.free_calls += arenas.free_calls;
    stats.failed += arenas.failed;
    stats.arenas = arenas.arenas;
    manager::each(|owner| {
        let counts = owner.counts();
        stats.alloc_calls += counts.served;
        stats.free_calls += counts.freed;
        stats.heaps += 1;
    });
    stats.free_calls = (stats.free_calls).saturating_sub(COUNTED_TWICE.load(Relaxed));
    stats
}
