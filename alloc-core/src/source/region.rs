//! A source over one fixed region of memory, the same on every target.
//!
//! Spans are handed out first fit by address, so the same sequence of calls gives the same offsets natively and in wasm:
//! what the digest of a heap's layout rests on.
//!
//! ```text
//! invariant: free spans are sorted by address, no two touch, and lie below `top`
//! invariant: handed out + free spans + (len - top) = len
//! ```

use core::ptr::NonNull;

use super::{Acquired, MemorySource};
use crate::base::align::{self, PAGE};

/// Most gaps between spans that a region remembers; the smallest is forgotten (and leaks) beyond that.
const GAPS: usize = 4096;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Gap {
    start: u64,
    bytes: u64,
}

/// One region of memory that several heaps may share through a `RefCell`.
pub struct Region {
    base: NonNull<u8>,
    len: u64,
    top: u64,
    gaps: [Gap; GAPS],
    used_gaps: usize,
}

impl Region {
    /// A source over `len` bytes from `base`.
    ///
    /// # Safety
    /// The memory is valid for reads and writes, used by nothing else, and outlives the region and every heap over it.
    /// `base` is aligned to a page.
    pub unsafe fn new(base: NonNull<u8>, len: u64) -> Region {
        base.as_ptr().expose_provenance();
        Region {
            base,
            len: len & !(PAGE - 1),
            top: 0,
            gaps: [Gap::default(); GAPS],
            used_gaps: 0,
        }
    }

    /// The first byte: give it to [`crate::heap::Heap::new`] as the base of the heap's offsets.
    pub fn base(&self) -> NonNull<u8> {
        self.base
    }

    /// The highest offset ever handed out. Bytes.
    pub fn top(&self) -> u64 {
        self.top
    }

    fn at(&self, offset: u64) -> NonNull<u8> {
        // SAFETY: offset < len, so the address lies within the region that `new` was promised.
        unsafe { self.base.add(offset as usize) }
    }

    fn take_gap(&mut self, bytes: u64, align: u64) -> Option<u64> {
        let origin = self.base.as_ptr().addr() as u64;
        for index in 0..self.used_gaps {
            let Gap { start, bytes: have } = self.gaps[index];
            let skip = align::gap(origin + start, align);
            if have < skip || have - skip < bytes {
                continue;
            }
            self.remove_gap(index);
            self.insert_gap(start, skip);
            self.insert_gap(start + skip + bytes, have - skip - bytes);
            return Some(start + skip);
        }
        None
    }

    fn remove_gap(&mut self, index: usize) {
        self.gaps.copy_within(index + 1..self.used_gaps, index);
        self.used_gaps -= 1;
    }

    /// Adds a gap, merged with those that touch it.
    fn insert_gap(&mut self, start: u64, bytes: u64) {
        if bytes == 0 {
            return;
        }
        let mut gap = Gap { start, bytes };
        let mut index = self.gaps[..self.used_gaps].partition_point(|g| g.start < start);
        if index < self.used_gaps && gap.start + gap.bytes == self.gaps[index].start {
            gap.bytes += self.gaps[index].bytes;
            self.remove_gap(index);
        }
        if index > 0 && self.gaps[index - 1].start + self.gaps[index - 1].bytes == gap.start {
            index -= 1;
            gap.start = self.gaps[index].start;
            gap.bytes += self.gaps[index].bytes;
            self.remove_gap(index);
        }
        if gap.start + gap.bytes == self.top {
            self.top = gap.start;
            return;
        }
        if self.used_gaps < GAPS {
            self.gaps.copy_within(index..self.used_gaps, index + 1);
            self.gaps[index] = gap;
            self.used_gaps += 1;
        }
    }
}

// SAFETY: spans come from disjoint parts of a region that is ours alone by the promise made to `new`, which also exposed it.
unsafe impl MemorySource for Region {
    fn acquire(&mut self, bytes: u64, align: u64) -> Option<Acquired> {
        let bytes = align::up(bytes, PAGE)?;
        let offset = match self.take_gap(bytes, align) {
            Some(offset) => offset,
            None => {
                let origin = self.base.as_ptr().addr() as u64;
                let start = self.top.checked_add(align::gap(origin + self.top, align))?;
                let end = start.checked_add(bytes)?;
                if end > self.len {
                    return None;
                }
                let old_top = self.top;
                self.top = end;
                self.insert_gap(old_top, start - old_top);
                start
            }
        };
        // What a region hands out again is not zero, and whether it is new is not kept: one answer on every target.
        Some(Acquired {
            start: self.at(offset),
            bytes,
            zeroed: false,
        })
    }

    unsafe fn release(&mut self, start: NonNull<u8>, bytes: u64) {
        let offset = (start.as_ptr().addr() - self.base.as_ptr().addr()) as u64;
        self.insert_gap(offset, bytes);
    }
}
