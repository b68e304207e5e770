//! Free arenas, by size: a list and a lock for each power of two, so that threads meet only when they want the same.
//!
//! ```text
//! invariant: an arena in list k has 2^k <= bytes < 2^(k+1)
//! invariant: bytes = sum over all lists
//! ```

use core::ptr::{self, NonNull};
use core::sync::atomic::{AtomicU64, Ordering};

use super::clock::tick;
use super::system::Range;
use crate::sync::lock::Lock;

const LISTS: usize = 48;
/// How many arenas of a list are looked at.
const LOOK: usize = 16;
/// Arenas are not split into less than this. Bytes.
const LEAST: u64 = 64 << 10;

/// The first bytes of an arena here.
struct Node {
    next: *mut Node,
    bytes: u64,
    tick: u32,
}

struct List {
    first: *mut Node,
}

// SAFETY: the list's nodes lie in memory that the shelves alone have.
unsafe impl Send for List {}

/// The lists.
pub struct Shelves {
    lists: [Lock<List>; LISTS],
    bytes: AtomicU64,
}

fn list_of(bytes: u64) -> usize {
    (bytes.ilog2() as usize).min(LISTS - 1)
}

impl Shelves {
    /// Empty.
    pub const fn new() -> Shelves {
        Shelves {
            lists: [const {
                Lock::new(List {
                    first: ptr::null_mut(),
                })
            }; LISTS],
            bytes: AtomicU64::new(0),
        }
    }

    /// Bytes here.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Takes an arena of at least `need` bytes: the longest up to `wish`, else the front of a longer one.
    pub fn take(&self, need: u64, wish: u64) -> Option<Range> {
        if self.bytes() < need {
            return None;
        }
        let (low, high) = (list_of(need), list_of(wish));
        if let Some(found) = (low..=high).rev().find_map(|list| self.pop(list, need)) {
            return Some(found);
        }
        let mut found = (high + 1..LISTS).find_map(|list| self.pop(list, need))?;
        // What is behind goes back in pieces whose lengths are powers of two, the longest last.
        while found.bytes >= wish + LEAST {
            let cut = 1 << (found.bytes - wish).ilog2();
            found.bytes -= cut;
            // SAFETY: the piece is the end of what was just taken out.
            unsafe {
                self.put(Range {
                    start: found.end(),
                    bytes: cut,
                })
            };
        }
        Some(found)
    }

    /// Takes out an arena of at least so many bytes that is no smaller than 1 MiB, to be moved elsewhere.
    pub fn take_longest(&self) -> Option<Range> {
        const WORTH: usize = 20;
        if self.bytes() < 1 << WORTH {
            return None;
        }
        (WORTH..LISTS).rev().find_map(|list| self.pop(list, 0))
    }

    /// Takes an arena of at least `need` bytes out of a list.
    fn pop(&self, list: usize, need: u64) -> Option<Range> {
        let mut guard = self.lists[list].lock();
        let mut from: *mut *mut Node = &mut guard.first;
        for _ in 0..LOOK {
            // SAFETY: `from` is the list's head or the link of a node in it; nodes are ours while the lock is held.
            unsafe {
                let node = *from;
                if node.is_null() {
                    return None;
                }
                let bytes = (*node).bytes;
                if bytes >= need {
                    *from = (*node).next;
                    self.bytes.fetch_sub(bytes, Ordering::Relaxed);
                    let start = node.addr() as u64;
                    return Some(Range { start, bytes });
                }
                from = &raw mut (*node).next;
            }
        }
        None
    }

    /// Adds an arena.
    ///
    /// # Safety
    /// It is ours, starts at a page that was exposed, and nobody uses it.
    pub unsafe fn put(&self, arena: Range) {
        let node: *mut Node = ptr::with_exposed_provenance_mut(arena.start as usize);
        self.bytes.fetch_add(arena.bytes, Ordering::Relaxed);
        let mut guard = self.lists[list_of(arena.bytes)].lock();
        // SAFETY: the arena is ours now and starts a page, so a node fits.
        unsafe {
            node.write(Node {
                next: guard.first,
                bytes: arena.bytes,
                tick: tick(),
            })
        };
        guard.first = node;
    }

    /// Takes out what came in ticks that are `ripe`, as long as more than `threshold` bytes are left, and shows it.
    pub fn give_back(
        &self,
        threshold: u64,
        ripe: impl Fn(u32) -> bool,
        mut show: impl FnMut(Range),
    ) {
        for list in &self.lists {
            let mut stale: *mut Node = ptr::null_mut();
            {
                let mut guard = list.lock();
                let mut from: *mut *mut Node = &mut guard.first;
                // SAFETY: nodes of the list are ours while the lock is held; those moved to `stale` are ours after it.
                unsafe {
                    while !(*from).is_null() {
                        let node = *from;
                        if ripe((*node).tick) && self.bytes() > threshold {
                            self.bytes.fetch_sub((*node).bytes, Ordering::Relaxed);
                            *from = (*node).next;
                            (*node).next = stale;
                            stale = node;
                        } else {
                            from = &raw mut (*node).next;
                        }
                    }
                }
            }
            // The receiver may ask the system, so the lock is not held.
            while let Some(node) = NonNull::new(stale) {
                // SAFETY: the node is in no list any more.
                let bytes = unsafe {
                    stale = node.as_ref().next;
                    node.as_ref().bytes
                };
                show(Range {
                    start: node.as_ptr().addr() as u64,
                    bytes,
                });
            }
        }
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
