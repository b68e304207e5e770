//! A heap among others: what is its thread's alone, what others reach under a lock, and what anybody may touch.
//!
//! ```text
//! states   OWNED ──thread ends──▶ ABANDONED ──a thread starts──▶ OWNED
//! invariant: only the thread that owns it touches `mine`; while ABANDONED nobody does
//! invariant: an ABANDONED owner has an empty cache and, but for moments, an empty inbox
//! invariant: `home` is reached under its lock only
//! ```
//!
//! A block of another heap goes home in a batch. Whoever sends it puts it back into its run itself, since the block's
//! header is in *its* processor's cache, and since the owner may sleep: memory that waits for a sleeping thread helps
//! nobody (with 512 threads on two cores it was most of the footprint). Only when somebody else holds the lock at that
//! moment does the batch wait in the inbox, so no two threads ever wait for each other here.

use core::cell::UnsafeCell;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicI64, AtomicU8, AtomicU64, Ordering, fence};

use super::inbox::Inbox;
use super::lock::Lock;
use super::manager;
use super::medium::{KEPT, MEDIUM_MAX, Medium};
use super::pool::FromPool;
use crate::base::class::SMALL_MAX;
use crate::base::error::{Broken, Misuse};
use crate::chunk::tag::Chunk;
use crate::chunk::{Space, owner};
use crate::heap::arenas::Arenas;
use crate::heap::cache::Cache;
use crate::heap::policy::Policy;
use crate::heap::{HeapId, HeapStats};

/// A thread uses the heap.
pub const OWNED: u8 = 0;
/// No thread uses it; it waits to be adopted.
pub const ABANDONED: u8 = 1;

/// Positions of the process are addresses.
const SPACE: Space = Space::absolute();
const SLOTS: usize = 16;
/// A batch leaves when it has so many blocks…
const BATCH: u32 = 64;
/// …or so many bytes, headers included.
const BATCH_BYTES: u32 = 16 << 10;
/// Every so many slow requests all batches leave, full or not.
const PATIENCE: u32 = 32;
/// A change of so many bytes is told to the process's count. The count, and so the peak, is exact to this for each thread.
const TELL_BYTES: i64 = 32 << 10;

/// Small blocks of one other heap, linked, waiting to be sent together.
#[derive(Clone, Copy)]
struct Batch {
    to: u32,
    count: u32,
    bytes: u32,
    first: u64,
    last: u64,
}

const NO_BATCH: Batch = Batch {
    to: 0,
    count: 0,
    bytes: 0,
    first: 0,
    last: 0,
};

/// What the owning thread has to itself.
#[repr(C)]
pub struct Mine {
    /// Small blocks for the next requests.
    pub cache: Cache,
    medium: Medium,
    outgoing: [Batch; SLOTS],
    slow_requests: u32,
    /// Footprint of the heap as of the last slow request. Bytes.
    footprint: u64,
    /// Blocks of others that this thread freed.
    sent: u64,
}

/// What is reached under the lock.
pub struct Home {
    arenas: Arenas<FromPool>,
    /// Blocks of this heap that others brought back.
    received: u64,
    told_bytes: i64,
}

/// Counters of `mine` that other threads may read, as of the owner's last round, see [`PATIENCE`].
#[derive(Default)]
struct Published {
    served: AtomicU64,
    cached_blocks: AtomicU64,
    cached_bytes: AtomicU64,
    /// Blocks freed here that are counted nowhere else: others', and those that are kept.
    freed: AtomicU64,
    /// Requests that kept blocks served.
    kept_served: AtomicU64,
}

/// A heap among others. Its number is the lower half of its address without the low bits that owner words use for the kind:
/// so the key of its cache is an address that malloc and free have at hand ([`Cache::pop_at`]).
#[repr(C, align(128))]
pub struct Owner {
    mine: UnsafeCell<Mine>,
    home: Lock<Home>,
    /// Blocks freed by others that could not be put back at once.
    inbox: Inbox,
    /// [`OWNED`] or [`ABANDONED`].
    pub state: AtomicU8,
    published: Published,
    /// The next owner in the manager's list of abandoned ones; used under its lock.
    pub next_abandoned: UnsafeCell<*mut Owner>,
}

/// Bytes in blocks outside free lists, over all heaps, and the most there were.
pub static OUT_BYTES: AtomicI64 = AtomicI64::new(0);
/// See [`OUT_BYTES`].
pub static PEAK_BYTES: AtomicI64 = AtomicI64::new(0);

/// Adds to [`OUT_BYTES`], and follows its peak.
pub fn tell_bytes(change: i64) {
    let now = OUT_BYTES.fetch_add(change, Ordering::Relaxed) + change;
    if change > 0 {
        PEAK_BYTES.fetch_max(now, Ordering::Relaxed);
    }
}

impl Home {
    /// Tells the process's count of a change that is large enough, or of any if `all`.
    fn tell(&mut self, all: bool) {
        let now = self.arenas.out_bytes() as i64;
        let change = now - self.told_bytes;
        if change.abs() >= TELL_BYTES || all && change != 0 {
            tell_bytes(change);
            self.told_bytes = now;
        }
    }

    /// Puts linked blocks that other threads freed back where they belong.
    ///
    /// # Safety
    /// They are blocks of this heap that nobody uses, the last links to position 0.
    unsafe fn take_in(&mut self, mut at: u64) {
        while at != 0 {
            // SAFETY: the caller's promise.
            unsafe {
                let next = SPACE.link(at);
                // A header that was overwritten since the block was freed: the block is lost, the rest is not.
                let _ = self.take_in_one(at);
                at = next;
            }
        }
    }

    /// # Safety
    /// As for [`take_in`](Self::take_in), for the block at `at`.
    unsafe fn take_in_one(&mut self, at: u64) -> Result<(), Misuse> {
        // SAFETY: the caller's promise.
        unsafe {
            if SPACE.owner_before(at) == owner::IN_FLIGHT {
                self.arenas.bring_home(at);
            } else {
                self.arenas.free_block(at)?;
            }
        }
        self.received += 1;
        Ok(())
    }
}

/// What only the owning thread may call; each is unsafe for that reason.
#[allow(clippy::missing_safety_doc, reason = "the reason stands once, above")]
impl Owner {
    /// An owner of nothing, which is only read: its cache is empty and takes nothing.
    pub const fn vacant() -> Owner {
        Owner::with(Cache::vacant(), 0)
    }

    /// An owner of a heap without memory, used by the calling thread.
    pub fn new(number: HeapId) -> Owner {
        let number = number.number();
        Owner::with(Cache::new(SPACE, number, &Policy::DEFAULT), number)
    }

    const fn with(cache: Cache, number: u32) -> Owner {
        Owner {
            mine: UnsafeCell::new(Mine {
                cache,
                medium: Medium::new(),
                outgoing: [NO_BATCH; SLOTS],
                slow_requests: 0,
                footprint: 0,
                sent: 0,
            }),
            home: Lock::new(Home {
                arenas: Arenas::new(FromPool, SPACE, number, Policy::DEFAULT),
                received: 0,
                told_bytes: 0,
            }),
            inbox: Inbox::new(),
            state: AtomicU8::new(OWNED),
            published: Published {
                served: AtomicU64::new(0),
                cached_blocks: AtomicU64::new(0),
                cached_bytes: AtomicU64::new(0),
                freed: AtomicU64::new(0),
                kept_served: AtomicU64::new(0),
            },
            next_abandoned: UnsafeCell::new(core::ptr::null_mut()),
        }
    }

    /// The cache, for the fast paths.
    #[inline(always)]
    pub fn cache(this: *const Owner) -> *mut Cache {
        // `mine` comes first, and the cache comes first in it.
        this.cast_mut().cast()
    }

    #[allow(
        clippy::mut_from_ref,
        reason = "the owning thread has `mine` to itself"
    )]
    unsafe fn mine(&self) -> &mut Mine {
        // SAFETY: the caller is the owning thread, and holds no other reference to it.
        unsafe { &mut *self.mine.get() }
    }

    /// A block for a request that the cache could not serve. `None`: memory ended.
    pub unsafe fn malloc(&self, size: usize) -> Option<NonNull<u8>> {
        // SAFETY: the caller's promise.
        let mine = unsafe { self.mine() };
        if size > SMALL_MAX
            && size <= MEDIUM_MAX
            // SAFETY: kept blocks are chunks that nobody uses.
            && let Some(at) = unsafe { mine.medium.get(SPACE, size) }
        {
            return NonNull::new(SPACE.pointer(at));
        }
        self.round(mine);
        let mut home = self.home.lock();
        self.drain(&mut home);
        let arenas = &mut home.arenas;
        let block = if size <= SMALL_MAX {
            mine.cache.refill(arenas, size)
        } else {
            arenas.malloc_large(size as u64)
        };
        mine.footprint = arenas.footprint_bytes();
        let block = arenas.note_refusal(block);
        home.tell(false);
        block
    }

    /// A block at a multiple of `align`, a power of two above 16.
    pub unsafe fn aligned(&self, align: usize, size: usize) -> Option<NonNull<u8>> {
        // SAFETY: the caller's promise.
        self.round(unsafe { self.mine() });
        let mut home = self.home.lock();
        self.drain(&mut home);
        let block = home.arenas.aligned(align as u64, size as u64);
        let block = home.arenas.note_refusal(block);
        home.tell(false);
        block
    }

    /// The cache holds more of this bin than it may.
    pub unsafe fn overflow(&self, bin: usize) {
        // SAFETY: the caller's promise.
        let mine = unsafe { self.mine() };
        let mut home = self.home.lock();
        mine.cache.overflow(&mut home.arenas, bin);
        home.tell(false);
    }

    /// Frees what the cache did not take: a chunk of any heap, or a small block of another heap. `word` is the block's
    /// owner word.
    pub unsafe fn free(&self, at: u64, word: u32) -> Result<(), Misuse> {
        // SAFETY: the caller's promise.
        let mine = unsafe { self.mine() };
        // SAFETY: the caller promises a block that nobody uses any more, and its header was found to be one.
        unsafe {
            if owner::kind(word) == owner::CHUNK {
                check_chunk(at)?;
                if mine.medium.put(SPACE, at, mine.footprint) {
                    return Ok(());
                }
            }
            let number = owner::heap(word);
            if number == mine.cache.number() {
                let mut home = self.home.lock();
                home.arenas.free_block(at)?;
                home.tell(false);
                return Ok(());
            }
            mine.free_foreign(at, number)
        }
    }

    /// Every so many slow requests: what waits is sent, what was kept in vain is let go.
    fn round(&self, mine: &mut Mine) {
        mine.slow_requests = mine.slow_requests.wrapping_add(1);
        if !mine.slow_requests.is_multiple_of(PATIENCE) {
            return;
        }
        mine.send_all();
        self.publish(mine);
        if mine.slow_requests.is_multiple_of(PATIENCE * 8) {
            // SAFETY: kept blocks are chunks that nobody uses.
            while let Some(at) = unsafe { mine.medium.stale(SPACE) } {
                self.let_go(mine, at);
            }
        }
    }

    /// Frees a block that was kept: into this heap or towards its own.
    fn let_go(&self, mine: &mut Mine, at: u64) {
        // SAFETY: the block is a chunk in use of the heap that its owner word names, and nobody uses it.
        let done = unsafe {
            let number = owner::heap(SPACE.owner_before(at));
            if number == mine.cache.number() {
                let mut home = self.home.lock();
                let freed = home.arenas.free_block(at);
                home.tell(false);
                freed
            } else {
                mine.free_foreign(at, number)
            }
        };
        // It was checked when it was freed; a header overwritten since then loses the block and nothing else.
        let _ = done;
    }

    /// Nothing waits, nothing is kept and nothing cached afterwards.
    pub unsafe fn settle(&self) {
        // SAFETY: the caller's promise.
        let mine = unsafe { self.mine() };
        // SAFETY: kept blocks are chunks that nobody uses.
        while let Some(at) = unsafe { mine.medium.any(SPACE) } {
            self.let_go(mine, at);
        }
        mine.send_all();
        let mut home = self.home.lock();
        self.drain(&mut home);
        mine.cache.empty(&mut home.arenas);
        home.tell(true);
        drop(home);
        self.publish(mine);
    }

    /// Leaves the heap as one without a thread: settled, and what is all free has gone to the pool.
    pub unsafe fn leave(&self) {
        // SAFETY: the caller's promise.
        unsafe { self.settle() };
        self.home.lock().arenas.release_last();
    }

    /// Lets other threads see the counters.
    pub unsafe fn show(&self) {
        // SAFETY: the caller's promise.
        let mine = unsafe { self.mine() };
        mine.send_all();
        self.publish(mine);
    }

    fn publish(&self, mine: &Mine) {
        let (blocks, bytes) = mine.cache.total();
        let p = &self.published;
        p.served.store(mine.cache.served(), Ordering::Relaxed);
        p.cached_blocks.store(blocks, Ordering::Relaxed);
        p.cached_bytes.store(bytes, Ordering::Relaxed);
        let kept = mine.medium.hits + mine.medium.held;
        p.freed.store(mine.sent + kept, Ordering::Relaxed);
        p.kept_served.store(mine.medium.hits, Ordering::Relaxed);
    }

    /// Tests the invariants of the heap.
    pub unsafe fn check(&self) -> Result<(), Broken> {
        // SAFETY: the caller's promise.
        let mine = unsafe { self.mine() };
        let home = self.home.lock();
        crate::heap::check(&mine.cache, &home.arenas)
    }
}

/// What any thread may call.
impl Owner {
    /// Takes in what waits in the inbox.
    fn drain(&self, home: &mut Home) {
        if !self.inbox.is_empty() {
            // SAFETY: the inbox holds blocks of this heap that nobody uses, and after `take` they are this thread's.
            unsafe { home.take_in(self.inbox.take()) };
        }
    }

    /// Brings blocks of this heap home, or leaves them in the inbox if somebody is there.
    ///
    /// # Safety
    /// The blocks lead from `first` to `last`, are of this heap, marked as in flight or chunks, and nobody uses them.
    pub unsafe fn deliver(&self, first: u64, last: u64) {
        // SAFETY: the caller's promise.
        unsafe {
            if let Some(mut home) = self.home.try_lock() {
                SPACE.set_link(last, 0);
                home.take_in(first);
                self.finish(home);
            } else {
                self.inbox.push(SPACE, first, last);
            }
        }
        self.visit();
    }

    /// Takes in the inbox if nobody else is at it. Whoever comes second leaves it to the first, who looks again; the owner
    /// itself looks at its next slow request.
    pub fn visit(&self) {
        while !self.inbox.is_empty() {
            let Some(mut home) = self.home.try_lock() else {
                return;
            };
            self.drain(&mut home);
            self.finish(home);
            // The lock's end must be seen before the inbox is looked at again, see `Inbox::push`.
            fence(Ordering::SeqCst);
        }
    }

    /// The end of a visit: an abandoned heap keeps no arena that is all free.
    fn finish(&self, mut home: super::lock::Guard<'_, Home>) {
        let abandoned = self.state.load(Ordering::SeqCst) == ABANDONED;
        if abandoned {
            home.arenas.release_last();
        }
        home.tell(abandoned);
    }

    /// Changes the length of a chunk or span of this heap where it is. `Ok(None)`: a copy is needed.
    ///
    /// # Safety
    /// `old` is a block of this heap, in use, and the calling thread's for this moment.
    pub unsafe fn resize(
        &self,
        old: NonNull<u8>,
        size: usize,
    ) -> Result<Option<NonNull<u8>>, Misuse> {
        let mut home = self.home.lock();
        // SAFETY: the caller's promise.
        let resized = unsafe { home.arenas.resize(old, size) };
        home.tell(false);
        resized
    }

    /// The heap's counters, as others shall count them: a block counts as freed by whoever freed it.
    pub fn stats(&self) -> HeapStats {
        let p = &self.published;
        let served = p.served.load(Ordering::Relaxed);
        let cached = (
            p.cached_blocks.load(Ordering::Relaxed),
            p.cached_bytes.load(Ordering::Relaxed),
        );
        let home = self.home.lock();
        let mut stats = home.arenas.stats(served, cached);
        stats.alloc_calls += p.kept_served.load(Ordering::Relaxed);
        stats.free_calls =
            (stats.free_calls + p.freed.load(Ordering::Relaxed)).saturating_sub(home.received);
        stats
    }

    /// Takes the lock, for `fork`.
    pub fn seize(&self) {
        self.home.seize();
    }

    /// Frees the lock.
    ///
    /// # Safety
    /// [`seize`](Self::seize) was called by this thread or the one it is a fork of.
    pub unsafe fn release(&self) {
        // SAFETY: the caller's promise.
        unsafe { self.home.release() };
    }
}

impl Mine {
    /// Frees a block of another heap: a chunk goes home at once, small blocks in batches.
    ///
    /// # Safety
    /// `at` is a block (small or chunk) of heap `to`, another than this one's, and nobody uses it.
    unsafe fn free_foreign(&mut self, at: u64, to: u32) -> Result<(), Misuse> {
        // SAFETY: the caller's promise.
        unsafe {
            if owner::kind(SPACE.owner_before(at)) == owner::CHUNK {
                send_chunk(at, to)?;
                self.sent += 1;
                return Ok(());
            }
            let slot = to as usize % SLOTS;
            if self.outgoing[slot].to != to {
                if manager::find(to).is_none() {
                    return Err(Misuse::NotABlock {
                        address: SPACE.pointer(at).addr(),
                    });
                }
                self.send(slot);
                self.outgoing[slot].to = to;
            }
            self.sent += 1;
            let bytes = u32::from(SPACE.tag(at)) & !15;
            SPACE.set_owner_before(at, owner::IN_FLIGHT);
            let batch = &mut self.outgoing[slot];
            SPACE.set_link(at, batch.first);
            if batch.count == 0 {
                batch.last = at;
            }
            batch.first = at;
            batch.count += 1;
            batch.bytes += bytes;
            if batch.count >= BATCH || batch.bytes >= BATCH_BYTES {
                self.send(slot);
            }
        }
        Ok(())
    }

    fn send(&mut self, slot: usize) {
        let batch = self.outgoing[slot];
        self.outgoing[slot] = Batch {
            to: batch.to,
            ..NO_BATCH
        };
        if batch.count > 0
            && let Some(owner) = manager::find(batch.to)
        {
            // SAFETY: owners are never freed; a batch holds blocks of its heap that nobody uses.
            unsafe { (*owner).deliver(batch.first, batch.last) };
        }
    }

    /// Sends every batch that waits.
    fn send_all(&mut self) {
        for slot in 0..SLOTS {
            if self.outgoing[slot].count > 0 {
                self.send(slot);
            }
        }
    }
}

/// Whether a chunk's header is that of a block that nobody has freed.
///
/// # Safety
/// There is a chunk header before `at`.
unsafe fn check_chunk(at: u64) -> Result<(), Misuse> {
    let address = SPACE.pointer(at).addr();
    let c = Chunk::of_payload(at);
    // SAFETY: the caller's promise.
    unsafe {
        if SPACE.asked(c) == KEPT {
            return Err(Misuse::DoubleFree { address });
        }
        crate::heap::arenas::check_block(SPACE, c)
    }
}

/// Brings a chunk home, or leaves it in its heap's inbox.
///
/// # Safety
/// `at` is a chunk in use of heap `to`, and nobody uses it.
unsafe fn send_chunk(at: u64, to: u32) -> Result<(), Misuse> {
    let owner = manager::find(to).ok_or(Misuse::NotABlock {
        address: SPACE.pointer(at).addr(),
    })?;
    let c = Chunk::of_payload(at);
    // SAFETY: the caller's promise; owners are never freed.
    unsafe {
        // On its way it is marked, so that a second free is noticed.
        SPACE.set_owner(c, KEPT, SPACE.owner(c));
        (*owner).deliver(at, at);
    }
    Ok(())
}

/// Blocks freed by threads that had no heap, which nobody else counts.
pub static HEAPLESS_FREES: AtomicU64 = AtomicU64::new(0);

/// Frees a block for a thread that has no heap. `word` is its owner word.
///
/// # Safety
/// `at` is a block (small or chunk), and nobody uses it.
pub unsafe fn free_heapless(at: u64, word: u32) -> Result<(), Misuse> {
    let to = owner::heap(word);
    // SAFETY: the caller's promise; owners are never freed.
    unsafe {
        if owner::kind(word) == owner::CHUNK {
            check_chunk(at)?;
            send_chunk(at, to)?;
        } else {
            let owner = manager::find(to).ok_or(Misuse::NotABlock {
                address: SPACE.pointer(at).addr(),
            })?;
            SPACE.set_owner_before(at, owner::IN_FLIGHT);
            (*owner).deliver(at, at);
        }
    }
    HEAPLESS_FREES.fetch_add(1, Ordering::Relaxed);
    Ok(())
}

// SAFETY: `mine` is the owning thread's alone, `home` has a lock, the list's link is used under the manager's lock, and the
// rest is atomic.
unsafe impl Sync for Owner {}
// SAFETY: as above; nothing in it belongs to the thread that made it.
unsafe impl Send for Owner {}
