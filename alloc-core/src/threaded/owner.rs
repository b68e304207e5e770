//! A heap with what it needs among others: an inbox, outgoing batches, a state.
//!
//! ```text
//! states   OWNED ──thread ends──▶ ABANDONED ──a thread starts──▶ OWNED
//!                                 ABANDONED ──somebody frees──▶ BUSY ──▶ ABANDONED
//! invariant: only the thread that owns it, or the one that made it BUSY, touches `heap` and `outgoing`
//! invariant: an ABANDONED owner has an empty cache and, but for moments, an empty inbox
//! ```

use core::sync::atomic::{AtomicI64, AtomicU8, AtomicU64, Ordering};

use super::inbox::Inbox;
use super::manager;
use super::medium::{KEPT, Medium};
use super::pool::FromPool;
use crate::chunk::block;
use crate::chunk::tag::Chunk;
use crate::chunk::{Space, owner};
use crate::heap::{Heap, HeapStats};

/// A thread uses the heap.
pub const OWNED: u8 = 0;
/// No thread uses it; it waits to be adopted.
pub const ABANDONED: u8 = 1;
/// No thread uses it; one that freed a block of it is putting things in order.
pub const BUSY: u8 = 2;

const SLOTS: usize = 16;
/// A batch leaves when it has so many blocks…
const BATCH: u32 = 64;
/// …or so many bytes, headers included.
const BATCH_BYTES: u32 = 16 << 10;
/// Every so many slow requests all batches leave, full or not.
const PATIENCE: u32 = 32;
/// A change of so many bytes is told to the process's count. The count, and so the peak, is exact to this for each thread.
const TELL_BYTES: i64 = 32 << 10;

/// Blocks of one other heap, linked, waiting to be sent together.
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

/// Counters that other threads may read, as of the owner's last slow request.
#[derive(Default)]
pub struct Published {
    /// See [`HeapStats`].
    pub alloc_calls: AtomicU64,
    /// See [`HeapStats`]; blocks of others that were freed here are counted here, not by their owner.
    pub free_calls: AtomicU64,
    /// See [`HeapStats`].
    pub failed: AtomicU64,
    /// See [`HeapStats`].
    pub arenas: AtomicU64,
    /// See [`HeapStats`].
    pub footprint_bytes: AtomicU64,
    /// See [`HeapStats`].
    pub current_bytes: AtomicU64,
}

/// A heap among others.
#[repr(C)]
pub struct Owner {
    /// The heap itself.
    pub heap: Heap<FromPool>,
    /// Medium blocks kept for the next request.
    pub medium: Medium,
    outgoing: [Batch; SLOTS],
    slow_requests: u32,
    /// Blocks of others that this owner's thread freed.
    sent: u64,
    /// Blocks of this heap that came through the inbox.
    received: u64,
    told_bytes: i64,
    /// Blocks freed by others.
    pub inbox: Inbox,
    /// [`OWNED`], [`ABANDONED`] or [`BUSY`].
    pub state: AtomicU8,
    /// What others may read.
    pub published: Published,
    /// The next owner in the manager's list of abandoned ones; used under its lock.
    pub next_abandoned: *mut Owner,
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

impl Owner {
    /// An owner of this heap, used by the calling thread.
    pub const fn new(heap: Heap<FromPool>) -> Owner {
        Owner {
            heap,
            medium: Medium::new(),
            outgoing: [NO_BATCH; SLOTS],
            slow_requests: 0,
            sent: 0,
            received: 0,
            told_bytes: 0,
            inbox: Inbox::new(),
            state: AtomicU8::new(OWNED),
            published: Published {
                alloc_calls: AtomicU64::new(0),
                free_calls: AtomicU64::new(0),
                failed: AtomicU64::new(0),
                arenas: AtomicU64::new(0),
                footprint_bytes: AtomicU64::new(0),
                current_bytes: AtomicU64::new(0),
            },
            next_abandoned: core::ptr::null_mut(),
        }
    }

    /// What every slow request does first: takes in what others freed, and now and then sends what it freed of theirs.
    pub fn before_slow(&mut self) {
        if !self.inbox.is_empty() {
            self.take_in(true);
        }
        self.slow_requests = self.slow_requests.wrapping_add(1);
        if self.slow_requests.is_multiple_of(PATIENCE) {
            self.send_all();
            self.publish();
            if self.slow_requests.is_multiple_of(PATIENCE * 8) {
                // SAFETY: kept blocks are chunks that nobody uses.
                while let Some(at) = unsafe { self.medium.stale(self.heap.space()) } {
                    self.let_go(at);
                }
            }
        }
    }

    /// Frees a block that was kept: into this heap or towards its own.
    fn let_go(&mut self, at: u64) {
        let space = self.heap.space();
        // SAFETY: the block is a chunk in use of the heap that its owner word names, and nobody uses it.
        unsafe {
            let to = space.owner_before(at) & owner::HEAP;
            if to == self.heap.number() {
                self.heap.take_back(at, false);
            } else {
                self.free_foreign(at, to);
            }
        }
    }

    /// What every slow request does last.
    #[inline]
    pub fn after_slow(&mut self) {
        let change = self.heap.out_bytes() as i64 - self.told_bytes;
        if change.abs() >= TELL_BYTES {
            self.tell();
        }
    }

    fn tell(&mut self) {
        let now = self.heap.out_bytes() as i64;
        tell_bytes(now - self.told_bytes);
        self.told_bytes = now;
    }

    /// Takes in what is in the inbox. `keep`: small blocks may stay in the cache.
    pub fn take_in(&mut self, keep: bool) {
        let space = self.heap.space();
        let mut at = self.inbox.take();
        while at != 0 {
            // SAFETY: the inbox holds blocks of this heap that nobody uses, and after `take` they are this thread's.
            unsafe {
                let next = space.link(at);
                self.heap.take_back(at, keep);
                at = next;
            }
            self.received += 1;
        }
    }

    /// Takes a block of another heap that the program freed, to be sent to its owner.
    ///
    /// # Safety
    /// `at` is a block (small or chunk) of heap `to`, another than this one's, and nobody uses it.
    pub unsafe fn free_foreign(&mut self, at: u64, to: u32) {
        let space = self.heap.space();
        self.sent += 1;
        // SAFETY: the block is ours to write: tag and link.
        let bytes = unsafe {
            let bytes = mark_in_flight(space, at);
            let batch = &mut self.outgoing[to as usize % SLOTS];
            if batch.count > 0 && batch.to != to {
                let full = core::mem::replace(batch, NO_BATCH);
                send(space, full);
            }
            let batch = &mut self.outgoing[to as usize % SLOTS];
            space.set_link(at, batch.first);
            if batch.count == 0 {
                batch.last = at;
            }
            batch.to = to;
            batch.first = at;
            batch.count += 1;
            batch.bytes = batch.bytes.saturating_add(bytes);
            batch.bytes
        };
        let batch = &mut self.outgoing[to as usize % SLOTS];
        if batch.count >= BATCH || bytes >= BATCH_BYTES {
            let full = core::mem::replace(batch, NO_BATCH);
            // SAFETY: the batch's blocks are of heap `to` and unused.
            unsafe { send(space, full) };
        }
    }

    /// Sends every batch that waits.
    pub fn send_all(&mut self) {
        let space = self.heap.space();
        for batch in &mut self.outgoing {
            if batch.count > 0 {
                let full = core::mem::replace(batch, NO_BATCH);
                // SAFETY: a batch holds blocks of its heap that nobody uses.
                unsafe { send(space, full) };
            }
        }
    }

    /// The heap's counters as others shall count them: a block freed here counts here.
    pub fn stats(&self) -> HeapStats {
        let mut stats = self.heap.stats();
        stats.alloc_calls += self.medium.hits;
        stats.free_calls =
            stats.free_calls + self.sent - self.received + self.medium.hits + self.medium.held;
        stats
    }

    /// Lets other threads see the counters.
    pub fn publish(&mut self) {
        let stats = self.stats();
        let p = &self.published;
        p.alloc_calls.store(stats.alloc_calls, Ordering::Relaxed);
        p.free_calls.store(stats.free_calls, Ordering::Relaxed);
        p.failed.store(stats.failed, Ordering::Relaxed);
        p.arenas.store(stats.arenas, Ordering::Relaxed);
        p.footprint_bytes
            .store(stats.footprint_bytes, Ordering::Relaxed);
        p.current_bytes
            .store(stats.current_bytes, Ordering::Relaxed);
    }

    /// Leaves the heap as one without a thread: nothing waits, nothing is cached, what is all free has gone to the pool.
    pub fn put_in_order(&mut self) {
        // SAFETY: kept blocks are chunks that nobody uses.
        while let Some(at) = unsafe { self.medium.any(self.heap.space()) } {
            self.let_go(at);
        }
        self.send_all();
        self.take_in(false);
        self.heap.release_last();
        self.tell();
        self.publish();
    }
}

/// Marks a block as freed and on its way; returns its bytes, header included (0 where that needs no count).
///
/// # Safety
/// The block is in use by nobody any more and not yet in a list.
unsafe fn mark_in_flight(space: Space, at: u64) -> u32 {
    // SAFETY: the caller's promise.
    unsafe {
        if owner::kind(space.owner_before(at)) == owner::SMALL {
            let bytes = u32::from(space.tag(at)) & !15;
            space.set_tag(at, block::IN_FLIGHT);
            bytes
        } else {
            let c = Chunk::of_payload(at);
            space.set_owner(c, KEPT, space.owner(c));
            BATCH_BYTES // a chunk does not wait
        }
    }
}

/// Sends a batch home. If no thread has that heap, it is put in order at once, so that the memory is not lost to all.
///
/// # Safety
/// The batch's blocks are of the heap `batch.to` and nobody uses them.
unsafe fn send(space: Space, batch: Batch) {
    let Some(owner) = manager::find(batch.to) else {
        return;
    };
    // SAFETY: the caller's promise; owners are never freed.
    unsafe {
        (*owner).inbox.push(space, batch.first, batch.last);
        visit(owner);
    }
}

/// Blocks freed by threads that had no heap, which nobody else counts before their owner takes them in.
pub static HEAPLESS_FREES: AtomicU64 = AtomicU64::new(0);

/// Sends one block home without an owner of one's own: for a thread that has no heap.
///
/// # Safety
/// `at` is a block (small or chunk) of heap `to`, and nobody uses it.
pub unsafe fn send_one(space: Space, at: u64, to: u32) {
    HEAPLESS_FREES.fetch_add(1, Ordering::Relaxed);
    // SAFETY: the caller's promise.
    unsafe {
        mark_in_flight(space, at);
        send(
            space,
            Batch {
                to,
                count: 1,
                bytes: 0,
                first: at,
                last: at,
            },
        );
    }
}

/// If nobody has this owner: takes in its inbox. Whoever comes second leaves it to the first, who looks again.
///
/// # Safety
/// `owner` is one of the manager's.
pub unsafe fn visit(owner: *mut Owner) {
    // SAFETY: owners are never freed; while BUSY the heap is this thread's alone.
    unsafe {
        while !(*owner).inbox.is_empty()
            && (*owner)
                .state
                .compare_exchange(ABANDONED, BUSY, Ordering::SeqCst, Ordering::SeqCst)
                .is_ok()
        {
            (*owner).take_in(false);
            (*owner).heap.release_last();
            (*owner).tell();
            (*owner).publish();
            (*owner).state.store(ABANDONED, Ordering::SeqCst);
        }
    }
}
