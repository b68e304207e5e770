//! One heap, event by event, on fancy's single-threaded core: the only folder that drives
//! `alloc_core`.
//!
//! The heap lives in a [`Sandbox`], in memory of its own, so its layout depends on the events alone and
//! is the same natively and in the browser. Its blocks are named by the events that made them.

mod look;
mod part;

use alloc_core::heap::HeapId;
use alloc_core::sandbox::{self, ForeignFrame, Refusal, Sandbox};

use crate::error::SessionError;
use crate::log::{Kind, Log};

pub use self::part::Part;
pub use crate::policy::Policy;
pub use alloc_core::heap::{BinCounts, State};
pub use alloc_core::sandbox::Field;
pub use alloc_core::sandbox::MAX_CAPACITY;

/// Live blocks from which on what a heap's events release is looked at ahead: fewer stay near the processor anyway.
const FAR: usize = 1 << 15;

/// How many events are looked at ahead.
pub const LOOKED_AT: usize = 64;

/// What an event asks of a heap.
#[derive(Clone, Copy, Debug)]
pub struct Ask {
    /// What it is.
    pub kind: Kind,
    /// Whether the heap's own thread asks.
    pub own: bool,
    /// The event, which names the block that it makes.
    pub event: u32,
    /// Bytes requested.
    pub size: u64,
    /// The alignment asked for, in bytes.
    pub align: u64,
    /// The event that made the block that goes, if the heap made it, and how many bytes were asked for it.
    pub old: Option<(u32, u64)>,
}

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
    /// Whether its thread has ended: a heap without a thread has no cache.
    ended: bool,
}

/// A heap's whole state, to come back to.
pub struct KeyFrame {
    sandbox: sandbox::KeyFrame,
    requested: u64,
    refused: u64,
    ended: bool,
}

impl KeyFrame {
    /// What keeping it costs. Bytes.
    pub fn cost(&self) -> u64 {
        self.sandbox.cost()
    }
}

/// What happens on the slow paths of a heap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub enum Step {
    /// A freed chunk merges with a neighbour.
    Coalesce,
    /// A chunk is cut in two.
    Split,
    /// The heap takes a new arena.
    Arena,
    /// A request is refused.
    Refusal,
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
            ended: false,
        })
    }

    /// Does what `event` asks of this heap. Events that ask nothing of it are passed over.
    #[inline]
    pub fn apply(&mut self, log: &Log, event: u32) {
        if let Some((maker, size)) = log.freed(event) {
            // Another heap's block has a name that this one never gave, so nothing happens: to look who made it, far away in the
            // log, would cost as much as all the rest.
            self.release(maker, size);
            if self.ended {
                self.sandbox.retire();
            }
            return;
        }
        let Some(entry) = log.get(event) else { return };
        let old = entry.made_by.and_then(|maker| {
            let (thread, size) = log.made(maker)?;
            (thread == self.number).then_some((maker, size))
        });
        let ask = Ask {
            kind: entry.kind,
            own: entry.thread == self.number,
            event,
            size: entry.value,
            align: entry.align,
            old,
        };
        self.ask(&ask);
    }

    /// Does what a stretch of the heap's events ask, see [`apply`](Self::apply), after a look at what they will release: in a
    /// large heap that is all over the memory, and so it is waited for once, and not once an event.
    #[inline]
    pub fn apply_all(&mut self, log: &Log, events: &[u32]) {
        for some in events.chunks(LOOKED_AT) {
            self.look_at(log, some);
            for &event in some {
                self.apply(log, event);
            }
        }
    }

    /// The look at what a few events to come will release.
    #[inline]
    pub fn look_at(&self, log: &Log, events: &[u32]) {
        if self.sandbox.live() < FAR {
            return;
        }
        let released = events.iter().filter_map(|&event| log.freed(event));
        let seen = released.fold(0, |seen, (maker, _)| seen ^ self.sandbox.touch(maker));
        std::hint::black_box(seen);
    }

    /// Does what is asked, if it is asked of this heap. Once its thread has ended, what the others free goes straight home.
    #[inline]
    pub fn ask(&mut self, ask: &Ask) {
        match (ask.kind, ask.old) {
            (Kind::Realloc, Some((old, old_size))) if ask.own => {
                let was_live = self.sandbox.position_of(old).is_some();
                self.forget(old_size, was_live);
                let answer = self.sandbox.realloc(old, ask.event, ask.size);
                self.count(answer, ask.size);
            }
            (Kind::Free | Kind::Realloc, Some((old, old_size))) => self.release(old, old_size),
            (Kind::ThreadEnd, _) if ask.own => self.ended = true,
            (kind, _) if ask.own && kind.makes_block() => {
                let answer = match kind {
                    Kind::Calloc => self.sandbox.calloc(ask.event, ask.size),
                    Kind::Aligned => self.sandbox.aligned(ask.event, ask.size, ask.align),
                    _ => self.sandbox.malloc(ask.event, ask.size),
                };
                self.count(answer, ask.size);
            }
            _ => return,
        }
        if self.ended {
            self.sandbox.retire();
        }
    }

    /// Frees the block of this name, for which so many bytes were asked, if it is there.
    #[inline]
    fn release(&mut self, name: u32, size: u64) {
        let was_live = self.sandbox.free(name);
        self.forget(size, was_live);
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

    /// Counts the release of a block for which so many bytes were asked, if it had been served.
    fn forget(&mut self, size: u64, was_live: bool) {
        if was_live {
            self.requested = self.requested.saturating_sub(size);
        }
    }

    /// The state as it is now.
    pub fn key_frame(&self) -> KeyFrame {
        KeyFrame {
            sandbox: self.sandbox.key_frame(),
            requested: self.requested,
            refused: self.refused,
            ended: self.ended,
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
        self.ended = frame.ended;
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

    /// Whether its thread has ended.
    pub fn ended(&self) -> bool {
        self.ended
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
}
