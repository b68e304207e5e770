//! Memory that no heap uses at the moment: the arena manager's stock, and the source of all heaps.
//!
//! Free spans of memory wait here, by size (a list and a lock for each power of two, so that threads meet only when they
//! want the same size), and are reused before the system is asked: a fresh page costs hundreds of mallocs. Each carries
//! the reclaimer's tick of when it came; [`Pool::reclaim`] gives those back that stayed for a whole interval.
//!
//! ```text
//! invariant: a span in list k has 2^k <= bytes < 2^(k+1)
//! invariant: pooled = sum of bytes over all lists
//! ```

use core::ptr::{self, NonNull};
use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use super::lock::Lock;
use crate::base::align::{self, PAGE};
use crate::source::{Acquired, MemorySource, Mmap};

const LISTS: usize = 48;
/// Above this a span is large: kept within a budget, and handed out only where it fits tightly. Bytes.
pub const LARGE: u64 = 4 << 20;
/// Large spans that are kept for reuse. Bytes.
const LARGE_BUDGET: u64 = 64 << 20;
/// How many spans of a list are looked at.
const LOOK: usize = 16;

/// The first bytes of a span in the pool.
struct Node {
    next: *mut Node,
    bytes: u64,
    tick: u32,
}

struct List {
    first: *mut Node,
}

// SAFETY: the list's nodes lie in memory that the pool alone has.
unsafe impl Send for List {}

/// The stock. There is one, [`POOL`].
pub struct Pool {
    lists: [Lock<List>; LISTS],
    pooled: AtomicU64,
    pooled_large: AtomicU64,
    mapped: AtomicU64,
    tick: AtomicU32,
    /// Bytes that the reclaimer leaves here.
    threshold: AtomicU64,
    /// Intervals that a span stays before the reclaimer takes it.
    decay: AtomicU32,
}

/// The process's stock.
pub static POOL: Pool = Pool {
    lists: [const {
        Lock::new(List {
            first: ptr::null_mut(),
        })
    }; LISTS],
    pooled: AtomicU64::new(0),
    pooled_large: AtomicU64::new(0),
    mapped: AtomicU64::new(0),
    tick: AtomicU32::new(0),
    threshold: AtomicU64::new(0),
    decay: AtomicU32::new(1),
};

fn list_of(bytes: u64) -> usize {
    (bytes.ilog2() as usize).min(LISTS - 1)
}

impl Pool {
    /// Bytes waiting here.
    pub fn pooled_bytes(&self) -> u64 {
        self.pooled.load(Ordering::Relaxed)
    }

    /// Bytes got from the system and not given back.
    pub fn mapped_bytes(&self) -> u64 {
        self.mapped.load(Ordering::Relaxed)
    }

    fn acquire(&self, bytes: u64, align: u64) -> Option<Acquired> {
        let bytes = align::up(bytes, PAGE)?;
        if align <= PAGE
            && let Some(found) = self.reuse(bytes)
        {
            return Some(found);
        }
        let span = Mmap.acquire(bytes, align)?;
        self.mapped.fetch_add(span.bytes, Ordering::Relaxed);
        Some(span)
    }

    fn reuse(&self, bytes: u64) -> Option<Acquired> {
        if self.pooled.load(Ordering::Relaxed) < bytes {
            return None;
        }
        let large = bytes > LARGE;
        // An arena may be larger than asked; a large block may not waste more than a fifth.
        let most = if large {
            bytes + bytes / 4
        } else {
            bytes.saturating_mul(4).min(LARGE)
        };
        for list in list_of(bytes)..=list_of(most) {
            let mut guard = self.lists[list].lock();
            let mut from: *mut *mut Node = &mut guard.first;
            for _ in 0..LOOK {
                // SAFETY: `from` is the list's head or the link of a node in it; nodes are ours while the lock is held.
                unsafe {
                    let node = *from;
                    if node.is_null() {
                        break;
                    }
                    let have = (*node).bytes;
                    if have >= bytes && have <= most {
                        *from = (*node).next;
                        drop(guard);
                        self.count(have, false);
                        return Some(Acquired {
                            start: NonNull::new_unchecked(node.cast()),
                            bytes: have,
                            zeroed: false,
                        });
                    }
                    from = &raw mut (*node).next;
                }
            }
        }
        None
    }

    fn count(&self, bytes: u64, comes: bool) {
        let large = bytes > LARGE;
        if comes {
            self.pooled.fetch_add(bytes, Ordering::Relaxed);
            if large {
                self.pooled_large.fetch_add(bytes, Ordering::Relaxed);
            }
        } else {
            self.pooled.fetch_sub(bytes, Ordering::Relaxed);
            if large {
                self.pooled_large.fetch_sub(bytes, Ordering::Relaxed);
            }
        }
    }

    /// # Safety
    /// The span came from [`acquire`](Self::acquire), whole, and nobody uses it.
    unsafe fn put(&self, start: NonNull<u8>, bytes: u64) {
        if bytes > LARGE && self.pooled_large.load(Ordering::Relaxed) + bytes > LARGE_BUDGET {
            // SAFETY: the caller's promise.
            return unsafe { self.unmap(start, bytes) };
        }
        self.count(bytes, true);
        let node = start.cast::<Node>().as_ptr();
        let tick = self.tick.load(Ordering::Relaxed);
        let mut guard = self.lists[list_of(bytes)].lock();
        // SAFETY: the span is ours now and starts a page, so a node fits.
        unsafe {
            node.write(Node {
                next: guard.first,
                bytes,
                tick,
            })
        };
        guard.first = node;
    }

    /// # Safety
    /// As for [`put`](Self::put).
    unsafe fn unmap(&self, start: NonNull<u8>, bytes: u64) {
        self.mapped.fetch_sub(bytes, Ordering::Relaxed);
        // SAFETY: the caller's promise.
        unsafe { Mmap.release(start, bytes) };
    }

    /// Sets what [`reclaim`](Self::reclaim) leaves: `threshold` bytes in all, and each span for `decay` whole intervals.
    pub fn keep(&self, threshold: u64, decay: u32) {
        self.threshold.store(threshold, Ordering::Relaxed);
        self.decay.store(decay, Ordering::Relaxed);
    }

    /// The end of an interval: gives back to the system what has waited for the decay's number of whole ones, as long as
    /// more than the threshold waits. Returns how many bytes.
    pub fn reclaim(&self) -> u64 {
        let now = self.tick.fetch_add(1, Ordering::Relaxed);
        self.give_back(
            now,
            self.decay.load(Ordering::Relaxed),
            self.threshold.load(Ordering::Relaxed),
        )
    }

    /// Gives back all that waits. Returns how many bytes.
    pub fn trim(&self) -> u64 {
        self.give_back(self.tick.load(Ordering::Relaxed), 0, 0)
    }

    fn give_back(&self, now: u32, age: u32, threshold: u64) -> u64 {
        let mut returned = 0;
        let mut spare = self.pooled_bytes().saturating_sub(threshold);
        for list in &self.lists {
            let mut stale: *mut Node = ptr::null_mut();
            {
                let mut guard = list.lock();
                let mut from: *mut *mut Node = &mut guard.first;
                // SAFETY: nodes of the list are ours while the lock is held; those moved to `stale` are ours after it.
                unsafe {
                    while !(*from).is_null() {
                        let node = *from;
                        if now.wrapping_sub((*node).tick) >= age && spare > 0 {
                            spare = spare.saturating_sub((*node).bytes);
                            *from = (*node).next;
                            (*node).next = stale;
                            stale = node;
                        } else {
                            from = &raw mut (*node).next;
                        }
                    }
                }
            }
            // The system call is made without the lock.
            while let Some(node) = NonNull::new(stale) {
                // SAFETY: the node is in no list any more; its span came from `acquire`.
                unsafe {
                    let bytes = node.as_ref().bytes;
                    stale = node.as_ref().next;
                    self.count(bytes, false);
                    self.unmap(node.cast(), bytes);
                    returned += bytes;
                }
            }
        }
        returned
    }

    /// Takes every lock, for `fork`.
    pub fn seize(&self) {
        self.lists.iter().for_each(Lock::seize);
    }

    /// Frees every lock.
    ///
    /// # Safety
    /// [`seize`](Self::seize) was called by this thread or the one it is a fork of.
    pub unsafe fn release(&self) {
        for list in &self.lists {
            // SAFETY: the caller's promise.
            unsafe { list.release() };
        }
    }
}

/// The pool as a heap's source.
#[derive(Clone, Copy, Debug, Default)]
pub struct FromPool;

// SAFETY: every span is one of the system's that no one else has: taken out of a list under its lock, or fresh.
unsafe impl MemorySource for FromPool {
    fn acquire(&mut self, bytes: u64, align: u64) -> Option<Acquired> {
        POOL.acquire(bytes, align)
    }

    unsafe fn release(&mut self, start: NonNull<u8>, bytes: u64) {
        // SAFETY: the caller's promise.
        unsafe { POOL.put(start, bytes) }
    }

    unsafe fn resize(
        &mut self,
        start: NonNull<u8>,
        bytes: u64,
        new_bytes: u64,
    ) -> Option<Acquired> {
        // SAFETY: the caller's promise; the span is a mapping of its own.
        let span = unsafe { Mmap.resize(start, bytes, new_bytes) }?;
        POOL.mapped
            .fetch_add(span.bytes.wrapping_sub(bytes), Ordering::Relaxed);
        Some(span)
    }
}
