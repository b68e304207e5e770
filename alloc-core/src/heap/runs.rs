//! Runs of small blocks: between the cache and the arenas.
//!
//! A cache that is empty takes as many blocks as it says from runs that have some at home, else from a new run. Blocks that
//! the cache sends back gather in their run; a run that is complete becomes a free chunk and coalesces. Counting is done
//! here, per transfer, not in malloc and free.

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

/// A request for blocks takes from so many runs at most.
const RUNS_AT_ONCE: usize = 16;

/// Blocks out of one run's list, linked from `first` to `last`; `last` 0: it was not looked for.
struct Part {
    first: u64,
    last: u64,
    count: u64,
}

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
    /// Blocks of a bin for a cache that has none: about `want`, and fewer where runs at hand have fewer.
    pub fn take_blocks(&mut self, bin: usize, want: u64) -> Option<Chain> {
        if self.runs[bin].first == 0 {
            self.make_run(bin)?;
        }
        let space = self.space;
        let (mut first, mut last, mut count) = (0, 0, 0);
        for _ in 0..RUNS_AT_ONCE {
            let at = self.runs[bin].first;
            if at == 0 || count >= want {
                break;
            }
            // SAFETY: the list of runs holds runs of this heap; what was taken so far is this call's.
            unsafe {
                let part = self.take_part(bin, Run(at), want - count);
                match first {
                    0 => first = part.first,
                    _ => space.set_link(last, part.first),
                }
                count += part.count;
                if part.last == 0 {
                    break;
                }
                last = part.last;
            }
        }
        self.counters.refills += 1;
        self.runs[bin].out += count as u32;
        self.counters.out_bytes += count * class::payload_bytes(bin);
        self.counters.note_peak();
        Some(Chain {
            first,
            count: count as u32,
        })
    }

    /// Takes `most` blocks out of a run's list, or all it has if they are not many more.
    ///
    /// # Safety
    /// `run` is in the bin's list of runs.
    unsafe fn take_part(&mut self, bin: usize, run: Run, most: u64) -> Part {
        let space = self.space;
        // SAFETY: a run in the list has a list of blocks at home, `run_home` of them, ended by position 0.
        unsafe {
            let (home, first) = (space.run_home(run), space.run_first(run));
            if home >= most && home <= most + most / 2 {
                // Nobody has to look for the end of what is the last part.
                self.unlist_run(bin, run);
                space.set_run_first(run, 0);
                space.set_run_home(run, 0);
                return Part {
                    first,
                    last: 0,
                    count: home,
                };
            }
            let count = home.min(most);
            let mut last = first;
            for _ in 1..count {
                last = space.link(last);
            }
            space.set_run_first(run, space.link(last));
            space.set_run_home(run, home - count);
            space.set_link(last, 0);
            if home == count {
                self.unlist_run(bin, run);
            }
            Part { first, last, count }
        }
    }

    /// Makes a run whose blocks are all home, linked in address order (hardened: in any), and lists it.
    fn make_run(&mut self, bin: usize) -> Option<()> {
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
            space.set_run_first(run, run.block(bin, order.at(0)));
            space.set_run_home(run, count);
            self.list_run(bin, run);
        }
        self.runs[bin].count += 1;
        Some(())
    }

    /// Puts blocks of one bin back into their runs, and each run that is then complete back into its arena.
    ///
    /// # Safety
    /// They are blocks of this heap that nobody uses and no cache or run has.
    pub unsafe fn bring_home_list(&mut self, chain: Chain) {
        self.counters.flushes += 1;
        // SAFETY: the caller's promise.
        unsafe { self.bring_home_or(chain.first, |_| ()) };
    }

    /// As [`bring_home_list`](Self::bring_home_list), for the blocks from `at` on; those of other heaps are shown to `stray`.
    ///
    /// # Safety
    /// They are blocks of heaps of this space that nobody uses and no cache or run has.
    pub unsafe fn bring_home_or(&mut self, mut at: u64, mut stray: impl FnMut(u64)) {
        let space = self.space;
        while at != 0 {
            // SAFETY: the caller's promise; a block's header names its run, which is alive while a block of it is out.
            unsafe {
                let (next, run) = (space.link(at), space.run_of(at));
                if space.run_home_number(run) == self.number {
                    self.put_back(run, at);
                } else {
                    stray(at);
                }
                at = next;
            }
        }
    }

    /// Puts one block back into its run, and the run back into the arena when that was the last.
    ///
    /// # Safety
    /// `at` is a small block of this heap, marked as free, that nobody uses and no cache or run has.
    pub unsafe fn bring_home(&mut self, at: u64) {
        // SAFETY: the block's header names its run, which is alive while a block of it is out.
        unsafe { self.put_back(self.space.run_of(at), at) };
    }

    /// # Safety
    /// As for [`bring_home`](Self::bring_home); `run` is the block's.
    #[inline]
    unsafe fn put_back(&mut self, run: Run, at: u64) {
        let space = self.space;
        // SAFETY: the caller's promise.
        unsafe {
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
