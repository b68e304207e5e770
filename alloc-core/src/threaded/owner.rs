//! What one thread has of the allocator: the cache of small and medium blocks, and the home it takes from.
//!
//! A small block in use names the owner that handed it out, so the thread that frees its own blocks has nothing else to
//! look at. A block of another owner goes into the *freeing* thread's cache: its next request hands it out again as its
//! own, and what is too much goes back to the home it came from. So no thread waits for another to see a free.
//!
//! ```text
//! invariant: number(owner) = (address mod 2^32) / 128: the key of the cache is an address that malloc and free have at
//!            hand ([`Cache::pop_at`])
//! invariant: only the thread that owns it touches `mine`; in the manager's list of those that wait nobody does
//! exception: the reclaimer takes spares and kept blocks of an owner that made no slow request for a round, while it has
//!            the owner's `turn`
//! ```

use core::cell::UnsafeCell;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use super::home::{Home, SPACE, number_of};
use super::pool::POOL;
use super::ways_home::{
    Strays, bring_home, check_kept, check_small, each, free_chunk, let_go, let_one_go, send_home,
};
use super::{depot, homes, manager};
use crate::base::class::BINS;
use crate::base::error::{Broken, Misuse};
use crate::base::medium::{ALL_BINS, MEDIUM_MAX, bin_bytes, bin_of};
use crate::chunk::owner::{self, KIND_BITS};
use crate::chunk::tag::Chunk;
use crate::heap::HeapId;
use crate::heap::arenas::is_block;
use crate::heap::cache::{Cache, Chain, Given, Pushed, Share};
use crate::heap::policy::Policy;
use crate::sync::turn::Turn;

/// Every so many slow requests the counters are shown, and what was kept in vain is let go.
const PATIENCE: u32 = 256;

/// What the owning thread has to itself.
#[repr(C)]
pub struct Mine {
    cache: Cache<ALL_BINS>,
    /// Owner words of others that were found to be right: what a thread frees of others is mostly of a few.
    known: [u32; KNOWN],
    home: Option<&'static Home>,
}

/// Words that an owner remembers, each at the [place](place_of) that follows from itself.
const KNOWN: usize = 8;

/// Where a word is remembered.
#[inline(always)]
const fn place_of(word: u32) -> usize {
    (word >> (KIND_BITS + 1)) as usize % KNOWN
}

/// A word at each place that does not belong there.
const UNKNOWN: [u32; KNOWN] = {
    let mut words = [1 << (KIND_BITS + 1); KNOWN];
    words[1] = 0;
    words
};

/// The calling thread's share of all memory.
fn share() -> Share {
    Share::of(POOL.mapped_bytes(), manager::threads())
}

/// Counters that other threads may read, as of the owner's last round, see [`PATIENCE`].
#[derive(Default)]
struct Published {
    served: AtomicU64,
    freed: AtomicU64,
    cached_bytes: AtomicU64,
}

/// What an owner has done; see [`Owner::counts`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Requests served without the arenas' help.
    pub served: u64,
    /// Blocks freed that the arenas do not count.
    pub freed: u64,
    /// Bytes in the cache.
    pub cached_bytes: u64,
}

/// One thread's part.
#[repr(C, align(128))]
pub struct Owner {
    mine: UnsafeCell<Mine>,
    /// Held by whoever uses what of `mine` the fast paths do not: the owning thread in a slow request, or the reclaimer.
    turn: Turn,
    /// Slow requests so far.
    slow: AtomicU32,
    /// How often something was put aside or fetched so far.
    acts: AtomicU32,
    /// What `acts` was when the reclaimer last came by, and when it last found nothing to take.
    seen: AtomicU32,
    retired: AtomicU32,
    published: Published,
    /// The next owner in the manager's list of those without a thread; used under its lock.
    pub next_waiting: UnsafeCell<*mut Owner>,
}

// SAFETY: `mine` is the owning thread's alone, the list's link is used under the manager's lock, and the rest is atomic.
unsafe impl Sync for Owner {}
// SAFETY: as above; nothing in it belongs to the thread that made it.
unsafe impl Send for Owner {}

/// What only the owning thread may call; each is unsafe for that reason.
#[allow(clippy::missing_safety_doc, reason = "the reason stands once, above")]
impl Owner {
    /// An owner of nothing, which is only read: its cache is empty and takes nothing.
    pub const fn vacant() -> Owner {
        Owner::with(Cache::vacant())
    }

    /// An owner of this number with an empty cache.
    pub fn new(number: HeapId) -> Owner {
        Owner::with(Cache::new(SPACE, number.number(), &Policy::DEFAULT))
    }

    const fn with(cache: Cache<ALL_BINS>) -> Owner {
        Owner {
            mine: UnsafeCell::new(Mine {
                cache,
                known: UNKNOWN,
                home: None,
            }),
            turn: Turn::new(),
            slow: AtomicU32::new(0),
            acts: AtomicU32::new(0),
            seen: AtomicU32::new(0),
            retired: AtomicU32::new(0),
            published: Published {
                served: AtomicU64::new(0),
                freed: AtomicU64::new(0),
                cached_bytes: AtomicU64::new(0),
            },
            next_waiting: UnsafeCell::new(core::ptr::null_mut()),
        }
    }

    /// The cache, for the fast paths.
    #[inline(always)]
    pub fn cache(this: *mut Owner) -> *mut Cache<ALL_BINS> {
        // `mine` comes first, and the cache comes first in it.
        this.cast()
    }

    #[allow(
        clippy::mut_from_ref,
        reason = "the owning thread has `mine` to itself"
    )]
    unsafe fn mine(&self) -> &mut Mine {
        // SAFETY: the caller is the owning thread, and holds no other reference to it.
        unsafe { &mut *self.mine.get() }
    }

    /// A thread begins to use it. `false`: there is no memory for a home.
    pub unsafe fn begin(&self) -> bool {
        let _busy = self.turn.enter();
        // SAFETY: the caller's promise.
        let mine = unsafe { self.mine() };
        mine.home = homes::choose();
        mine.cache.begin(share(), manager::is_thrifty());
        mine.home.is_some()
    }

    /// The home that it takes from.
    pub unsafe fn home(&self) -> Option<&'static Home> {
        // SAFETY: the caller's promise; nobody else writes this field.
        unsafe { (*self.mine.get()).home }
    }

    /// Takes in the chunk at `at`, which the program frees. `false`: it is too long for a bin, or its header is not that of a
    /// chunk in use.
    #[inline]
    pub unsafe fn keep(&self, at: u64) -> bool {
        // SAFETY: the caller's promise, and that of a chunk.
        unsafe {
            let c = Chunk::of_payload(at);
            if !is_block(SPACE, c) || homes::find(owner::heap(SPACE.owner(c))).is_none() {
                return false;
            }
            if SPACE.begin_binned(at).is_none() {
                return false;
            }
            self.push_foreign(at);
        }
        true
    }

    /// # Safety
    /// `at` has the header of a block of a bin, and nobody uses it.
    #[inline(always)]
    unsafe fn push_foreign(&self, at: u64) {
        // SAFETY: the caller's promise, and that it is the owning thread.
        unsafe {
            let cache = Owner::cache((&raw const *self).cast_mut());
            if let Pushed::Full(bin) = Cache::push_foreign(cache, at) {
                self.overflow(bin);
            }
        }
    }

    /// Takes a block that another owner handed out. `false`: its header is not that of one in use. `word` is its owner
    /// word.
    #[inline]
    pub unsafe fn take_in(&self, at: u64, word: u32) -> bool {
        // SAFETY: the caller promises a block that nobody uses any more, and that it is the owning thread.
        unsafe {
            if check_small(at, word).is_err() {
                return false;
            }
            (*self.mine.get()).known[place_of(word)] = word;
            self.push_foreign(at);
        }
        true
    }

    /// Whether the header at `at` is that of a small block in use, of an owner whose blocks the thread has freed before. A vacant
    /// owner knows none.
    #[inline(always)]
    pub unsafe fn knows(this: *mut Owner, at: u64, word: u32) -> bool {
        // SAFETY: the caller's promise, as for `take_in`.
        unsafe {
            (*(*this).mine.get()).known[place_of(word)] == word
                && (1..BINS).contains(&SPACE.bin(at))
        }
    }

    /// A block for a request that the cache could not serve at once. `None`: memory ended.
    pub unsafe fn malloc(&self, size: usize) -> Option<NonNull<u8>> {
        let _busy = self.turn.enter();
        self.act();
        // SAFETY: the caller's promise.
        let mine = unsafe { self.mine() };
        if size > MEDIUM_MAX {
            return self.chunk(mine, size, 0);
        }
        let bin = bin_of(size);
        if let Some(block) = self.cached(mine, bin, size) {
            return Some(block);
        }
        if bin >= BINS {
            return self.chunk(mine, size, bin_bytes(bin));
        }
        let chain = self.fetch(mine, bin)?;
        mine.cache.accept(bin, chain);
        // SAFETY: the cache is the calling thread's.
        unsafe { Cache::pop_bin(Owner::cache((&raw const *self).cast_mut()), bin, size) }
    }

    /// A block of a bin whose list is empty, of those that are put aside here or in the depot, or of the next bin.
    #[inline]
    fn cached(&self, mine: &mut Mine, bin: usize, size: usize) -> Option<NonNull<u8>> {
        let this = Owner::cache((&raw const *self).cast_mut());
        mine.cache.ran_empty(bin);
        if !mine.cache.take_spare(bin) {
            // A medium block of the next bin wastes little.
            if bin >= BINS
                // SAFETY: the bins of requests end before the last; the cache is the calling thread's.
                && let Some(block) = unsafe { Cache::pop_bin(this, bin + 1, size) }
            {
                return Some(block);
            }
            mine.cache.accept(bin, depot::get(bin)?);
        }
        // SAFETY: as above.
        unsafe { Cache::pop_bin(this, bin, size) }
    }

    /// A chunk of at least `least` bytes for a request of `size`, from a home.
    fn chunk(&self, mine: &mut Mine, size: usize, least: u64) -> Option<NonNull<u8>> {
        self.round(mine);
        homes::with_any(mine.home?, |arenas| {
            let block = arenas.malloc_within(size as u64, least);
            arenas.note_refusal(block)
        })
    }

    /// As [`malloc`](Self::malloc), for a block above the small bins that shall be all zero, and how many of its first bytes are
    /// still to be made so.
    pub unsafe fn calloc(&self, size: usize) -> Option<(NonNull<u8>, usize)> {
        let _busy = self.turn.enter();
        self.act();
        // SAFETY: the caller's promise.
        let mine = unsafe { self.mine() };
        let mut least = 0;
        if size <= MEDIUM_MAX {
            let bin = bin_of(size);
            if let Some(block) = self.cached(mine, bin, size) {
                return Some((block, size));
            }
            least = bin_bytes(bin);
        }
        self.round(mine);
        homes::with_any(mine.home?, |arenas| {
            let made = arenas.calloc_within(size as u64, least);
            arenas.note_refusal(made)
        })
    }

    fn fetch(&self, mine: &mut Mine, bin: usize) -> Option<Chain> {
        self.round(mine);
        let want = mine.cache.want(bin);
        homes::with_any(mine.home?, |arenas| {
            let chain = arenas.take_blocks(bin, want);
            arenas.note_refusal(chain)
        })
    }

    /// A block at a multiple of `align`, a power of two above 16.
    pub unsafe fn aligned(&self, align: usize, size: usize) -> Option<NonNull<u8>> {
        let _busy = self.turn.enter();
        // SAFETY: the caller's promise.
        let mine = unsafe { self.mine() };
        self.round(mine);
        homes::with_any(mine.home?, |arenas| {
            let block = arenas.aligned(align as u64, size as u64);
            arenas.note_refusal(block)
        })
    }

    /// The cache has used up the room of this bin.
    pub unsafe fn overflow(&self, bin: usize) {
        let _busy = self.turn.enter();
        self.act();
        // SAFETY: the caller's promise.
        let mine = unsafe { self.mine() };
        match mine.cache.overflow(bin) {
            Some(Given::On(chain)) => depot::put(bin, chain).into_iter().for_each(send_home),
            // SAFETY: the list came out of the cache, so nobody uses its blocks.
            Some(Given::Home(chain)) => unsafe { let_one_go(chain.first) },
            None => {}
        }
    }

    /// Frees what neither the cache nor [`keep`](Self::keep) took: a chunk, or a small block that another owner handed out.
    /// `word` is its owner word.
    pub unsafe fn free(&self, at: u64, word: u32) -> Result<(), Misuse> {
        // SAFETY: the caller promises a block that nobody uses any more; a header that is none is told.
        unsafe {
            if owner::kind(word) == owner::CHUNK {
                check_kept(at)?;
                return free_chunk(at, word);
            }
            match self.take_in(at, word) {
                true => Ok(()),
                false => Err(Misuse::NotABlock {
                    address: SPACE.pointer(at).addr(),
                }),
            }
        }
    }

    /// Notes that the owner is at work.
    #[inline(always)]
    fn act(&self) {
        let acts = self.acts.load(Ordering::Relaxed).wrapping_add(1);
        self.acts.store(acts, Ordering::Relaxed);
    }

    /// Now and then: counters are shown, and what was kept in vain is let go.
    fn round(&self, mine: &mut Mine) {
        let slow = self.slow.load(Ordering::Relaxed).wrapping_add(1);
        self.slow.store(slow, Ordering::Relaxed);
        if slow.is_multiple_of(PATIENCE) {
            self.publish(mine);
            mine.cache.set_share(share(), manager::is_thrifty());
            while let Some(chain) = mine.cache.stale() {
                // SAFETY: the list came out of the cache, so nobody uses its blocks.
                unsafe { let_go(chain) };
            }
        }
    }

    /// Nothing is kept and nothing cached afterwards.
    pub unsafe fn settle(&self) {
        let _busy = self.turn.enter();
        // SAFETY: the caller's promise.
        let mine = unsafe { self.mine() };
        // All at once, so that each home is entered once.
        let mut strays = Strays::new();
        // SAFETY: what was kept or cached nobody uses; the headers say where it came from.
        unsafe {
            mine.cache.take_all(|bin, chain| match bin < BINS {
                true => each(chain, |at| strays.add(number_of(at), at)),
                false => strays.add_medium(chain),
            });
            strays.deliver();
        }
        self.publish(mine);
    }

    /// Leaves what is kept and cached in the depot, whole lists for the thread that begins next; what there is no room for
    /// goes home.
    unsafe fn hand_on(&self) {
        let _busy = self.turn.enter();
        // SAFETY: the caller's promise.
        let mine = unsafe { self.mine() };
        let mut strays = Strays::new();
        // SAFETY: what was kept or cached nobody uses; the headers say where it came from.
        unsafe {
            (mine.cache).take_all(|bin, chain| strays.add_refused(depot::put(bin, chain)));
            strays.deliver();
        }
        self.publish(mine);
    }

    /// The thread ends: nothing is left here.
    pub unsafe fn end(&self) {
        // SAFETY: the caller's promise.
        unsafe {
            self.hand_on();
            let busy = self.turn.enter();
            let home = self.mine().home.take();
            drop(busy);
            if let Some(home) = home {
                home.leave();
            }
        }
    }

    /// Lets other threads see the counters.
    pub unsafe fn show(&self) {
        let _busy = self.turn.enter();
        // SAFETY: the caller's promise.
        self.publish(unsafe { self.mine() });
    }

    fn publish(&self, mine: &Mine) {
        let p = &self.published;
        p.served.store(mine.cache.served(), Ordering::Relaxed);
        p.freed.store(mine.cache.freed(), Ordering::Relaxed);
        p.cached_bytes
            .store(mine.cache.total().1, Ordering::Relaxed);
    }

    /// Tests the invariants of the cache.
    pub unsafe fn check(&self) -> Result<(), Broken> {
        let _busy = self.turn.enter();
        // SAFETY: the caller's promise.
        unsafe { self.mine() }.cache.check()
    }

    /// Sends home what a thread keeps aside that did not act since the last call. Only the reclaimer calls it.
    pub fn retire_idle(&self) {
        let acts = self.acts.load(Ordering::Relaxed);
        let idle = self.seen.swap(acts, Ordering::Relaxed) == acts;
        if !idle || self.retired.load(Ordering::Relaxed) == acts {
            return;
        }
        let mut spares = [None; ALL_BINS];
        {
            let Some(_revoked) = self.turn.revoke() else {
                return;
            };
            // SAFETY: the owning thread is kept out of all but the fast paths, which touch no spares.
            unsafe {
                for (bin, spare) in spares.iter_mut().enumerate().skip(1) {
                    *spare = Cache::take_spare_at(Owner::cache((&raw const *self).cast_mut()), bin);
                }
            }
        }
        let nothing = spares.iter().all(Option::is_none);
        for (bin, chain) in spares.into_iter().enumerate() {
            let Some(chain) = chain else { continue };
            // SAFETY: the list came out of the cache, so nobody uses its blocks.
            unsafe {
                match bin < BINS {
                    true => bring_home(chain),
                    false => let_go(chain),
                }
            }
        }
        if nothing {
            self.retired.store(acts, Ordering::Relaxed);
        }
    }

    /// In the child of a `fork`, for its one thread's owner.
    pub fn reset_turn(&self) {
        self.turn.reset();
    }

    /// What it has done, for any thread.
    pub fn counts(&self) -> Counts {
        Counts {
            served: self.published.served.load(Ordering::Relaxed),
            freed: self.published.freed.load(Ordering::Relaxed),
            cached_bytes: self.published.cached_bytes.load(Ordering::Relaxed),
        }
    }
}
