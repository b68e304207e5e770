//! The system's memory, counted.

use core::ptr::{self, NonNull};
use core::sync::atomic::{AtomicU64, Ordering};

use crate::source::{MemorySource, Mmap};

/// Bytes got from the system and not given back.
pub static MAPPED: AtomicU64 = AtomicU64::new(0);

/// A range of memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Range {
    /// Its first address.
    pub start: u64,
    /// Its length.
    pub bytes: u64,
}

impl Range {
    /// The range of `bytes` from `start`.
    pub fn new(start: NonNull<u8>, bytes: u64) -> Range {
        Range {
            start: start.as_ptr().addr() as u64,
            bytes,
        }
    }

    /// The address after it.
    pub fn end(self) -> u64 {
        self.start + self.bytes
    }

    /// Its first byte.
    pub fn pointer(self) -> NonNull<u8> {
        pointer(self.start)
    }
}

/// A pointer to an address within a mapping.
pub fn pointer(at: u64) -> NonNull<u8> {
    // SAFETY: addresses here are those of mappings, never 0; they were exposed when they were mapped.
    unsafe { NonNull::new_unchecked(ptr::with_exposed_provenance_mut(at as usize)) }
}

/// A new mapping of `bytes`, a multiple of the page, at a multiple of `align`.
pub fn map(bytes: u64, align: u64) -> Option<Range> {
    let got = Mmap.acquire(bytes, align)?;
    MAPPED.fetch_add(got.bytes, Ordering::Relaxed);
    Some(Range::new(got.start, got.bytes))
}

/// Gives a range back, and tells its length.
///
/// # Safety
/// It is ours, and nobody uses it.
pub unsafe fn unmap(range: Range) -> u64 {
    if range.bytes > 0 {
        gone(range.bytes);
        // SAFETY: the caller's promise.
        unsafe { Mmap.release(range.pointer(), range.bytes) };
    }
    range.bytes
}

/// Counts memory that is not ours any more.
pub fn gone(bytes: u64) {
    MAPPED.fetch_sub(bytes, Ordering::Relaxed);
}

/// Gives a mapping another length, moving it if need be. `None`: not possible, nothing has changed.
///
/// # Safety
/// It is one mapping of ours; when it answers `Some`, the old one must not be used any more.
pub unsafe fn remap(old: Range, bytes: u64) -> Option<Range> {
    // SAFETY: the caller's promise.
    let got = unsafe { Mmap.resize(old.pointer(), old.bytes, bytes) }?;
    MAPPED.fetch_add(got.bytes.wrapping_sub(old.bytes), Ordering::Relaxed);
    Some(Range::new(got.start, got.bytes))
}
