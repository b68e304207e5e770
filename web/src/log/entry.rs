//! One event as the log has it.

use trace_format::EventKind;

/// What an event asks of a heap, or that it asks nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// `malloc`
    Malloc,
    /// `calloc`
    Calloc,
    /// `aligned_alloc` or the like
    Aligned,
    /// `realloc` of a block of the tape, or of one from before it
    Realloc,
    /// `free`
    Free,
    /// `free` of a block from before the tape, or of one that damage has lost
    FreeUnknown,
    /// A request that was refused when it was recorded
    Failed,
    /// The thread began
    ThreadStart,
    /// The thread ended
    ThreadEnd,
    /// The process forked
    Fork,
    /// A phase was named
    Mark,
}

impl Kind {
    const ALL: [Kind; 11] = [
        Kind::Malloc,
        Kind::Calloc,
        Kind::Aligned,
        Kind::Realloc,
        Kind::Free,
        Kind::FreeUnknown,
        Kind::Failed,
        Kind::ThreadStart,
        Kind::ThreadEnd,
        Kind::Fork,
        Kind::Mark,
    ];

    /// Whether an event of this kind makes a block.
    pub fn makes_block(self) -> bool {
        matches!(
            self,
            Kind::Malloc | Kind::Calloc | Kind::Aligned | Kind::Realloc
        )
    }
}

/// Kind, alignment and thread of an event in 32 bits: 4, 6 and 22 of them, from the lowest. Tapes have at most 2¹⁹ threads.
#[derive(Clone, Copy, Debug)]
pub(super) struct What(u32);

impl What {
    pub(super) fn new(kind: Kind, align_log2: u8, thread: u32) -> What {
        What(kind as u32 | u32::from(align_log2 & 63) << 4 | thread << 10)
    }

    pub(super) fn kind(self) -> Kind {
        Kind::ALL[(self.0 & 15) as usize % Kind::ALL.len()]
    }

    pub(super) fn thread(self) -> u32 {
        self.0 >> 10
    }

    /// The alignment asked for, in bytes; 0 if none was.
    pub(super) fn align(self) -> u64 {
        match self.kind() {
            Kind::Aligned => 1 << (self.0 >> 4 & 63),
            _ => 0,
        }
    }
}

/// One event of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What it is.
    pub kind: Kind,
    /// Who did it.
    pub thread: u32,
    /// Bytes requested; for a free those of the block that goes, for a mark its number, for a fork the child's process.
    pub value: u64,
    /// The alignment asked for, in bytes; 0 if none was.
    pub align: u64,
    /// The event that made the block which this one releases.
    pub made_by: Option<u32>,
    /// The event that will release the block which this one makes.
    pub released_by: Option<u32>,
}

impl Entry {
    /// Whether it makes a block.
    pub fn makes_block(&self) -> bool {
        self.kind.makes_block()
    }
}

/// What an event is, its alignment, and its number: bytes requested, a mark's number, or a child process.
pub(super) fn describe(kind: &EventKind) -> (Kind, u8, u64) {
    match *kind {
        EventKind::Malloc { size } => (Kind::Malloc, 0, size),
        EventKind::Calloc { size } => (Kind::Calloc, 0, size),
        EventKind::AlignedMalloc { size, align_log2 } => (Kind::Aligned, align_log2, size),
        EventKind::Realloc { size, .. } | EventKind::ReallocUnknown { size } => {
            (Kind::Realloc, 0, size)
        }
        EventKind::Free { .. } => (Kind::Free, 0, 0),
        EventKind::FreeUnknown => (Kind::FreeUnknown, 0, 0),
        EventKind::Failed { size } => (Kind::Failed, 0, size),
        EventKind::ThreadStart => (Kind::ThreadStart, 0, 0),
        EventKind::ThreadEnd => (Kind::ThreadEnd, 0, 0),
        EventKind::Fork { child_pid } => (Kind::Fork, 0, child_pid),
        EventKind::Mark { name } => (Kind::Mark, 0, u64::from(name)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kind_alignment_and_thread_share_a_word() {
        for (number, &kind) in Kind::ALL.iter().enumerate() {
            assert_eq!(kind as usize, number);
            for thread in [0, 1, (1 << 19) - 1, (1 << 22) - 1] {
                let what = What::new(kind, 63, thread);
                assert_eq!((what.kind(), what.thread()), (kind, thread));
            }
        }
        assert_eq!(What::new(Kind::Aligned, 63, 3).align(), 1 << 63);
        assert_eq!(What::new(Kind::Malloc, 12, 3).align(), 0);
    }
}
