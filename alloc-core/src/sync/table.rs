//! Things by number, added one after the other and never taken away: finding one takes no lock.
//!
//! ```text
//! invariant: the thing of number n stands at place n - 1 from the moment that its number is known, and stays
//! ```

use super::atomic::{AtomicPtr, AtomicU32, Ordering};

/// Places for `N` things.
pub struct Table<T: 'static, const N: usize> {
    places: [AtomicPtr<T>; N],
    count: AtomicU32,
}

impl<T, const N: usize> Default for Table<T, N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T, const N: usize> Table<T, N> {
    /// Empty.
    #[cfg(not(loom))]
    pub const fn new() -> Self {
        Table {
            places: [const { AtomicPtr::new(core::ptr::null_mut()) }; N],
            count: AtomicU32::new(0),
        }
    }

    /// Empty.
    #[cfg(loom)]
    pub fn new() -> Self {
        Table {
            places: core::array::from_fn(|_| AtomicPtr::new(core::ptr::null_mut())),
            count: AtomicU32::new(0),
        }
    }

    /// The thing of this number.
    #[inline]
    pub fn find(&self, number: u32) -> Option<&'static T> {
        let place = self.places.get((number as usize).wrapping_sub(1))?;
        // SAFETY: what is in the table was added by `add`, and stays.
        unsafe { place.load(Ordering::Acquire).as_ref() }
    }

    /// How many there are.
    pub fn count(&self) -> u32 {
        self.count.load(Ordering::Acquire)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &'static T> {
        (1..=self.count()).filter_map(|number| self.find(number))
    }

    /// Adds the next one, which `make` makes for its number. `None`: the table is full, or `make` made none.
    ///
    /// # Safety
    /// One thread at a time calls it (there is a lock around it).
    pub unsafe fn add(&self, make: impl FnOnce(u32) -> Option<&'static T>) -> Option<&'static T> {
        let count = self.count.load(Ordering::Relaxed);
        let place = self.places.get(count as usize)?;
        let thing = make(count + 1)?;
        place.store(core::ptr::from_ref(thing).cast_mut(), Ordering::Release);
        self.count.store(count + 1, Ordering::Release);
        Some(thing)
    }
}
