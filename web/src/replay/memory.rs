//! The memory that a heap lives in.

use std::alloc::{Layout, alloc, dealloc};
use std::ptr::NonNull;

/// Alignment of the region's first byte. Offsets are the same everywhere for blocks aligned to at
/// most this.
const BASE_ALIGN: usize = 2 << 20;

/// Memory for one region.
pub(super) struct Memory {
    pub(super) start: NonNull<u8>,
    pub(super) layout: Layout,
}

impl Memory {
    /// So many bytes; `None` when there are not that many.
    pub(super) fn new(bytes: u64) -> Option<Memory> {
        let layout =
            Layout::from_size_align(usize::try_from(bytes).ok()?.max(1), BASE_ALIGN).ok()?;
        // SAFETY: the layout's size is not zero.
        let start = NonNull::new(unsafe { alloc(layout) })?;
        Some(Memory { start, layout })
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        // SAFETY: `start` came from `alloc` with this very layout, and the heap over it is dropped with it.
        unsafe { dealloc(self.start.as_ptr(), self.layout) }
    }
}
