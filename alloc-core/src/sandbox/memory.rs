//! The memory that a sandbox's heap lives in.

use alloc::alloc::{alloc, dealloc};
use core::alloc::Layout;
use core::ptr::NonNull;

use crate::source::Region;

/// Alignment of the first byte. Positions are the same everywhere for blocks aligned to at most this.
const BASE_ALIGN: usize = 2 << 20;

/// Memory for one region.
///
/// It is not zeroed: what is not touched shall cost nothing, and with an alignment above malloc's own `alloc_zeroed` writes
/// every byte, on Unix as in wasm. So nothing here may read a byte as a number but the heap, which writes first; bytes
/// that may never have been written are only copied, as `MaybeUninit`.
pub(super) struct Memory {
    start: NonNull<u8>,
    layout: Layout,
}

impl Memory {
    /// So many bytes (at least one); `None` when there are not that many.
    pub(super) fn new(bytes: u64) -> Option<Memory> {
        let bytes = usize::try_from(bytes).ok()?.max(1);
        let layout = Layout::from_size_align(bytes, BASE_ALIGN).ok()?;
        // SAFETY: the layout's size is not zero.
        let start = NonNull::new(unsafe { alloc(layout) })?;
        Some(Memory { start, layout })
    }

    /// The first byte.
    pub(super) fn start(&self) -> NonNull<u8> {
        self.start
    }

    /// Its length in bytes.
    pub(super) fn bytes(&self) -> u64 {
        self.layout.size() as u64
    }

    /// A source over all of it.
    ///
    /// # Safety
    /// It is the only one over this memory, and neither it nor a heap over it is used after the memory is dropped.
    pub(super) unsafe fn region(&self) -> Region {
        // SAFETY: the memory is `bytes` long, aligned to more than a page, and ours until it is dropped; that nothing else
        // uses it is the caller's promise.
        unsafe { Region::new(self.start, self.bytes()) }
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        // SAFETY: `start` came from `alloc` with this very layout; by the promise to `region` no one uses it any more.
        unsafe { dealloc(self.start.as_ptr(), self.layout) }
    }
}
