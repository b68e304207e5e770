//! The cache of small blocks: for each bin a list that malloc pops and free pushes, without a lock or a search.
//!
//! What a request costs here is what most programs feel of the allocator, so each step is there for a reason: entries of a bin
//! are of four or eight bytes, so that the bin, a byte in the block's header, is the index without a shift; one comparison
//! refuses what is too large, one an empty bin (and a heap that does not exist yet), one a block that is not ours, free, or no
//! block at all; one counter bounds the list, and one keeps the statistics.
//!
//! ```text
//! listed(bin) = limit(bin) - room(bin)                                       blocks in the bin's list
//! frees       = requests served + blocks now listed - blocks brought + blocks taken out
//! ```
//! The cache of a process's thread has bins for medium blocks as well (`ALL_BINS` of them), whose chunks wait in the
//! [form of a bin](crate::chunk::binned); that of a heap by itself has small ones only.
//!
//! A bin whose list is longer than its limit puts the whole list aside as its *spare*, and gives the spare it had away (or
//! the list itself, where spares are worth too much already); a bin that is empty takes its spare. So blocks move between
//! caches in lists that nobody walks, whose blocks nobody touches (the magazines of Bonwick and Adams, 2001, as linked lists).

mod budget;
mod check;
mod waves;

use core::ptr::NonNull;

use super::policy::Policy;
use crate::base::class::{self, BINS, SMALL_MAX};
use crate::base::medium::{self, ALL_BINS, MEDIUM_MAX};
use crate::chunk::{Space, owner};
use waves::limit_for;

pub use waves::Share;

/// The cold half of a bin.
#[derive(Clone, Copy, Debug)]
struct State {
    /// How many blocks the list may hold.
    limit: i32,
    /// Blocks in lists that grew beyond the limit since one last ran empty.
    ebbed: u32,
    /// How many blocks the next refill asks for.
    want: u16,
    /// Blocks put aside: how many, and the first; 0: none.
    spares: u32,
    spare: u64,
    /// What `allocs` was when the cache last looked for bins that serve nothing.
    seen: u64,
}

const UNSETTLED: State = State {
    limit: 0,
    ebbed: 1,
    want: 1,
    spares: 0,
    spare: 0,
    seen: 0,
};

/// Blocks of one bin that are marked as cached: linked from `first`, the last to position 0.
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
    /// Nothing was done: it is no block that this cache handed out, in use.
    No,
}

/// What becomes of blocks that the cache gives away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Given {
    /// A list worth to be handed on whole.
    On(Chain),
    /// Blocks that are to go home.
    Home(Chain),
}

impl Given {
    /// The blocks.
    pub fn chain(self) -> Chain {
        match self {
            Given::On(chain) | Given::Home(chain) => chain,
        }
    }
}

/// What bounds the bins of one kind together. Bytes.
#[derive(Clone, Copy, Debug)]
struct Bounds {
    /// All limits, and the most that they may come to by being raised.
    limits: u64,
    limits_most: u64,
    /// All spares, and the most that they may come to.
    spared: u64,
    spared_most: u64,
}

const UNBOUND: Bounds = Bounds {
    limits: 0,
    limits_most: u64::MAX,
    spared: 0,
    spared_most: u64::MAX,
};

/// The cache of one thread, with N bins: [`BINS`] small ones, or [`ALL_BINS`] small and medium ones.
///
/// ```text
/// invariant: for each kind of bins: limits = sum of limit(i) * bytes(i);  spared = sum of spares(i) * bytes(i)
/// invariant: the list of bin i holds listed(i) blocks of bin i, its spare `spares` more, all marked as cached
/// invariant: brought = all blocks ever put into lists by others than the program, less those taken out by others
/// ```
#[repr(C)]
pub struct Cache<const N: usize> {
    /// For each bin the first block's payload, as a position; 0: none.
    heads: [u64; N],
    /// Requests that each bin served.
    allocs: [u64; N],
    /// How many more blocks each bin's list may hold.
    rooms: [i32; N],
    /// The owner word of a small block of this heap.
    key: u32,
    space: Space,
    brought: i64,
    states: [State; N],
    floor: u64,
    ceiling: u64,
    /// What a limit falls to where blocks are only freed; 0: nothing stays in the list. Bytes.
    least: u64,
    /// The bounds of small bins and of medium ones.
    bounds: [Bounds; 2],
    /// The medium bin that is looked at next for blocks that serve nothing.
    next: usize,
}

impl<const N: usize> Cache<N> {
    /// Positions are addresses, which saves an addition, and the key is the cache's own address, which saves a load.
    const ABSOLUTE: bool = N > BINS;

    /// The cache of no heap: it has nothing and takes nothing.
    pub const fn vacant() -> Self {
        assert!(N == BINS || N == ALL_BINS);
        Cache {
            heads: [0; N],
            allocs: [0; N],
            rooms: [0; N],
            key: owner::NOBODY,
            space: Space::absolute(),
            brought: 0,
            states: [UNSETTLED; N],
            floor: 0,
            ceiling: 0,
            least: 0,
            bounds: [UNBOUND; 2],
            next: BINS,
        }
    }

    /// An empty cache for the heap of this number.
    pub fn new(space: Space, number: u32, policy: &Policy) -> Self {
        let mut cache = Self::vacant();
        cache.key = owner::word(owner::SMALL, number);
        cache.space = space;
        cache.floor = policy.cache_floor;
        cache.ceiling = policy.cache_ceiling;
        cache.least = policy.cache_floor;
        for bin in 1..BINS {
            cache.set_limit(bin, limit_for(bin, policy.cache_floor));
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
        self.allocs.iter().sum()
    }

    /// Blocks freed into it.
    pub fn freed(&self) -> u64 {
        let listed: i64 = (1..N).map(|bin| i64::from(self.listed(bin))).sum();
        (self.served() as i64 + listed - self.brought) as u64
    }

    /// A block for `size` bytes, if the bin has one.
    ///
    /// # Safety
    /// `this` is a cache of the calling thread's, or a vacant one, which is only read. If it has medium bins, its key is the
    /// lower half of its address, and so is that of no other cache, vacant ones included, and its positions are addresses.
    #[inline(always)]
    pub unsafe fn pop_at(this: *mut Self, size: usize) -> Option<NonNull<u8>> {
        let most = if N > BINS { MEDIUM_MAX } else { SMALL_MAX };
        if size > most {
            return None;
        }
        let bin = match N > BINS {
            true => medium::bin_of(size),
            false => class::bin_of(size),
        };
        // SAFETY: no larger a size has a bin, so this one is below N; the caller's promise.
        unsafe { Self::pop_bin(this, bin, size) }
    }

    /// As [`pop_at`](Self::pop_at), from a bin whose blocks have `size` bytes.
    ///
    /// # Safety
    /// As there, and `bin < N`.
    #[inline(always)]
    pub unsafe fn pop_bin(this: *mut Self, bin: usize, size: usize) -> Option<NonNull<u8>> {
        // SAFETY: a head other than 0 is a cached block of a heap of this space: its link is valid, its header is ours, and
        // the cache is not vacant.
        unsafe {
            let head = Self::head_at(this, bin);
            let at = *head;
            if at == 0 {
                return None;
            }
            let space = Self::space_at(this);
            space.set_owner_before(at, Self::key_at(this));
            space.set_low(at, size as u8);
            let next = space.link(at);
            #[cfg(target_arch = "x86_64")]
            core::arch::x86_64::_mm_prefetch::<{ core::arch::x86_64::_MM_HINT_T0 }>(
                space.pointer(next).cast(),
            );
            *head = next;
            *Self::room_at(this, bin) += 1;
            let allocs = (&raw mut (*this).allocs).cast::<u64>().add(bin);
            *allocs = (*allocs).wrapping_add(1);
            Some(NonNull::new_unchecked(space.pointer(at)))
        }
    }

    /// Takes a block back if this cache handed it out and it is in use.
    ///
    /// # Safety
    /// As for [`pop_at`](Self::pop_at); `block` came from a heap of the same space and is not used any more.
    #[inline(always)]
    pub unsafe fn push_at(this: *mut Self, block: NonNull<u8>) -> Pushed {
        // SAFETY: a block has a header before it. The key is in the header of blocks of this heap in use only, so the tag
        // is that of one of its bins, and the payload is ours to link.
        unsafe {
            // Unaligned: a pointer that is no block's may be anything, and here nothing is known of it yet.
            let word = block.as_ptr().sub(8).cast::<u32>().read_unaligned();
            if word != Self::key_at(this) {
                return Pushed::No;
            }
            let space = Self::space_at(this);
            Self::push_block(this, space, space.position(block.as_ptr()))
        }
    }

    /// Takes a block that another cache handed out, or a chunk in the form of a bin.
    ///
    /// # Safety
    /// As for [`pop_at`](Self::pop_at), for a cache whose positions are addresses; `at` has the
    /// header of a block of a bin, and is not used any more.
    pub unsafe fn push_foreign(this: *mut Self, at: u64) -> Pushed {
        // SAFETY: the caller's promise.
        unsafe { Self::push_block(this, Space::absolute(), at) }
    }

    /// # Safety
    /// `at` is a block of a bin that is not used any more, of a heap of this space.
    #[inline(always)]
    unsafe fn push_block(this: *mut Self, space: Space, at: u64) -> Pushed {
        // SAFETY: the tag is that of a bin, and the payload is ours to link.
        unsafe {
            let bin = space.bin(at);
            let head = Self::head_at(this, bin);
            space.set_link(at, *head);
            space.set_owner_before(at, owner::FREE);
            *head = at;
            let room = Self::room_at(this, bin);
            *room -= 1;
            if *room < 0 {
                return Pushed::Full(bin);
            }
        }
        Pushed::Yes
    }

    /// # Safety
    /// `this` is a cache, `bin` one of its bins.
    #[inline(always)]
    unsafe fn head_at(this: *mut Self, bin: usize) -> *mut u64 {
        // SAFETY: the caller's promise.
        unsafe { (&raw mut (*this).heads).cast::<u64>().add(bin) }
    }

    /// # Safety
    /// As for [`head_at`](Self::head_at).
    #[inline(always)]
    unsafe fn room_at(this: *mut Self, bin: usize) -> *mut i32 {
        // SAFETY: the caller's promise.
        unsafe { (&raw mut (*this).rooms).cast::<i32>().add(bin) }
    }

    /// # Safety
    /// As for [`pop_at`](Self::pop_at).
    #[inline(always)]
    unsafe fn key_at(this: *mut Self) -> u32 {
        if Self::ABSOLUTE {
            this.addr() as u32
        } else {
            // SAFETY: the caller's promise.
            unsafe { (*this).key }
        }
    }

    /// # Safety
    /// As for [`pop_at`](Self::pop_at).
    #[inline(always)]
    unsafe fn space_at(this: *mut Self) -> Space {
        if Self::ABSOLUTE {
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
        self.states[bin].limit - self.rooms[bin]
    }

    /// How many blocks of a bin it may hold.
    pub fn limit(&self, bin: usize) -> u64 {
        self.states[bin].limit as u64
    }

    /// Blocks and bytes (payload; of medium ones the least that they have) that it holds.
    pub fn total(&self) -> (u64, u64) {
        (1..N).fold((0, 0), |(blocks, bytes), bin| {
            let held = self.held(bin);
            (blocks + held, bytes + held * medium::bin_payload(bin))
        })
    }

    /// The first blocks of a bin's list and of its spare, as positions; 0: none.
    pub(super) fn heads(&self, bin: usize) -> [u64; 2] {
        [self.heads[bin], self.states[bin].spare]
    }

    /// Others than the program put a list into an empty bin.
    fn bring(&mut self, bin: usize, chain: Chain) {
        debug_assert_eq!(self.heads[bin], 0);
        self.heads[bin] = chain.first;
        self.rooms[bin] = self.states[bin].limit - chain.count as i32;
        self.brought += i64::from(chain.count);
    }

    /// Takes the list out of a bin.
    fn unlist(&mut self, bin: usize) -> Chain {
        let chain = Chain {
            first: core::mem::take(&mut self.heads[bin]),
            count: self.listed(bin) as u32,
        };
        self.rooms[bin] = self.states[bin].limit;
        self.brought -= i64::from(chain.count);
        chain
    }
}
