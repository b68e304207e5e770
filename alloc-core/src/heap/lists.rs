//! A heap's lists, for those who show them.

use super::Heap;
use crate::base::class::{BINS, CLASSES};
use crate::chunk::block::Run;
use crate::chunk::tag::Chunk;
use crate::source::MemorySource;

/// One bin of small blocks. Bin `n` has blocks of `16 n` bytes, header included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BinCounts {
    /// Blocks of the program.
    pub in_use: u64,
    /// Blocks in the cache.
    pub cached: u64,
    /// Blocks that the cache may hold.
    pub limit: u64,
    /// Runs of this bin.
    pub runs: u64,
    /// Blocks in the lists of runs.
    pub home: u64,
}

impl<S: MemorySource> Heap<S> {
    /// What a bin holds; nothing for one that is none.
    pub fn bin(&self, bin: usize) -> BinCounts {
        let Some(runs) = self.arenas.runs.get(bin) else {
            return BinCounts::default();
        };
        let (cached, space) = (self.cache.held(bin), self.arenas.space);
        let mut home = 0;
        let mut at = runs.first;
        while at != 0 {
            // SAFETY: the bin's list holds runs of this heap.
            unsafe {
                home += space.run_home(Run(at));
                at = space.run_next(Run(at));
            }
        }
        BinCounts {
            in_use: u64::from(runs.out).saturating_sub(cached),
            cached,
            limit: self.cache.limit(bin),
            runs: u64::from(runs.count),
            home,
        }
    }

    /// Shows the cached blocks of a bin, the next to be handed out first, by the positions of their payloads, until
    /// `visit` answers `false`.
    pub fn cached_blocks(&self, bin: usize, visit: &mut dyn FnMut(u64) -> bool) {
        if bin == 0 || bin >= BINS {
            return;
        }
        for mut at in self.cache.heads(bin) {
            while at != 0 {
                if !visit(at) {
                    return;
                }
                // SAFETY: the list holds cached blocks of this heap, and position 0 ends it.
                at = unsafe { self.arenas.space.link(at) };
            }
        }
    }

    /// Shows the free chunks of a class, the first to be looked at first, by position and length in bytes, until `visit`
    /// answers `false`.
    pub fn free_list(&self, class: usize, visit: &mut dyn FnMut(u64, u64) -> bool) {
        if class >= CLASSES {
            return;
        }
        let space = self.arenas.space;
        let mut at = self.arenas.free.head(class);
        while at != 0 {
            let c = Chunk(at);
            // SAFETY: the list holds free chunks of this heap, and position 0 ends it.
            let (bytes, next) = unsafe { (space.size(c), space.link_next(c)) };
            if !visit(at, bytes) {
                return;
            }
            at = next;
        }
    }

    /// Chunks merged and chunks cut so far, arenas made, and requests refused. Cheap, unlike [`stats`](Self::stats).
    pub fn steps(&self) -> (u64, u64, u64, u64) {
        let c = &self.arenas.counters;
        (c.coalesces, c.splits, c.arenas_made, c.failed)
    }
}
