//! Where one mapping ends and the next begins within memory that is used as one.
//!
//! The kernel moves pages of one mapping only, so a block made of several is moved part by part. Few addresses matter: the
//! ends of what is free or in use say nothing, unless they lie within a mapping.
//!
//! ```text
//! invariant: marks are sorted, no two at the same address
//! invariant: within a span (free or in use), mappings meet at addresses marked as seams only
//! invariant: where two spans meet at an address marked as a join, both sides are one mapping
//! invariant: count + reserved <= MARKS
//! ```
//! A seam that is none costs a call of the kernel's, a join that is forgotten as well; neither is an error.

/// How many addresses are remembered.
pub const MARKS: usize = 1024;

/// Addresses are multiples of a page, so the lowest bit tells joins from seams.
const JOIN: u64 = 1;

/// The marks.
pub struct Seams {
    marks: [u64; MARKS],
    count: usize,
    reserved: usize,
}

impl Seams {
    /// None.
    pub const fn new() -> Seams {
        Seams {
            marks: [0; MARKS],
            count: 0,
            reserved: 0,
        }
    }

    fn place(&self, at: u64) -> usize {
        self.marks[..self.count].partition_point(|mark| *mark < at)
    }

    fn mark(&mut self, at: u64, kind: u64) -> bool {
        if self.count + self.reserved >= MARKS {
            return false;
        }
        let place = self.place(at);
        self.marks.copy_within(place..self.count, place + 1);
        self.marks[place] = at | kind;
        self.count += 1;
        true
    }

    /// Forgets the mark at `at`; what it was.
    fn unmark(&mut self, at: u64) -> Option<u64> {
        let place = self.place(at);
        let mark = *self.marks[..self.count].get(place)?;
        if mark & !JOIN != at {
            return None;
        }
        self.marks.copy_within(place + 1..self.count, place);
        self.count -= 1;
        Some(mark & JOIN)
    }

    /// Two spans that meet at `at` become one. `false`: that can't be remembered, so they must not.
    pub fn heal(&mut self, at: u64) -> bool {
        self.unmark(at) == Some(JOIN) || self.mark(at, 0)
    }

    /// A span becomes two that meet at `at`.
    pub fn cut(&mut self, at: u64) {
        if self.unmark(at).is_none() {
            // When there is no room, the two are taken for two mappings.
            let _ = self.mark(at, JOIN);
        }
    }

    /// The memory from `start` to `end` is gone, or is one mapping now.
    pub fn clear(&mut self, start: u64, end: u64) {
        let (from, to) = (self.place(start), self.place(end + 2));
        self.marks.copy_within(to..self.count, from);
        self.count -= to - from;
    }

    /// The seams between `start` and `end`, without these two.
    pub fn between(&self, start: u64, end: u64) -> impl Iterator<Item = u64> {
        let (from, to) = (self.place(start + 2), self.place(end));
        let within = &self.marks[from..to.max(from)];
        within.iter().copied().filter(|mark| mark & JOIN == 0)
    }

    /// How many more can be remembered.
    pub fn room(&self) -> usize {
        MARKS - self.count - self.reserved
    }

    /// Keeps room for so many, which must be there, until [`keep`](Self::keep).
    pub fn reserve(&mut self, count: usize) {
        debug_assert!(count <= self.room());
        self.reserved += count;
    }

    /// Gives back room for `reserved` marks, and marks seams, no more than that.
    pub fn keep(&mut self, reserved: usize, seams: impl Iterator<Item = u64>) {
        self.reserved -= reserved;
        for at in seams {
            self.unmark(at);
            let _ = self.mark(at, 0);
        }
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use super::*;
    use std::vec::Vec;

    fn seams(marks: &Seams) -> Vec<u64> {
        marks.between(0, u64::MAX - 4096).collect()
    }

    #[test]
    fn a_cut_heals_without_a_seam() {
        let mut marks = Seams::new();
        marks.cut(8192);
        assert!(marks.heal(8192));
        assert_eq!(seams(&marks), []);
        assert_eq!(marks.room(), MARKS);
    }

    #[test]
    fn neighbours_that_were_never_one_meet_at_a_seam() {
        let mut marks = Seams::new();
        assert!(marks.heal(8192) && marks.heal(4096));
        assert_eq!(seams(&marks), [4096, 8192]);
        assert_eq!(marks.between(4096, 8192).count(), 0);
        assert_eq!(marks.between(0, 8192).count(), 1);
        marks.cut(4096);
        assert_eq!(seams(&marks), [8192]);
        assert!(marks.heal(4096), "cut at a seam, they are still two");
        assert_eq!(seams(&marks), [4096, 8192]);
    }

    #[test]
    fn what_is_gone_is_forgotten_with_both_ends() {
        let mut marks = Seams::new();
        for at in [4096, 8192, 12288, 16384] {
            marks.cut(at);
        }
        marks.clear(8192, 12288);
        assert!(marks.heal(4096) && marks.heal(16384));
        assert_eq!(seams(&marks), []);
        assert!(marks.heal(8192) && marks.heal(12288));
        assert_eq!(seams(&marks), [8192, 12288]);
    }

    #[test]
    fn without_room_nothing_is_joined() {
        let mut marks = Seams::new();
        marks.reserve(2);
        for n in 1..=(MARKS as u64 - 2) {
            assert!(marks.heal(n * 4096));
        }
        let next = MARKS as u64 * 4096;
        assert!(!marks.heal(next));
        marks.cut(next);
        assert_eq!(marks.room(), 0);
        marks.keep(2, [next].into_iter());
        assert_eq!(marks.room(), 1);
        assert_eq!(marks.between(next - 4096, next + 4096).count(), 1);
    }
}
