//! What can go wrong, in sentences that the page shows.

use trace_format::TapeError;

/// Why something could not be shown.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// The tape can't be read.
    #[error("{0}")]
    Tape(#[from] TapeError),
    /// The tape can be read up to a place.
    #[error("after event {after}: {reason}; what comes before it is shown")]
    Broken {
        /// How many events could be read.
        after: u64,
        /// What is wrong there.
        reason: String,
    },
    /// A block is released that no event before has made.
    #[error(
        "event {event} releases block {index} of thread {thread}, which is not live; \
         `heaptape verify` looks for damage"
    )]
    NotLive {
        /// The event.
        event: u64,
        /// Who made the block.
        thread: u32,
        /// Which allocation of that thread it was.
        index: u64,
    },
    /// More events than have numbers here.
    #[error("the page numbers events up to {most}; those behind are not shown")]
    TooManyEvents {
        /// The most that have numbers.
        most: u64,
    },
    /// A file without an end that is too long to be searched for sound parts here.
    #[error(
        "{error}. It is too long to be searched here; `heaptape salvage` makes a tape of what is readable"
    )]
    TooLongToScan {
        /// What is wrong with it.
        error: Box<TapeError>,
    },
    /// A range without events, or beyond the tape.
    #[error("there are no events {from} to {to} on this tape, which has {events}")]
    NoSuchRange {
        /// The first event wanted.
        from: u32,
        /// Behind the last one.
        to: u32,
        /// Events of the tape.
        events: u64,
    },
    /// A setting of a policy that is none.
    #[error("`{setting}` is no setting of a policy: {reason}")]
    Policy {
        /// What was given.
        setting: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// There is no heap of this number.
    #[error("there is no thread {heap}: the tape has {heaps}, counted from 0")]
    NoSuchHeap {
        /// The heap asked for.
        heap: u32,
        /// How many there are.
        heaps: usize,
    },
    /// A heap did not get its memory.
    #[error(
        "the heap of thread {heap} needs more than {bytes} bytes of address space, \
         which is more than this page can give it"
    )]
    OutOfMemory {
        /// The heap.
        heap: u32,
        /// How much it had.
        bytes: u64,
    },
    /// The core refused to start.
    #[error("the heap of thread {heap} could not start: {reason}")]
    Core {
        /// The heap.
        heap: u32,
        /// What the core said.
        reason: String,
    },
    /// Nothing is loaded that far yet.
    #[error("no heap is chosen yet")]
    NoHeap,
}
