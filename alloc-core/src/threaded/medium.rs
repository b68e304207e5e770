//! Blocks of 1 to 32 KiB that the thread freed a moment ago, kept for its next request of that size.
//!
//! They stay chunks in use of whichever home made them. Where threads free each other's blocks this is what keeps memory
//! moving: one that is used again at once saves the way home, the coalescing and the next split. A class that is full goes
//! into the depot as a whole list. A kept block is marked in its header, so a second free of it is noticed.
//!
//! ```text
//! invariant: bytes = sum of chunk sizes kept;  each class has at most capacity(class) of them
//! invariant: a kept chunk's asked word is KEPT
//! ```

use super::depot;
use crate::base::class::{class_bytes, class_of, round_chunk};
use crate::chunk::Space;
pub use crate::chunk::tag::KEPT;
use crate::chunk::tag::{CHUNK_HEADER, Chunk};
use crate::heap::cache::Chain;

/// What is kept is no larger than this. Bytes asked.
pub const MEDIUM_MAX: usize = 32 << 10;

/// The class of free chunks that is the first here.
pub const FIRST_CLASS: usize = 64;
/// Classes of medium chunks.
pub const COUNT: usize = class_of(round_chunk(MEDIUM_MAX as u64 + CHUNK_HEADER)) + 2 - FIRST_CLASS;
/// Most blocks of a class, and most bytes of them (but for one block).
const PER_CLASS: u64 = 32;
const CLASS_BYTES: u64 = 128 << 10;
/// Most bytes that a thread keeps; where memory is little, a part of its share of it. (With 256 KiB and an eighth
/// a program whose blocks are of all sizes spent a third more time, for 6 % less memory.)
const BUDGET: u64 = 1 << 20;
const PART: u64 = 4;
const LEAST: u64 = 16 << 10;

/// A list of so many blocks is worth to be handed on where the bytes are used up.
const WORTH: u32 = 8;

/// How much a thread may keep whose share of all memory this is. Bytes.
pub fn budget(share: u64) -> u64 {
    (share / PART).clamp(LEAST, BUDGET)
}

/// The kept blocks of one thread.
pub struct Medium {
    // Two arrays, not one of chains: a chain is loaded whole right after its halves are stored, which no processor
    // forwards.
    heads: [u64; COUNT],
    counts: [u32; COUNT],
    /// Classes that served a request since [`stale`](Self::stale) was last asked.
    used: u128,
    bytes: u64,
    /// Blocks taken in from the program.
    pub puts: u64,
    /// Requests served.
    pub hits: u64,
}

/// What became of a block given to [`Medium::put`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Put {
    /// It is kept.
    Kept,
    /// It is kept, and these, of this class, are to be given away.
    Instead(usize, Chain),
    /// It is not.
    NoRoom,
}

fn class(bytes: u64) -> Option<usize> {
    class_of(bytes)
        .checked_sub(FIRST_CLASS)
        .filter(|class| *class < COUNT)
}

fn capacity(class: usize) -> u32 {
    (CLASS_BYTES / class_bytes(class + FIRST_CLASS)).clamp(1, PER_CLASS) as u32
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
            puts: 0,
            hits: 0,
        }
    }

    /// The payload of a kept block for a request of `size` bytes, `size` being more than small and at most [`MEDIUM_MAX`].
    pub unsafe fn get(&mut self, space: Space, size: usize) -> Option<u64> {
        let first = class_of(round_chunk(size as u64 + CHUNK_HEADER)) - FIRST_CLASS;
        // Requests are rounded to classes, so every block of the class is long enough; one of the next wastes little.
        let class = if self.heads[first] != 0 {
            first
        } else if self.heads[first + 1] != 0 {
            first + 1
        } else {
            return None;
        };
        // SAFETY: the caller's promise; the list is not empty.
        Some(unsafe { self.hand_out(space, class, size) })
    }

    /// As [`get`](Self::get), with what the depot has.
    pub unsafe fn get_from_depot(&mut self, space: Space, size: usize) -> Option<u64> {
        let class = class_of(round_chunk(size as u64 + CHUNK_HEADER)) - FIRST_CLASS;
        let chain = depot::get_medium(class)?;
        (self.heads[class], self.counts[class]) = (chain.first, chain.count);
        self.bytes += class_bytes(class + FIRST_CLASS) * u64::from(chain.count);
        // SAFETY: as above.
        Some(unsafe { self.hand_out(space, class, size) })
    }

    unsafe fn hand_out(&mut self, space: Space, class: usize, size: usize) -> u64 {
        self.used |= 1 << class;
        self.hits += 1;
        self.bytes -= class_bytes(class + FIRST_CLASS);
        self.counts[class] -= 1;
        let at = self.heads[class];
        // SAFETY: kept blocks are chunks in use that nobody else touches.
        unsafe {
            let next = space.link(at);
            self.heads[class] = next;
            #[cfg(target_arch = "x86_64")]
            core::arch::x86_64::_mm_prefetch::<{ core::arch::x86_64::_MM_HINT_T0 }>(
                space.pointer(next).cast(),
            );
            let c = Chunk::of_payload(at);
            space.set_owner(c, size as u32, space.owner(c));
        }
        at
    }

    /// Keeps a chunk that the program freed, if there is room for it among `budget` bytes.
    pub unsafe fn put(&mut self, space: Space, at: u64, budget: u64) -> Put {
        let c = Chunk::of_payload(at);
        // SAFETY: the block is in use by nobody any more, so its asked word and payload are this thread's.
        unsafe {
            let Some(class) = class(space.size(c)) else {
                return Put::NoRoom;
            };
            let bytes = class_bytes(class + FIRST_CLASS);
            let count = self.counts[class];
            let over = self.bytes + bytes > budget;
            if over && count < WORTH {
                return Put::NoRoom;
            }
            // What is too much moves on whole, as at the cache of small blocks: the next one who needs it finds it in the
            // depot, and nobody takes a home's lock for a single block.
            let given = (over || count >= capacity(class)).then(|| self.take(class));
            space.set_link(at, self.heads[class]);
            space.set_owner(c, KEPT, space.owner(c));
            self.heads[class] = at;
            self.counts[class] += 1;
            self.bytes += bytes;
            self.puts += 1;
            given.map_or(Put::Kept, |chain| Put::Instead(class, chain))
        }
    }

    fn take(&mut self, class: usize) -> Chain {
        let chain = Chain {
            first: self.heads[class],
            count: self.counts[class],
        };
        (self.heads[class], self.counts[class]) = (0, 0);
        self.bytes -= class_bytes(class + FIRST_CLASS) * u64::from(chain.count);
        chain
    }

    /// Takes out the blocks of a class that served nothing since the last round; `None` ends the round.
    pub fn stale(&mut self) -> Option<Chain> {
        let idle = |class: &usize| self.used & (1 << class) == 0 && self.heads[*class] != 0;
        let class = (0..COUNT).find(idle);
        if class.is_none() {
            self.used = 0;
        }
        class.map(|class| self.take(class))
    }

    /// Takes out the blocks of any class.
    pub fn any(&mut self) -> Option<Chain> {
        let class = self.heads.iter().position(|head| *head != 0)?;
        Some(self.take(class))
    }
}
