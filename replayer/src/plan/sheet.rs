//! The plan's file while it is written.

use super::four::Four;
use super::layout::{Counts, Header, Offsets, Part, ThreadRow};
use super::op::{Op, Wide};
use crate::mapping::{Access, MapError, MemoryFile, Region};

/// What the second pass writes, for all rows one after the other.
pub(super) struct Programs<'a> {
    pub ops: &'a mut [Op],
    /// Empty unless the plan keeps the pace.
    pub due: &'a mut [u64],
    pub wide: &'a mut [Wide],
    /// For each row and window, how many of the row's operations there are up to its end.
    pub ends: &'a mut [u64],
    /// Parts of all rows' programs.
    pub parts: &'a mut [Part],
}

/// The plan's file while it is written.
pub(super) struct Sheet {
    region: Region,
    offsets: Offsets,
    counts: Counts,
}

impl Sheet {
    /// Maps a new, zeroed file of `offsets.end` bytes.
    pub fn new(file: &MemoryFile, offsets: Offsets, counts: Counts) -> Result<Sheet, MapError> {
        let region = Region::of_file("plan", file.file(), offsets.end, Access::Shared)?;
        Ok(Sheet {
            region,
            offsets,
            counts,
        })
    }

    /// A part of the file as values.
    ///
    /// # Safety
    /// Any bits must be a valid `T`; `offset` and `len` must be those of one part in `self.offsets` and `self.counts`, and no two
    /// slices of the same part may be alive at once.
    unsafe fn part<'a, T>(&self, offset: usize, len: u64) -> &'a mut [T] {
        // SAFETY: Offsets::of put the part inside the mapping and on a 64-byte boundary; the file is ours alone until it is sealed.
        unsafe {
            std::slice::from_raw_parts_mut(self.region.start().add(offset).cast(), len as usize)
        }
    }

    /// One row a thread.
    pub fn rows(&mut self) -> &mut [ThreadRow] {
        // SAFETY: integers; `&mut self` bounds the slice and keeps it the only one.
        unsafe { self.part(self.offsets.rows, self.counts.threads) }
    }

    /// Starts and ends, as raw steps.
    pub fn timeline(&mut self) -> &mut [u32] {
        // SAFETY: as in `rows`.
        unsafe { self.part(self.offsets.timeline, self.counts.timeline) }
    }

    /// One number a lane.
    pub fn lane_slots(&mut self) -> &mut [u32] {
        // SAFETY: as in `rows`.
        unsafe { self.part(self.offsets.lane_slots, self.counts.lanes) }
    }

    /// What the second pass writes.
    pub fn programs(&mut self) -> Programs<'_> {
        let (counts, offsets) = (self.counts, self.offsets);
        // SAFETY: as in `rows`; the parts do not overlap.
        unsafe {
            Programs {
                ops: self.part(offsets.ops, counts.ops),
                due: self.part(offsets.due, counts.due),
                wide: self.part(offsets.wide, counts.wide),
                ends: self.part(offsets.ends, counts.threads * counts.windows),
                parts: self.part(offsets.parts, counts.parts),
            }
        }
    }

    /// Operations.
    pub fn ops(&mut self) -> &mut [Op] {
        self.programs().ops
    }

    /// Operations, and what each four of them are.
    pub fn ops_and_fours(&mut self) -> (&[Op], &mut [Four]) {
        let (counts, offsets) = (self.counts, self.offsets);
        // SAFETY: as in `rows`; the parts do not overlap.
        unsafe {
            (
                self.part(offsets.ops, counts.ops),
                self.part(offsets.fours, Four::count(counts.ops)),
            )
        }
    }

    /// Writes the header, after which the file is a plan.
    pub fn seal(self) {
        // SAFETY: the header lies in the first page of the mapping, before every part.
        unsafe {
            self.region
                .start()
                .cast::<Header>()
                .write(Header::new(self.counts, self.offsets.end as u64))
        };
    }
}
