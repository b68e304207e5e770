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
    /// `free` of a block from before the tape
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

#[derive(Clone, Copy, Debug)]
pub(super) struct What {
    pub(super) kind: Kind,
    pub(super) align_log2: u8,
}

/// One event of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What it is.
    pub kind: Kind,
    /// Who did it.
    pub thread: u32,
    /// Bytes requested; for a mark its number, for a fork the child's process.
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
        matches!(
            self.kind,
            Kind::Malloc | Kind::Calloc | Kind::Aligned | Kind::Realloc
        )
    }
}

/// What an event is, and its number: bytes requested, a mark's number, or a child process.
pub(super) fn describe(kind: &EventKind) -> (What, u64) {
    let plain = |kind| What {
        kind,
        align_log2: 0,
    };
    match *kind {
        EventKind::Malloc { size } => (plain(Kind::Malloc), size),
        EventKind::Calloc { size } => (plain(Kind::Calloc), size),
        EventKind::AlignedMalloc { size, align_log2 } => (
            What {
                kind: Kind::Aligned,
                align_log2,
            },
            size,
        ),
        EventKind::Realloc { size, .. } | EventKind::ReallocUnknown { size } => {
            (plain(Kind::Realloc), size)
        }
        EventKind::Free { .. } => (plain(Kind::Free), 0),
        EventKind::FreeUnknown => (plain(Kind::FreeUnknown), 0),
        EventKind::Failed { size } => (plain(Kind::Failed), size),
        EventKind::ThreadStart => (plain(Kind::ThreadStart), 0),
        EventKind::ThreadEnd => (plain(Kind::ThreadEnd), 0),
        EventKind::Fork { child_pid } => (plain(Kind::Fork), child_pid),
        EventKind::Mark { name } => (plain(Kind::Mark), u64::from(name)),
    }
}
