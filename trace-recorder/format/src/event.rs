//! What happens on a tape: allocation requests, releases, and the few other things worth a stamp.

/// Dense number of a thread within the tape, in order of first appearance. Always below [`MAX_THREADS`](crate::MAX_THREADS).
pub type ThreadIndex = u32;

/// Names a block by who made it, never by its address: addresses are used again, names are not.
///
/// The block is the `index`-th allocation (counted from 0) of thread `thread`. Malloc, calloc, aligned malloc and
/// each successful realloc count one; a [`Failed`](EventKind::Failed) request counts nothing.
#[derive(Copy, Clone, Eq, PartialEq, Ord, PartialOrd, Hash, Debug)]
pub struct BlockId {
    /// The thread that made the block.
    pub thread: ThreadIndex,
    /// How many blocks this thread had made before.
    pub index: u64,
}

impl std::fmt::Display for BlockId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "block {} of thread {}", self.index, self.thread)
    }
}

/// One event of one thread.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub struct Event {
    /// Nanoseconds since the tape's start.
    pub time_ns: u64,
    /// What happened.
    pub kind: EventKind,
}

/// What happened. Sizes are in bytes, as they were requested.
///
/// A making is stamped after the allocator returned, a release before it runs, so that a block's release never
/// precedes its making on a sound tape.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub enum EventKind {
    /// `malloc(size)` returned a block.
    Malloc {
        /// Bytes requested.
        size: u64,
    },
    /// `calloc` returned a zeroed block.
    Calloc {
        /// Bytes requested: count × element size.
        size: u64,
    },
    /// `aligned_alloc`, `posix_memalign` or the like returned a block.
    AlignedMalloc {
        /// Bytes requested.
        size: u64,
        /// Base-2 logarithm of the alignment, at most 63.
        align_log2: u8,
    },
    /// `realloc` succeeded: `old` is gone, and this thread's next block is there, whether or not it moved.
    Realloc {
        /// The block that is gone.
        old: BlockId,
        /// Bytes requested of the new block.
        size: u64,
    },
    /// `realloc` succeeded on a block that was made before the recording began.
    ReallocUnknown {
        /// Bytes requested of the new block.
        size: u64,
    },
    /// `free(block)`.
    Free {
        /// The block that is gone.
        block: BlockId,
    },
    /// `free` of a block that was made before the recording began.
    FreeUnknown,
    /// A request that the recorded allocator refused (it returned null). It makes no block and releases none.
    Failed {
        /// Bytes requested.
        size: u64,
    },
    /// The thread began.
    ThreadStart,
    /// The thread ended.
    ThreadEnd,
    /// The process forked.
    Fork {
        /// Process number of the child.
        child_pid: u64,
    },
    /// The program named a phase.
    Mark {
        /// Index in [`Tape::marks`](crate::Tape::marks).
        name: u32,
    },
}

impl EventKind {
    /// Whether the event makes a block, which then takes the thread's next [`BlockId`].
    #[inline]
    pub fn makes_block(&self) -> bool {
        matches!(
            self,
            EventKind::Malloc { .. }
                | EventKind::Calloc { .. }
                | EventKind::AlignedMalloc { .. }
                | EventKind::Realloc { .. }
                | EventKind::ReallocUnknown { .. }
        )
    }

    /// The block that is gone after the event, if the tape knows it.
    #[inline]
    pub fn releases(&self) -> Option<BlockId> {
        match *self {
            EventKind::Free { block } => Some(block),
            EventKind::Realloc { old, .. } => Some(old),
            _ => None,
        }
    }

    /// Bytes requested, for events that request any.
    #[inline]
    pub fn size(&self) -> Option<u64> {
        match *self {
            EventKind::Malloc { size }
            | EventKind::Calloc { size }
            | EventKind::AlignedMalloc { size, .. }
            | EventKind::Realloc { size, .. }
            | EventKind::ReallocUnknown { size }
            | EventKind::Failed { size } => Some(size),
            EventKind::Free { .. }
            | EventKind::FreeUnknown
            | EventKind::ThreadStart
            | EventKind::ThreadEnd
            | EventKind::Fork { .. }
            | EventKind::Mark { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_realloc_makes_and_releases() {
        let old = BlockId {
            thread: 3,
            index: 7,
        };
        let kind = EventKind::Realloc { old, size: 40 };
        assert!(kind.makes_block());
        assert_eq!(kind.releases(), Some(old));
        assert_eq!(kind.size(), Some(40));
    }

    #[test]
    fn a_refused_request_makes_nothing() {
        let kind = EventKind::Failed { size: 9 };
        assert!(!kind.makes_block());
        assert_eq!(kind.releases(), None);
        assert_eq!(kind.size(), Some(9));
        assert!(EventKind::FreeUnknown.releases().is_none());
    }
}
