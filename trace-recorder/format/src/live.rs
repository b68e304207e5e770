//! What lives: the sum of living blocks' sizes over the merged order.

use crate::counts::ChunkCounts;
use crate::error::TapeError;
use crate::event::{BlockId, EventKind};
use crate::index::{LiveTotals, Totals};
use crate::merge::MergedEvent;
use crate::source::ReadAt;
use crate::tape::Tape;
use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher, RandomState};

/// Follows the living blocks of a tape. Takes memory in proportion to the most that live at once.
#[derive(Debug, Default)]
pub struct LiveTracker {
    sizes: HashMap<BlockId, u64, BlockHash>,
    /// Wider than any sum of sizes that fit 64 bits, so that absurd sizes do not spoil the sum.
    live_bytes: u128,
    peak_live_bytes: u128,
    peak_live_ns: u64,
}

impl LiveTracker {
    /// Nothing lives.
    pub fn new() -> LiveTracker {
        LiveTracker::default()
    }

    /// A block is there from `time_ns` on. A block of that name that lived before is gone.
    #[inline]
    pub fn make(&mut self, block: BlockId, size: u64, time_ns: u64) {
        let before = self.sizes.insert(block, size).unwrap_or(0);
        self.live_bytes = self.live_bytes - u128::from(before) + u128::from(size);
        if self.live_bytes > self.peak_live_bytes {
            self.peak_live_bytes = self.live_bytes;
            self.peak_live_ns = time_ns;
        }
    }

    /// A block is gone. Says how many bytes it had; `None` when it did not live.
    #[inline]
    pub fn release(&mut self, block: BlockId) -> Option<u64> {
        let size = self.sizes.remove(&block)?;
        self.live_bytes -= u128::from(size);
        Some(size)
    }

    /// Takes the next event of the merged order. A realloc's old block goes before the new one comes.
    ///
    /// # Errors
    /// [`TapeError::NotCausal`] when the event releases a block that does not live: it was released before. The event
    /// counts all the same, so that who knows of gaps in the tape can go on.
    #[inline]
    pub fn apply(&mut self, merged: &MergedEvent) -> Result<(), TapeError> {
        let event = &merged.event;
        let twice = event
            .kind
            .releases()
            .filter(|&block| self.release(block).is_none());
        if let (Some(block), Some(size)) = (merged.made, event.kind.size()) {
            self.make(block, size, event.time_ns);
        }
        match twice {
            None => Ok(()),
            Some(block) => Err(TapeError::NotCausal {
                thread: merged.thread,
                time_ns: event.time_ns,
                block,
                why: "which was released before",
            }),
        }
    }

    /// Sum of the sizes of the living blocks, in bytes; `u64::MAX` stands for any larger sum.
    pub fn live_bytes(&self) -> u64 {
        clamped(self.live_bytes)
    }

    /// How many blocks live.
    pub fn live_blocks(&self) -> u64 {
        self.sizes.len() as u64
    }

    /// The peak so far, and what lives now.
    pub fn totals(&self) -> LiveTotals {
        LiveTotals {
            peak_live_bytes: clamped(self.peak_live_bytes),
            peak_live_ns: self.peak_live_ns,
            live_bytes_at_end: clamped(self.live_bytes),
            live_blocks_at_end: self.live_blocks(),
        }
    }
}

fn clamped(bytes: u128) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

/// Goes through the whole tape in merged order and sums it up anew; a sound tape's [`Tape::totals`] are the same.
///
/// `progress` hears how many events are done, and of how many.
///
/// # Errors
/// As [`Merged`](crate::Merged); [`TapeError::NotCausal`] also for a block that is released twice, unless the tape has
/// gaps.
pub fn totals_of<S: ReadAt>(
    tape: &Tape<S>,
    mut progress: impl FnMut(u64, u64),
) -> Result<Totals, TapeError> {
    const EVERY: u64 = 1 << 16;
    let of: u64 = tape.threads().iter().map(|thread| thread.events).sum();
    let mut live = LiveTracker::new();
    let mut counts = ChunkCounts::default();
    let (mut events, mut duration_ns) = (0u64, 0u64);
    for merged in tape.merged() {
        let merged = merged?;
        match live.apply(&merged) {
            Err(error) if tape.is_whole() => return Err(error),
            _ => {}
        }
        counts.mallocs += u64::from(matches!(
            merged.event.kind,
            EventKind::Malloc { .. } | EventKind::Calloc { .. } | EventKind::AlignedMalloc { .. }
        ));
        match merged.event.kind {
            EventKind::Free { block } => {
                counts.frees += 1;
                counts.remote_frees += u64::from(block.thread != merged.thread);
            }
            EventKind::Realloc { .. } | EventKind::ReallocUnknown { .. } => counts.reallocs += 1,
            EventKind::FreeUnknown => counts.unknown_frees += 1,
            EventKind::Failed { .. } => counts.failed += 1,
            _ => {}
        }
        duration_ns = duration_ns.max(merged.event.time_ns);
        events += 1;
        if events.is_multiple_of(EVERY) {
            progress(events, of);
        }
    }
    progress(events, of);
    Ok(counts.totals(events, duration_ns).with_live(live.totals()))
}

/// A quick hash for block names, keyed anew in each process, so that no tape can be made to collide.
#[derive(Clone, Debug)]
struct BlockHash {
    key: u64,
}

impl Default for BlockHash {
    fn default() -> Self {
        BlockHash {
            key: RandomState::new().hash_one(0u64),
        }
    }
}

impl BuildHasher for BlockHash {
    type Hasher = BlockHasher;

    fn build_hasher(&self) -> BlockHasher {
        BlockHasher { state: self.key }
    }
}

struct BlockHasher {
    state: u64,
}

impl BlockHasher {
    #[inline]
    fn fold(&mut self, word: u64) {
        // The golden ratio's bits: any odd constant with bits well spread would do.
        let product = u128::from(self.state ^ word) * 0x9E37_79B9_7F4A_7C15;
        self.state = (product >> 64) as u64 ^ product as u64;
    }
}

impl Hasher for BlockHasher {
    #[inline]
    fn finish(&self) -> u64 {
        self.state
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.fold(u64::from(byte));
        }
    }

    #[inline]
    fn write_u32(&mut self, word: u32) {
        self.fold(u64::from(word).rotate_left(32) ^ 0xA5A5);
    }

    #[inline]
    fn write_u64(&mut self, word: u64) {
        self.fold(word);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_peak_is_where_it_was_first_reached() {
        let block = |index| BlockId { thread: 0, index };
        let mut live = LiveTracker::new();
        live.make(block(0), 100, 1);
        live.make(block(1), 50, 2);
        assert_eq!(live.release(block(0)), Some(100));
        assert_eq!(live.release(block(0)), None);
        live.make(block(2), 100, 3);
        let totals = live.totals();
        assert_eq!((totals.peak_live_bytes, totals.peak_live_ns), (150, 2));
        assert_eq!(
            (totals.live_bytes_at_end, totals.live_blocks_at_end),
            (150, 2)
        );
    }

    #[test]
    fn sizes_beyond_all_memory_do_not_overflow() {
        let mut live = LiveTracker::new();
        for index in 0..3 {
            live.make(BlockId { thread: 0, index }, u64::MAX, index);
        }
        assert_eq!(live.totals().peak_live_bytes, u64::MAX);
        live.release(BlockId {
            thread: 0,
            index: 0,
        });
        live.release(BlockId {
            thread: 0,
            index: 1,
        });
        assert_eq!(live.live_bytes(), u64::MAX);
        live.release(BlockId {
            thread: 0,
            index: 2,
        });
        assert_eq!(live.live_bytes(), 0);
    }
}
