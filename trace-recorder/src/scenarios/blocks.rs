//! Blocks of memory as values, so that the scenarios need no unsafe code: only this file has it.

use crate::recording::RecordingAlloc;
use std::alloc::{GlobalAlloc, Layout, System};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicPtr, Ordering};

/// Every block has the alignment of malloc.
const ALIGN: usize = 16;

/// Blocks are smaller than this.
pub(super) const SIZE_LIMIT: usize = 1 << 20;

/// How far apart memory is touched.
const PAGE: usize = 4096;

/// A block that somebody owns. It is freed by giving it to [`Memory::free`], not by dropping it.
#[derive(Debug)]
#[must_use]
pub(super) struct Block {
    start: NonNull<u8>,
    size: usize,
}

// SAFETY: a block is memory that its owner alone knows.
unsafe impl Send for Block {}

impl Block {
    /// Bytes requested.
    pub fn size(&self) -> usize {
        self.size
    }

    /// Address and size in one word: the size's low four bits where the alignment leaves zeros, the others above bit 48, which no address of a user's process has set.
    fn pack(self) -> *mut u8 {
        let Block { start, size } = self;
        assert!(start.addr().get() >> 48 == 0, "an address above 48 bits");
        start
            .as_ptr()
            .map_addr(|a| a | (size & (ALIGN - 1)) | (size / ALIGN) << 48)
    }

    fn unpack(packed: *mut u8) -> Option<Block> {
        let size = ((packed.addr() >> 48) * ALIGN) | (packed.addr() & (ALIGN - 1));
        let start = NonNull::new(packed.map_addr(|a| a & ((1 << 48) - 1) & !(ALIGN - 1)))?;
        Some(Block { start, size })
    }
}

/// Where blocks come from.
pub(super) struct Memory<'a> {
    allocator: &'a RecordingAlloc<System>,
}

impl<'a> Memory<'a> {
    pub fn new(allocator: &'a RecordingAlloc<System>) -> Memory<'a> {
        Memory { allocator }
    }

    /// A new block, touched on every page; `None` if the allocator refuses.
    #[inline]
    pub fn allocate(&self, size: usize) -> Option<Block> {
        let layout = layout(size)?;
        // SAFETY: `layout` refuses size 0.
        let start = NonNull::new(unsafe { self.allocator.alloc(layout) })?;
        touch(start, 0, size);
        Some(Block { start, size })
    }

    #[inline]
    pub fn free(&self, block: Block) {
        if let Some(layout) = layout(block.size) {
            // SAFETY: a Block is made only by `allocate` and `resize`, with this layout; all Memory is the system's, so
            // it is the same allocator; the block is consumed, so it is freed once.
            unsafe { self.allocator.dealloc(block.start.as_ptr(), layout) }
        }
    }

    /// The block with another size; `Err` is the old block if the allocator refuses.
    pub fn resize(&self, block: Block, size: usize) -> Result<Block, Block> {
        let (Some(layout), Some(_)) = (layout(block.size), self::layout(size)) else {
            return Err(block);
        };
        // SAFETY: as in `free`; the new size is not 0 and has a valid layout.
        match NonNull::new(unsafe { self.allocator.realloc(block.start.as_ptr(), layout, size) }) {
            Some(start) => {
                touch(start, block.size.min(size), size);
                Ok(Block { start, size })
            }
            None => Err(block),
        }
    }
}

#[inline]
fn layout(size: usize) -> Option<Layout> {
    if size == 0 || size >= SIZE_LIMIT {
        None
    } else {
        Layout::from_size_align(size, ALIGN).ok()
    }
}

/// Writes to every page of bytes `from` to before `to` of a block, and to the last byte.
#[inline]
fn touch(start: NonNull<u8>, from: usize, to: usize) {
    for at in (from..to).step_by(PAGE).chain([to - 1]) {
        // SAFETY: at < to, which is at most the size of the block, and who calls owns it. Volatile, or the compiler
        // would leave out writes that nobody reads.
        unsafe { start.add(at).write_volatile(at as u8) };
    }
}

/// A place for one block, shared by threads without a lock.
#[derive(Debug, Default)]
pub(super) struct Slot {
    packed: AtomicPtr<u8>,
}

impl Slot {
    /// Whether a block was here a moment ago.
    #[inline]
    pub fn is_taken(&self) -> bool {
        !self.packed.load(Ordering::Relaxed).is_null()
    }

    /// Puts `block` (or nothing) here, and takes what was here, in one step.
    #[inline]
    pub fn exchange(&self, block: Option<Block>) -> Option<Block> {
        let packed = block.map_or(std::ptr::null_mut(), Block::pack);
        Block::unpack(self.packed.swap(packed, Ordering::AcqRel))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_keeps_address_and_size() {
        let allocator = RecordingAlloc::new(System);
        let memory = Memory::new(&allocator);
        let slot = Slot::default();
        assert!(slot.exchange(None).is_none());
        for size in [1, 15, 16, 17, 4096, 262_144, SIZE_LIMIT - 1] {
            let block = memory.allocate(size).unwrap();
            let start = block.start;
            assert!(slot.exchange(Some(block)).is_none());
            assert!(slot.is_taken());
            let block = slot.exchange(None).unwrap();
            assert_eq!((block.start, block.size()), (start, size));
            let block = memory.resize(block, 99).unwrap();
            assert_eq!(block.size(), 99);
            memory.free(block);
        }
        assert!(memory.allocate(0).is_none());
        assert!(memory.allocate(SIZE_LIMIT).is_none());
    }
}
