//! Blocks that are used: marked at both ends and once a page, and looked at again before they are freed.

use crate::calls;
use crate::counts::Counts;

/// A mark is written to every page of a block, as a program that fills it would touch it.
const PAGE: usize = 4096;

/// A block with its size. It is freed by [`Blocks::free`] only, so dropping one leaks it, which the counts show.
#[derive(Debug)]
pub struct Block {
    start: *mut u8,
    size: usize,
}

// SAFETY: a block is memory that whoever holds it owns alone; any thread may use and free it.
unsafe impl Send for Block {}

impl Block {
    /// The bytes that were asked for.
    pub fn size(&self) -> usize {
        self.size
    }

    /// What stands at both ends: it differs between neighbours, so that blocks that overlap are noticed.
    fn mark(&self) -> u8 {
        mark(self.start, self.size)
    }
}

fn mark(start: *mut u8, size: usize) -> u8 {
    (start as usize >> 4) as u8 ^ size as u8
}

/// Makes and frees blocks, and counts.
#[derive(Default)]
pub struct Blocks {
    /// What was done so far.
    pub counts: Counts,
}

impl Blocks {
    /// A block of `size` bytes (at least 1) by malloc, touched; `None` when refused, which is counted.
    #[inline]
    pub fn malloc(&mut self, size: usize) -> Option<Block> {
        self.counts.bytes += size as u64;
        self.got(calls::malloc(size), size)
    }

    /// The same by calloc; bytes that are not zero at its ends count as damage.
    #[inline]
    pub fn calloc(&mut self, size: usize) -> Option<Block> {
        self.counts.bytes += size as u64;
        let start = calls::calloc(1, size);
        if !start.is_null() {
            // SAFETY: calloc gave `size` bytes, at least one, that nobody else has.
            let zero = unsafe { *start == 0 && *start.add(size - 1) == 0 };
            self.counts.damaged += u64::from(!zero);
        }
        self.got(start, size)
    }

    #[inline(always)]
    fn got(&mut self, start: *mut u8, size: usize) -> Option<Block> {
        if start.is_null() {
            self.counts.refused += 1;
            return None;
        }
        self.counts.allocated += 1;
        let block = Block { start, size };
        // SAFETY: a block of `size` bytes that nobody else has yet.
        unsafe { touch(&block, 0) };
        Some(block)
    }

    /// Checks the marks of `block` and frees it.
    #[inline]
    pub fn free(&mut self, block: Block) {
        // SAFETY: the block is held, so its memory is ours.
        self.counts.damaged += u64::from(!unsafe { intact(&block) });
        self.counts.freed += 1;
        // SAFETY: it came from `calls` and, as it is held, was not freed; nothing uses it hereafter.
        unsafe { calls::free(block.start) };
    }

    /// Gives `block` `size` bytes and touches those that are new; when refused, which is counted, it stays as it is.
    #[inline]
    pub fn resize(&mut self, block: &mut Block, size: usize) {
        self.counts.bytes += size as u64;
        self.counts.resized += 1;
        let old = Block {
            start: block.start,
            size: block.size,
        };
        let mark = old.mark();
        // SAFETY: it came from `calls` and, as it is held, was not freed; the old address is only compared hereafter.
        let start = unsafe { calls::realloc(block.start, size) };
        if start.is_null() {
            self.counts.refused += 1;
            return;
        }
        let kept = old.size.min(size);
        // SAFETY: realloc gave `size` bytes, and `kept`, at least 1, are within both blocks.
        let same = unsafe { *start == mark && (kept < old.size || *start.add(kept - 1) == mark) };
        self.counts.damaged += u64::from(!same);
        *block = Block { start, size };
        // SAFETY: the block of `size` bytes is ours alone.
        unsafe { touch(block, kept) };
    }
}

/// Writes the marks at both ends, and one a page from byte `from` on.
///
/// # Safety
/// The block's memory is there, and nobody else uses it.
#[inline(always)]
unsafe fn touch(block: &Block, from: usize) {
    let mark = block.mark();
    let mut at = from;
    while at + PAGE < block.size {
        at += PAGE;
        // SAFETY: `at` is below the size.
        unsafe { block.start.add(at).write_volatile(mark) };
    }
    // SAFETY: both are within the block, whose size is at least 1.
    unsafe {
        block.start.write_volatile(mark);
        block.start.add(block.size - 1).write_volatile(mark);
    }
}

/// Whether the marks at both ends are as they were written.
///
/// # Safety
/// As for `touch`.
#[inline(always)]
unsafe fn intact(block: &Block) -> bool {
    let mark = block.mark();
    // SAFETY: both are within the block, whose size is at least 1.
    unsafe {
        block.start.read_volatile() == mark
            && block.start.add(block.size - 1).read_volatile() == mark
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_block_is_counted_and_whole() {
        let mut blocks = Blocks::default();
        let mut held: Vec<Block> = (1..200)
            .filter_map(|n| {
                if n % 3 == 0 {
                    blocks.calloc(n * 97)
                } else {
                    blocks.malloc(n * 97)
                }
            })
            .collect();
        for (n, block) in held.iter_mut().enumerate() {
            blocks.resize(block, if n % 2 == 0 { n + 1 } else { n * 131 });
        }
        for block in held {
            blocks.free(block);
        }
        assert_eq!(blocks.counts.complaint(), None);
        assert_eq!((blocks.counts.allocated, blocks.counts.resized), (199, 199));
    }

    #[test]
    fn a_foreign_write_is_damage() {
        let mut blocks = Blocks::default();
        let block = blocks.malloc(100).unwrap();
        // SAFETY: byte 99 of a block of 100.
        unsafe { *block.start.add(99) ^= 1 };
        blocks.free(block);
        assert_eq!(blocks.counts.damaged, 1);
        assert!(blocks.counts.complaint().is_some());
    }
}
