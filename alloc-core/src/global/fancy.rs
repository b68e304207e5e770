//! fancy as a Rust program's global allocator.

use core::alloc::{GlobalAlloc, Layout};
use core::ptr;

use super::requests;
use crate::base::align::ALIGN;

/// The allocator; all values of it are the same one.
#[derive(Clone, Copy, Debug, Default)]
pub struct Fancy;

impl Fancy {
    /// For `static ALLOCATOR: Fancy = Fancy::new();`.
    pub const fn new() -> Fancy {
        Fancy
    }
}

// SAFETY: blocks are as large and as aligned as asked (tested against a model), belong to one holder until they are freed,
// and no request unwinds.
unsafe impl GlobalAlloc for Fancy {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if layout.align() <= ALIGN as usize {
            requests::malloc(layout.size())
        } else {
            requests::aligned(layout.align(), layout.size())
        }
    }

    #[inline]
    unsafe fn dealloc(&self, block: *mut u8, _: Layout) {
        // SAFETY: the caller's promise.
        unsafe { requests::free(block) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if layout.align() <= ALIGN as usize {
            return requests::calloc(1, layout.size());
        }
        let block = requests::aligned(layout.align(), layout.size());
        if !block.is_null() {
            // SAFETY: the block has that many bytes.
            unsafe { block.write_bytes(0, layout.size()) };
        }
        block
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the caller's promise.
        unsafe {
            if layout.align() <= ALIGN as usize {
                return requests::realloc(block, size);
            }
            let new = requests::aligned(layout.align(), size);
            if !new.is_null() {
                ptr::copy_nonoverlapping(block, new, layout.size().min(size));
                requests::free(block);
            }
            new
        }
    }
}
