//! Arenas: contiguous memory that is cut into chunks.
//!
//! ```text
//! header  magic 32 │ heap 32 │ bytes 64 │ next arena 64 │ previous arena 64 │ 0 …                     (64 bytes)
//! end     a chunk header of size 0 in use; its last word tells how many bytes before it were never handed out, the one before
//!         whether the arena was all zero when it was made
//! invariant: nothing at or beyond the frontier was handed out since the arena was made
//! invariant: if it was all zero, so is what lies beyond the frontier, but for header and links of a chunk that begins there
//! ```

use super::tag::{CHUNK_HEADER, Chunk, MIN_CHUNK, Use};
use super::{Space, owner};

/// Bytes before an arena's first chunk.
pub const ARENA_HEADER: u64 = 64;
/// Bytes of an arena that no chunk can use.
pub const ARENA_OVERHEAD: u64 = ARENA_HEADER + CHUNK_HEADER;

/// The end of a list of arenas; 0 is a position that an arena can have.
pub const NO_ARENA: u64 = u64::MAX;

const MAGIC: u32 = 0xA3E4_A001;

/// An arena, by the position of its header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arena(pub u64);

impl Arena {
    /// The first chunk.
    pub fn first(self) -> Chunk {
        Chunk(self.0 + ARENA_HEADER)
    }

    /// The arena whose first chunk this is.
    pub fn of_first(c: Chunk) -> Arena {
        Arena(c.0 - ARENA_HEADER)
    }
}

/// Reads and writes of arena headers. Each is unsafe for the reason of [`Space`].
#[allow(clippy::missing_safety_doc, reason = "the reason stands once, above")]
impl Space {
    /// Writes the header, one free chunk over all of it, and the end. `zeroed`: the memory is all zero.
    pub unsafe fn begin_arena(self, arena: Arena, bytes: u64, heap: u32, zeroed: bool) {
        let first = arena.first();
        let size = bytes - ARENA_OVERHEAD;
        let end = Chunk(first.0 + size);
        // SAFETY: header, first chunk and end lie within the `bytes` of the arena, which is the heap's own.
        unsafe {
            self.store32(arena.0, MAGIC);
            self.store32(arena.0 + 4, heap);
            self.store64(arena.0 + 8, bytes);
            self.store64(arena.0 + 16, NO_ARENA);
            self.store64(arena.0 + 24, NO_ARENA);
            for field in [32, 40, 48, 56] {
                self.store64(arena.0 + field, 0);
            }
            self.begin(first, 0);
            self.begin(end, size);
            self.store32(end.0, 1);
            let word = if zeroed { owner::ZERO } else { owner::NONE };
            self.set_owner(end, size as u32, word);
            self.set_size(first, size, Use::Free);
            self.set_owner(first, 0, owner::NONE);
        }
    }

    /// Whether the header is one.
    pub unsafe fn is_arena(self, arena: Arena) -> bool {
        // SAFETY: as above.
        unsafe { self.load32(arena.0) == MAGIC }
    }

    /// Makes the header none, before the memory goes back.
    pub unsafe fn end_arena(self, arena: Arena) {
        // SAFETY: as above.
        unsafe { self.store32(arena.0, 0) }
    }

    /// Bytes of the arena, header and end included.
    pub unsafe fn arena_bytes(self, arena: Arena) -> u64 {
        // SAFETY: as above.
        unsafe { self.load64(arena.0 + 8) }
    }

    /// The next arena of the heap, as a position, or [`NO_ARENA`].
    pub unsafe fn arena_next(self, arena: Arena) -> u64 {
        // SAFETY: as above.
        unsafe { self.load64(arena.0 + 16) }
    }

    /// Writes the next arena.
    pub unsafe fn set_arena_next(self, arena: Arena, position: u64) {
        // SAFETY: as above.
        unsafe { self.store64(arena.0 + 16, position) }
    }

    /// The previous arena of the heap, or [`NO_ARENA`].
    pub unsafe fn arena_prev(self, arena: Arena) -> u64 {
        // SAFETY: as above.
        unsafe { self.load64(arena.0 + 24) }
    }

    /// Writes the previous arena.
    pub unsafe fn set_arena_prev(self, arena: Arena, position: u64) {
        // SAFETY: as above.
        unsafe { self.store64(arena.0 + 24, position) }
    }

    /// The end of the arena.
    pub unsafe fn arena_end(self, arena: Arena) -> Chunk {
        // SAFETY: as above.
        Chunk(arena.0 + unsafe { self.arena_bytes(arena) } - CHUNK_HEADER)
    }

    /// The position of the arena's frontier.
    pub unsafe fn frontier(self, arena: Arena) -> u64 {
        // SAFETY: as above.
        unsafe {
            let end = self.arena_end(arena);
            end.0 - u64::from(self.asked(end))
        }
    }

    /// From which position on the bytes of a free chunk are known to be zero; its end, if none are.
    pub unsafe fn zero_from(self, c: Chunk) -> u64 {
        // SAFETY: as above; the chunk after the last one is the arena's end.
        unsafe {
            let next = self.next(c);
            if !self.is_end(next) || self.owner(next) != owner::ZERO {
                return next.0;
            }
            let frontier = next.0 - u64::from(self.asked(next));
            (frontier + MIN_CHUNK).max(c.0 + MIN_CHUNK).min(next.0)
        }
    }

    /// Moves the frontier of the arena that ends at `end` up to `position`, if it is lower.
    #[inline]
    pub unsafe fn raise_frontier(self, end: Chunk, position: u64) {
        // SAFETY: as above.
        unsafe {
            let fresh = (end.0 - position) as u32;
            if fresh < self.asked(end) {
                self.set_asked(end, fresh);
            }
        }
    }
}
