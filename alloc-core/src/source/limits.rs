//! Sources that wrap another: one that meters, one that fails on purpose.

use core::ptr::NonNull;

use super::{Acquired, MemorySource};

/// Counts what passes through.
#[derive(Clone, Debug, Default)]
pub struct Metered<S> {
    /// The source that does the work.
    pub inner: S,
    /// Bytes handed out and not taken back.
    pub current_bytes: u64,
    /// The most there ever were of them.
    pub peak_bytes: u64,
    /// How often memory was asked for.
    pub acquires: u64,
    /// How often memory was given back.
    pub releases: u64,
}

impl<S> Metered<S> {
    /// A meter over `inner`, at zero.
    pub const fn new(inner: S) -> Self {
        Metered {
            inner,
            current_bytes: 0,
            peak_bytes: 0,
            acquires: 0,
            releases: 0,
        }
    }
}

// SAFETY: every span is the inner source's, untouched.
unsafe impl<S: MemorySource> MemorySource for Metered<S> {
    fn acquire(&mut self, bytes: u64, align: u64) -> Option<Acquired> {
        let span = self.inner.acquire(bytes, align)?;
        self.acquires += 1;
        self.current_bytes += span.bytes;
        self.peak_bytes = self.peak_bytes.max(self.current_bytes);
        Some(span)
    }

    unsafe fn release(&mut self, start: NonNull<u8>, bytes: u64) {
        self.releases += 1;
        self.current_bytes -= bytes;
        // SAFETY: the caller's promise.
        unsafe { self.inner.release(start, bytes) }
    }

    unsafe fn resize(
        &mut self,
        start: NonNull<u8>,
        bytes: u64,
        new_bytes: u64,
    ) -> Option<Acquired> {
        // SAFETY: the caller's promise.
        let span = unsafe { self.inner.resize(start, bytes, new_bytes) }?;
        self.current_bytes = self.current_bytes - bytes + span.bytes;
        self.peak_bytes = self.peak_bytes.max(self.current_bytes);
        Some(span)
    }
}

/// Answers `left` requests, then refuses every one: for tests of memory that ends.
#[derive(Clone, Debug)]
pub struct FailAfter<S> {
    /// The source that does the work.
    pub inner: S,
    /// Requests that will still be answered.
    pub left: u64,
}

// SAFETY: every span is the inner source's, untouched.
unsafe impl<S: MemorySource> MemorySource for FailAfter<S> {
    fn acquire(&mut self, bytes: u64, align: u64) -> Option<Acquired> {
        self.left = self.left.checked_sub(1)?;
        self.inner.acquire(bytes, align)
    }

    unsafe fn release(&mut self, start: NonNull<u8>, bytes: u64) {
        // SAFETY: the caller's promise.
        unsafe { self.inner.release(start, bytes) }
    }

    unsafe fn resize(
        &mut self,
        start: NonNull<u8>,
        bytes: u64,
        new_bytes: u64,
    ) -> Option<Acquired> {
        self.left = self.left.checked_sub(1)?;
        // SAFETY: the caller's promise.
        unsafe { self.inner.resize(start, bytes, new_bytes) }
    }
}
