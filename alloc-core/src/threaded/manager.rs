//! The arena manager: every owner by its number, and those that wait for a thread.
//!
//! ```text
//! invariant: owners are never freed, so a pointer to one stays good; their numbers are those of [`crate::sync::slabs`]
//! invariant: an owner in the list of those that wait is nobody's, and has an empty cache
//! ```
//! Looking an owner up takes no lock. Making one, leaving and adopting take one each, held for a few instructions.

use core::cell::UnsafeCell;
use core::ptr::{self, NonNull};
use core::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use super::owner::Owner;
use crate::heap::HeapId;
use crate::source::Mmap;
use crate::sync::lock::Lock;
use crate::sync::slabs::Slabs;

static OWNERS: Slabs<Owner, 256> = Slabs::new();
/// Held by whoever makes an owner.
static MAKING: Lock<()> = Lock::new(());

/// An owner that owns nothing, for threads without a heap. It is only read: its cache is empty and takes nothing.
#[repr(transparent)]
pub struct Vacant(UnsafeCell<Owner>);

// SAFETY: nothing ever writes to it. The cell is there since pointers to it have the type of those that may write.
unsafe impl Sync for Vacant {}

impl Vacant {
    const fn new() -> Vacant {
        Vacant(UnsafeCell::new(Owner::vacant()))
    }

    /// A pointer for the fast paths, which find nothing there.
    pub const fn pointer(&'static self) -> *mut Owner {
        self.0.get()
    }
}

/// Where a thread without a heap points.
pub static NOBODY: Vacant = Vacant::new();
/// Where a thread points once its end has begun.
pub static ENDED: Vacant = Vacant::new();

/// The first owner that waits.
struct Waiting(*mut Owner);

// SAFETY: the list is reached only under the lock.
unsafe impl Send for Waiting {}

/// Owners that threads have at the moment.
static IN_USE: AtomicU32 = AtomicU32::new(0);

/// How many threads have an owner; at least 1.
pub fn threads() -> u64 {
    u64::from(IN_USE.load(Ordering::Relaxed)).max(1)
}

/// In the child of a `fork`: its one thread has an owner, or nobody has.
pub fn keep_one(has: bool) {
    IN_USE.store(u32::from(has), Ordering::Relaxed);
}

/// Whether memory that is free shall go back to the system.
static THRIFTY: AtomicBool = AtomicBool::new(false);

/// Whether threads are to keep little when they have freed what they had.
pub fn is_thrifty() -> bool {
    THRIFTY.load(Ordering::Relaxed)
}

/// Says whether; a thread hears it at its next slow requests.
pub fn set_thrifty(thrifty: bool) {
    THRIFTY.store(thrifty, Ordering::Relaxed);
}

static WAITING: Lock<Waiting> = Lock::new(Waiting(ptr::null_mut()));

/// The owner of this number; `None`: there is none.
pub fn find(number: u32) -> Option<*mut Owner> {
    OWNERS.find(number)
}

/// Shows every owner ever made; the receiver uses what others may.
pub fn each(show: impl FnMut(&Owner)) {
    OWNERS.each(show);
}

/// An owner for the calling thread: one that waits, or a new one. `None` when memory ends.
pub fn adopt() -> Option<*mut Owner> {
    let waiting = {
        let mut list = WAITING.lock();
        let first = list.0;
        if !first.is_null() {
            // SAFETY: members of the list are owners, and the link is used under this lock.
            list.0 = unsafe { *(*first).next_waiting.get() };
        }
        first
    };
    let owner = match NonNull::new(waiting) {
        Some(owner) => owner.as_ptr(),
        None => make()?,
    };
    // SAFETY: owners are never freed, and out of the list this one is the calling thread's.
    if unsafe { (*owner).begin() } {
        IN_USE.fetch_add(1, Ordering::Relaxed);
        return Some(owner);
    }
    put_back(owner);
    None
}

/// Leaves an owner to whoever needs one.
///
/// # Safety
/// The calling thread owns it and does not use it any more.
pub unsafe fn leave(owner: *mut Owner) {
    // SAFETY: the caller's promise.
    unsafe { (*owner).end() };
    IN_USE.fetch_sub(1, Ordering::Relaxed);
    put_back(owner);
}

/// Puts an owner that nobody uses into the list.
fn put_back(owner: *mut Owner) {
    let mut list = WAITING.lock();
    // SAFETY: owners are never freed, and the link is used under this lock.
    unsafe { *(*owner).next_waiting.get() = list.0 };
    list.0 = owner;
}

/// Apart: a new owner is put together on the stack, and a thread that adopts one shall not touch so much of its own.
#[cold]
#[inline(never)]
fn make() -> Option<*mut Owner> {
    let _guard = MAKING.lock();
    let vacant = [&NOBODY, &ENDED].map(|owner| (owner.pointer().addr(), size_of::<Owner>()));
    let new = |number| Some(Owner::new(HeapId::new(number)?));
    // SAFETY: under the lock; mappings of slabs stay.
    unsafe { OWNERS.make(&mut Mmap, &vacant, new) }
}

/// Takes the locks, for `fork`.
pub fn seize() {
    MAKING.seize();
    WAITING.seize();
}

/// Frees the locks.
///
/// # Safety
/// [`seize`] was called by this thread or the one it is a fork of.
pub unsafe fn release() {
    // SAFETY: the caller's promise.
    unsafe {
        WAITING.release();
        MAKING.release();
    }
}
