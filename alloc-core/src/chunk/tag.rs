//! Chunks: the boundary tag, and the way to the neighbours.
//!
//! ```text
//! invariant: size(c) is a multiple of 16, at least MIN_CHUNK; the end of an arena is a chunk of size 0 in use
//! invariant: prev_size(next(c)) = size(c); the first chunk has prev_size 0
//! invariant: c free  =>  neither neighbour is free (with coalescing on)
//! ```
//! The previous chunk's size in the next header does what a footer does, in blocks in use as well, at no cost in space.

use super::{Space, owner};

/// A chunk, by the position of its header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Chunk(pub u64);

/// Bytes of a chunk's header.
pub const CHUNK_HEADER: u64 = 16;
/// Bytes of the smallest chunk: a header and the two links of a free one.
pub const MIN_CHUNK: u64 = 32;
/// Largest chunk that a boundary tag can tell. Bytes.
pub const MAX_CHUNK: u64 = (1 << 32) - 16;

/// The asked word of a chunk that its program has freed: a thread keeps it, or it is on its way home.
pub const KEPT: u32 = u32::MAX;

const IN_USE: u32 = 1;
const RUN: u32 = 2;
const FLAGS: u32 = 15;
/// The bits of a size's sixteenth that stand in the owner word.
const SEAL: u32 = (1 << (owner::KIND_BITS - 2)) - 1;

/// What a chunk is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// In a bin of free chunks.
    Free,
    /// A block of the program.
    Block,
    /// A run of small blocks.
    Run,
}

impl Chunk {
    /// The position of what follows the header.
    #[inline]
    pub fn payload(self) -> u64 {
        self.0 + CHUNK_HEADER
    }

    /// The chunk whose payload is at this position.
    #[inline]
    pub fn of_payload(position: u64) -> Chunk {
        Chunk(position.wrapping_sub(CHUNK_HEADER))
    }
}

/// Reads and writes of boundary tags. Each is unsafe for the reason of [`Space`]: the chunk must be one of the heap's.
#[allow(clippy::missing_safety_doc, reason = "the reason stands once, above")]
impl Space {
    /// Bytes of the chunk, header included; 0 for the end of an arena.
    #[inline]
    pub unsafe fn size(self, c: Chunk) -> u64 {
        // SAFETY: a header is 16 bytes of the heap's own memory, aligned to 16.
        u64::from(unsafe { self.load32(c.0) } & !FLAGS)
    }

    /// What the chunk is used for.
    #[inline]
    pub unsafe fn usage(self, c: Chunk) -> Use {
        // SAFETY: as above.
        let word = unsafe { self.load32(c.0) };
        match (word & IN_USE, word & RUN) {
            (0, _) => Use::Free,
            (_, 0) => Use::Block,
            _ => Use::Run,
        }
    }

    /// Bytes of the chunk before this one; 0 for the first of an arena.
    #[inline]
    pub unsafe fn prev_size(self, c: Chunk) -> u64 {
        // SAFETY: as above.
        u64::from(unsafe { self.load32(c.0 + 4) })
    }

    /// The chunk after this one; the end of the arena after the last.
    #[inline]
    pub unsafe fn next(self, c: Chunk) -> Chunk {
        // SAFETY: as above.
        Chunk(c.0 + unsafe { self.size(c) })
    }

    /// The chunk before this one, or `None` for the first of an arena.
    #[inline]
    pub unsafe fn prev(self, c: Chunk) -> Option<Chunk> {
        // SAFETY: as above.
        match unsafe { self.prev_size(c) } {
            0 => None,
            size => Some(Chunk(c.0 - size)),
        }
    }

    /// Writes size and use, and the size into the next chunk's tag; the chunk's own `prev_size` stays.
    #[inline]
    pub unsafe fn set_size(self, c: Chunk, bytes: u64, usage: Use) {
        let flags = match usage {
            Use::Free => 0,
            Use::Block => IN_USE,
            Use::Run => IN_USE | RUN,
        };
        debug_assert!(bytes.is_multiple_of(16) && bytes <= MAX_CHUNK);
        // SAFETY: both headers lie in the same arena, whose end is a header too.
        unsafe {
            self.store32(c.0, bytes as u32 | flags);
            self.set_prev_size(Chunk(c.0 + bytes), bytes);
        }
    }

    /// Writes the size of the chunk before this one.
    #[inline]
    pub unsafe fn set_prev_size(self, c: Chunk, bytes: u64) {
        // SAFETY: as above.
        unsafe { self.store32(c.0 + 4, bytes as u32) }
    }

    /// Starts a header afresh: no size, no flags, and this size of the chunk before.
    #[inline]
    pub unsafe fn begin(self, c: Chunk, prev_bytes: u64) {
        // SAFETY: as above.
        unsafe {
            self.store32(c.0, 0);
            self.store32(c.0 + 4, prev_bytes as u32);
        }
    }

    /// Writes what the program asked for (bytes) and the owner word.
    #[inline]
    pub unsafe fn set_owner(self, c: Chunk, asked: u32, word: u32) {
        // SAFETY: as above.
        unsafe {
            self.store32(c.0 + 8, word);
            self.store32(c.0 + 12, asked);
        }
    }

    /// Writes what the program asked for (bytes), or [`KEPT`].
    #[inline]
    pub unsafe fn set_asked(self, c: Chunk, asked: u32) {
        // SAFETY: as above.
        unsafe { self.store32(c.0 + 12, asked) }
    }

    /// The owner word of a chunk that the program uses. Five bits of the chunk's size stand in it, so that an overflow of
    /// the block before, which reaches the size first, is noticed without a look at the chunk after it.
    #[inline]
    pub unsafe fn block_word(self, c: Chunk, heap: u32) -> u32 {
        // SAFETY: as above.
        let size = unsafe { self.size(c) } as u32;
        owner::word(owner::CHUNK, heap) | (size >> 4 & SEAL) << 2
    }

    /// Whether size, use and owner word are those of one chunk that the program uses, of some heap.
    #[inline]
    pub unsafe fn is_sealed(self, c: Chunk) -> bool {
        // SAFETY: as above.
        unsafe {
            let word = self.owner(c);
            self.load32(c.0) & FLAGS == IN_USE && word == self.block_word(c, owner::heap(word))
        }
    }

    /// What the program asked for. Bytes.
    #[inline]
    pub unsafe fn asked(self, c: Chunk) -> u32 {
        // SAFETY: as above.
        unsafe { self.load32(c.0 + 12) }
    }

    /// The owner word of the chunk, or of any block by the position of its payload less 16.
    #[inline]
    pub unsafe fn owner(self, c: Chunk) -> u32 {
        // SAFETY: as above.
        unsafe { self.load32(c.0 + 8) }
    }

    /// The next free chunk of the same class, as a position; 0: none. Only for free chunks.
    #[inline]
    pub unsafe fn link_next(self, c: Chunk) -> u64 {
        // SAFETY: a chunk has at least 16 bytes of payload, aligned to 16.
        unsafe { self.load_link(c.payload()) }
    }

    /// The previous free chunk of the same class, as a position; 0: none. Only for free chunks.
    #[inline]
    pub unsafe fn link_prev(self, c: Chunk) -> u64 {
        // SAFETY: as above.
        unsafe { self.load_link(c.payload() + 8) }
    }

    /// Writes the next free chunk. Only for free chunks.
    #[inline]
    pub unsafe fn set_link_next(self, c: Chunk, position: u64) {
        // SAFETY: as above.
        unsafe { self.store_link(c.payload(), position) }
    }

    /// Writes the previous free chunk. Only for free chunks.
    #[inline]
    pub unsafe fn set_link_prev(self, c: Chunk, position: u64) {
        // SAFETY: as above.
        unsafe { self.store_link(c.payload() + 8, position) }
    }

    /// Whether the chunk is the end of an arena.
    #[inline]
    pub unsafe fn is_end(self, c: Chunk) -> bool {
        // SAFETY: as above.
        unsafe { self.size(c) == 0 && owner::kind(self.owner(c)) == owner::NONE }
    }
}
