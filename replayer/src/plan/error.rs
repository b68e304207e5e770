//! Why no plan can be made of a tape.

use trace_format::{BlockId, TapeError, ThreadIndex};

use crate::mapping::MapError;

/// Why no plan can be made of a tape. Threads and events are counted from 0.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// The tape could not be read.
    #[error(transparent)]
    Tape(#[from] TapeError),
    /// The plan's memory could not be had.
    #[error(transparent)]
    Memory(#[from] MapError),
    /// A block is gone before it is there.
    #[error(
        "event {event} of thread {thread} releases {block} before it is made: the tape's order is not causal; record it again"
    )]
    FreeBeforeMalloc {
        /// The releasing thread.
        thread: ThreadIndex,
        /// The event's number in that thread.
        event: u64,
        /// The block.
        block: BlockId,
    },
    /// A block is released twice.
    #[error(
        "event {event} of thread {thread} releases {block}, which another event releases too; record it again"
    )]
    DoubleFree {
        /// The thread of one of the two releases.
        thread: ThreadIndex,
        /// The event's number in that thread.
        event: u64,
        /// The block.
        block: BlockId,
    },
    /// A block that no thread on the tape makes.
    #[error(
        "event {event} of thread {thread} releases {block}, which nobody makes; `heaptape verify` says whether the tape is whole"
    )]
    UnknownBlock {
        /// The releasing thread.
        thread: ThreadIndex,
        /// The event's number in that thread.
        event: u64,
        /// The block.
        block: BlockId,
    },
    /// A thread's times are not in order.
    #[error(
        "event {event} of thread {thread} is stamped earlier than the event before it; record it again"
    )]
    TimeRunsBack {
        /// The thread.
        thread: ThreadIndex,
        /// The event's number in that thread.
        event: u64,
    },
    /// Threads that wait for one another in a circle.
    #[error(
        "event {event} of thread {thread} releases {block}, but its making waits in a circle for that thread: no order of the events is possible; record it again"
    )]
    Deadlock {
        /// One of the waiting threads.
        thread: ThreadIndex,
        /// The event that waits.
        event: u64,
        /// The block it waits for.
        block: BlockId,
    },
    /// Parts of a thread are missing.
    #[error(
        "chunk {chunk} (thread {thread}) does not follow the one before: events are missing; `heaptape verify` says which"
    )]
    Gap {
        /// The chunk's number on the tape.
        chunk: usize,
        /// Its thread.
        thread: ThreadIndex,
    },
    /// An alignment that no address space has.
    #[error(
        "event {event} of thread {thread} asks for an alignment of 2^{align_log2} bytes, more than any address space has"
    )]
    Alignment {
        /// The thread.
        thread: ThreadIndex,
        /// The event's number in that thread.
        event: u64,
        /// Base-2 logarithm of the alignment.
        align_log2: u8,
    },
    /// The disk has no room for a plan that does not fit in memory.
    #[error(
        "the plan takes {bytes} bytes, more than may lie in memory, and {directory} has no room for it: {error}; free some, or set TMPDIR to a larger disk"
    )]
    Disk {
        /// The plan's size.
        bytes: u64,
        /// Where it should lie.
        directory: String,
        /// What the system said.
        error: std::io::Error,
    },
    /// Whoever asked for the plan wants it no more.
    #[error("interrupted while the plan was made")]
    Unwanted,
    /// More of something than a plan can number.
    #[error("the tape has {count} {what}, a plan holds at most {most}; replay a part of it")]
    TooMany {
        /// What there is too much of.
        what: &'static str,
        /// How many there are.
        count: u64,
        /// How many there may be.
        most: u64,
    },
}
