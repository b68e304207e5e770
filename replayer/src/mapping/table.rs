//! A fixed array in a mapping of its own.

use super::{MapError, Region};

/// A type whose every byte may be zero to begin with, and that owns nothing.
///
/// # Safety
/// The all-zero pattern must be a valid value, and the type must not need dropping.
pub unsafe trait Plain {}

// SAFETY: zero is an integer, and integers own nothing.
unsafe impl Plain for u32 {}
// SAFETY: as for u32.
unsafe impl Plain for u64 {}
// SAFETY: as for u32; an atomic has the layout of its integer.
unsafe impl Plain for std::sync::atomic::AtomicUsize {}
// SAFETY: null is a valid raw pointer.
unsafe impl Plain for *mut u8 {}

/// `len` values of `T`, zeroed, every page present.
#[derive(Debug)]
pub struct Table<T: Plain> {
    region: Region,
    len: usize,
    kind: std::marker::PhantomData<T>,
}

// SAFETY: the table is an array of T that it owns; it may go where a T may go.
unsafe impl<T: Plain + Send> Send for Table<T> {}
// SAFETY: a shared reference gives out shared references to T and the start address, nothing more.
unsafe impl<T: Plain + Sync> Sync for Table<T> {}

impl<T: Plain> Table<T> {
    /// A table of `len` zeroed values, touched so that using it does not fault.
    pub fn new(what: &'static str, len: usize) -> Result<Table<T>, MapError> {
        let bytes = len.saturating_mul(size_of::<T>());
        Ok(Table {
            region: Region::anonymous(what, bytes, true)?,
            len,
            kind: std::marker::PhantomData,
        })
    }

    /// How many values.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Address of the first value.
    pub fn start(&self) -> *mut T {
        self.region.start().cast()
    }

    /// The values.
    pub fn as_slice(&self) -> &[T] {
        // SAFETY: the region holds len zero-initialised values of a Plain type, page-aligned; a `&mut` can't exist beside `&self`,
        // and the engine writes through raw pointers only while it holds the table and has given out no slice.
        unsafe { std::slice::from_raw_parts(self.start(), self.len) }
    }

    /// The values, to write.
    pub fn as_mut_slice(&mut self) -> &mut [T] {
        // SAFETY: as above, and `&mut self` makes this the only access.
        unsafe { std::slice::from_raw_parts_mut(self.start(), self.len) }
    }
}
