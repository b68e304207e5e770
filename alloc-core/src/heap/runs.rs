//! Runs of small blocks: between the cache and the arenas.
//!
//! A bin that is empty takes the whole list of a run that has blocks at home, else a new run. Blocks that the cache sends
//! back gather in their run; a run that is complete becomes a free chunk and coalesces. Counting is done here, per
//! transfer, not in malloc and free.

use core::ptr::NonNull;

use super::Heap;
use crate::base::class;
use crate::chunk::block::{self, HOME, Run};
use crate::chunk::owner;
use crate::chunk::tag::{Chunk, Use};
use crate::source::MemorySource;

/// A run has at least so many blocks.
const LEAST_BLOCKS: u64 = 4;

impl<S: MemorySource> Heap<S> {
    /// Fills the bin of a request of `size` bytes (at most `SMALL_MAX`), and pops a block.
    pub(super) fn refill_and_pop(&mut self, size: usize) -> Option<NonNull<u8>> {
        let bin = class::bin_of_tag(class::tag_of(size));
        if self.is_vacant() {
            return None;
        }
        let taken = match self.states[bin].runs {
            0 => self.make_run(bin)?,
            // SAFETY: the list of runs holds runs of this heap.
            at => unsafe { self.take_run(bin, Run(at)) },
        };
        self.states[bin].refilled = true;
        self.counters.refills += 1;
        self.bins[bin].room -= taken as i32;
        if self.bins[bin].room < 0 {
            // A run larger than the limit: the limit follows.
            self.states[bin].limit -= self.bins[bin].room;
            self.bins[bin].room = 0;
        }
        self.states[bin].out += taken as u32;
        self.counters.out_bytes += taken * class::payload_bytes(bin);
        self.counters.note_peak();
        self.pop_cached(size)
    }

    /// Moves the list of a run into the empty bin; returns how many blocks.
    ///
    /// # Safety
    /// `run` is in the bin's list of runs.
    unsafe fn take_run(&mut self, bin: usize, run: Run) -> u64 {
        let space = self.space;
        // SAFETY: a run in the list has a list of blocks at home, `run_home` of them, ended by position 0.
        unsafe {
            self.unlist_run(bin, run);
            let count = space.run_home(run);
            let first = space.run_first(run);
            let mut at = first;
            while at != 0 {
                space.set_tag(at, block::CACHED);
                at = space.link(at);
            }
            space.set_run_first(run, 0);
            space.set_run_home(run, 0);
            self.bins[bin].head = space.pointer(first);
            count
        }
    }

    /// Makes a run and puts its blocks into the empty bin in address order; returns how many.
    fn make_run(&mut self, bin: usize) -> Option<u64> {
        let block_bytes = class::block_bytes(bin);
        let most = (self.policy.run_bytes.saturating_sub(block::FIRST_BLOCK) / block_bytes)
            .max(LEAST_BLOCKS);
        // The first runs of a bin are short: most bins of most threads hold few blocks.
        let blocks = (LEAST_BLOCKS << self.states[bin].run_count.min(8)).min(most);
        let c = self.take_chunk(block::run_bytes(bin, blocks))?;
        let space = self.space;
        let run = Run(c.0);
        // SAFETY: the chunk is ours and at least `run_bytes` long, so `capacity` blocks fit.
        let count = unsafe {
            let bytes = space.size(c);
            let count = block::capacity(bin, bytes);
            space.set_size(c, bytes, Use::Run);
            space.set_owner(c, 0, owner::NONE);
            space.begin_run(run, bin, count);
            for index in 0..count {
                let at = run.block(bin, index);
                space.begin_block(run, at, self.number());
                space.set_link(
                    at,
                    if index + 1 < count {
                        run.block(bin, index + 1)
                    } else {
                        0
                    },
                );
            }
            count
        };
        self.bins[bin].head = space.pointer(run.block(bin, 0));
        self.states[bin].run_count += 1;
        Some(count)
    }

    /// Puts one cached block back into its run, and the run back into the arena when that was the last.
    ///
    /// # Safety
    /// `at` is a cached block of this bin, already out of the cache's list.
    pub(super) unsafe fn bring_home(&mut self, bin: usize, at: u64) {
        let space = self.space;
        self.states[bin].out -= 1;
        self.counters.out_bytes -= class::payload_bytes(bin);
        // SAFETY: the block's header names its run, which is alive while a block of it is out.
        unsafe {
            let run = space.run_of(at);
            let home = space.run_home(run) + 1;
            space.set_tag(at, HOME);
            space.set_link(at, space.run_first(run));
            space.set_run_first(run, at);
            space.set_run_home(run, home);
            if home == space.run_capacity(run) {
                if home > 1 {
                    self.unlist_run(bin, run);
                }
                self.states[bin].run_count -= 1;
                self.free_chunk(Chunk(run.0));
            } else if home == 1 {
                self.list_run(bin, run);
            }
        }
    }

    /// # Safety
    /// `run` is ours and in no list.
    unsafe fn list_run(&mut self, bin: usize, run: Run) {
        let (space, head) = (self.space, self.states[bin].runs);
        // SAFETY: the list's members are runs of this heap.
        unsafe {
            space.set_run_next(run, head);
            space.set_run_prev(run, 0);
            if head != 0 {
                space.set_run_prev(Run(head), run.0);
            }
        }
        self.states[bin].runs = run.0;
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
                self.states[bin].runs = next;
            }
        }
    }
}
