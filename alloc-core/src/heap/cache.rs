//! The cache of small blocks: for each bin a list that malloc pops and free pushes, without a lock or a search.
//!
//! A bin's entry is 16 bytes wide like the distance between bins, see [`crate::base::class`]. What a request costs here is
//! what most programs feel of the allocator, so each step is there for a reason: one comparison refuses what is too large,
//! one an empty bin (and a heap that does not exist yet), one a block that is not ours, free, or no block at all; one
//! counter a request keeps the statistics and bounds the cache.
//!
//! ```text
//! held(bin) = settled(bin) + (grant(bin) - room(bin)) - allocs(bin)          blocks in the bin's list
//! ```
//! `room` counts frees down from `grant`, `allocs` counts requests; [`Cache::fold`] settles both when a list runs empty or
//! `room` is used up.

use core::ptr::NonNull;

use super::policy::Policy;
use crate::base::class::{self, BINS, SMALL_MAX};
use crate::base::error::Broken;
use crate::chunk::{Space, owner};

/// The hot half of a bin.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(16))]
struct Bin {
    /// The first block's payload, as a position; 0: none.
    head: u64,
    /// How many more blocks may be freed before the cache looks at how many it holds.
    room: i32,
    /// Requests served since then.
    allocs: u32,
}

const VACANT: Bin = Bin {
    head: 0,
    room: 0,
    allocs: 0,
};

/// The cold half of a bin.
#[derive(Clone, Copy, Debug)]
struct State {
    /// How many blocks the cache may hold.
    limit: i32,
    /// How many it held when the counts were last settled.
    settled: i32,
    /// What `room` was then.
    grant: i32,
    /// The cache ran empty since blocks last went home.
    refilled: bool,
}

const UNSETTLED: State = State {
    limit: 0,
    settled: 0,
    grant: 0,
    refilled: false,
};

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
/// invariant: the list of bin i holds held(i) blocks of bin i, all marked as cached
/// ```
#[repr(C)]
pub struct Cache {
    bins: [Bin; BINS],
    /// The owner word of a small block of this heap.
    key: u32,
    space: Space,
    /// Requests served and blocks freed, as of the last settling.
    served: u64,
    freed: u64,
    states: [State; BINS],
    floor: u64,
    ceiling: u64,
}

impl Cache {
    /// The cache of no heap: it has nothing and takes nothing.
    pub const fn vacant() -> Cache {
        Cache {
            bins: [VACANT; BINS],
            key: owner::NOBODY,
            space: Space::absolute(),
            served: 0,
            freed: 0,
            states: [UNSETTLED; BINS],
            floor: 0,
            ceiling: 0,
        }
    }

    /// An empty cache for the heap of this number.
    pub fn new(space: Space, number: u32, policy: &Policy) -> Cache {
        let mut cache = Cache::vacant();
        cache.key = owner::word(owner::SMALL, number);
        cache.space = space;
        cache.floor = policy.cache_floor;
        cache.ceiling = policy.cache_ceiling;
        for bin in 1..BINS {
            let limit = limit_for(bin, policy.cache_floor);
            cache.states[bin].limit = limit;
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
        let fresh = self.bins.iter().map(|bin| u64::from(bin.allocs));
        self.served + fresh.sum::<u64>()
    }

    /// Blocks freed into it.
    pub fn freed(&self) -> u64 {
        let fresh = (self.bins.iter().zip(&self.states))
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
        let tag = class::tag_of(size);
        // SAFETY: size <= SMALL_MAX, so the bin is below BINS. A head other than 0 is a cached block of this heap: its link
        // is valid, its header is ours, and the cache is not vacant.
        unsafe {
            let bin = Cache::entry_at(this, tag);
            let at = (*bin).head;
            if at == 0 {
                return None;
            }
            let space = Cache::space_at::<ABSOLUTE>(this);
            space.set_owner_before(at, Cache::key_at::<ABSOLUTE>(this));
            space.set_tag(at, tag as u16);
            (*bin).head = space.link(at);
            (*bin).allocs = (*bin).allocs.wrapping_add(1);
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
            let tag = usize::from(space.tag(at)) & !15;
            let entry = Cache::entry_at(this, tag);
            space.set_link(at, (*entry).head);
            space.set_owner_before(at, owner::CACHED);
            (*entry).head = at;
            (*entry).room -= 1;
            if (*entry).room < 0 {
                return Pushed::Full(tag >> 4);
            }
        }
        Pushed::Yes
    }

    /// The entry of a tag's bin: the tag without its lower four bits is the byte offset.
    ///
    /// # Safety
    /// The tag is that of a bin.
    #[inline(always)]
    unsafe fn entry_at(this: *mut Cache, tag: usize) -> *mut Bin {
        const { assert!(size_of::<Bin>() == 16 && core::mem::offset_of!(Cache, bins) == 0) };
        // SAFETY: the bins come first, and each is 16 bytes long.
        unsafe { this.byte_add(tag & !15).cast() }
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

    /// Blocks in the bin's list.
    pub fn held(&self, bin: usize) -> u64 {
        let (hot, cold) = (&self.bins[bin], &self.states[bin]);
        let held = i64::from(cold.settled) + i64::from(cold.grant - hot.room);
        (held - i64::from(hot.allocs)) as u64
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

    /// The first block of a bin, as a position; 0: none.
    pub(super) fn head(&self, bin: usize) -> u64 {
        self.bins[bin].head
    }

    /// Settles the counts of a bin that now holds `held` blocks.
    fn settle(&mut self, bin: usize, held: i32) {
        let (hot, cold) = (&mut self.bins[bin], &mut self.states[bin]);
        self.served += u64::from(hot.allocs);
        self.freed += (cold.grant - hot.room) as u64;
        hot.allocs = 0;
        cold.settled = held;
        cold.grant = (cold.limit - held).max(0);
        hot.room = cold.grant;
    }

    /// Fills an empty bin with `count` blocks, linked from `first` and marked as cached.
    pub fn accept(&mut self, bin: usize, first: u64, count: u64) {
        debug_assert_eq!(self.bins[bin].head, 0);
        self.bins[bin].head = first;
        let state = &mut self.states[bin];
        state.refilled = true;
        // A run may be larger than the limit: the limit follows.
        state.limit = state.limit.max(count as i32);
        self.settle(bin, count as i32);
    }

    /// A bin's `room` is used up: if it holds more than its limit the older half is to go home, or the limit grows where
    /// blocks that went home were wanted again. Returns the first of the blocks to send home, linked and ended by 0.
    #[cold]
    pub fn overflow(&mut self, bin: usize) -> Option<u64> {
        let held = self.held(bin) as i32;
        let ceiling = limit_for(bin, self.ceiling);
        let state = &mut self.states[bin];
        if held <= state.limit {
            self.settle(bin, held);
            return None;
        }
        if state.refilled && state.limit < ceiling {
            // Blocks come and go in waves larger than the limit (slow start, as in tcmalloc).
            state.limit += state.limit.min(ceiling - state.limit);
            state.refilled = false;
            self.settle(bin, held);
            return None;
        }
        state.refilled = false;
        let keep = state.limit / 2;
        self.detach(bin, keep)
    }

    /// Takes out all but the newest `keep` blocks of a bin; returns the first of them.
    fn detach(&mut self, bin: usize, keep: i32) -> Option<u64> {
        let mut rest = self.bins[bin].head;
        if keep == 0 {
            self.bins[bin].head = 0;
        } else {
            let mut last = rest;
            // SAFETY: the list holds more than `keep` cached blocks, linked one to the next, the last to position 0.
            unsafe {
                for _ in 1..keep {
                    last = self.space.link(last);
                }
                rest = self.space.link(last);
                self.space.set_link(last, 0);
            }
        }
        self.settle(bin, keep);
        (rest != 0).then_some(rest)
    }

    /// Takes out all blocks of a bin, and forgets what it learnt of its limit; returns the first of them.
    pub fn take_all(&mut self, bin: usize) -> Option<u64> {
        let first = self.detach(bin, 0);
        self.states[bin].limit = limit_for(bin, self.floor);
        self.settle(bin, 0);
        first
    }

    /// Tests the invariant of the lists.
    ///
    /// # Errors
    /// [`Broken`] names the first list that does not fit its count, or holds what is not cached.
    pub fn check(&self) -> Result<(), Broken> {
        for bin in 1..BINS {
            let held = self.held(bin);
            let (mut at, mut length) = (self.bins[bin].head, 0);
            while at != 0 && length <= held {
                // SAFETY: the cache holds small blocks of heaps of this space.
                unsafe {
                    if self.space.owner_before(at) != owner::CACHED {
                        return broken("a block in the cache is not marked so", at);
                    }
                    if self.space.run_bin(self.space.run_of(at)) != bin {
                        return broken("a block is in another bin's cache", at);
                    }
                    at = self.space.link(at);
                }
                length += 1;
            }
            if length != held {
                return broken("a bin's count of cached blocks is wrong", bin as u64);
            }
        }
        Ok(())
    }
}

fn broken(what: &'static str, position: u64) -> Result<(), Broken> {
    Err(Broken { what, position })
}

fn limit_for(bin: usize, bytes: u64) -> i32 {
    (bytes / class::block_bytes(bin.max(1))).clamp(8, 1 << 20) as i32
}
