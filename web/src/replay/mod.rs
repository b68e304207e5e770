//! One heap, event by event, on fancy's single-threaded core: the only place that touches
//! `alloc_core`.
//!
//! The heap lives in one region of memory of its own, so its layout depends on the events alone and
//! is the same natively and in the browser.

mod blocks;
mod key_frame;
mod memory;

use std::ptr::NonNull;

use alloc_core::base::error::Misuse;
use alloc_core::heap::{Heap, HeapId, HeapStats};
use alloc_core::source::{Metered, Region};

use crate::error::SessionError;
use crate::log::{Entry, Kind, Log};
use blocks::Blocks;
use memory::Memory;

pub use alloc_core::heap::State;
pub use alloc_core::heap::policy::Policy;
pub use key_frame::KeyFrame;

/// The most address space that a heap gets: what the browser's 32-bit memory leaves. Bytes.
pub const MAX_CAPACITY: u64 = 2 << 30;

type Core = Heap<Metered<Region>>;

/// A heap after some of its events.
///
/// ```text
/// invariant: blocks has e  <=>  e made a block of this heap, it was served, and it is not released yet
/// ```
pub struct Replay {
    /// Before `memory`, so that it goes first.
    core: Box<Core>,
    memory: Memory,
    blocks: Blocks,
    number: u32,
    requested: u64,
    refused: u64,
    full: bool,
    misuse: Option<Misuse>,
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
        let capacity = capacity.min(MAX_CAPACITY);
        let Some(memory) = Memory::new(capacity) else {
            return Err(SessionError::OutOfMemory {
                heap: number,
                bytes: capacity,
            });
        };
        // Heap 0 is none, so thread n has heap n + 1.
        let Some(id) = number.checked_add(1).and_then(HeapId::new) else {
            return Err(SessionError::Core {
                heap: number,
                reason: "its number is too large".to_string(),
            });
        };
        // SAFETY: `memory` is `capacity` bytes, aligned to more than a page, used through this region only, and kept in
        // the same `Replay` as the heap, which is dropped before it.
        let region = unsafe { Region::new(memory.start, capacity) };
        let core = Box::new(Heap::new(Metered::new(region), memory.start, id, policy));
        Ok(Replay {
            core,
            memory,
            blocks: Blocks::default(),
            number,
            requested: 0,
            refused: 0,
            full: false,
            misuse: None,
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
                self.realloc(log, event, maker, entry.value)
            }
            (Kind::Free | Kind::Realloc, Some(maker)) => self.free(log, maker),
            (Kind::Malloc | Kind::Calloc | Kind::Aligned | Kind::Realloc, _) if made_here => {
                self.make(event, entry)
            }
            _ => {}
        }
    }

    fn make(&mut self, event: u32, entry: Entry) {
        let size = usize::try_from(entry.value)
            .ok()
            .filter(|_| entry.value < MAX_CAPACITY);
        let align = usize::try_from(entry.align).unwrap_or(usize::MAX);
        let block = size.and_then(|size| match entry.kind {
            Kind::Calloc => self.core.calloc(size),
            Kind::Aligned => self.core.aligned(align, size),
            _ => self.core.malloc(size),
        });
        self.keep(event, block, entry.value);
    }

    fn keep(&mut self, event: u32, block: Option<NonNull<u8>>, size: u64) {
        match block {
            Some(block) => {
                let position = block.as_ptr().addr() - self.memory.start.as_ptr().addr();
                self.blocks.insert(event, position as u32);
                self.requested = self.requested.saturating_add(size);
            }
            None => {
                self.refused += 1;
                self.full |= size < MAX_CAPACITY;
            }
        }
    }

    fn take(&mut self, log: &Log, maker: u32) -> Option<NonNull<u8>> {
        let position = self.blocks.remove(&maker)?;
        let size = log.get(maker).map_or(0, |made| made.value);
        self.requested = self.requested.saturating_sub(size);
        // SAFETY: the position was that of a block within the region's memory, see `keep`.
        Some(unsafe { self.memory.start.add(position as usize) })
    }

    fn free(&mut self, log: &Log, maker: u32) {
        if let Some(block) = self.take(log, maker) {
            // SAFETY: the block came from this heap, and leaving `blocks` is the last that anyone knows of it.
            let freed = unsafe { self.core.free(block) };
            self.note(freed.err());
        }
    }

    /// Keeps the first misuse that the core reports: there should be none.
    fn note(&mut self, misuse: Option<Misuse>) {
        self.misuse = self.misuse.or(misuse);
    }

    fn realloc(&mut self, log: &Log, event: u32, maker: u32, size: u64) {
        let Some(old) = self.take(log, maker) else {
            // The old block was refused: what the program gets now is a block without a past.
            let block = usize::try_from(size)
                .ok()
                .filter(|_| size < MAX_CAPACITY)
                .and_then(|size| self.core.malloc(size));
            return self.keep(event, block, size);
        };
        let bytes = usize::try_from(size).ok().filter(|_| size < MAX_CAPACITY);
        // SAFETY: as in `free`; when the core answers `None` the old block stays in use and is freed below.
        let answer = bytes.map_or(Ok(None), |bytes| unsafe { self.core.realloc(old, bytes) });
        self.note(answer.err());
        let block = answer.unwrap_or(None);
        if block.is_none() {
            // On the tape the old block is gone, so it goes here too.
            // SAFETY: a refused realloc leaves the old block in use; no one else knows of it.
            let freed = unsafe { self.core.free(old) };
            self.note(freed.err());
        }
        self.keep(event, block, size);
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

    /// Bytes that the heap has from its source; the core's own counter says the same.
    pub fn footprint(&self) -> u64 {
        self.core.source().current_bytes
    }

    /// Address space that the heap may use. Bytes.
    pub fn capacity(&self) -> u64 {
        self.memory.layout.size() as u64
    }

    /// A number that stands for the whole layout: equal layouts have equal digests.
    pub fn digest(&self) -> u64 {
        self.core.digest()
    }

    /// Tests the core's invariants; the first that does not hold, as a sentence, or a misuse that the core reported.
    pub fn broken(&self) -> Option<String> {
        self.misuse
            .map(|misuse| misuse.to_string())
            .or_else(|| self.core.check().err().map(|broken| broken.to_string()))
    }

    /// The core's counters.
    pub fn stats(&self) -> HeapStats {
        self.core.stats()
    }

    /// Where the used part of the address space ends, counted from the heap's base. Bytes.
    pub fn top(&self) -> u64 {
        self.core.source().inner.top()
    }

    /// Shows every byte that the heap has from its source: in address order within an arena or span, not over all.
    pub fn walk(&self, visit: &mut dyn FnMut(Part)) {
        self.core.walk(&mut |piece| {
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
        self.blocks.get(&maker).map(|&position| u64::from(position))
    }

    /// The event that made the live block whose payload is at `position`. Looks at every live block.
    pub fn maker_of(&self, position: u64) -> Option<u32> {
        self.blocks
            .iter()
            .find(|&(_, &at)| u64::from(at) == position)
            .map(|(&event, _)| event)
    }

    /// Live blocks.
    pub fn live_blocks(&self) -> usize {
        self.blocks.len()
    }
}
