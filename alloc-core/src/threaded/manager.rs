//! The arena manager: every owner by its number, and those that wait for a thread.
//!
//! ```text
//! invariant: number(owner) = (address mod 2^32) / 128, and no two owners have the same
//! invariant: owners are never freed, so a pointer to one stays good
//! invariant: an owner in the list of those that wait is nobody's, and has an empty cache
//! ```
//! Owners lie in slabs, mapped one after the other, whose addresses differ in their lower halves. Looking an owner up takes
//! no lock. Making one, leaving and adopting take one each, held for a few instructions.

use core::cell::UnsafeCell;
use core::ptr::{self, NonNull};
use core::sync::atomic::{AtomicPtr, AtomicU32, AtomicUsize, Ordering};

use super::lock::Lock;
use super::owner::Owner;
use crate::base::align::PAGE;
use crate::chunk::owner::KIND_BITS;
use crate::heap::HeapId;
use crate::source::{Acquired, MemorySource, Mmap};

/// Bytes of the first slab; each is twice as long as the one before, up to [`LARGEST`].
const FIRST: u64 = 64 << 10;
const LARGEST: u64 = 8 << 20;
const SLABS: usize = 256;
const OWNER: usize = size_of::<Owner>();
/// How often another address is asked for when the lower half of one is taken.
const TRIES: usize = 8;

/// Memory for owners.
struct Slab {
    start: AtomicPtr<u8>,
    bytes: AtomicUsize,
    /// Owners made in it.
    made: AtomicU32,
}

static TABLE: [Slab; SLABS] = [const {
    Slab {
        start: AtomicPtr::new(ptr::null_mut()),
        bytes: AtomicUsize::new(0),
        made: AtomicU32::new(0),
    }
}; SLABS];
/// Slabs in the table.
static COUNT: AtomicUsize = AtomicUsize::new(0);
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

static WAITING: Lock<Waiting> = Lock::new(Waiting(ptr::null_mut()));

/// The owner of this number; `None`: there is none.
pub fn find(number: u32) -> Option<*mut Owner> {
    let low = number << KIND_BITS;
    for slab in TABLE.iter().take(COUNT.load(Ordering::Acquire)) {
        let start = slab.start.load(Ordering::Relaxed);
        let offset = low.wrapping_sub(start.addr() as u32) as usize;
        if offset < slab.made.load(Ordering::Acquire) as usize * OWNER {
            // SAFETY: the offset lies within the slab.
            return offset
                .is_multiple_of(OWNER)
                .then(|| unsafe { start.add(offset).cast() });
        }
    }
    None
}

/// Shows every owner ever made.
pub fn each(mut show: impl FnMut(&Owner)) {
    for slab in TABLE.iter().take(COUNT.load(Ordering::Acquire)) {
        let start = slab.start.load(Ordering::Relaxed).cast::<Owner>();
        for index in 0..slab.made.load(Ordering::Acquire) as usize {
            // SAFETY: so many owners are there, and never freed; the receiver uses what others may.
            show(unsafe { &*start.add(index) });
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
    put_back(owner);
}

/// Puts an owner that nobody uses into the list.
fn put_back(owner: *mut Owner) {
    let mut list = WAITING.lock();
    // SAFETY: owners are never freed, and the link is used under this lock.
    unsafe { *(*owner).next_waiting.get() = list.0 };
    list.0 = owner;
}

fn make() -> Option<*mut Owner> {
    let _guard = MAKING.lock();
    let count = COUNT.load(Ordering::Relaxed);
    let last = count.checked_sub(1).map(|last| &TABLE[last]);
    let slab = match last {
        Some(slab) if room(slab) => slab,
        _ => add_slab(count)?,
    };
    let index = slab.made.load(Ordering::Relaxed);
    let start = slab.start.load(Ordering::Relaxed);
    // SAFETY: the slab has room for one more, aligned since slabs start at pages.
    unsafe {
        let place = start.add(index as usize * OWNER).cast::<Owner>();
        place.write(Owner::new(HeapId::new(place.addr() as u32 >> KIND_BITS)?));
        slab.made.store(index + 1, Ordering::Release);
        Some(place)
    }
}

fn room(slab: &Slab) -> bool {
    (slab.made.load(Ordering::Relaxed) as usize + 1) * OWNER <= slab.bytes.load(Ordering::Relaxed)
}

/// Maps slab number `count` where no other's lower half is.
fn add_slab(count: usize) -> Option<&'static Slab> {
    let slab = TABLE.get(count)?;
    let bytes = (FIRST << count.min(16)).min(LARGEST);
    let mut refused: [Option<Acquired>; TRIES] = [None; TRIES];
    let mut found = None;
    for kept in &mut refused {
        let got = Mmap.acquire(bytes, PAGE)?;
        if is_free(got.start.as_ptr().addr() as u32, got.bytes as u32, count) {
            found = Some(got);
            break;
        }
        // Kept for the moment, or the same address would come again.
        *kept = Some(got);
    }
    for got in refused.into_iter().flatten() {
        // SAFETY: the mapping was just made and nobody has seen it.
        unsafe { Mmap.release(got.start, got.bytes) };
    }
    let got = found?;
    slab.start.store(got.start.as_ptr(), Ordering::Relaxed);
    slab.bytes.store(got.bytes as usize, Ordering::Relaxed);
    COUNT.store(count + 1, Ordering::Release);
    Some(slab)
}

/// Whether the lower halves of the addresses from `low` are those of no owner among the first `count` slabs, of no vacant
/// owner, and not 0, which is no number.
fn is_free(low: u32, bytes: u32, count: usize) -> bool {
    let apart = |start: u32, length: u32| {
        start.wrapping_sub(low) >= bytes && low.wrapping_sub(start) >= length
    };
    let slabs = TABLE.iter().take(count).all(|slab| {
        let start = slab.start.load(Ordering::Relaxed).addr() as u32;
        apart(start, slab.bytes.load(Ordering::Relaxed) as u32)
    });
    let vacant = [&NOBODY, &ENDED].map(|owner| apart(owner.pointer().addr() as u32, OWNER as u32));
    slabs && vacant == [true, true] && apart(0, 1 << KIND_BITS)
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
