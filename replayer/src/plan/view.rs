//! A plan mapped for reading, every number in it checked once, so that the engine need not check while it measures.

use std::fs::File;

use super::four::Four;
use super::layout::{Counts, Header, Offsets, Part, ThreadRow};
use super::op::{Kind, Op, Wide};
use super::timeline::Step;
use crate::mapping::{Access, MapError, Region};

/// A plan file that can't be used.
#[derive(Debug, thiserror::Error)]
pub enum ViewError {
    /// It could not be opened.
    #[error("the plan could not be opened: {0}")]
    Open(std::io::Error),
    /// It could not be mapped.
    #[error(transparent)]
    Map(#[from] MapError),
    /// It is no plan, or not whole.
    #[error("not a plan of this version of heaptape: {0}")]
    Unsound(&'static str),
}

/// A plan in memory, read-only.
#[derive(Debug)]
pub struct PlanView {
    region: Region,
    counts: Counts,
    offsets: Offsets,
}

impl PlanView {
    /// Maps the plan and checks it: every operation names a slot and a record that exist and a size within the largest, every thread appears in the timeline
    /// with its start before its end, and no two threads share a lane at the same time.
    pub fn open(file: &File) -> Result<PlanView, ViewError> {
        let len = file.metadata().map_err(ViewError::Open)?.len();
        if len < size_of::<Header>() as u64 {
            return Err(ViewError::Unsound("it is too short"));
        }
        let bytes =
            usize::try_from(len).map_err(|_| ViewError::Unsound("it is larger than memory"))?;
        let region = Region::of_file("plan", file, bytes, Access::Read)?;
        // SAFETY: the mapping is page-aligned and holds at least a Header, which is nothing but integers.
        let header = unsafe { region.start().cast::<Header>().read() };
        if !header.sound(len) {
            return Err(ViewError::Unsound("its header's checksum does not match"));
        }
        let counts = header.counts;
        let offsets = Offsets::of(&counts)
            .filter(|o| o.end as u64 == len)
            .ok_or(ViewError::Unsound("its length does not match"))?;
        let view = PlanView {
            region,
            counts,
            offsets,
        };
        view.check()?;
        Ok(view)
    }

    /// Sizes.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// One row a thread.
    pub fn threads(&self) -> &[ThreadRow] {
        // SAFETY: ThreadRow is integers without padding needs (any bits are valid).
        unsafe { self.part(self.offsets.rows, self.counts.threads) }
    }

    /// Starts and ends of threads, in the tape's order.
    pub fn timeline(&self) -> impl Iterator<Item = Step> + '_ {
        // SAFETY: u32 is valid for any bits.
        unsafe { self.part::<u32>(self.offsets.timeline, self.counts.timeline) }
            .iter()
            .map(|&raw| Step::from_raw(raw))
    }

    /// How many slots each lane's table needs.
    pub fn lane_slots(&self) -> &[u32] {
        // SAFETY: u32 is valid for any bits.
        unsafe { self.part(self.offsets.lane_slots, self.counts.lanes) }
    }

    /// For each row and window, how many of the row's operations there are up to the window's end.
    pub fn ends(&self) -> &[u64] {
        // SAFETY: u64 is valid for any bits.
        unsafe { self.part(self.offsets.ends, self.counts.threads * self.counts.windows) }
    }

    /// Parts of all rows' programs; [`ThreadRow`] says which belong to whom.
    pub fn parts(&self) -> &[Part] {
        // SAFETY: Part is two integers; any bits are valid.
        unsafe { self.part(self.offsets.parts, self.counts.parts) }
    }

    /// When each operation is due, nanoseconds after the tape's first event; empty unless the plan keeps the pace.
    pub fn due(&self) -> &[u64] {
        // SAFETY: u64 is valid for any bits.
        unsafe { self.part(self.offsets.due, self.counts.due) }
    }

    /// Brings the operations of a window into memory, before a run touches them. With more than one window, those of all others go.
    pub fn load_window(&self, window: usize) {
        let windows = self.counts.windows as usize;
        if windows > 1 {
            self.region.drop_pages(self.offsets.ops, self.offsets.end);
        }
        for (row, ends) in self
            .threads()
            .iter()
            .zip(self.ends().chunks(windows.max(1)))
        {
            let from = window.checked_sub(1).map_or(0, |before| ends[before]);
            let range = |offset: usize| {
                let at = |index: u64| offset + (row.first_op + index) as usize * size_of::<u64>();
                (at(from), at(ends[window]))
            };
            let (from, to) = range(self.offsets.ops);
            self.region.load_pages(from, to);
            let four = |at: usize| {
                self.offsets.fours
                    + (at - self.offsets.ops) / size_of::<Op>() / 4 * size_of::<Four>()
            };
            // And the one that lies ahead.
            self.region
                .load_pages(four(from), four(to) + 2 * size_of::<Four>());
            if self.counts.due > 0 {
                let (from, to) = range(self.offsets.due);
                self.region.load_pages(from, to);
            }
        }
    }

    /// Wide records.
    pub fn wide(&self) -> &[Wide] {
        // SAFETY: Wide is two integers; any bits are valid.
        unsafe { self.part(self.offsets.wide, self.counts.wide) }
    }

    /// All operations; [`ThreadRow`] says which belong to whom.
    pub fn ops(&self) -> &[Op] {
        // SAFETY: Op is one integer; any bits are valid.
        unsafe { self.part(self.offsets.ops, self.counts.ops) }
    }

    /// What each four operations are, by their place in [`ops`](Self::ops), and one more.
    pub fn fours(&self) -> &[Four] {
        // SAFETY: Four is two integers; any bits are valid.
        unsafe { self.part(self.offsets.fours, Four::count(self.counts.ops)) }
    }

    /// One part of the file.
    ///
    /// # Safety
    /// Any bits must be a valid `T`.
    unsafe fn part<T>(&self, offset: usize, len: u64) -> &[T] {
        // SAFETY: Offsets::of put the part inside the file (open compared the length), on a 64-byte boundary of a page-aligned
        // mapping; the mapping is read-only, and the planner had finished writing before it handed the file out.
        unsafe { std::slice::from_raw_parts(self.region.start().add(offset).cast(), len as usize) }
    }

    /// Reads every number once.
    fn check(&self) -> Result<(), ViewError> {
        let bad = |what| Err(ViewError::Unsound(what));
        let mut next = 0;
        for row in self.threads() {
            if row.first_op != next || row.ops > self.counts.ops - next {
                return bad("its threads do not follow one another");
            }
            next += row.ops;
            if row.ops > 0
                && self
                    .lane_slots()
                    .get(row.lane as usize)
                    .is_none_or(|&slots| row.slots > slots)
            {
                return bad("a thread has no lane");
            }
            let ops = &self.ops()[row.first_op as usize..(row.first_op + row.ops) as usize];
            if !ops.iter().all(|&op| self.op_is_sound(op, row.slots)) {
                return bad("an operation names what is not there");
            }
        }
        if next != self.counts.ops {
            return bad("operations belong to no thread");
        }
        let fours = self.ops().chunks(4).zip(self.fours());
        if !fours.into_iter().all(|(ops, four)| *four == Four::of(ops)) {
            return bad("four operations are told to be others");
        }
        if self.counts.windows == 0 || ![0, self.counts.ops].contains(&self.counts.due) {
            return bad("its windows or times do not match");
        }
        for (row, ends) in self
            .threads()
            .iter()
            .zip(self.ends().chunks(self.counts.windows as usize))
        {
            if !ends.is_sorted() || ends.last() != Some(&row.ops) {
                return bad("its windows are out of order");
            }
        }
        self.check_parts()?;
        self.check_timeline()
    }

    /// Each row's operations are in parts, of beats that rise and that there are.
    fn check_parts(&self) -> Result<(), ViewError> {
        let bad = Err(ViewError::Unsound("its parts do not match"));
        let mut next = 0;
        for row in self.threads() {
            if row.first_part != next || row.parts > self.counts.parts - next {
                return bad;
            }
            next += row.parts;
            let parts = &self.parts()[row.first_part as usize..next as usize];
            let rises = parts.is_sorted_by(|a, b| a.beat < b.beat && a.end < b.end);
            let whole = parts.last().map_or(0, |part| part.end) == row.ops
                && parts.first().is_none_or(|part| part.end > 0);
            if !rises || !whole || parts.last().is_some_and(|p| p.beat >= self.counts.beats) {
                return bad;
            }
        }
        if next == self.counts.parts {
            Ok(())
        } else {
            bad
        }
    }

    fn op_is_sound(&self, op: Op, slots: u32) -> bool {
        let Some(kind) = op.kind() else { return false };
        let slots = if op.shared() {
            self.counts.shared
        } else {
            u64::from(slots)
        };
        let (size, align_log2) = match op.is_wide().then(|| self.wide().get(op.field())) {
            None => (op.field() as u64, 0),
            Some(Some(wide)) => (wide.size, wide.align_log2),
            Some(None) => return false,
        };
        u64::from(op.slot()) < slots
            && size <= self.counts.largest
            && align_log2 <= self.counts.align_log2
            && (kind != Kind::Aligned || op.is_wide())
    }

    fn check_timeline(&self) -> Result<(), ViewError> {
        let mut lanes = vec![None; self.lane_slots().len()];
        let mut seen = vec![0u8; self.threads().len()];
        let mut window = 0;
        for step in self.timeline() {
            let thread = match step {
                Step::Start(thread) | Step::End(thread) => thread,
                Step::Window(number) => {
                    if number != window || u64::from(number) + 1 >= self.counts.windows {
                        return Err(ViewError::Unsound("its windows are out of order"));
                    }
                    window += 1;
                    continue;
                }
            };
            let lane = self
                .threads()
                .get(thread as usize)
                .and_then(|row| lanes.get_mut(row.lane as usize));
            let (Some(lane), Some(seen)) = (lane, seen.get_mut(thread as usize)) else {
                return Err(ViewError::Unsound("its timeline names what is not there"));
            };
            let (was, now, count) = match step {
                Step::Start(_) => (None, Some(thread), 0),
                _ => (Some(thread), None, 1),
            };
            if *lane != was || *seen != count {
                return Err(ViewError::Unsound("its timeline is out of order"));
            }
            *lane = now;
            *seen += 1;
        }
        if u64::from(window) + 1 != self.counts.windows {
            return Err(ViewError::Unsound("its windows are not all there"));
        }
        if seen
            .iter()
            .zip(self.threads())
            .any(|(&seen, row)| seen != 2 && (seen != 0 || row.ops > 0))
        {
            return Err(ViewError::Unsound("a thread does not start and end once"));
        }
        Ok(())
    }
}
