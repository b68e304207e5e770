//! The cache of small blocks: for each bin a list that malloc pops and free pushes, without a lock or a search.
//!
//! A bin's entry is 16 bytes wide like the distance between bins, see [`crate::base::class`]. The list ends at the pointer
//! of position 0, so that an empty bin and a heap that does not exist yet take the same branch.

use core::ptr::{self, NonNull};

use super::Heap;
use crate::base::class::{self, BINS, SMALL_MAX};
use crate::chunk::block::CACHED;
use crate::chunk::owner;
use crate::chunk::tag::Chunk;
use crate::source::MemorySource;

/// The hot half of a bin.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(16))]
pub(super) struct Bin {
    /// The first block's payload; the pointer of position 0 when there is none.
    pub head: *mut u8,
    /// How many more blocks the cache takes before some go home.
    pub room: i32,
}

impl Bin {
    pub const fn vacant() -> Bin {
        Bin {
            head: ptr::null_mut(),
            room: 0,
        }
    }
}

/// The cold half of a bin.
#[derive(Clone, Copy, Debug)]
pub(super) struct BinState {
    /// The first run with blocks at home, as a position; 0: none.
    pub runs: u64,
    /// Blocks of this bin that are not home: in use or in the cache.
    pub out: u32,
    /// How many blocks the cache may hold: `limit - room` is how many it holds.
    pub limit: i32,
    /// Runs of this bin.
    pub run_count: u32,
    /// The cache ran empty since blocks last went home.
    pub refilled: bool,
}

impl BinState {
    pub const fn new() -> BinState {
        BinState {
            runs: 0,
            out: 0,
            limit: 0,
            run_count: 0,
            refilled: false,
        }
    }
}

impl<S: MemorySource> Heap<S> {
    /// The whole of a malloc when the bin has a block. `None` says only that the cache can't answer: go on with
    /// [`malloc_slow`](Self::malloc_slow).
    #[inline(always)]
    pub fn pop_cached(&mut self, size: usize) -> Option<NonNull<u8>> {
        // SAFETY: the heap is borrowed uniquely.
        unsafe { Self::pop_cached_at(self, size) }
    }

    /// As [`pop_cached`](Self::pop_cached), through a pointer: a vacant heap is only read, so many threads may share one.
    ///
    /// # Safety
    /// `this` is a heap of the calling thread's, or a vacant one.
    #[inline(always)]
    pub unsafe fn pop_cached_at(this: *mut Self, size: usize) -> Option<NonNull<u8>> {
        if size > SMALL_MAX {
            return None;
        }
        let tag = class::tag_of(size);
        // SAFETY: size <= SMALL_MAX, so the bin is below BINS. A head that is not position 0 is a cached block of this
        // heap: its link is valid, its header is ours, and the heap is not vacant.
        unsafe {
            let bin = (&raw mut (*this).bins)
                .cast::<Bin>()
                .add(class::bin_of_tag(tag));
            let space = (*this).space;
            let head = (*bin).head;
            if head.addr() == space.base() {
                return None;
            }
            let at = space.position(head);
            (*bin).head = space.pointer(space.link(at));
            (*bin).room += 1;
            (*this).small_allocs += 1;
            space.set_tag(at, tag as u16);
            Some(NonNull::new_unchecked(head))
        }
    }

    /// The whole of a free when the block is a small one of this heap, in use. `false`: it is not, and nothing was done;
    /// go on with [`free_slow`](Self::free_slow) or find the owner.
    ///
    /// # Safety
    /// `block` came from a heap with the same base and is not used any more.
    #[inline(always)]
    pub unsafe fn push_cached(&mut self, block: NonNull<u8>) -> bool {
        // SAFETY: the heap is borrowed uniquely; the caller's promise.
        unsafe { Self::push_cached_at(self, block) }
    }

    /// As [`push_cached`](Self::push_cached), through a pointer: a vacant heap is only read.
    ///
    /// # Safety
    /// As there; `this` is a heap of the calling thread's, or a vacant one.
    #[inline(always)]
    pub unsafe fn push_cached_at(this: *mut Self, block: NonNull<u8>) -> bool {
        // SAFETY: a block has a header before it, which does not need the base to be found; the key is that of no vacant
        // heap; the bin is checked to be one before it indexes.
        unsafe {
            let header = block.as_ptr();
            // Unaligned: a pointer that is no block's may be anything, and here nothing is known of it yet.
            if header.sub(4).cast::<u32>().read_unaligned() != (*this).key {
                return false;
            }
            let space = (*this).space;
            let at = space.position(header);
            let tag = usize::from(space.tag(at));
            // One comparison for both ends: not a state of a free block, and not beyond the last bin.
            if tag.wrapping_sub(16) >= (BINS - 1) * 16 {
                return false;
            }
            let bin = (&raw mut (*this).bins)
                .cast::<Bin>()
                .add(class::bin_of_tag(tag));
            space.set_link(at, space.position((*bin).head));
            space.set_tag(at, CACHED);
            (*bin).head = header;
            (*bin).room -= 1;
            if (*bin).room < 0 {
                (*this).overflow(class::bin_of_tag(tag));
            }
        }
        true
    }

    /// Takes back a block that another thread freed: a small one tagged as in flight, or a chunk. `keep`: a small one may
    /// stay in the cache; else it goes home.
    ///
    /// # Safety
    /// `at` is the position of a block of this heap that nobody uses any more, and no list holds it.
    pub unsafe fn take_back(&mut self, at: u64, keep: bool) {
        let space = self.space;
        // SAFETY: the caller's promise; a small block's run is alive while the block is out.
        unsafe {
            if owner::kind(space.owner_before(at)) == owner::CHUNK {
                self.counters.chunk_frees += 1;
                self.free_chunk(Chunk::of_payload(at));
                return;
            }
            let bin = space.run_bin(space.run_of(at));
            if !keep {
                self.bring_home(bin, at);
                return;
            }
            let hot = &mut self.bins[bin];
            space.set_link(at, space.position(hot.head));
            space.set_tag(at, CACHED);
            hot.head = space.pointer(at);
            hot.room -= 1;
            if hot.room < 0 {
                self.overflow(bin);
            }
        }
    }

    /// How many blocks a new bin may hold.
    pub(super) fn first_limit(&self, bin: usize) -> i32 {
        self.limit_for(bin, self.policy.cache_floor)
    }

    fn limit_for(&self, bin: usize, bytes: u64) -> i32 {
        (bytes / class::block_bytes(bin.max(1))).clamp(8, 1 << 20) as i32
    }

    /// The cache is full: the older half goes home, or the limit grows where blocks that went home were wanted again.
    #[cold]
    #[inline(never)]
    fn overflow(&mut self, bin: usize) {
        let ceiling = self.limit_for(bin, self.policy.cache_ceiling);
        let state = &mut self.states[bin];
        if state.refilled && state.limit < ceiling {
            // Blocks come and go in waves larger than the limit (slow start, as in tcmalloc).
            let more = state.limit.min(ceiling - state.limit);
            state.limit += more;
            self.bins[bin].room += more;
            state.refilled = false;
            return;
        }
        state.refilled = false;
        let keep = state.limit / 2;
        self.send_home(bin, keep as u64);
    }

    /// Sends cached blocks home until the bin holds `keep`; the newest stay. Runs that are complete become free chunks.
    pub(super) fn send_home(&mut self, bin: usize, keep: u64) {
        let space = self.space;
        let held = (self.states[bin].limit - self.bins[bin].room) as u64;
        if held <= keep {
            return;
        }
        self.counters.flushes += 1;
        // SAFETY: the list holds `held` cached blocks of this heap, linked one to the next, the last to position 0.
        unsafe {
            let mut rest = space.position(self.bins[bin].head);
            if keep == 0 {
                self.bins[bin].head = space.pointer(0);
            } else {
                let mut last = rest;
                for _ in 1..keep {
                    last = space.link(last);
                }
                rest = space.link(last);
                space.set_link(last, 0);
            }
            for _ in keep..held {
                let next = space.link(rest);
                self.bring_home(bin, rest);
                rest = next;
            }
        }
        self.bins[bin].room = self.states[bin].limit - keep as i32;
    }

    /// Sends every cached block home: for a thread that ends, and for a heap that shall show its free memory.
    pub fn empty_cache(&mut self) {
        for bin in 1..BINS {
            self.send_home(bin, 0);
        }
    }

    /// Blocks and bytes (payload) in the cache.
    pub(super) fn cached(&self) -> (u64, u64) {
        (1..BINS).fold((0, 0), |(blocks, bytes), bin| {
            let held = (self.states[bin].limit - self.bins[bin].room) as u64;
            (blocks + held, bytes + held * class::payload_bytes(bin))
        })
    }

    /// Runs, and small blocks that are not home.
    pub(super) fn out(&self) -> (u64, u64) {
        self.states.iter().fold((0, 0), |(runs, out), s| {
            (runs + u64::from(s.run_count), out + u64::from(s.out))
        })
    }

    /// Blocks of a bin: how many the cache holds, how many it may hold, and how many are in use.
    pub fn bin_counts(&self, bin: usize) -> Option<(u64, u64, u64)> {
        let (state, hot) = (self.states.get(bin)?, self.bins.get(bin)?);
        let held = (state.limit - hot.room) as u64;
        Some((held, state.limit as u64, u64::from(state.out) - held))
    }
}
