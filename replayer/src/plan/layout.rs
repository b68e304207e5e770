//! The plan as one flat file, so that it is made once and every worker only maps it.
//!
//! ```text
//! header (one page) | rows | timeline | lane slots | window ends | parts | wide records | operations | fours | times
//! ```
//! ```text
//! each part on a 64-byte boundary; operations, fours and times on a page's
//! ```
//! All parts are arrays of plain integers in the machine's own byte order: the file never leaves the machine. The header holds the
//! counts, from which every offset follows, and a checksum over itself.

use super::four::Four;
use super::op::{Op, Wide};

const MAGIC: u64 = u64::from_ne_bytes(*b"HTPLAN\x00\x02");
const PART_ALIGN: u64 = 64;
/// What is dropped and fetched by pages begins on one, of any size that machines have.
const PAGE_ALIGN: u64 = 65536;

/// Bytes that the header takes.
const HEADER_BYTES: u64 = 4096;

/// How much of everything a plan has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Counts {
    /// Logical threads, those without events included.
    pub threads: u64,
    /// Entries of the timeline.
    pub timeline: u64,
    /// Threads that are there at the same time, at most.
    pub lanes: u64,
    /// Wide records.
    pub wide: u64,
    /// Operations.
    pub ops: u64,
    /// Slots of the shared table: blocks that cross threads.
    pub shared: u64,
    /// The largest request in bytes.
    pub largest: u64,
    /// The largest alignment's logarithm.
    pub align_log2: u64,
    /// Windows: parts of the time, of which one lies in memory at once; 1: all of it does.
    pub windows: u64,
    /// Times of operations: as many as operations, or none.
    pub due: u64,
    /// Parts of all rows' programs.
    pub parts: u64,
    /// Beats: stretches of time, a few of which the threads may be apart; 1: they may run as they like.
    pub beats: u64,
    /// 1 where a row is a worker onto which several threads are folded, else 0.
    pub folded: u64,
}

/// A row of the plan: a thread as recorded, or a worker.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct ThreadRow {
    /// Its first operation.
    pub first_op: u64,
    /// How many operations.
    pub ops: u64,
    /// Slots of its own table.
    pub slots: u32,
    /// The lane that runs it: what needs to be there once for each thread at the same time.
    pub lane: u32,
    /// When it begins, nanoseconds after the tape's first event.
    pub first_ns: u64,
    /// Its first part.
    pub first_part: u64,
    /// How many parts.
    pub parts: u64,
}

/// A part of a row's program: its operations of one beat.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Part {
    /// The beat.
    pub beat: u64,
    /// How many of the row's operations there are up to the part's end.
    pub end: u64,
}

/// The file's first bytes.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(super) struct Header {
    magic: u64,
    pub counts: Counts,
    file_len: u64,
    check: u64,
}

/// Where each part lies, in bytes from the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Offsets {
    pub rows: usize,
    pub timeline: usize,
    pub lane_slots: usize,
    pub ends: usize,
    pub parts: usize,
    pub wide: usize,
    pub ops: usize,
    pub fours: usize,
    pub due: usize,
    pub end: usize,
}

impl Offsets {
    /// The offsets that follow from the counts; `None` when they do not fit into memory.
    pub fn of(counts: &Counts) -> Option<Offsets> {
        let mut next = HEADER_BYTES;
        let mut part = |len: u64, size: usize, align: u64| {
            let start = next.checked_next_multiple_of(align)?;
            next = len.checked_mul(size as u64)?.checked_add(start)?;
            usize::try_from(start).ok()
        };
        let ends = counts.threads.checked_mul(counts.windows)?;
        let rows = part(counts.threads, size_of::<ThreadRow>(), PART_ALIGN)?;
        let timeline = part(counts.timeline, size_of::<u32>(), PART_ALIGN)?;
        let lane_slots = part(counts.lanes, size_of::<u32>(), PART_ALIGN)?;
        let ends = part(ends, size_of::<u64>(), PART_ALIGN)?;
        let parts = part(counts.parts, size_of::<Part>(), PART_ALIGN)?;
        let wide = part(counts.wide, size_of::<Wide>(), PART_ALIGN)?;
        let ops = part(counts.ops, size_of::<Op>(), PAGE_ALIGN)?;
        let fours = part(Four::count(counts.ops), size_of::<Four>(), PAGE_ALIGN)?;
        let due = part(counts.due, size_of::<u64>(), PAGE_ALIGN)?;
        let end = usize::try_from(next)
            .ok()
            .filter(|&end| isize::try_from(end).is_ok())?;
        Some(Offsets {
            rows,
            timeline,
            lane_slots,
            ends,
            parts,
            wide,
            ops,
            fours,
            due,
            end,
        })
    }
}

impl Header {
    /// A header with a right checksum.
    pub fn new(counts: Counts, file_len: u64) -> Header {
        let mut header = Header {
            magic: MAGIC,
            counts,
            file_len,
            check: 0,
        };
        header.check = header.sum();
        header
    }

    /// Whether this is the header of a plan of `file_len` bytes.
    pub fn sound(&self, file_len: u64) -> bool {
        self.magic == MAGIC && self.file_len == file_len && self.check == self.sum()
    }

    /// FNV-1a over the fields (Fowler, Noll, Vo; 64 bits), word by word.
    fn sum(&self) -> u64 {
        let c = &self.counts;
        [
            self.magic,
            c.threads,
            c.timeline,
            c.lanes,
            c.wide,
            c.ops,
            c.shared,
            c.largest,
            c.align_log2,
            c.windows,
            c.due,
            c.parts,
            c.beats,
            c.folded,
            self.file_len,
        ]
        .into_iter()
        .fold(0xcbf2_9ce4_8422_2325, |sum, word| {
            (sum ^ word).wrapping_mul(0x0100_0000_01b3)
        })
    }
}
