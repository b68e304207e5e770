//! How much a cache keeps: limits that follow the waves in which blocks come and go, and the lists put aside.
//!
//! ```text
//! flood   more is freed than the limit allows: it doubles if the list ran empty before, up to a part of the thread's share
//! ebb     blocks are only freed, list after list: the limit falls, to nothing where memory is to go back to the system
//! ```

use super::{Bounds, Cache, Chain, Given, State};
use crate::base::class::{self, BINS};
use crate::base::medium::bin_bytes;
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

impl<const N: usize> Cache<N> {
    /// Goes on with the spare of a bin whose list is empty. `false`: there is none.
    pub fn take_spare(&mut self, bin: usize) -> bool {
        let Some(chain) = self.unspare(bin) else {
            return false;
        };
        self.accept(bin, chain);
        true
    }

    /// Takes the spare of a bin, through a pointer: lists and counts, which the owning thread may be using, are not touched.
    ///
    /// # Safety
    /// `this` is a cache whose owning thread is kept out of everything but [`pop_at`](Self::pop_at) and
    /// [`push_at`](Self::push_at).
    pub unsafe fn take_spare_at(this: *mut Self, bin: usize) -> Option<Chain> {
        // SAFETY: the caller's promise: nobody else reads or writes the cold half.
        unsafe {
            let state: *mut State = (&raw mut (*this).states).cast::<State>().add(bin);
            let chain = (*state).take_spare();
            let bounds = (&raw mut (*this).bounds).cast::<Bounds>().add(kind(bin));
            (*bounds).spared -= bytes_of(bin, chain);
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
        let part = share.bytes.max(LEAST_MEMORY / share.threads) / share.crowd();
        self.bounds[0].limits_most = floors.sum::<u64>() + part / GROWTH_PART;
        self.bounds[0].spared_most = part / SPARED_PART;
        self.set_medium_share(share, thrifty);
    }

    /// A thread begins to use it, which has this share of all memory; it is empty.
    pub fn begin(&mut self, share: Share, thrifty: bool) {
        self.set_share(share, thrifty);
        for bin in 1..N {
            self.forget(bin);
        }
    }

    /// What was learnt of a bin's limit does not count any more.
    fn forget(&mut self, bin: usize) {
        let first = if bin < BINS {
            limit_for(bin, self.floor)
        } else {
            0
        };
        if self.states[bin].limit != first {
            self.set_limit(bin, first);
        }
        self.states[bin].want = 1;
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
        self.flow(bin);
        self.bring(bin, chain);
    }

    /// The list of a bin is longer than its limit: it is put aside, or the limit grows where blocks that were given away were
    /// wanted again. Returns what is to be given away.
    #[cold]
    pub fn overflow(&mut self, bin: usize) -> Option<Given> {
        if bin >= BINS {
            return self.overflow_medium(bin);
        }
        // Blocks come and go in waves larger than the limit (slow start, as in tcmalloc).
        if self.states[bin].ebbed == 0 && self.raise(bin) {
            self.states[bin].ebbed = 1;
            return None;
        }
        let listed = self.listed(bin);
        if self.states[bin].limit == 0 && listed == 1 {
            return self.drop_aside(bin);
        }
        let list = self.unlist(bin);
        self.ebb(bin, listed);
        let had = self.unspare(bin);
        if self.bounds[0].spared + bytes_of(bin, Some(list)) <= self.bounds[0].spared_most {
            self.put_aside(bin, list);
            return had.map(Given::On);
        }
        if let Some(had) = had {
            self.put_aside(bin, had);
        }
        Some(Given::On(list))
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
    pub(super) fn drop_aside(&mut self, bin: usize) -> Option<Given> {
        let one = self.unlist(bin);
        let bounds = &self.bounds[kind(bin)];
        if bin >= BINS && bounds.spared + bin_bytes(bin) > bounds.spared_most {
            return Some(Given::Home(one));
        }
        let most = limit_for(bin, self.floor) as u32;
        let given = match bin < BINS && self.states[bin].spares >= most {
            true => self.unspare(bin),
            false => None,
        };
        let state = &mut self.states[bin];
        // SAFETY: the block came out of the list, so it is free and nobody else's.
        unsafe { self.space.set_link(one.first, state.spare) };
        state.spare = one.first;
        state.spares += 1;
        self.bounds[kind(bin)].spared += bin_bytes(bin);
        given.map(Given::On)
    }

    /// A bin that serves again holds at least as much as at first.
    fn flow(&mut self, bin: usize) {
        self.states[bin].ebbed = 0;
        if bin < BINS && self.states[bin].limit == 0 {
            self.set_limit(bin, limit_for(bin, self.floor));
        }
    }

    /// Makes a list the spare of a bin that has none.
    fn put_aside(&mut self, bin: usize, list: Chain) {
        let state = &mut self.states[bin];
        (state.spare, state.spares) = (list.first, list.count);
        self.bounds[kind(bin)].spared += bytes_of(bin, Some(list));
    }

    /// Takes the spare of a bin.
    pub(super) fn unspare(&mut self, bin: usize) -> Option<Chain> {
        let chain = self.states[bin].take_spare();
        self.bounds[kind(bin)].spared -= bytes_of(bin, chain);
        chain
    }

    /// Doubles the limit of a bin, as far as the ceiling and what all limits may grow by allow. `false`: they don't; where
    /// there is too much already, it is as it was at first.
    fn raise(&mut self, bin: usize) -> bool {
        let each = class::block_bytes(bin);
        let limit = self.states[bin].limit;
        let more = limit.min(limit_for(bin, self.ceiling) - limit);
        let bounds = &self.bounds[0];
        let (limits, most) = (bounds.limits, bounds.limits_most);
        let may = more > 0 && limits + more as u64 * each <= most;
        if may {
            self.set_limit(bin, limit + more);
        } else if limits > most {
            self.set_limit(bin, limit_for(bin, self.floor));
        }
        may
    }

    pub(super) fn set_limit(&mut self, bin: usize, limit: i32) {
        let before = core::mem::replace(&mut self.states[bin].limit, limit);
        self.rooms[bin] += limit - before;
        let limits = &mut self.bounds[kind(bin)].limits;
        *limits += limit as u64 * bin_bytes(bin);
        *limits -= before as u64 * bin_bytes(bin);
    }

    /// Takes out all blocks: shows the list and the spare of each bin that has any. What it learnt of the limits is forgotten.
    pub fn take_all(&mut self, mut show: impl FnMut(usize, Chain)) {
        for bin in 1..N {
            if self.heads[bin] != 0 {
                show(bin, self.unlist(bin));
            }
            if self.states[bin].spares != 0
                && let Some(spare) = self.unspare(bin)
            {
                show(bin, spare);
            }
            self.forget(bin);
        }
    }
}

/// Which of a cache's bounds a bin is under: 0 for small ones, 1 for medium ones.
fn kind(bin: usize) -> usize {
    usize::from(bin >= BINS)
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
    chain.map_or(0, |chain| u64::from(chain.count) * bin_bytes(bin))
}

/// How many blocks of a bin are worth so many bytes; a few at least.
pub(super) fn limit_for(bin: usize, bytes: u64) -> i32 {
    let least = if bytes < Policy::DEFAULT.cache_floor {
        2
    } else {
        4
    };
    // 32 bits: the shorter division counts where threads begin and end all the time.
    let blocks = bytes.min(u64::from(u32::MAX)) as u32 / class::block_bytes(bin.max(1)) as u32;
    blocks.clamp(least, 1 << 20) as i32
}
