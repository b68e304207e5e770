//! Things that are named by the lower halves of their addresses, in slabs of memory that are never given back.
//!
//! ```text
//! invariant: number(thing) = (address mod 2^32) / 2^7, not 0, and no two things have the same
//! invariant: a thing that is found was made whole before
//! ```
//! Slabs are mapped one after the other where the lower halves of the addresses differ. Looking a thing up takes no lock;
//! making one is done by one thread at a time.

use core::marker::PhantomData;
use core::ptr;

use super::atomic::{AtomicPtr, AtomicU32, AtomicUsize, Ordering};
use crate::base::align::PAGE;
use crate::chunk::owner::KIND_BITS;
use crate::source::{Acquired, MemorySource};

/// The longest slab. Bytes.
const LARGEST: u64 = 8 << 20;
/// How often another address is asked for when the lower half of one is taken.
const TRIES: usize = 8;

/// Memory for things.
struct Slab {
    start: AtomicPtr<u8>,
    bytes: AtomicUsize,
    /// Things made in it.
    made: AtomicU32,
}

/// At most `N` slabs of things: the first of `FIRST` bytes, each twice as long as the one before, up to a limit.
pub struct Slabs<T, const N: usize, const FIRST: u64 = { 64 << 10 }> {
    table: [Slab; N],
    /// Slabs in the table.
    count: AtomicUsize,
    things: PhantomData<T>,
}

macro_rules! no_slab {
    () => {
        Slab {
            start: AtomicPtr::new(ptr::null_mut()),
            bytes: AtomicUsize::new(0),
            made: AtomicU32::new(0),
        }
    };
}

impl<T, const N: usize, const FIRST: u64> Default for Slabs<T, N, FIRST> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T, const N: usize, const FIRST: u64> Slabs<T, N, FIRST> {
    const THING: usize = size_of::<T>();

    /// None yet.
    #[cfg(not(loom))]
    pub const fn new() -> Self {
        const { assert!(align_of::<T>() >= 1 << KIND_BITS && size_of::<T>() != 0) };
        Slabs {
            table: [const { no_slab!() }; N],
            count: AtomicUsize::new(0),
            things: PhantomData,
        }
    }

    /// None yet.
    #[cfg(loom)]
    pub fn new() -> Self {
        Slabs {
            table: core::array::from_fn(|_| no_slab!()),
            count: AtomicUsize::new(0),
            things: PhantomData,
        }
    }

    fn slabs(&self) -> impl Iterator<Item = &Slab> {
        self.table.iter().take(self.count.load(Ordering::Acquire))
    }

    /// The thing of this number; `None`: there is none.
    pub fn find(&self, number: u32) -> Option<*mut T> {
        let low = number << KIND_BITS;
        for slab in self.slabs() {
            let start = slab.start.load(Ordering::Relaxed);
            let offset = low.wrapping_sub(start.addr() as u32) as usize;
            if offset < slab.made.load(Ordering::Acquire) as usize * Self::THING {
                // SAFETY: the offset lies within the slab.
                return offset
                    .is_multiple_of(Self::THING)
                    .then(|| unsafe { start.add(offset).cast() });
            }
        }
        None
    }

    /// Shows every thing ever made.
    pub fn each(&self, mut show: impl FnMut(&T)) {
        for slab in self.slabs() {
            let start = slab.start.load(Ordering::Relaxed).cast::<T>();
            for index in 0..slab.made.load(Ordering::Acquire) as usize {
                // SAFETY: so many things are there, and never freed.
                show(unsafe { &*start.add(index) });
            }
        }
    }

    /// Makes a thing of a number that is new. `None`: memory ended. `taken`: an address and bytes from it whose lower half
    /// shall be no thing's.
    ///
    /// # Safety
    /// One thread at a time calls it (there is a lock around it); what the source gives is never given back.
    pub unsafe fn make(
        &self,
        source: &mut impl MemorySource,
        taken: &[(usize, usize)],
        new: impl FnOnce(u32) -> Option<T>,
    ) -> Option<*mut T> {
        let count = self.count.load(Ordering::Relaxed);
        let last = count.checked_sub(1).map(|last| &self.table[last]);
        let slab = match last {
            Some(slab) if Self::room(slab) => slab,
            _ => self.add(source, taken, count)?,
        };
        let index = slab.made.load(Ordering::Relaxed);
        let start = slab.start.load(Ordering::Relaxed);
        // SAFETY: the slab has room for one more, aligned since slabs start at pages.
        unsafe {
            let place = start.add(index as usize * Self::THING).cast::<T>();
            place.write(new(place.addr() as u32 >> KIND_BITS)?);
            slab.made.store(index + 1, Ordering::Release);
            Some(place)
        }
    }

    fn room(slab: &Slab) -> bool {
        (slab.made.load(Ordering::Relaxed) as usize + 1) * Self::THING
            <= slab.bytes.load(Ordering::Relaxed)
    }

    /// Gets slab number `count` where no other's lower half is.
    fn add(
        &self,
        source: &mut impl MemorySource,
        taken: &[(usize, usize)],
        count: usize,
    ) -> Option<&Slab> {
        let slab = self.table.get(count)?;
        let bytes = (FIRST << count.min(16)).min(LARGEST);
        let mut refused: [Option<Acquired>; TRIES] = [None; TRIES];
        let mut found = None;
        for kept in &mut refused {
            let Some(got) = source.acquire(bytes, PAGE) else {
                break;
            };
            if self.is_free(got.start.as_ptr().addr(), got.bytes as usize, taken, count) {
                found = Some(got);
                break;
            }
            // Kept for the moment, or the same address would come again.
            *kept = Some(got);
        }
        for got in refused.into_iter().flatten() {
            // SAFETY: the memory was just acquired and nobody has seen it.
            unsafe { source.release(got.start, got.bytes) };
        }
        let got = found?;
        slab.start.store(got.start.as_ptr(), Ordering::Relaxed);
        slab.bytes.store(got.bytes as usize, Ordering::Relaxed);
        self.count.store(count + 1, Ordering::Release);
        Some(slab)
    }

    /// Whether the lower halves of the addresses from `start` are those of nothing among the first `count` slabs and what
    /// is taken, and not 0, which is no number.
    fn is_free(&self, start: usize, bytes: usize, taken: &[(usize, usize)], count: usize) -> bool {
        let apart = |(other, length): (usize, usize)| {
            let (low, other) = (start as u32, other as u32);
            other.wrapping_sub(low) >= bytes as u32 && low.wrapping_sub(other) >= length as u32
        };
        let slabs = self.table.iter().take(count).map(|slab| {
            let start = slab.start.load(Ordering::Relaxed).addr();
            (start, slab.bytes.load(Ordering::Relaxed))
        });
        let zero = (0, 1 << KIND_BITS);
        slabs.chain(taken.iter().copied()).chain([zero]).all(apart)
    }
}
