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
//! the list itself, where spares are worth too much already); a bin that is empty takes its spare. So blocks move between
//! caches in lists that nobody walks, whose blocks nobody touches (the magazines of Bonwick and Adams, 2001, as linked lists).

mod waves;

use core::ptr::NonNull;

use super::policy::Policy;
use crate::base::class::{self, BINS, SMALL_MAX};
use crate::base::error::Broken;
use crate::chunk::{Space, owner};
use waves::limit_for;

pub use waves::Share;

/// How often a bin was used since its counts were last settled.
#[derive(Clone, Copy, Debug)]
struct Counts {
    /// How many more blocks may be freed before the cache looks at how many it holds.
    room: i32,
    /// Requests served.
    allocs: u32,
}

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

fn broken(what: &'static str, position: u64) -> Result<(), Broken> {
    Err(Broken { what, position })
}
