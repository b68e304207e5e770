//! Blocks of 1 to 32 KiB that the thread freed a moment ago, kept for its next request of that size.
//!
//! They stay chunks in use of whichever heap made them. Where threads free each other's blocks this is what keeps memory
//! moving: a block sent home to a thread that sleeps helps nobody, one that is used again at once saves the way home, the
//! coalescing and the next split. A kept block is marked in its header, so a second free of it is noticed.
//!
//! ```text
//! invariant: bytes = sum of chunk sizes kept;  held = how many;  each class has at most PER_CLASS
//! invariant: a kept chunk's asked word is KEPT
//! ```

use crate::base::class::class_of;
use crate::chunk::Space;
use crate::chunk::tag::{CHUNK_HEADER, Chunk};

/// What is kept is no larger than this. Bytes asked.
pub const MEDIUM_MAX: usize = 32 << 10;
/// The asked word of a chunk that is kept, or on its way home.
pub const KEPT: u32 = u32::MAX;

const FIRST_CLASS: usize = 64;
const COUNT: usize = 42;
const PER_CLASS: u8 = 8;
/// Most bytes that a thread keeps; a small heap keeps a sixteenth of its footprint.
const BUDGET: u64 = 128 << 10;

/// The kept blocks of one thread.
pub struct Medium {
    heads: [u64; COUNT],
    counts: [u8; COUNT],
    /// Classes that served a request since [`stale`](Self::stale) was last asked.
    used: u64,
    bytes: u64,
    /// Blocks kept now.
    pub held: u64,
    /// Requests served.
    pub hits: u64,
}

fn class(bytes: u64) -> Option<usize> {
    class_of(bytes)
        .checked_sub(FIRST_CLASS)
        .filter(|class| *class < COUNT)
}

impl Default for Medium {
    fn default() -> Self {
        Medium::new()
    }
}

/// Each function that is unsafe is so for the reason of [`Space`].
#[allow(clippy::missing_safety_doc, reason = "the reason stands once, above")]
impl Medium {
    /// Nothing kept.
    pub const fn new() -> Medium {
        Medium {
            heads: [0; COUNT],
            counts: [0; COUNT],
            used: 0,
            bytes: 0,
            held: 0,
            hits: 0,
        }
    }

    /// The payload of a kept block for a request of `size` bytes.
    pub unsafe fn get(&mut self, space: Space, size: usize) -> Option<u64> {
        if self.held == 0 {
            return None;
        }
        let need = (size as u64 + CHUNK_HEADER + 15) & !15;
        let first = class(need)?;
        // The head of the request's own class may be too small, that of the next can't be.
        for class in first..(first + 2).min(COUNT) {
            let at = self.heads[class];
            if at == 0 {
                continue;
            }
            // SAFETY: kept blocks are chunks in use that nobody else touches.
            unsafe {
                let c = Chunk::of_payload(at);
                if space.size(c) < need {
                    continue;
                }
                self.pop(space, class);
                space.set_owner(c, size as u32, space.owner(c));
            }
            self.used |= 1 << class;
            self.hits += 1;
            return Some(at);
        }
        None
    }

    unsafe fn pop(&mut self, space: Space, class: usize) -> u64 {
        let at = self.heads[class];
        // SAFETY: as above.
        unsafe {
            self.heads[class] = space.link(at);
            self.bytes -= space.size(Chunk::of_payload(at));
        }
        self.counts[class] -= 1;
        self.held -= 1;
        at
    }

    /// Keeps a chunk that the program freed, if there is room for it. `footprint`: that of the thread's heap, in bytes.
    pub unsafe fn put(&mut self, space: Space, at: u64, footprint: u64) -> bool {
        let c = Chunk::of_payload(at);
        // SAFETY: the block is in use by nobody any more, so its asked word and payload are this thread's.
        unsafe {
            let size = space.size(c);
            let Some(class) = class(size) else {
                return false;
            };
            if self.counts[class] == PER_CLASS || self.bytes + size > BUDGET.min(footprint / 16) {
                return false;
            }
            space.set_link(at, self.heads[class]);
            space.set_owner(c, KEPT, space.owner(c));
            self.heads[class] = at;
            self.counts[class] += 1;
            self.bytes += size;
        }
        self.held += 1;
        true
    }

    /// Takes out a block of a class that served nothing since the last round; `None` ends the round.
    pub unsafe fn stale(&mut self, space: Space) -> Option<u64> {
        for class in 0..COUNT {
            if self.used & (1 << class) == 0 && self.heads[class] != 0 {
                // SAFETY: as above.
                return Some(unsafe { self.pop(space, class) });
            }
        }
        self.used = 0;
        None
    }

    /// Takes out any block.
    pub unsafe fn any(&mut self, space: Space) -> Option<u64> {
        let class = self.heads.iter().position(|head| *head != 0)?;
        // SAFETY: as above.
        Some(unsafe { self.pop(space, class) })
    }
}
