//! The single-threaded core: all that one thread owns. No atomics, no clock, nothing of the target.
//!
//! The life of a malloc: [`cache::Cache::pop_at`] takes the first block of the bin's list; an empty bin is refilled from a
//! run (`runs.rs`); a run is a chunk of an arena (`arenas.rs`); an arena is memory from the source. A free goes the same
//! way back: cache, run, chunk with coalescing, arena, source.
//!
//! [`Heap`] joins the two halves, [`cache::Cache`] and [`arenas::Arenas`], for those who have both to themselves. Among
//! threads (`crate::threaded`) the cache is its thread's alone and the arenas have a lock.

pub mod arenas;
pub mod cache;
mod digest;
mod free_chunks;
pub mod invariants;
mod lists;
pub mod policy;
mod purge;
pub mod resize;
mod runs;
pub mod spans;
pub mod stats;
mod walk;

use core::ptr::NonNull;

use crate::base::align::ALIGN;
use crate::base::class::{BINS, bin_of, payload_bytes};
use crate::base::error::Misuse;
use crate::chunk::owner;
use crate::chunk::space::Space;
use crate::chunk::span::Span;
use crate::chunk::tag::Chunk;
use crate::source::MemorySource;

use arenas::Arenas;
use cache::{Cache, Pushed};
use policy::Policy;

pub use lists::BinCounts;
pub use policy::Fit;
pub use stats::HeapStats;
pub use walk::{Piece, State};

/// The number of a heap, in the owner word of each of its blocks. Not 0; fits in 25 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeapId(u32);

impl HeapId {
    /// The heap of this number, or `None` if it is 0 or has more than 25 bits.
    pub const fn new(number: u32) -> Option<HeapId> {
        if number == 0 || number > owner::MAX_HEAP {
            None
        } else {
            Some(HeapId(number))
        }
    }

    /// Its number.
    pub const fn number(self) -> u32 {
        self.0
    }
}

/// A heap that one thread uses: arenas, their free chunks, runs of small blocks, and the cache in front of them.
///
/// [`Heap::check_invariants`] tests the invariants of all layers.
pub struct Heap<S: MemorySource> {
    cache: Cache<BINS>,
    arenas: Arenas<S>,
}

impl<S: MemorySource> Heap<S> {
    /// An empty heap; it asks its source for nothing yet.
    ///
    /// `base` is what positions are counted from: any address, and the same relative to the source's memory wherever
    /// layouts are to be compared ([`crate::source::Region::base`]).
    pub fn new(source: S, base: NonNull<u8>, id: HeapId, policy: Policy) -> Heap<S> {
        let (space, policy) = (Space::new(base), policy.sane());
        Heap {
            cache: Cache::new(space, id.0, &policy),
            arenas: Arenas::new(source, space, id.0, policy),
        }
    }

    /// The number of this heap.
    pub fn number(&self) -> u32 {
        self.arenas.number
    }

    /// What positions are counted from.
    pub fn space(&self) -> Space {
        self.arenas.space
    }

    /// The settings in force.
    pub fn policy(&self) -> &Policy {
        &self.arenas.policy
    }

    /// At least `size` bytes (0 is served too) at a multiple of 16, contents unspecified; `None` when memory ends.
    #[inline]
    pub fn malloc(&mut self, size: usize) -> Option<NonNull<u8>> {
        // SAFETY: the heap is borrowed uniquely.
        match unsafe { Cache::pop_at(&raw mut self.cache, size) } {
            Some(block) => Some(block),
            None => self.malloc_slow(size),
        }
    }

    #[cold]
    #[inline(never)]
    fn malloc_slow(&mut self, size: usize) -> Option<NonNull<u8>> {
        let block = if size as u64 <= self.arenas.policy.small_max {
            self.refill(size)
        } else {
            self.arenas.malloc_large(size as u64)
        };
        self.arenas.note_refusal(block)
    }

    fn refill(&mut self, size: usize) -> Option<NonNull<u8>> {
        let bin = bin_of(size);
        if !self.cache.take_spare(bin) {
            let want = self.cache.want(bin);
            self.cache.accept(bin, self.arenas.take_blocks(bin, want)?);
        }
        // SAFETY: the heap is borrowed uniquely.
        unsafe { Cache::pop_at(&raw mut self.cache, size) }
    }

    /// As [`malloc`](Self::malloc), filled with zeros.
    pub fn calloc(&mut self, size: usize) -> Option<NonNull<u8>> {
        let (block, dirty) = if size as u64 <= self.arenas.policy.small_max {
            (self.malloc(size)?, size)
        } else {
            let made = self.arenas.calloc_large(size as u64);
            self.arenas.note_refusal(made)?
        };
        // SAFETY: the block has `size` bytes.
        unsafe { block.write_bytes(0, dirty) };
        Some(block)
    }

    /// As [`malloc`](Self::malloc), at a multiple of `align`, which must be a power of two; else `None`.
    pub fn aligned(&mut self, align: usize, size: usize) -> Option<NonNull<u8>> {
        if !align.is_power_of_two() {
            return None;
        }
        if !spans::is_special(align as u64) {
            return self.malloc(size);
        }
        let block = self.arenas.aligned(align as u64, size as u64);
        self.arenas.note_refusal(block)
    }

    /// Takes a block back.
    ///
    /// # Errors
    /// [`Misuse`] when the header before `block` is not that of a block of this heap in use; nothing has changed then.
    ///
    /// # Safety
    /// `block` came from this heap and is not used any more. (What is detected of a breach is an aid, no promise.)
    #[inline]
    pub unsafe fn free(&mut self, block: NonNull<u8>) -> Result<(), Misuse> {
        // SAFETY: the caller's promise.
        match unsafe { Cache::push_at(&raw mut self.cache, block) } {
            Pushed::Yes => Ok(()),
            Pushed::Full(bin) => {
                if let Some(given) = self.cache.overflow(bin) {
                    // SAFETY: the list came out of the cache, so nobody uses its blocks.
                    unsafe { self.arenas.bring_home_list(given.chain()) };
                }
                Ok(())
            }
            // SAFETY: the caller's promise.
            Pushed::No => unsafe { self.free_slow(block) },
        }
    }

    #[cold]
    #[inline(never)]
    unsafe fn free_slow(&mut self, block: NonNull<u8>) -> Result<(), Misuse> {
        let address = block.as_ptr().addr();
        if !address.is_multiple_of(ALIGN as usize) {
            return Err(Misuse::NotABlock { address });
        }
        let at = self.arenas.space.position(block.as_ptr());
        // SAFETY: the caller promises a block of ours, which has a header before it.
        unsafe {
            let word = self.arenas.space.owner_before(at);
            match owner::kind(word) {
                _ if owner::is_free(word) => Err(Misuse::DoubleFree { address }),
                _ if owner::heap(word) != self.number() => Err(Misuse::NotABlock { address }),
                _ => self.arenas.free_block(at),
            }
        }
    }

    /// Sends every cached block home, so that the heap shows all of its free memory.
    pub fn empty_cache(&mut self) {
        let arenas = &mut self.arenas;
        // SAFETY: the list came out of the cache, so nobody uses its blocks.
        (self.cache).take_all(|_, chain| unsafe { arenas.bring_home_list(chain) });
    }

    /// Gives back the arena that a heap keeps for its next block, if it is all free.
    pub fn release_last(&mut self) {
        self.empty_cache();
        self.arenas.release_last();
    }

    /// Bytes that the program may use of a block: at least what it asked for.
    ///
    /// # Safety
    /// `block` is in use and came from a heap with the same base as this one.
    pub unsafe fn usable_size(&self, block: NonNull<u8>) -> usize {
        // SAFETY: the caller's promise.
        unsafe { usable_size(self.arenas.space, block) }
    }

    /// The heap's counters.
    pub fn stats(&self) -> HeapStats {
        let cache = &self.cache;
        (self.arenas).stats(cache.served(), cache.freed(), cache.total())
    }

    /// Shows every piece: arenas oldest first, then spans oldest first.
    pub fn walk(&self, visit: &mut dyn FnMut(Piece)) {
        self.arenas.walk(visit);
    }

    /// As [`walk`](Self::walk), without the arenas and spans that lie wholly outside the positions `from` to `to`.
    pub fn walk_within(&self, from: u64, to: u64, visit: &mut (impl FnMut(Piece) + ?Sized)) {
        self.arenas.walk_within(from, to, visit);
    }

    /// Bytes in blocks outside the free lists: held by the program or in the cache. Cheap, unlike [`stats`](Self::stats).
    pub fn out_bytes(&self) -> u64 {
        self.arenas.out_bytes()
    }

    /// Bytes got from the source and not given back. Cheap, unlike [`stats`](Self::stats).
    pub fn footprint_bytes(&self) -> u64 {
        self.arenas.footprint_bytes()
    }

    /// The source, for what it can tell.
    pub fn source(&self) -> &S {
        &self.arenas.source
    }
}

/// Bytes that the program may use of a block of any heap of this space.
///
/// # Safety
/// `block` is in use.
pub unsafe fn usable_size(space: Space, block: NonNull<u8>) -> usize {
    let at = space.position(block.as_ptr());
    // SAFETY: the caller's promise: there is a header before the block.
    unsafe {
        let bytes = match owner::kind(space.owner_before(at)) {
            owner::SMALL if space.bin(at) < BINS => payload_bytes(space.bin(at)),
            owner::SMALL | owner::CHUNK => {
                space.size(Chunk::of_payload(at)) - crate::chunk::tag::CHUNK_HEADER
            }
            owner::SPAN => space.span_payload(Span(at)),
            _ => 0,
        };
        bytes as usize
    }
}
