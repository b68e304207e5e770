//! The single-threaded core: all that one thread owns. No atomics, no clock, nothing of the target.
//!
//! The life of a malloc: [`Heap::pop_cached`] takes the first block of the bin's cache; an empty bin is refilled from a
//! run (`runs.rs`); a run is a chunk of an arena (`arenas.rs`); an arena is memory from the source. A free goes the same
//! way back: cache, run, chunk with coalescing, arena, source.

mod arenas;
mod cache;
mod digest;
mod free_chunks;
mod invariants;
pub mod policy;
mod resize;
mod runs;
pub mod spans;
pub mod stats;
mod walk;

use core::ptr::NonNull;

use crate::base::align::ALIGN;
use crate::base::class::{BINS, SMALL_MAX};
use crate::base::error::Misuse;
use crate::chunk::space::Space;
use crate::chunk::span::Span;
use crate::chunk::tag::{Chunk, Use};
use crate::chunk::{block, owner};
use crate::source::MemorySource;

use arenas::Arenas;
use cache::{Bin, BinState};
use free_chunks::FreeChunks;
use policy::Policy;
use spans::Spans;
use stats::Counters;

pub use policy::Fit;
pub use stats::HeapStats;
pub use walk::{Piece, State};

/// The number of a heap, in the owner word of each of its blocks. Not 0; fits in 30 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeapId(u32);

impl HeapId {
    /// The heap of this number, or `None` if it is 0 or has more than 30 bits.
    pub const fn new(number: u32) -> Option<HeapId> {
        if number == 0 || number > owner::HEAP {
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
/// ```text
/// invariant (cache): bin i holds limit(i) - room(i) blocks of bin i, all tagged CACHED
/// invariant (bytes): footprint = sum of arenas + sum of spans
/// ```
/// [`Heap::check_invariants`] tests these and those of the layers below.
#[repr(C)]
pub struct Heap<S: MemorySource> {
    bins: [Bin; BINS],
    space: Space,
    /// The owner word of a small block of this heap.
    key: u32,
    small_allocs: u64,
    states: [BinState; BINS],
    free: FreeChunks,
    arenas: Arenas,
    spans: Spans,
    counters: Counters,
    policy: Policy,
    source: S,
}

// SAFETY: a heap's pointers lead only to memory that its source gave to it alone, so it may move to another thread as a
// whole, with its source.
unsafe impl<S: MemorySource + Send> Send for Heap<S> {}

impl<S: MemorySource> Heap<S> {
    /// An empty heap; it asks its source for nothing yet.
    ///
    /// `base` is what positions are counted from: any address, and the same relative to the source's memory wherever
    /// layouts are to be compared ([`crate::source::Region::base`]).
    pub fn new(source: S, base: NonNull<u8>, id: HeapId, policy: Policy) -> Heap<S> {
        let mut heap = Heap::vacant(source);
        heap.space = Space::new(base);
        heap.key = owner::SMALL | id.0;
        heap.policy = policy.sane();
        let nothing = heap.space.pointer(0);
        for bin in 0..BINS {
            heap.bins[bin].head = nothing;
            heap.bins[bin].room = heap.first_limit(bin);
            heap.states[bin].limit = heap.bins[bin].room;
        }
        heap
    }

    /// A heap that has nothing, owns nothing and refuses all: what a thread without a heap points to.
    pub const fn vacant(source: S) -> Heap<S> {
        Heap {
            bins: [const { Bin::vacant() }; BINS],
            space: Space::nowhere(),
            key: owner::NONE,
            small_allocs: 0,
            states: [const { BinState::new() }; BINS],
            free: FreeChunks::new(),
            arenas: Arenas::new(),
            spans: Spans::new(),
            counters: Counters {
                chunk_allocs: 0,
                chunk_frees: 0,
                span_allocs: 0,
                span_frees: 0,
                failed: 0,
                chunk_bytes: 0,
                span_bytes: 0,
                out_bytes: 0,
                peak_bytes: 0,
                arenas_made: 0,
                arenas_released: 0,
                splits: 0,
                coalesces: 0,
                refills: 0,
                flushes: 0,
            },
            policy: Policy::DEFAULT,
            source,
        }
    }

    /// Whether this is a [`vacant`](Self::vacant) one.
    pub fn is_vacant(&self) -> bool {
        self.key == owner::NONE
    }

    /// The number of this heap.
    pub fn number(&self) -> u32 {
        self.key & owner::HEAP
    }

    /// What positions are counted from.
    pub fn space(&self) -> Space {
        self.space
    }

    /// The settings in force.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// At least `size` bytes (0 is served too) at a multiple of 16, contents unspecified; `None` when memory ends.
    #[inline]
    pub fn malloc(&mut self, size: usize) -> Option<NonNull<u8>> {
        match self.pop_cached(size) {
            Some(block) => Some(block),
            None => self.malloc_slow(size),
        }
    }

    /// What [`malloc`](Self::malloc) does when the cache has no block of the bin.
    #[cold]
    #[inline(never)]
    pub fn malloc_slow(&mut self, size: usize) -> Option<NonNull<u8>> {
        let block = if size <= SMALL_MAX {
            self.refill_and_pop(size)
        } else {
            self.malloc_large(size as u64)
        };
        self.count_failure(block)
    }

    fn count_failure<T>(&mut self, answer: Option<T>) -> Option<T> {
        if answer.is_none() {
            self.counters.failed += 1;
        }
        answer
    }

    /// As [`malloc`](Self::malloc), filled with zeros.
    pub fn calloc(&mut self, size: usize) -> Option<NonNull<u8>> {
        if size as u64 > self.policy.span_threshold {
            let made = self.make_span(size as u64, ALIGN);
            let (block, zeroed) = self.count_failure(made)?;
            if !zeroed {
                // SAFETY: the block has `size` bytes.
                unsafe { block.write_bytes(0, size) };
            }
            return Some(block);
        }
        let block = self.malloc(size)?;
        // SAFETY: the block has `size` bytes.
        unsafe { block.write_bytes(0, size) };
        Some(block)
    }

    /// As [`malloc`](Self::malloc), at a multiple of `align`, which must be a power of two; else `None`.
    pub fn aligned(&mut self, align: usize, size: usize) -> Option<NonNull<u8>> {
        if !align.is_power_of_two() {
            return None;
        }
        let (wide, bytes) = (align as u64, size as u64);
        if !spans::is_special(wide) {
            return self.malloc(size);
        }
        let block = if bytes.saturating_add(wide) > self.policy.span_threshold {
            self.make_span(bytes, wide).map(|(block, _)| block)
        } else {
            self.aligned_chunk(wide, bytes)
        };
        self.count_failure(block)
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
        unsafe {
            if self.push_cached(block) {
                Ok(())
            } else {
                self.free_slow(block)
            }
        }
    }

    /// What [`free`](Self::free) does with what is no small block in use of this heap.
    ///
    /// # Errors
    /// As for [`free`](Self::free).
    ///
    /// # Safety
    /// As for [`free`](Self::free).
    #[cold]
    #[inline(never)]
    pub unsafe fn free_slow(&mut self, block: NonNull<u8>) -> Result<(), Misuse> {
        let address = block.as_ptr().addr();
        if !address.is_multiple_of(ALIGN as usize) {
            return Err(Misuse::NotABlock { address });
        }
        let at = self.space.position(block.as_ptr());
        // SAFETY: the caller promises a block of ours, which has a header before it.
        unsafe {
            let word = self.space.owner_before(at);
            if word & owner::HEAP != self.number() {
                return Err(self.misuse(at, word, address));
            }
            match owner::kind(word) {
                owner::CHUNK => {
                    let c = Chunk::of_payload(at);
                    if self.space.usage(c) != Use::Block {
                        return Err(Misuse::DoubleFree { address });
                    }
                    self.counters.chunk_frees += 1;
                    self.free_chunk(c);
                    Ok(())
                }
                owner::SPAN => {
                    self.free_span(Span(at));
                    Ok(())
                }
                _ => Err(self.misuse(at, word, address)),
            }
        }
    }

    unsafe fn misuse(&self, at: u64, word: u32, address: usize) -> Misuse {
        // SAFETY: as in `free_slow`.
        let tag = unsafe { self.space.tag(at) };
        if word == self.key && tag < block::LIVE || word == owner::NONE {
            Misuse::DoubleFree { address }
        } else {
            Misuse::NotABlock { address }
        }
    }

    /// Bytes that the program may use of a block: at least what it asked for.
    ///
    /// # Safety
    /// `block` is in use and came from a heap with the same base as this one.
    pub unsafe fn usable_size(&self, block: NonNull<u8>) -> usize {
        // SAFETY: the caller's promise.
        unsafe { usable_size(self.space, block) }
    }

    /// The heap's counters.
    pub fn stats(&self) -> HeapStats {
        let (cached_blocks, cached_bytes) = self.cached();
        let (_, out_blocks) = self.out();
        let c = &self.counters;
        let small_in_use = out_blocks - cached_blocks;
        HeapStats {
            alloc_calls: self.small_allocs + c.chunk_allocs + c.span_allocs,
            free_calls: self.small_allocs - small_in_use + c.chunk_frees + c.span_frees,
            failed: c.failed,
            current_bytes: c.out_bytes - cached_bytes + c.chunk_bytes + c.span_bytes,
            peak_bytes: c.peak_bytes,
            cached_bytes,
            footprint_bytes: self.arenas.bytes + self.spans.bytes,
            arenas: self.arenas.count,
            spans: self.spans.count,
            arenas_made: c.arenas_made,
            arenas_released: c.arenas_released,
            splits: c.splits,
            coalesces: c.coalesces,
            refills: c.refills,
            flushes: c.flushes,
        }
    }

    /// Bytes in blocks outside the free lists: held by the program or in the cache. Cheap, unlike [`stats`](Self::stats).
    pub fn out_bytes(&self) -> u64 {
        self.counters.out_bytes + self.counters.chunk_bytes + self.counters.span_bytes
    }

    /// Bytes got from the source and not given back. Cheap, unlike [`stats`](Self::stats).
    pub fn footprint_bytes(&self) -> u64 {
        self.arenas.bytes + self.spans.bytes
    }

    /// The source, for what it can tell.
    pub fn source(&self) -> &S {
        &self.source
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
            owner::SMALL => crate::base::class::payload_bytes(usize::from(space.tag(at)) >> 4),
            owner::CHUNK => space.size(Chunk::of_payload(at)) - crate::chunk::tag::CHUNK_HEADER,
            owner::SPAN => space.span_payload(Span(at)),
            _ => 0,
        };
        bytes as usize
    }
}
