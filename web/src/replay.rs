//! One heap, event by event, on fancy's single-threaded core: the only place that touches
//! `alloc_core`.
//!
//! The heap lives in a [`Sandbox`], in memory of its own, so its layout depends on the events alone and
//! is the same natively and in the browser. Its blocks are named by the events that made them.

use alloc_core::heap::{HeapId, HeapStats};
use alloc_core::sandbox::{self, ForeignFrame, Refusal, Sandbox};

use crate::error::SessionError;
use crate::log::{Entry, Kind, Log};

pub use alloc_core::heap::State;
pub use alloc_core::heap::policy::Policy;
pub use alloc_core::sandbox::MAX_CAPACITY;

/// A heap after some of its events.
///
/// ```text
/// invariant: the sandbox has e  <=>  e made a block of this heap, it was served, and it is not released yet
/// ```
pub struct Replay {
    sandbox: Sandbox,
    number: u32,
    requested: u64,
    refused: u64,
    full: bool,
}

/// A heap's whole state, to come back to.
pub struct KeyFrame {
    sandbox: sandbox::KeyFrame,
    requested: u64,
    refused: u64,
}

impl KeyFrame {
    /// What keeping it costs. Bytes.
    pub fn cost(&self) -> u64 {
        self.sandbox.cost()
    }
}

/// A stretch of the heap's memory in one state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// The arena or span that it belongs to, in the order of the walk.
    pub region: u32,
    /// Where that arena or span begins.
    pub region_position: u64,
    /// Its first byte, counted from the heap's base.
    pub position: u64,
    /// Its length in bytes.
    pub bytes: u64,
    /// What it is used for.
    pub state: State,
    /// Where what follows the part's own header begins, for blocks and free chunks; else the part itself.
    pub payload: u64,
    /// Bytes that the program asked for, where the state is [`State::InUse`].
    pub requested: u64,
    /// The bin, for small blocks.
    pub bin: Option<u32>,
}

impl Replay {
    /// An empty heap for thread `number` with `capacity` bytes of address space.
    ///
    /// # Errors
    /// There is no memory for it.
    pub fn new(number: u32, capacity: u64, policy: Policy) -> Result<Replay, SessionError> {
        // Heap 0 is none, so thread n has heap n + 1.
        let Some(id) = number.checked_add(1).and_then(HeapId::new) else {
            return Err(SessionError::Core {
                heap: number,
                reason: "its number is too large".to_string(),
            });
        };
        let Some(sandbox) = Sandbox::new(id, capacity, policy) else {
            return Err(SessionError::OutOfMemory {
                heap: number,
                bytes: capacity.min(MAX_CAPACITY),
            });
        };
        Ok(Replay {
            sandbox,
            number,
            requested: 0,
            refused: 0,
            full: false,
        })
    }

    /// Does what `event` asks of this heap. Events that ask nothing of it are passed over.
    pub fn apply(&mut self, log: &Log, event: u32) {
        let Some(entry) = log.get(event) else { return };
        let made_here = entry.thread == self.number;
        let owner = |maker: u32| log.get(maker).map(|made| made.thread);
        let releases = entry
            .made_by
            .filter(|&maker| owner(maker) == Some(self.number));
        match (entry.kind, releases) {
            (Kind::Realloc, Some(maker)) if made_here => {
                let was_live = self.sandbox.position_of(maker).is_some();
                self.forget(log, maker, was_live);
                let answer = self.sandbox.realloc(maker, event, entry.value);
                self.count(answer, entry.value);
            }
            (Kind::Free | Kind::Realloc, Some(maker)) => {
                let was_live = self.sandbox.free(maker);
                self.forget(log, maker, was_live);
            }
            (Kind::Malloc | Kind::Calloc | Kind::Aligned | Kind::Realloc, _) if made_here => {
                self.make(event, entry)
            }
            _ => {}
        }
    }

    fn make(&mut self, event: u32, entry: Entry) {
        let size = entry.value;
        let answer = match entry.kind {
            Kind::Calloc => self.sandbox.calloc(event, size),
            Kind::Aligned => self.sandbox.aligned(event, size, entry.align),
            _ => self.sandbox.malloc(event, size),
        };
        self.count(answer, size);
    }

    /// Counts a request for `size` bytes, served or not.
    fn count(&mut self, answer: Result<(), Refusal>, size: u64) {
        match answer {
            Ok(()) => self.requested = self.requested.saturating_add(size),
            Err(refusal) => {
                self.refused += 1;
                self.full |= refusal == Refusal::OutOfMemory;
            }
        }
    }

    /// Counts the release of what `maker` asked for, if it had got it.
    fn forget(&mut self, log: &Log, maker: u32, was_live: bool) {
        let size = log.get(maker).filter(|_| was_live);
        self.requested = self
            .requested
            .saturating_sub(size.map_or(0, |made| made.value));
    }

    /// The state as it is now.
    pub fn key_frame(&self) -> KeyFrame {
        KeyFrame {
            sandbox: self.sandbox.key_frame(),
            requested: self.requested,
            refused: self.refused,
        }
    }

    /// Goes to a state that [`key_frame`](Self::key_frame) of this same replay has kept.
    ///
    /// # Errors
    /// The frame is of another replay; nothing has changed.
    pub fn restore(&mut self, frame: &KeyFrame) -> Result<(), ForeignFrame> {
        self.sandbox.restore(&frame.sandbox)?;
        self.requested = frame.requested;
        self.refused = frame.refused;
        Ok(())
    }

    /// Whether a request was refused that more address space would have served.
    pub fn is_full(&self) -> bool {
        self.full
    }

    /// Requests that this heap refused.
    pub fn refused(&self) -> u64 {
        self.refused
    }

    /// The thread whose heap this is.
    pub fn number(&self) -> u32 {
        self.number
    }

    /// Bytes that the program asked for and holds.
    pub fn requested(&self) -> u64 {
        self.requested
    }

    /// Bytes that the heap has from its source.
    pub fn footprint(&self) -> u64 {
        self.sandbox.footprint()
    }

    /// Address space that the heap may use. Bytes.
    pub fn capacity(&self) -> u64 {
        self.sandbox.capacity()
    }

    /// A number that stands for the whole layout: equal layouts have equal digests.
    pub fn digest(&self) -> u64 {
        self.sandbox.digest()
    }

    /// Tests the core's invariants; the first that does not hold, as a sentence, or a misuse that the core reported.
    pub fn broken(&self) -> Option<String> {
        let misuse = self.sandbox.misuse();
        misuse.map(|misuse| misuse.to_string()).or_else(|| {
            self.sandbox
                .check_invariants()
                .err()
                .map(|broken| broken.to_string())
        })
    }

    /// The core's counters.
    pub fn stats(&self) -> HeapStats {
        self.sandbox.stats()
    }

    /// Where the used part of the address space ends, counted from the heap's base. Bytes.
    pub fn top(&self) -> u64 {
        self.sandbox.top()
    }

    /// Shows every byte that the heap has from its source: in address order within an arena or span, not over all.
    pub fn walk(&self, visit: &mut dyn FnMut(Part)) {
        self.sandbox.walk(&mut |piece| {
            visit(Part {
                region: piece.region,
                region_position: piece.region_position,
                position: piece.position,
                bytes: piece.bytes,
                state: piece.state,
                payload: piece.payload,
                requested: piece.requested,
                bin: (piece.bin > 0).then_some(piece.bin),
            });
        });
    }

    /// The position of the block that event `maker` made, while it is live.
    pub fn position_of(&self, maker: u32) -> Option<u64> {
        self.sandbox.position_of(maker)
    }

    /// The event that made the live block whose payload is at `position`. Looks at every live block.
    pub fn maker_of(&self, position: u64) -> Option<u32> {
        self.sandbox.name_at(position)
    }

    /// Live blocks.
    pub fn live_blocks(&self) -> usize {
        self.sandbox.live()
    }
}
