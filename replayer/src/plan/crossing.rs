//! Blocks that cross from one row to another: each gets a slot of its own in the shared table.
//!
//! Shared slots are numbered by maker and by the maker's order, so each maker owns a contiguous range of them and walks it from
//! front to back.

use std::ops::Range;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use rayon::prelude::*;
use trace_format::{BlockId, ReadAt, Tape};

use super::error::PlanError;
use super::locate;
use super::op::SizeField;
use super::survey::ThreadSurvey;

/// Nobody has come yet.
const NOBODY: u64 = u64::MAX;

/// Bits of an index in a [`Key`].
const INDEX_BITS: u32 = 44;

/// A block in eight bytes: thread above, index below. Keys sort as blocks do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key(u64);

impl Key {
    /// `None` for a thread or an index that no tape can have (2^44 blocks of a thread are more than any file holds).
    pub fn of(block: BlockId) -> Option<Key> {
        (block.thread < 1 << (64 - INDEX_BITS) && block.index < 1 << INDEX_BITS)
            .then_some(Key(u64::from(block.thread) << INDEX_BITS | block.index))
    }

    /// The block.
    pub fn block(self) -> BlockId {
        BlockId {
            thread: (self.0 >> INDEX_BITS) as u32,
            index: self.0 & ((1 << INDEX_BITS) - 1),
        }
    }
}

/// All crossings of a tape: twenty bytes each.
#[derive(Debug)]
pub(super) struct Crossings {
    /// Sorted: place in this list = shared slot.
    keys: Vec<Key>,
    /// For each thread: the range of shared slots that its own blocks have.
    slots: Vec<Range<usize>>,
    /// For each shared slot: when the first of maker and releaser came, as they were planned.
    met: Vec<AtomicU64>,
    /// For each shared slot: the block's size.
    sizes: Vec<AtomicU32>,
}

impl Crossings {
    /// Sorts and checks the releases by others: each names a block that is made, and none twice.
    pub fn new<S: ReadAt + Sync>(
        tape: &Tape<S>,
        mut keys: Vec<Key>,
        threads: &[ThreadSurvey],
    ) -> Result<Crossings, PlanError> {
        if u32::try_from(keys.len()).is_err() {
            return Err(PlanError::TooMany {
                what: "blocks that cross threads",
                count: keys.len() as u64,
                most: u64::from(u32::MAX),
            });
        }
        keys.par_sort_unstable();
        if let Some(pair) = keys.par_windows(2).find_first(|pair| pair[0] == pair[1]) {
            let block = pair[1].block();
            let (thread, event) = locate::release(tape, block, 1)?;
            return Err(PlanError::DoubleFree {
                thread,
                event,
                block,
            });
        }
        let made = |thread: u32| threads.get(thread as usize).map_or(0, |t| t.allocations);
        if let Some(bad) = keys.par_iter().find_first(|key| {
            let block = key.block();
            block.index >= made(block.thread)
        }) {
            let block = bad.block();
            let (thread, event) = locate::release(tape, block, 0)?;
            return Err(PlanError::UnknownBlock {
                thread,
                event,
                block,
            });
        }
        let mut next = 0;
        let slots = (0..threads.len() as u32)
            .map(|thread| {
                let start = next;
                next += keys[start..].partition_point(|key| key.block().thread == thread);
                start..next
            })
            .collect();
        let met = (0..keys.len())
            .into_par_iter()
            .map(|_| AtomicU64::new(NOBODY))
            .collect();
        let sizes = (0..keys.len())
            .into_par_iter()
            .map(|_| AtomicU32::new(0))
            .collect();
        Ok(Crossings {
            keys,
            slots,
            met,
            sizes,
        })
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// The block of a shared slot.
    pub fn block(&self, slot: usize) -> BlockId {
        self.keys[slot].block()
    }

    /// The shared slots of the thread's own blocks.
    pub fn own(&self, thread: usize) -> Range<usize> {
        self.slots[thread].clone()
    }

    /// The shared slot of a block; `made` is how many blocks its maker makes in all.
    ///
    /// The blocks of a maker that cross are spread over all that it makes, so the search begins where the block would be if they
    /// were spread evenly, and doubles its steps from there.
    pub fn slot_of(&self, block: BlockId, made: u64) -> Option<usize> {
        let key = Key::of(block)?;
        let own = self.slots.get(block.thread as usize)?.clone();
        let keys = &self.keys[own.clone()];
        let guess =
            (u128::from(block.index) * keys.len() as u128 / u128::from(made.max(1))) as usize;
        let guess = guess.min(keys.len());
        let (mut low, mut high, mut step) = (guess, guess, 16);
        while low > 0 && keys[low - 1] >= key {
            low = low.saturating_sub(step);
            step *= 2;
        }
        step = 16;
        while high < keys.len() && keys[high] < key {
            high = (high + step).min(keys.len());
            step *= 2;
        }
        let at = low + keys[low..high].partition_point(|&other| other < key);
        (keys.get(at) == Some(&key)).then_some(own.start + at)
    }

    /// Notes that the block in `slot` is made at `ns`. Says whether it is released before (`Some(false)`), at the very same stamp
    /// (`Some(true)`), or, as it must be, later or not seen yet (`None`).
    pub fn made(&self, slot: usize, ns: u64, size: SizeField) -> Option<bool> {
        self.sizes[slot].store(size.to_raw(), Ordering::Relaxed);
        let ns = ns.min(NOBODY - 1);
        let other = self.met[slot].swap(ns, Ordering::Relaxed);
        if other == NOBODY || other > ns {
            None
        } else {
            Some(other == ns)
        }
    }

    /// Notes that the block in `slot` is released at `ns`; the answer is that of [`made`](Self::made).
    pub fn released(&self, slot: usize, ns: u64) -> Option<bool> {
        let ns = ns.min(NOBODY - 1);
        let other = self.met[slot].swap(ns, Ordering::Relaxed);
        if other == NOBODY || other < ns {
            None
        } else {
            Some(other == ns)
        }
    }

    /// The size of a block, once its maker is planned.
    pub fn size(&self, slot: usize) -> SizeField {
        SizeField::from_raw(self.sizes[slot].load(Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_block_is_found_wherever_it_lies() {
        let indices = [0u64, 1, 2, 3, 500, 501, 9_998, 9_999];
        let keys: Vec<Key> = (0..3)
            .flat_map(|thread| indices.map(|index| BlockId { thread, index }))
            .filter_map(Key::of)
            .collect();
        let crossings = Crossings {
            slots: (0..3).map(|t| t * 8..t * 8 + 8).collect(),
            met: Vec::new(),
            sizes: Vec::new(),
            keys,
        };
        for slot in 0..24 {
            let block = crossings.block(slot);
            for made in [1, 700, 10_000, 1 << 40] {
                assert_eq!(crossings.slot_of(block, made), Some(slot));
            }
        }
        for index in [4, 499, 502, 10_000] {
            assert_eq!(
                crossings.slot_of(BlockId { thread: 1, index }, 10_000),
                None
            );
        }
        assert_eq!(
            crossings.slot_of(
                BlockId {
                    thread: 3,
                    index: 0
                },
                1
            ),
            None
        );
    }
}
