//! How much a cache keeps: limits that follow the waves in which blocks come and go, and the lists put aside.
//!
//! ```text
//! flood   more is freed than the limit allows: it doubles if the list ran empty before, up to a part of the thread's share
//! ebb     blocks are only freed, list after list: the limit falls, to nothing where memory is to go back to the system
//! ```

use super::{Cache, Chain, State};
use crate::base::class::{self, BINS};
use crate::heap::policy::Policy;

/// A bin's first limit is this part of the thread's share of all memory, and at least so many bytes.
const FLOOR_PART: u64 = 256;
const LEAST_FLOOR: u64 = 512;
/// So much memory, shared by all threads, is never too little for a first limit as the policy has it. Bytes.
const PLENTY: u64 = 16 << 20;
/// The limits may be raised by this part of the share, which counts as so many bytes for all threads together at least. (A
/// thread that replaces random ones of 5,000 blocks took 0.84 of the time with limits of up to 64 KiB instead of 16;
/// without a bound for all limits together, memory grew by a tenth. And a thousand blocks of 64 bytes, freed in a loop, go
/// home in part where a small process may not keep them: that takes three times as long.)
const GROWTH_PART: u64 = 8;
const LEAST_MEMORY: u64 = 2 << 20;
/// All spares together may come to this part of the share. (Without a bound of their own 200 threads that work in turn
/// kept twice as much as they do with it, and took no less time.)
const SPARED_PART: u64 = 16;
/// A limit falls where so many times the ceiling was freed since the list last ran empty: waves that come and go are smaller.
const EBB: u64 = 2;
/// The first refill of a bin asks for so many bytes, or one block.
const FIRST_REFILL: u64 = 1024;

/// From twice so many threads on each keeps less aside, at last this part of what it may where they are few.
const FEW: u64 = 64;
const CROWD: u64 = 2;

/// A thread's part of the process's memory. What it may keep aside follows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// All memory by the number of threads.
    pub bytes: u64,
    /// How many threads there are.
    pub threads: u64,
}

impl Share {
    /// Each of `threads` has the same part of `mapped` bytes.
    pub fn of(mapped: u64, threads: u64) -> Share {
        Share {
            bytes: mapped / threads,
            threads,
        }
    }

    /// What counts for that which waits long: less where there are many threads, each of which runs seldom and finds cold what
    /// it kept. (512 threads with 530 MiB alive: 6 % less memory in the same time. 64 threads that exchange blocks took an eighth
    /// longer with a quarter, and more memory, since they met more often at the homes.)
    pub fn aside(self) -> u64 {
        self.bytes / self.crowd()
    }

    fn crowd(self) -> u64 {
        (self.threads / FEW).clamp(1, CROWD)
    }
}

impl Cache {
    /// Goes on with the spare of a bin whose list is empty. `false`: there is none.
    pub fn take_spare(&mut self, bin: usize) -> bool {
        let Some(chain) = self.unspare(bin) else {
            return false;
        };
        self.flow(bin);
        self.heads[bin] = chain.first;
        self.settle(bin, chain.count as i32);
        true
    }

    /// Takes the spare of a bin, through a pointer: lists and counts, which the owning thread may be using, are not touched.
    ///
    /// # Safety
    /// `this` is a cache whose owning thread is kept out of everything but [`pop_at`](Self::pop_at) and
    /// [`push_at`](Self::push_at).
    pub unsafe fn take_spare_at(this: *mut Cache, bin: usize) -> Option<Chain> {
        // SAFETY: the caller's promise: nobody else reads or writes the cold half.
        unsafe {
            let state: *mut State = (&raw mut (*this).states).cast::<State>().add(bin);
            let chain = (*state).take_spare();
            (*this).spared -= bytes_of(bin, chain);
            chain
        }
    }

    /// Sets how much the bins hold before they give away, by the thread's share of all memory: what hundreds of threads keep
    /// aside each is most of a process's memory otherwise.
    /// `thrifty`: what is left when a thread has freed what it had is worth little time and many pages, since each block
    /// keeps one from going back.
    pub fn set_share(&mut self, share: Share, thrifty: bool) {
        let most = Policy::DEFAULT.cache_floor;
        let plenty = share.bytes.max(PLENTY / share.threads);
        self.floor = (plenty / FLOOR_PART).clamp(LEAST_FLOOR, most);
        self.ceiling = self.floor * (Policy::DEFAULT.cache_ceiling / most);
        self.least = if thrifty { 0 } else { self.floor };
        let floors =
            (1..BINS).map(|bin| limit_for(bin, self.floor) as u64 * class::block_bytes(bin));
        let share = share.bytes.max(LEAST_MEMORY / share.threads) / share.crowd();
        self.limits_most = floors.sum::<u64>() + share / GROWTH_PART;
        self.spared_most = share / SPARED_PART;
    }

    /// A thread begins to use it, which has this share of all memory; it is empty.
    pub fn begin(&mut self, share: Share, thrifty: bool) {
        self.set_share(share, thrifty);
        for bin in 1..BINS {
            self.set_limit(bin, limit_for(bin, self.floor));
            self.settle(bin, 0);
        }
    }

    /// How many blocks a bin that is empty asks the arenas for: few at first, since most bins of most threads are hardly
    /// used, and each time twice as many, up to the limit at which a cache begins to give away.
    pub fn want(&mut self, bin: usize) -> u64 {
        let most = limit_for(bin, self.floor);
        let state = &mut self.states[bin];
        let first = (FIRST_REFILL / class::block_bytes(bin)).max(1);
        let want = u64::from(state.want).max(first).min(most as u64);
        state.want = (2 * want).min(u64::from(u16::MAX)) as u16;
        want
    }

    /// Fills an empty bin.
    pub fn accept(&mut self, bin: usize, chain: Chain) {
        debug_assert_eq!(self.heads[bin], 0);
        self.heads[bin] = chain.first;
        self.flow(bin);
        self.settle(bin, chain.count as i32);
    }

    /// A bin's `room` is used up: if its list is longer than the limit it is put aside, or the limit grows where blocks
    /// that were given away were wanted again. Returns what is to be given away.
    #[cold]
    pub fn overflow(&mut self, bin: usize) -> Option<Chain> {
        let listed = self.listed(bin);
        let limit = self.states[bin].limit;
        if listed <= limit {
            // Blocks come and go, few at a time: a higher limit costs no memory and asks less often.
            if listed <= limit / 2 {
                self.raise(bin);
            }
            self.settle(bin, listed);
            return None;
        }
        // Blocks come and go in waves larger than the limit (slow start, as in tcmalloc).
        if self.states[bin].ebbed == 0 && self.raise(bin) {
            self.states[bin].ebbed = 1;
            self.settle(bin, listed);
            return None;
        }
        let list = Chain {
            first: self.heads[bin],
            count: listed as u32,
        };
        if limit == 0 && listed == 1 {
            return self.drop_aside(bin);
        }
        self.ebb(bin, listed);
        self.heads[bin] = 0;
        self.settle(bin, 0);
        let had = self.unspare(bin);
        if self.spared + bytes_of(bin, Some(list)) <= self.spared_most {
            self.put_aside(bin, list);
            return had;
        }
        if let Some(had) = had {
            self.put_aside(bin, had);
        }
        Some(list)
    }

    /// `listed` blocks are put aside. Lowers the limit of a bin where blocks are only freed, list after list: what stays in
    /// the end shall be little.
    fn ebb(&mut self, bin: usize, listed: i32) {
        let most = limit_for(bin, EBB * self.ceiling) as u32;
        let state = &mut self.states[bin];
        state.ebbed = state.ebbed.saturating_add(listed as u32);
        if state.ebbed > most {
            let limit = match self.least {
                0 => 0,
                bytes => (state.limit / 2).max(limit_for(bin, bytes).min(state.limit)),
            };
            self.set_limit(bin, limit);
        }
    }

    /// At lowest ebb a bin's one block goes to those that are aside, whence the reclaimer may take them though the thread
    /// sleeps. Returns what is to be given away.
    fn drop_aside(&mut self, bin: usize) -> Option<Chain> {
        let at = core::mem::take(&mut self.heads[bin]);
        self.settle(bin, 0);
        let most = limit_for(bin, self.floor) as u32;
        let given = match self.states[bin].spares >= most {
            true => self.unspare(bin),
            false => None,
        };
        let state = &mut self.states[bin];
        // SAFETY: the block came out of the list, so it is free and nobody else's.
        unsafe { self.space.set_link(at, state.spare) };
        state.spare = at;
        state.spares += 1;
        self.spared += class::block_bytes(bin);
        given
    }

    /// A bin that serves again holds at least as much as at first.
    fn flow(&mut self, bin: usize) {
        self.states[bin].ebbed = 0;
        if self.states[bin].limit == 0 {
            self.set_limit(bin, limit_for(bin, self.floor));
        }
    }

    /// Makes a list the spare of a bin that has none.
    fn put_aside(&mut self, bin: usize, list: Chain) {
        let state = &mut self.states[bin];
        (state.spare, state.spares) = (list.first, list.count);
        self.spared += bytes_of(bin, Some(list));
    }

    /// Takes the spare of a bin.
    fn unspare(&mut self, bin: usize) -> Option<Chain> {
        let chain = self.states[bin].take_spare();
        self.spared -= bytes_of(bin, chain);
        chain
    }

    /// Doubles the limit of a bin, as far as the ceiling and what all limits may grow by allow. `false`: they don't; where
    /// there is too much already, it is as it was at first.
    fn raise(&mut self, bin: usize) -> bool {
        let each = class::block_bytes(bin);
        let limit = self.states[bin].limit;
        let more = limit.min(limit_for(bin, self.ceiling) - limit);
        let may = more > 0 && self.limits + more as u64 * each <= self.limits_most;
        if may {
            self.set_limit(bin, limit + more);
        } else if self.limits > self.limits_most {
            self.set_limit(bin, limit_for(bin, self.floor));
        }
        may
    }

    pub(super) fn set_limit(&mut self, bin: usize, limit: i32) {
        let before = core::mem::replace(&mut self.states[bin].limit, limit);
        self.limits += limit as u64 * class::block_bytes(bin);
        self.limits -= before as u64 * class::block_bytes(bin);
    }

    /// Takes out all blocks of a bin, and forgets what it learnt of its limit: its list and its spare.
    pub fn take_all(&mut self, bin: usize) -> [Option<Chain>; 2] {
        let first = self.heads[bin];
        let list = (first != 0).then_some(Chain {
            first,
            count: self.listed(bin) as u32,
        });
        self.heads[bin] = 0;
        self.set_limit(bin, limit_for(bin, self.floor));
        self.states[bin].want = 1;
        self.settle(bin, 0);
        [list, self.unspare(bin)]
    }
}

impl State {
    fn take_spare(&mut self) -> Option<Chain> {
        let chain = Chain {
            first: self.spare,
            count: self.spares,
        };
        (self.spare, self.spares) = (0, 0);
        (chain.first != 0).then_some(chain)
    }
}

fn bytes_of(bin: usize, chain: Option<Chain>) -> u64 {
    chain.map_or(0, |chain| u64::from(chain.count) * class::block_bytes(bin))
}

/// How many blocks of a bin are worth so many bytes; a few at least.
pub(super) fn limit_for(bin: usize, bytes: u64) -> i32 {
    let least = if bytes < Policy::DEFAULT.cache_floor {
        2
    } else {
        4
    };
    (bytes / class::block_bytes(bin.max(1))).clamp(least, 1 << 20) as i32
}
