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

/// Blocks that are linked from `first` to `last`.
#[derive(Clone, Copy)]
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

/// A run's list goes out whole where so many blocks are wanted and it has no more than this.
const fn enough(most: u64) -> u64 {
    most + most / 2
}

impl<S: MemorySource> Arenas<S> {
    /// Blocks of a bin for a cache that has none: about `want`, and fewer where runs at hand have fewer.
    pub fn take_blocks(&mut self, bin: usize, want: u64) -> Option<Chain> {
        let space = self.space;
        let mut all = match self.runs[bin].first {
            0 => self.make_run(bin, want)?,
            // SAFETY: the list of runs holds runs of this heap.
            at => unsafe { self.take_part(bin, Run(at), want) },
        };
        for _ in 1..RUNS_AT_ONCE {
            let at = self.runs[bin].first;
            if at == 0 || all.count >= want {
                break;
            }
            // SAFETY: as above; what was taken so far is this call's.
            unsafe {
                let part = self.take_part(bin, Run(at), want - all.count);
                space.set_link(all.last, part.first);
                all.last = part.last;
                all.count += part.count;
            }
        }
        self.counters.refills += 1;
        self.runs[bin].out += all.count as u32;
        self.counters.out_bytes += all.count * class::payload_bytes(bin);
        self.counters.note_peak();
        Some(Chain {
            first: all.first,
            count: all.count as u32,
        })
    }

    /// Takes `most` blocks out of a run's list, or all it has if they are not many more. The last is linked to position 0.
    ///
    /// # Safety
    /// `run` is in the bin's list of runs.
    unsafe fn take_part(&mut self, bin: usize, run: Run, most: u64) -> Part {
        let space = self.space;
        // SAFETY: a run in the list has a list of blocks at home, `run_home` of them, ended by position 0.
        unsafe {
            let (home, first) = (space.run_home(run), space.run_first(run));
            if home <= enough(most) {
                self.unlist_run(bin, run);
                space.set_run_first(run, 0);
                space.set_run_home(run, 0);
                let last = space.run_last(run);
                return Part {
                    first,
                    last,
                    count: home,
                };
            }
            let mut last = first;
            for _ in 1..most {
                last = space.link(last);
            }
            space.set_run_first(run, space.link(last));
            space.set_run_home(run, home - most);
            space.set_link(last, 0);
            Part {
                first,
                last,
                count: most,
            }
        }
    }

    /// Makes a run, its blocks linked in address order (hardened: in any), and takes `most` of them, or all if those are not
    /// many more. If there is a rest, the run is listed.
    fn make_run(&mut self, bin: usize, most: u64) -> Option<Part> {
        let block_bytes = class::block_bytes(bin);
        let longest = (self.policy.run_bytes.saturating_sub(block::FIRST_BLOCK) / block_bytes)
            .max(LEAST_BLOCKS);
        // The first runs of a bin are short: most bins of most threads hold few blocks.
        let blocks = (LEAST_BLOCKS << self.runs[bin].count.min(8)).min(longest);
        let c = self.take_chunk(block::run_bytes(bin, blocks))?;
        let space = self.space;
        let run = Run(c.0);
        // SAFETY: the chunk is ours.
        let bytes = unsafe { space.size(c) };
        let count = block::capacity(bin, bytes);
        let taken = if count <= enough(most) { count } else { most };
        let order = Order::new(count, space.is_process());
        let (first, mut at) = (run.block(bin, order.at(0)), 0);
        let mut last = first;
        // SAFETY: the chunk is ours and at least `run_bytes` long, so `capacity` blocks fit.
        unsafe {
            space.set_size(c, bytes, Use::Run);
            space.set_owner(c, self.number, owner::NONE);
            space.begin_run(run, bin, count);
            let mut next = first;
            for place in 1..=count {
                at = next;
                next = match place < count {
                    true => run.block(bin, order.at(place)),
                    false => 0,
                };
                space.begin_block(run, at, bin);
                if place == taken {
                    last = at;
                    space.set_link(at, 0);
                    space.set_run_first(run, next);
                } else {
                    space.set_link(at, next);
                }
            }
            space.set_run_last(run, at);
            space.set_run_home(run, count - taken);
            if taken < count {
                self.list_run(bin, run);
            }
        }
        self.runs[bin].count += 1;
        Some(Part {
            first,
            last,
            count: taken,
        })
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
    /// Programs free much in the order in which they got it, so what follows a block is often of the same run: such blocks go
    /// back together, linked as they are.
    ///
    /// # Safety
    /// They are blocks of heaps of this space that nobody uses and no cache or run has.
    pub unsafe fn bring_home_or(&mut self, mut at: u64, mut stray: impl FnMut(u64)) {
        let space = self.space;
        while at != 0 {
            // SAFETY: the caller's promise; a block's header names its run, which is alive while a block of it is out.
            unsafe {
                let (mut next, run) = (space.link(at), space.run_of(at));
                if space.run_home_number(run) != self.number {
                    stray(at);
                    at = next;
                    continue;
                }
                let mut part = Part {
                    first: at,
                    last: at,
                    count: 1,
                };
                while next != 0 && space.run_of(next) == run {
                    part.last = next;
                    part.count += 1;
                    next = space.link(next);
                }
                self.put_back(run, part);
                at = next;
            }
        }
    }

    /// Puts one block back into its run, and the run back into the arena when that was the last.
    ///
    /// # Safety
    /// `at` is a small block of this heap, marked as free, that nobody uses and no cache or run has.
    pub unsafe fn bring_home(&mut self, at: u64) {
        let alone = Part {
            first: at,
            last: at,
            count: 1,
        };
        // SAFETY: the block's header names its run, which is alive while a block of it is out.
        unsafe { self.put_back(self.space.run_of(at), alone) };
    }

    /// # Safety
    /// `run` is the blocks' run; they are marked as free, nobody uses them, and no cache or run has them.
    #[inline]
    unsafe fn put_back(&mut self, run: Run, part: Part) {
        let space = self.space;
        // SAFETY: the caller's promise.
        unsafe {
            let bin = space.run_bin(run);
            self.runs[bin].out -= part.count as u32;
            self.counters.out_bytes -= part.count * class::payload_bytes(bin);
            let before = space.run_home(run);
            let home = before + part.count;
            if home == space.run_capacity(run) {
                if before > 0 {
                    self.unlist_run(bin, run);
                }
                self.runs[bin].count -= 1;
                self.free_chunk(Chunk(run.0));
                return;
            }
            space.set_run_home(run, home);
            if before == 0 {
                space.set_link(part.last, 0);
                space.set_run_last(run, part.last);
                self.list_run(bin, run);
            } else {
                space.set_link(part.last, space.run_first(run));
            }
            space.set_run_first(run, part.first);
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
