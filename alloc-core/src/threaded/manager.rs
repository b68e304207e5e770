//! The arena manager: every owner by its number, and those that wait for a thread.
//!
//! ```text
//! invariant: an owner's number is its place in the table; owners are never freed, so a pointer to one stays good
//! invariant: an owner is in the abandoned list  =>  its state is ABANDONED
//! ```
//! Looking an owner up takes no lock. Making one, abandoning and adopting take one each, held for a few instructions.

use core::ptr::{self, NonNull};
use core::sync::atomic::{AtomicPtr, AtomicU32, Ordering};

use super::lock::Lock;
use super::owner::{ABANDONED, OWNED, Owner};
use crate::heap::HeapId;
use crate::source::{MemorySource, Mmap};

/// Owners in a page of the table, and pages.
const PAGE_OWNERS: usize = 512;
const PAGES: usize = 512;
/// Memory for owners is mapped in pieces of this. Bytes.
const SLAB: u64 = 64 << 10;

type Page = [AtomicPtr<Owner>; PAGE_OWNERS];

static TABLE: [AtomicPtr<Page>; PAGES] = [const { AtomicPtr::new(ptr::null_mut()) }; PAGES];
/// Owners made so far; numbers run from 1 to this.
static COUNT: AtomicU32 = AtomicU32::new(0);

/// Where the next table page or owner is cut from.
struct Slab {
    next: *mut u8,
    left: u64,
}

// SAFETY: the slab's memory is reached only under the lock.
unsafe impl Send for Slab {}

/// The first owner that waits.
struct Waiting(*mut Owner);

// SAFETY: the list is reached only under the lock.
unsafe impl Send for Waiting {}

static SLABS: Lock<Slab> = Lock::new(Slab {
    next: ptr::null_mut(),
    left: 0,
});
static WAITING: Lock<Waiting> = Lock::new(Waiting(ptr::null_mut()));

/// The owner of this number.
pub fn find(number: u32) -> Option<*mut Owner> {
    let index = (number as usize).checked_sub(1)?;
    let page = TABLE.get(index / PAGE_OWNERS)?.load(Ordering::Acquire);
    if page.is_null() {
        return None;
    }
    // SAFETY: a page that is in the table stays there.
    let owner = unsafe { (&(*page))[index % PAGE_OWNERS].load(Ordering::Acquire) };
    (!owner.is_null()).then_some(owner)
}

/// Shows every owner ever made.
pub fn each(mut show: impl FnMut(&Owner)) {
    for number in 1..=COUNT.load(Ordering::Acquire) {
        if let Some(owner) = find(number) {
            // SAFETY: owners are never freed; the receiver uses what is atomic.
            show(unsafe { &*owner });
        }
    }
}

/// An owner for the calling thread: one that waits, or a new one. `None` when memory ends.
pub fn adopt() -> Option<*mut Owner> {
    let waiting = {
        let mut list = WAITING.lock();
        let first = list.0;
        if !first.is_null() {
            // SAFETY: members of the list are owners, and the link is used under this lock.
            list.0 = unsafe { *(*first).next_abandoned.get() };
        }
        first
    };
    let Some(owner) = NonNull::new(waiting) else {
        return make();
    };
    // SAFETY: owners are never freed.
    unsafe { (*owner.as_ptr()).state.store(OWNED, Ordering::SeqCst) };
    Some(owner.as_ptr())
}

/// Leaves an owner to whoever needs one.
///
/// # Safety
/// The calling thread owns it and does not use it any more.
pub unsafe fn abandon(owner: *mut Owner) {
    // SAFETY: the caller's promise; after the state is set, only the list's lock gives access.
    unsafe {
        (*owner).leave();
        (*owner).state.store(ABANDONED, Ordering::SeqCst);
        {
            let mut list = WAITING.lock();
            *(*owner).next_abandoned.get() = list.0;
            list.0 = owner;
        }
        // What came between the last look at the inbox and the change of state.
        (*owner).visit();
    }
}

fn make() -> Option<*mut Owner> {
    let mut slab = SLABS.lock();
    let index = COUNT.load(Ordering::Relaxed) as usize;
    let slot = TABLE.get(index / PAGE_OWNERS)?;
    let mut page = slot.load(Ordering::Acquire);
    if page.is_null() {
        page = slab.cut(size_of::<Page>() as u64)?.cast().as_ptr();
        slot.store(page, Ordering::Release);
    }
    let place = slab.cut(size_of::<Owner>() as u64)?.cast::<Owner>();
    // SAFETY: the place was cut for an owner, is zero, and aligned; the page is mapped zero, which is a table of nulls.
    unsafe {
        place.write(Owner::new(HeapId::new(index as u32 + 1)?));
        (&(*page))[index % PAGE_OWNERS].store(place.as_ptr(), Ordering::Release);
    }
    COUNT.store(index as u32 + 1, Ordering::Release);
    Some(place.as_ptr())
}

impl Slab {
    /// Zeroed memory that is never given back, aligned to a cache line.
    fn cut(&mut self, bytes: u64) -> Option<NonNull<u8>> {
        let bytes = (bytes + 127) & !127;
        if self.left < bytes {
            let span = Mmap.acquire(SLAB.max(bytes), crate::base::align::PAGE)?;
            (self.next, self.left) = (span.start.as_ptr(), span.bytes);
        }
        let place = NonNull::new(self.next);
        // SAFETY: `left` bytes lie ahead of `next`, and `bytes` is no more than that.
        self.next = unsafe { self.next.add(bytes as usize) };
        self.left -= bytes;
        place
    }
}

/// Takes in what waits in the inboxes of all heaps.
pub fn visit_all() {
    each(Owner::visit);
}

/// Takes the locks, for `fork`: no heap is in the middle of a change then.
pub fn seize() {
    SLABS.seize();
    WAITING.seize();
    each(Owner::seize);
}

/// Frees the locks.
///
/// # Safety
/// [`seize`] was called by this thread or the one it is a fork of.
pub unsafe fn release() {
    // SAFETY: the caller's promise; no owner was made since `seize`.
    unsafe {
        each(|owner| owner.release());
        WAITING.release();
        SLABS.release();
    }
}
