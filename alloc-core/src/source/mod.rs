//! Where memory comes from. A source knows nothing of heaps, chunks or blocks.

use core::cell::RefCell;
use core::ptr::NonNull;

pub mod limits;
#[cfg(feature = "os")]
pub mod mmap;
pub mod region;

pub use limits::{FailAfter, Metered};
#[cfg(feature = "os")]
pub use mmap::Mmap;
pub use region::Region;

/// Memory that a source has handed out.
#[derive(Clone, Copy, Debug)]
pub struct Acquired {
    /// Its first byte, aligned to [`crate::base::align::PAGE`] or to what was asked for, whichever is larger.
    pub start: NonNull<u8>,
    /// Its length in bytes: at least what was asked for.
    pub bytes: u64,
    /// Every byte is zero.
    pub zeroed: bool,
}

/// Hands out contiguous memory in whole pages and takes it back.
///
/// # Safety
/// Memory handed out is readable and writable, overlaps nothing else in use, and stays so until it is released; its
/// address has been exposed (`expose_provenance`), since the heap keeps offsets and makes pointers of them.
pub unsafe trait MemorySource {
    /// At least `bytes` (a multiple of the page), aligned to `align` (a power of two, no less than a page), or `None`
    /// when there is no more.
    fn acquire(&mut self, bytes: u64, align: u64) -> Option<Acquired>;

    /// At least `need` bytes, and `wish` bytes where they are as easily had: a source that keeps free memory answers from
    /// that, whatever its length, before it asks for more. Both as for [`acquire`](Self::acquire), `need` no more than
    /// `wish`.
    fn acquire_within(&mut self, need: u64, wish: u64, align: u64) -> Option<Acquired> {
        // When the wish can't be met, what is needed may still be there.
        self.acquire(wish, align)
            .or_else(|| self.acquire(need, align))
    }

    /// Takes back what [`acquire`](Self::acquire) handed out, whole.
    ///
    /// # Safety
    /// `start` and `bytes` are those of one `acquire`, nothing of it is used any more.
    unsafe fn release(&mut self, start: NonNull<u8>, bytes: u64);

    /// Makes an acquired span longer or shorter, moving it if need be; contents up to the shorter length are kept.
    /// `None`: not possible, nothing has changed.
    ///
    /// # Safety
    /// As for [`release`](Self::release); when it answers `Some`, the old span must not be used any more.
    unsafe fn resize(
        &mut self,
        start: NonNull<u8>,
        bytes: u64,
        new_bytes: u64,
    ) -> Option<Acquired> {
        let _ = (start, bytes, new_bytes);
        None
    }
}

// SAFETY: hands every call to the one source within, whose promise it repeats.
unsafe impl<S: MemorySource> MemorySource for &RefCell<S> {
    fn acquire(&mut self, bytes: u64, align: u64) -> Option<Acquired> {
        self.borrow_mut().acquire(bytes, align)
    }

    fn acquire_within(&mut self, need: u64, wish: u64, align: u64) -> Option<Acquired> {
        self.borrow_mut().acquire_within(need, wish, align)
    }

    unsafe fn release(&mut self, start: NonNull<u8>, bytes: u64) {
        // SAFETY: the caller's promise.
        unsafe { self.borrow_mut().release(start, bytes) }
    }

    unsafe fn resize(
        &mut self,
        start: NonNull<u8>,
        bytes: u64,
        new_bytes: u64,
    ) -> Option<Acquired> {
        // SAFETY: the caller's promise.
        unsafe { self.borrow_mut().resize(start, bytes, new_bytes) }
    }
}
