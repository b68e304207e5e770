//! Runs of small blocks: between the cache and the arenas.
//!
//! A cache that is empty takes the whole list of a run that has blocks at home, else a new run. Blocks that the cache sends
//! back gather in their run; a run that is complete becomes a free chunk and coalesces. Counting is done here, per
//! transfer, not in malloc and free.

use super::arenas::Arenas;
use super::cache::Chain;
use crate::base::class;
use crate::chunk::block::{self, Run};
use crate::chunk::owner;
use crate::chunk::tag::{Chunk, Use};
use crate::harden::Order;
use crate::source::MemorySource;

/// A run has at least so many blocks.
const LEAST_BLOCKS: u64 = 4;

/// What is known of the runs of one bin.
#[derive(Clone, Copy, Debug)]
pub(super) struct Runs {
    /// The first run with blocks at home, as a position; 0: none.
    pub first: u64,
    /// Blocks of this bin that are not home: in use or in a cache.
    pub out: u32,
    /// How many runs there are.
    pub count: u32,
}

impl Runs {
    pub const NONE: Runs = Runs {
        first: 0,
        out: 0,
        count: 0,
    };
}

impl<S: MemorySource> Arenas<S> {
    /// Blocks of a bin for a cache that has none.
    pub fn take_blocks(&mut self, bin: usize) -> Option<Chain> {
        let (first, count) = match self.runs[bin].first {
            0 => self.make_run(bin)?,
            // SAFETY: the list of runs holds runs of this heap.
            at => unsafe { self.take_run(bin, Run(at)) },
        };
        self.counters.refills += 1;
        self.runs[bin].out += count as u32;
        self.counters.out_bytes += count * class::payload_bytes(bin);
        self.counters.note_peak();
        Some(Chain {
            first,
            count: count as u32,
        })
    }

    /// Takes the list of a run; returns its first block and how many there are.
    ///
    /// # Safety
    /// `run` is in the bin's list of runs.
    unsafe fn take_run(&mut self, bin: usize, run: Run) -> (u64, u64) {
        let space = self.space;
        // SAFETY: a run in the list has a list of blocks at home, `run_home` of them, ended by position 0.
        unsafe {
            self.unlist_run(bin, run);
            let count = space.run_home(run);
            let first = space.run_first(run);
            space.set_run_first(run, 0);
            space.set_run_home(run, 0);
            (first, count)
        }
    }

    /// Makes a run, its blocks linked in address order (hardened: in any); returns the first and how many there are.
    fn make_run(&mut self, bin: usize) -> Option<(u64, u64)> {
        let block_bytes = class::block_bytes(bin);
        let most = (self.policy.run_bytes.saturating_sub(block::FIRST_BLOCK) / block_bytes)
            .max(LEAST_BLOCKS);
        // The first runs of a bin are short: most bins of most threads hold few blocks.
        let blocks = (LEAST_BLOCKS << self.runs[bin].count.min(8)).min(most);
        let c = self.take_chunk(block::run_bytes(bin, blocks))?;
        let space = self.space;
        let run = Run(c.0);
        // SAFETY: the chunk is ours.
        let bytes = unsafe { space.size(c) };
        let count = block::capacity(bin, bytes);
        let order = Order::new(count, space.is_process());
        // SAFETY: the chunk is ours and at least `run_bytes` long, so `capacity` blocks fit.
        unsafe {
            space.set_size(c, bytes, Use::Run);
            space.set_owner(c, self.number, owner::NONE);
            space.begin_run(run, bin, count);
            let mut at = run.block(bin, order.at(0));
            for place in 1..=count {
                let next = if place < count {
                    run.block(bin, order.at(place))
                } else {
                    0
                };
                space.begin_block(run, at, bin);
                space.set_link(at, next);
                at = next;
            }
        }
        self.runs[bin].count += 1;
        Some((run.block(bin, order.at(0)), count))
    }

    /// Puts blocks back into their runs, and each run that is then complete back into its arena.
    ///
    /// # Safety
    /// They are blocks of this heap that nobody uses and no cache or run has.
    pub unsafe fn bring_home_list(&mut self, chain: Chain) {
        let mut at = chain.first;
        self.counters.flushes += 1;
        while at != 0 {
            // SAFETY: the caller's promise.
            unsafe {
                let next = self.space.link(at);
                self.bring_home(at);
                at = next;
            }
        }
    }

    /// Puts one block back into its run, and the run back into the arena when that was the last.
    ///
    /// # Safety
    /// `at` is a small block of this heap, marked as free, that nobody uses and no cache or run has.
    pub unsafe fn bring_home(&mut self, at: u64) {
        let space = self.space;
        // SAFETY: the block's header names its run, which is alive while a block of it is out.
        unsafe {
            let run = space.run_of(at);
            let bin = space.run_bin(run);
            self.runs[bin].out -= 1;
            self.counters.out_bytes -= class::payload_bytes(bin);
            let home = space.run_home(run) + 1;
            space.set_link(at, space.run_first(run));
            space.set_run_first(run, at);
            space.set_run_home(run, home);
            if home == space.run_capacity(run) {
                if home > 1 {
                    self.unlist_run(bin, run);
                }
                self.runs[bin].count -= 1;
                self.free_chunk(Chunk(run.0));
            } else if home == 1 {
                self.list_run(bin, run);
            }
        }
    }

    /// Runs, and small blocks that are not home.
    pub(super) fn out(&self) -> (u64, u64) {
        self.runs.iter().fold((0, 0), |(runs, out), of| {
            (runs + u64::from(of.count), out + u64::from(of.out))
        })
    }

    /// # Safety
    /// `run` is ours and in no list.
    unsafe fn list_run(&mut self, bin: usize, run: Run) {
        let (space, head) = (self.space, self.runs[bin].first);
        // SAFETY: the list's members are runs of this heap.
        unsafe {
            space.set_run_next(run, head);
            space.set_run_prev(run, 0);
            if head != 0 {
                space.set_run_prev(Run(head), run.0);
            }
        }
        self.runs[bin].first = run.0;
    }

    /// # Safety
    /// `run` is in the bin's list.
    unsafe fn unlist_run(&mut self, bin: usize, run: Run) {
        let space = self.space;
        // SAFETY: the list's members are runs of this heap.
        unsafe {
            let (next, prev) = (space.run_next(run), space.run_prev(run));
            if next != 0 {
                space.set_run_prev(Run(next), prev);
            }
            if prev != 0 {
                space.set_run_next(Run(prev), next);
            } else {
                self.runs[bin].first = next;
            }
        }
    }
}
