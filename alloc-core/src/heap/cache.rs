//! The cache of small blocks: for each bin a list that malloc pops and free pushes, without a lock or a search.
//!
//! What a request costs here is what most programs feel of the allocator, so each step is there for a reason: a bin's head
//! and its counts are eight bytes each, so that the bin, a byte in the block's header, is the index without a shift; one comparison refuses what is too large,
//! one an empty bin (and a heap that does not exist yet), one a block that is not ours, free, or no block at all; one
//! counter a request keeps the statistics and bounds the cache.
//!
//! ```text
//! held(bin) = settled(bin) + (grant(bin) - room(bin)) - allocs(bin)          blocks in the bin's list
//! ```
//! `room` counts frees down from `grant`, `allocs` counts requests; both are settled when a list runs empty or `room` is
//! used up.
//!
//! A bin whose list is longer than its limit puts the whole list aside as its *spare*, and gives the spare it had away (or
//! the list itself, where spares are worth too much already); a bin that is empty takes its spare. So blocks move between caches in lists that nobody walks, whose blocks nobody touches
//! (the magazines of Bonwick and Adams, 2001, as linked lists).

use core::ptr::NonNull;

use super::policy::Policy;
use crate::base::class::{self, BINS, SMALL_MAX};
use crate::base::error::Broken;
use crate::chunk::{Space, owner};

/// How often a bin was used since its counts were last settled.
#[derive(Clone, Copy, Debug)]
struct Counts {
    /// How many more blocks may be freed before the cache looks at how many it holds.
    room: i32,
    /// Requests served.
    allocs: u32,
}

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

const UNUSED: Counts = Counts { room: 0, allocs: 0 };

/// The cold half of a bin.
#[derive(Clone, Copy, Debug)]
struct State {
    /// How many blocks the cache may hold.
    limit: i32,
    /// How many it held when the counts were last settled.
    settled: i32,
    /// What `room` was then.
    grant: i32,
    /// Blocks in lists that grew beyond the limit since one last ran empty.
    ebbed: u32,
    /// How many blocks the next refill asks for.
    want: u16,
    /// Blocks put aside: how many, and the first; 0: none.
    spares: u32,
    spare: u64,
}

const UNSETTLED: State = State {
    limit: 0,
    settled: 0,
    grant: 0,
    ebbed: 1,
    want: 1,
    spares: 0,
    spare: 0,
};

/// Small blocks of one bin that are marked as cached: linked from `first`, the last to position 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chain {
    /// The first block's payload, as a position.
    pub first: u64,
    /// How many there are.
    pub count: u32,
}

/// What became of a block that was given to [`Cache::push_at`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pushed {
    /// It is in the cache.
    Yes,
    /// It is in the cache, and [`Cache::overflow`] is to be called for this bin.
    Full(usize),
    /// Nothing was done: it is no small block of this heap in use.
    No,
}

/// The cache of one thread.
///
/// ```text
/// invariant: limits = sum of limit(i) * block size(i);  spared = sum of spares(i) * block size(i)
/// invariant: the list of bin i holds held(i) blocks of bin i, its spare `spares` more, all marked as cached
/// ```
#[repr(C)]
pub struct Cache {
    /// For each bin the first block's payload, as a position; 0: none.
    heads: [u64; BINS],
    counts: [Counts; BINS],
    /// The owner word of a small block of this heap.
    key: u32,
    space: Space,
    /// Requests served and blocks freed, as of the last settling.
    served: u64,
    freed: u64,
    states: [State; BINS],
    floor: u64,
    ceiling: u64,
    /// What a limit falls to where blocks are only freed; 0: nothing stays in the list. Bytes.
    least: u64,
    /// All limits together, and the most that they may come to by being raised. Bytes.
    limits: u64,
    limits_most: u64,
    /// All spares together, and the most that they may come to. Bytes.
    spared: u64,
    spared_most: u64,
}

impl Cache {
    /// The cache of no heap: it has nothing and takes nothing.
    pub const fn vacant() -> Cache {
        Cache {
            heads: [0; BINS],
            counts: [UNUSED; BINS],
            key: owner::NOBODY,
            space: Space::absolute(),
            served: 0,
            freed: 0,
            states: [UNSETTLED; BINS],
            floor: 0,
            ceiling: 0,
            least: 0,
            limits: 0,
            limits_most: u64::MAX,
            spared: 0,
            spared_most: u64::MAX,
        }
    }

    /// An empty cache for the heap of this number.
    pub fn new(space: Space, number: u32, policy: &Policy) -> Cache {
        let mut cache = Cache::vacant();
        cache.key = owner::word(owner::SMALL, number);
        cache.space = space;
        cache.floor = policy.cache_floor;
        cache.ceiling = policy.cache_ceiling;
        cache.least = policy.cache_floor;
        for bin in 1..BINS {
            let limit = limit_for(bin, policy.cache_floor);
            cache.set_limit(bin, limit);
            cache.settle(bin, 0);
        }
        cache
    }

    /// The number of its heap.
    pub fn number(&self) -> u32 {
        owner::heap(self.key)
    }

    /// Whether it is that of no heap.
    pub fn is_vacant(&self) -> bool {
        self.key == owner::NOBODY
    }

    /// Requests served by it.
    pub fn served(&self) -> u64 {
        let fresh = self.counts.iter().map(|counts| u64::from(counts.allocs));
        self.served + fresh.sum::<u64>()
    }

    /// Blocks freed into it.
    pub fn freed(&self) -> u64 {
        let fresh = (self.counts.iter().zip(&self.states))
            .map(|(hot, cold)| i64::from(cold.grant - hot.room) as u64);
        self.freed + fresh.sum::<u64>()
    }

    /// A block for `size` bytes, if the bin has one. `ABSOLUTE`: positions are addresses, which saves an addition, and the
    /// key is the cache's own address, which saves a load.
    ///
    /// # Safety
    /// `this` is a cache of the calling thread's, or a vacant one, which is only read. If `ABSOLUTE`, its key is the lower
    /// half of its address, and so is that of no other cache, vacant ones included.
    #[inline(always)]
    pub unsafe fn pop_at<const ABSOLUTE: bool>(
        this: *mut Cache,
        size: usize,
    ) -> Option<NonNull<u8>> {
        if size > SMALL_MAX {
            return None;
        }
        let bin = class::bin_of(size);
        // SAFETY: size <= SMALL_MAX, so the bin is below BINS. A head other than 0 is a cached block of this heap: its link
        // is valid, its header is ours, and the cache is not vacant.
        unsafe {
            let head = Cache::head_at(this, bin);
            let at = *head;
            if at == 0 {
                return None;
            }
            let space = Cache::space_at::<ABSOLUTE>(this);
            space.set_owner_before(at, Cache::key_at::<ABSOLUTE>(this));
            space.set_low(at, size as u8);
            let next = space.link(at);
            #[cfg(target_arch = "x86_64")]
            core::arch::x86_64::_mm_prefetch::<{ core::arch::x86_64::_MM_HINT_T0 }>(
                space.pointer(next).cast(),
            );
            *head = next;
            let counts = Cache::counts_at(this, bin);
            (*counts).allocs = (*counts).allocs.wrapping_add(1);
            Some(NonNull::new_unchecked(space.pointer(at)))
        }
    }

    /// Takes a block back if it is a small one of this heap, in use.
    ///
    /// # Safety
    /// As for [`pop_at`](Self::pop_at); `block` came from a heap of the same space and is not used any more.
    #[inline(always)]
    pub unsafe fn push_at<const ABSOLUTE: bool>(this: *mut Cache, block: NonNull<u8>) -> Pushed {
        // SAFETY: a block has a header before it. The key is in the header of blocks of this heap in use only, so the tag
        // is that of one of its bins, and the payload is ours to link.
        unsafe {
            // Unaligned: a pointer that is no block's may be anything, and here nothing is known of it yet.
            let word = block.as_ptr().sub(8).cast::<u32>().read_unaligned();
            if word != Cache::key_at::<ABSOLUTE>(this) {
                return Pushed::No;
            }
            let space = Cache::space_at::<ABSOLUTE>(this);
            Cache::push_block(this, space, space.position(block.as_ptr()))
        }
    }

    /// Takes a small block that another cache handed out.
    ///
    /// # Safety
    /// As for [`pop_at`](Self::pop_at), for a cache whose positions are addresses; `at` is a small block in use, and not
    /// used any more.
    pub unsafe fn push_foreign(this: *mut Cache, at: u64) -> Pushed {
        // SAFETY: the caller's promise.
        unsafe { Cache::push_block(this, Space::absolute(), at) }
    }

    /// # Safety
    /// `at` is a small block that is not used any more, of a heap of this space.
    #[inline(always)]
    unsafe fn push_block(this: *mut Cache, space: Space, at: u64) -> Pushed {
        // SAFETY: the tag is that of a bin, and the payload is ours to link.
        unsafe {
            let bin = space.bin(at);
            let head = Cache::head_at(this, bin);
            space.set_link(at, *head);
            space.set_owner_before(at, owner::FREE);
            *head = at;
            let counts = Cache::counts_at(this, bin);
            (*counts).room -= 1;
            if (*counts).room < 0 {
                return Pushed::Full(bin);
            }
        }
        Pushed::Yes
    }

    /// # Safety
    /// `this` is a cache, `bin` one of its bins.
    #[inline(always)]
    unsafe fn head_at(this: *mut Cache, bin: usize) -> *mut u64 {
        // SAFETY: the caller's promise.
        unsafe { (&raw mut (*this).heads).cast::<u64>().add(bin) }
    }

    /// # Safety
    /// As for [`head_at`](Self::head_at).
    #[inline(always)]
    unsafe fn counts_at(this: *mut Cache, bin: usize) -> *mut Counts {
        // SAFETY: the caller's promise.
        unsafe { (&raw mut (*this).counts).cast::<Counts>().add(bin) }
    }

    /// # Safety
    /// As for [`pop_at`](Self::pop_at).
    #[inline(always)]
    unsafe fn key_at<const ABSOLUTE: bool>(this: *mut Cache) -> u32 {
        if ABSOLUTE {
            this.addr() as u32
        } else {
            // SAFETY: the caller's promise.
            unsafe { (*this).key }
        }
    }

    /// # Safety
    /// As for [`pop_at`](Self::pop_at).
    #[inline(always)]
    unsafe fn space_at<const ABSOLUTE: bool>(this: *mut Cache) -> Space {
        if ABSOLUTE {
            Space::absolute()
        } else {
            // SAFETY: the caller's promise.
            unsafe { (*this).space }
        }
    }

    /// Blocks of a bin that it holds, in the list and aside.
    pub fn held(&self, bin: usize) -> u64 {
        self.listed(bin) as u64 + u64::from(self.states[bin].spares)
    }

    /// Blocks in a bin's list.
    fn listed(&self, bin: usize) -> i32 {
        let (hot, cold) = (&self.counts[bin], &self.states[bin]);
        cold.settled + (cold.grant - hot.room) - hot.allocs as i32
    }

    /// How many blocks of a bin it may hold.
    pub fn limit(&self, bin: usize) -> u64 {
        self.states[bin].limit as u64
    }

    /// Blocks and bytes (payload) that it holds.
    pub fn total(&self) -> (u64, u64) {
        (1..BINS).fold((0, 0), |(blocks, bytes), bin| {
            let held = self.held(bin);
            (blocks + held, bytes + held * class::payload_bytes(bin))
        })
    }

    /// The first blocks of a bin's list and of its spare, as positions; 0: none.
    pub(super) fn heads(&self, bin: usize) -> [u64; 2] {
        [self.heads[bin], self.states[bin].spare]
    }

    /// Settles the counts of a bin whose list now has `listed` blocks.
    fn settle(&mut self, bin: usize, listed: i32) {
        let (hot, cold) = (&mut self.counts[bin], &mut self.states[bin]);
        self.served += u64::from(hot.allocs);
        self.freed += (cold.grant - hot.room) as u64;
        hot.allocs = 0;
        cold.settled = listed;
        // Never so few that a list which comes and goes around its limit is looked at all the time.
        cold.grant = (cold.limit - listed).max(cold.limit / 2);
        hot.room = cold.grant;
    }

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

    /// Sets how much the bins hold before they give away, by the thread's share of all memory (bytes) and by how many
    /// threads there are: what hundreds of threads keep aside each is most of a process's memory otherwise.
    /// `thrifty`: what is left when a thread has freed what it had is worth little time and many pages, since each block
    /// keeps one from going back.
    pub fn set_share(&mut self, share: u64, threads: u64, thrifty: bool) {
        let most = Policy::DEFAULT.cache_floor;
        let plenty = share.max(PLENTY / threads);
        self.floor = (plenty / FLOOR_PART).clamp(LEAST_FLOOR, most);
        self.ceiling = self.floor * (Policy::DEFAULT.cache_ceiling / most);
        self.least = if thrifty { 0 } else { self.floor };
        let floors =
            (1..BINS).map(|bin| limit_for(bin, self.floor) as u64 * class::block_bytes(bin));
        let share = share.max(LEAST_MEMORY / threads);
        self.limits_most = floors.sum::<u64>() + share / GROWTH_PART;
        self.spared_most = share / SPARED_PART;
    }

    /// A thread begins to use it, which has this share of all memory; it is empty.
    pub fn begin(&mut self, share: u64, threads: u64, thrifty: bool) {
        self.set_share(share, threads, thrifty);
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

    fn set_limit(&mut self, bin: usize, limit: i32) {
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

    /// Tests the invariant of the lists.
    ///
    /// # Errors
    /// [`Broken`] names the first list that does not fit its count, or holds what is not cached.
    pub fn check(&self) -> Result<(), Broken> {
        let limits = (1..BINS).map(|bin| self.limit(bin) * class::block_bytes(bin));
        if limits.sum::<u64>() != self.limits {
            return broken("the sum of the cache's limits is wrong", self.limits);
        }
        let spares =
            (1..BINS).map(|bin| u64::from(self.states[bin].spares) * class::block_bytes(bin));
        if spares.sum::<u64>() != self.spared {
            return broken("the sum of the cache's spares is wrong", self.spared);
        }
        for bin in 1..BINS {
            let counts = [self.listed(bin) as u64, u64::from(self.states[bin].spares)];
            for (first, count) in self.heads(bin).into_iter().zip(counts) {
                self.check_list(bin, first, count)?;
            }
        }
        Ok(())
    }

    fn check_list(&self, bin: usize, mut at: u64, count: u64) -> Result<(), Broken> {
        let mut length = 0;
        while at != 0 && length <= count {
            // SAFETY: the cache holds small blocks of heaps of this space.
            unsafe {
                if self.space.owner_before(at) != owner::FREE {
                    return broken("a block in the cache is not marked so", at);
                }
                if self.space.run_bin(self.space.run_of(at)) != bin {
                    return broken("a block is in another bin's cache", at);
                }
                at = self.space.link(at);
            }
            length += 1;
        }
        if length != count {
            return broken("a bin's count of cached blocks is wrong", bin as u64);
        }
        Ok(())
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

fn broken(what: &'static str, position: u64) -> Result<(), Broken> {
    Err(Broken { what, position })
}

fn bytes_of(bin: usize, chain: Option<Chain>) -> u64 {
    chain.map_or(0, |chain| u64::from(chain.count) * class::block_bytes(bin))
}

fn limit_for(bin: usize, bytes: u64) -> i32 {
    let least = if bytes < Policy::DEFAULT.cache_floor {
        2
    } else {
        4
    };
    (bytes / class::block_bytes(bin.max(1))).clamp(least, 1 << 20) as i32
}
