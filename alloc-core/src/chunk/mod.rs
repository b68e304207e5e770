//! Boundary tags and neighbour arithmetic: the only place that computes addresses.
//!
//! A heap's memory is named by *positions*: byte offsets from the heap's base, 64 bits wide on every target. Links in
//! memory are positions, not pointers, so the same requests leave the same bytes on x86-64 and on wasm32.
//!
//! ```text
//! arena   ┌────────────┬───────┬───────┬─────┬──────────┐
//!         │ header 64  │ chunk │ chunk │  …  │ end 16   │
//!         └────────────┴───────┴───────┴─────┴──────────┘
//! chunk   ┌──────────┬──────────┬──────────┬────────────┬─ payload ──────────
//!         │ size 32  │ prev 32  │ owner 32 │ asked 32   │ block, or next and previous free chunk, or a run
//!         └──────────┴──────────┴──────────┴────────────┴────────────────────
//! block   ┌─────────────────────┬─ payload ──
//! of a    │ owner 32 │ bin 8 low 8 place 16 │ the program's bytes, or the next free block
//! run     └─────────────────────┴────────────
//! medium  │ size 32  │ prev 32  │ owner 32 │ bin 8 low 8 home 16 │ the program's bytes: a chunk, see [`binned`]
//! ```
//!
//! The first 32 of the 64 bits before a payload are the *owner* word in every kind of block. One comparison tells a free
//! that the block is a small one of its own heap and in use: a block that is free carries the word of no heap. Being the
//! first, it is also what an overflow of the block before changes first.

pub mod arena;
pub mod binned;
pub mod block;
pub mod space;
pub mod span;
pub mod tag;

pub use space::Space;

/// What an owner word says: the kind of block and the heap it belongs to.
pub mod owner {
    /// Bits of the word below the heap's number: two of the kind; the others are 0, or for a chunk some of its size's.
    pub const KIND_BITS: u32 = 7;
    /// The largest number of a heap.
    pub const MAX_HEAP: u32 = (1 << (32 - KIND_BITS)) - 1;
    /// A small block of a run.
    pub const SMALL: u32 = 0;
    /// A chunk of an arena.
    pub const CHUNK: u32 = 1;
    /// A span of its own.
    pub const SPAN: u32 = 2;
    /// No block in use: a free chunk, or the end of an arena.
    pub const NONE: u32 = 3;
    /// A small block that is free: in a cache, in its run's list, or on its way from one to another. Lists move without a
    /// look at their blocks, so where it is the word does not tell.
    pub const FREE: u32 = NONE | 1 << 2;
    /// The end of an arena that was all zero when it was made.
    pub const ZERO: u32 = NONE | 1 << 3;
    /// The key of a cache that owns nothing: the word of no block at all.
    pub const NOBODY: u32 = u32::MAX;

    /// Whether the word is one of those that free memory has: so it is told from a word that was overwritten.
    #[inline]
    pub const fn is_free(word: u32) -> bool {
        word == FREE || word == NONE
    }

    /// The kind: [`SMALL`], [`CHUNK`], [`SPAN`] or [`NONE`].
    #[inline(always)]
    pub const fn kind(word: u32) -> u32 {
        word & 3
    }

    /// The number of the heap.
    #[inline(always)]
    pub const fn heap(word: u32) -> u32 {
        word >> KIND_BITS
    }

    /// The word of a block of this kind and heap.
    #[inline(always)]
    pub const fn word(kind: u32, heap: u32) -> u32 {
        heap << KIND_BITS | kind
    }
}
