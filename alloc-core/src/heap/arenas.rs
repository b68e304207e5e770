//! Arenas: chunks taken with a split, given back with coalescing both ways, and arenas made and released.

use core::ptr::NonNull;

use super::free_chunks::FreeChunks;
use super::policy::Policy;
use super::runs::Runs;
use super::spans::Spans;
use super::stats::Counters;
use crate::base::align::{self, ALIGN, PAGE};
use crate::base::class::{BINS, round_chunk};
use crate::base::error::Misuse;
use crate::chunk::arena::{ARENA_OVERHEAD, Arena, NO_ARENA};
use crate::chunk::span::Span;
use crate::chunk::tag::{CHUNK_HEADER, Chunk, KEPT, MAX_CHUNK, MIN_CHUNK, Use};
use crate::chunk::{Space, owner};
use crate::harden;
use crate::source::MemorySource;

/// The arenas of a heap with all that lives in them, and its spans: what stands behind the cache. A heap whose blocks
/// other threads free has a lock around it; the cache before it has none.
///
/// ```text
/// invariant: bytes = sum of arena_bytes over the list of arenas, newest first;  count = its length
/// invariant: footprint = bytes + sum of spans
/// ```
pub struct Arenas<S: MemorySource> {
    pub(super) space: Space,
    pub(super) number: u32,
    /// See `purge.rs`.
    pub(super) epoch: u32,
    pub(super) first: u64,
    pub(super) count: u64,
    pub(super) bytes: u64,
    pub(super) runs: [Runs; BINS],
    pub(super) free: FreeChunks,
    pub(super) spans: Spans,
    pub(super) counters: Counters,
    pub(super) policy: Policy,
    pub(super) source: S,
}

// SAFETY: the pointers lead only to memory that the source gave to it alone, so it may move to another thread as a whole,
// with its source.
unsafe impl<S: MemorySource + Send> Send for Arenas<S> {}

impl<S: MemorySource> Arenas<S> {
    /// None yet, for the heap of this number.
    pub const fn new(source: S, space: Space, number: u32, policy: Policy) -> Arenas<S> {
        Arenas {
            space,
            number,
            epoch: 0,
            first: NO_ARENA,
            count: 0,
            bytes: 0,
            runs: [Runs::NONE; BINS],
            free: FreeChunks::new(),
            spans: Spans::new(),
            counters: Counters::ZERO,
            policy,
            source,
        }
    }

    /// Bytes in blocks outside the free lists: held by the program or in a cache.
    pub fn out_bytes(&self) -> u64 {
        self.counters.out_bytes + self.counters.chunk_bytes + self.counters.span_bytes
    }

    /// Bytes got from the source and not given back.
    pub fn footprint_bytes(&self) -> u64 {
        self.bytes + self.spans.bytes
    }

    /// Arenas now.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Counts an answer that is none as refused.
    pub fn note_refusal<T>(&mut self, answer: Option<T>) -> Option<T> {
        if answer.is_none() {
            self.counters.failed += 1;
        }
        answer
    }

    /// Takes back a chunk or a span.
    ///
    /// # Errors
    /// [`Misuse`] when the header before the payload at `at` is not that of one in use; nothing has changed then.
    ///
    /// # Safety
    /// `at` came from this heap and is not used any more.
    pub unsafe fn free_block(&mut self, at: u64) -> Result<(), Misuse> {
        let address = self.space.pointer(at).addr();
        // SAFETY: the caller promises a block of ours, which has a header before it.
        unsafe {
            match owner::kind(self.space.owner_before(at)) {
                owner::CHUNK => {
                    let c = Chunk::of_payload(at);
                    check_block(self.space, c)?;
                    self.counters.chunk_frees += 1;
                    self.free_chunk(c);
                    Ok(())
                }
                owner::SPAN if self.space.is_span(Span(at)) => {
                    self.free_span(Span(at));
                    Ok(())
                }
                owner::NONE => Err(Misuse::DoubleFree { address }),
                _ => Err(Misuse::NotABlock { address }),
            }
        }
    }

    /// A request above the small bins: a chunk, or a span of its own.
    pub fn malloc_large(&mut self, size: u64) -> Option<NonNull<u8>> {
        self.malloc_within(size, 0)
    }

    /// As [`malloc_large`](Self::malloc_large), in a chunk of at least `least` bytes.
    pub fn malloc_within(&mut self, size: u64, least: u64) -> Option<NonNull<u8>> {
        if size > self.policy.span_threshold {
            return self.make_span(size, ALIGN).map(|(block, _)| block);
        }
        let c = self.take_chunk(chunk_bytes(size).max(least))?;
        Some(self.hand_out(c, size))
    }

    /// As [`malloc_large`](Self::malloc_large), for a block that shall be all zero. The second value tells how many of its first
    /// bytes are still to be made so: programs that ask for large tables write little of them, and what is left alone takes no
    /// memory as long as nobody touches it.
    pub fn calloc_large(&mut self, size: u64) -> Option<(NonNull<u8>, usize)> {
        self.calloc_within(size, 0)
    }

    /// As [`calloc_large`](Self::calloc_large), in a chunk of at least `least` bytes.
    pub fn calloc_within(&mut self, size: u64, least: u64) -> Option<(NonNull<u8>, usize)> {
        if size > self.policy.span_threshold {
            let (block, zeroed) = self.make_span(size, ALIGN)?;
            return Some((block, if zeroed { 0 } else { size as usize }));
        }
        let bytes = round_chunk(chunk_bytes(size).max(least));
        let c = self.find_chunk(bytes)?;
        // SAFETY: the chunk is ours, in a list, and long enough.
        let (c, zero_from) = unsafe {
            let zero_from = self.space.zero_from(c);
            self.free.remove(self.space, c);
            (self.split(c, bytes), zero_from)
        };
        // Where links were, if the chunk was not taken from the end of a free one.
        let dirty = zero_from
            .saturating_sub(c.payload())
            .max(MIN_CHUNK - CHUNK_HEADER);
        Some((self.hand_out(c, size), dirty.min(size) as usize))
    }

    /// Marks a chunk as the program's block of `size` bytes.
    fn hand_out(&mut self, c: Chunk, size: u64) -> NonNull<u8> {
        let space = self.space;
        // SAFETY: the chunk is in use and ours; its payload is no null pointer, since it lies in the source's memory.
        unsafe {
            space.set_owner(c, size as u32, space.block_word(c, self.number));
            self.counters.chunk_allocs += 1;
            self.counters.chunk_bytes += space.size(c) - CHUNK_HEADER;
            self.counters.note_peak();
            NonNull::new_unchecked(space.pointer(c.payload()))
        }
    }

    /// A span of its own with `asked` bytes; the second value tells whether it is all zero.
    pub(super) fn make_span(&mut self, asked: u64, align: u64) -> Option<(NonNull<u8>, bool)> {
        let word = owner::word(owner::SPAN, self.number);
        let (span, zeroed) = self
            .spans
            .make(self.space, &mut self.source, asked, align, word)?;
        self.counters.span_allocs += 1;
        // SAFETY: the span was just made.
        self.counters.span_bytes += unsafe { self.space.span_payload(span) };
        self.counters.note_peak();
        Some((NonNull::new(self.space.pointer(span.0))?, zeroed))
    }

    /// # Safety
    /// The span is one of ours, in use.
    pub(super) unsafe fn free_span(&mut self, span: Span) {
        // SAFETY: the caller's promise; after `unlink` nothing refers to the memory.
        unsafe {
            self.counters.span_frees += 1;
            self.counters.span_bytes -= self.space.span_payload(span);
            let (start, bytes) = self.spans.unlink(self.space, span);
            self.source.release(start, bytes);
        }
    }

    /// A chunk in use of at least `bytes` (a multiple of 16), from the free ones or from a new arena.
    pub(super) fn take_chunk(&mut self, bytes: u64) -> Option<Chunk> {
        let bytes = round_chunk(bytes);
        let c = self.find_chunk(bytes)?;
        // SAFETY: the chunk is ours, in a list, and long enough.
        unsafe {
            self.free.remove(self.space, c);
            Some(self.split(c, bytes))
        }
    }

    /// A free chunk of at least `bytes`, which stays in its list: one there is, or that of a new arena.
    #[inline(always)]
    fn find_chunk(&mut self, bytes: u64) -> Option<Chunk> {
        // SAFETY: lists and arenas hold chunks of this heap only.
        match unsafe { self.free.find(self.space, bytes, self.policy.fit) } {
            Some(c) => Some(c),
            None => self.grow(bytes),
        }
    }

    /// Marks a free chunk that is in no list as used, and cuts off what is beyond `bytes` as a free chunk. Returns the used
    /// one, which is in front (hardened: at either end).
    ///
    /// # Safety
    /// The chunk is ours, free, in no list, at least `bytes` long.
    unsafe fn split(&mut self, c: Chunk, bytes: u64) -> Chunk {
        let space = self.space;
        // SAFETY: the caller's promise; the rest lies within the chunk.
        unsafe {
            let (have, since) = (space.size(c), space.asked(c));
            let rest = have - bytes;
            // A rest that no request of this size could use stays with the chunk.
            if rest < MIN_CHUNK.max(bytes / 16) {
                space.set_size(c, have, Use::Block);
                self.touch_frontier(space.next(c), c.0 + have);
                return c;
            }
            self.counters.splits += 1;
            if space.is_process() && harden::coin() {
                let used = Chunk(c.0 + rest);
                space.begin(used, rest);
                space.set_size(used, bytes, Use::Block);
                space.set_size(c, rest, Use::Free);
                self.free.insert(space, c);
                self.touch_frontier(space.next(used), c.0 + have);
                return used;
            }
            space.set_size(c, bytes, Use::Block);
            let tail = Chunk(c.0 + bytes);
            space.begin(tail, bytes);
            space.set_size(tail, rest, Use::Free);
            space.set_owner(tail, since, owner::NONE);
            self.free.insert(space, tail);
            self.touch_frontier(space.next(tail), tail.0);
            c
        }
    }

    /// Notes that memory up to `position` was handed out, if `next` is the end of an arena.
    ///
    /// # Safety
    /// `next` is a chunk of ours.
    unsafe fn touch_frontier(&mut self, next: Chunk, position: u64) {
        // SAFETY: the caller's promise.
        unsafe {
            if self.space.is_end(next) {
                self.space.raise_frontier(next, position);
            }
        }
    }

    /// Gives a chunk back: merges it with free neighbours, and releases its arena when that is all free.
    ///
    /// # Safety
    /// The chunk is ours and in use; what the program had in it is not used any more.
    pub(super) unsafe fn free_chunk(&mut self, c: Chunk) {
        let space = self.space;
        // SAFETY: the caller's promise; neighbours of a chunk of ours are ours.
        unsafe {
            if space.usage(c) == Use::Block {
                self.counters.chunk_bytes -= space.size(c) - CHUNK_HEADER;
            }
            let c = self.coalesce(c);
            if space.prev_size(c) == 0 && space.is_end(space.next(c)) && self.count > 1 {
                self.release_arena(Arena::of_first(c));
            } else {
                self.free.insert(space, c);
            }
        }
    }

    /// Marks a chunk free and merges it with its free neighbours, which leave their lists; the result is in no list.
    ///
    /// # Safety
    /// The chunk is ours and in use.
    unsafe fn coalesce(&mut self, c: Chunk) -> Chunk {
        let space = self.space;
        // SAFETY: the caller's promise; neighbours of a chunk of ours are ours.
        unsafe {
            let (mut start, mut size) = (c, space.size(c));
            space.set_owner(c, 0, owner::NONE);
            if self.policy.coalesce {
                let next = space.next(c);
                if space.usage(next) == Use::Free {
                    self.free.remove(space, next);
                    size += space.size(next);
                    self.counters.coalesces += 1;
                }
                if let Some(prev) = space.prev(c)
                    && space.usage(prev) == Use::Free
                {
                    self.free.remove(space, prev);
                    size += space.size(prev);
                    start = prev;
                    self.counters.coalesces += 1;
                }
            }
            space.set_size(start, size, Use::Free);
            space.set_owner(start, self.epoch, owner::NONE);
            start
        }
    }

    /// A new arena with a free chunk of at least `bytes`, in its list.
    fn grow(&mut self, bytes: u64) -> Option<Chunk> {
        let need = align::up(bytes + ARENA_OVERHEAD, PAGE)?;
        let half = (self.bytes / 2).clamp(self.policy.first_arena, self.policy.max_arena);
        // Powers of two, so that arenas given back serve any heap.
        let wish = (1 << half.ilog2()).max(need.next_power_of_two());
        if need > MAX_CHUNK {
            return None;
        }
        let got = self.source.acquire_within(need, wish, PAGE)?;
        let space = self.space;
        let arena = Arena(space.position(got.start.as_ptr()));
        // SAFETY: the memory is fresh from the source; the list holds arenas of ours.
        unsafe {
            space.begin_arena(arena, got.bytes, self.number, got.zeroed);
            space.set_arena_next(arena, self.first);
            if self.first != NO_ARENA {
                space.set_arena_prev(Arena(self.first), arena.0);
            }
            self.free.insert(space, arena.first());
        }
        self.first = arena.0;
        self.count += 1;
        self.bytes += got.bytes;
        self.counters.arenas_made += 1;
        Some(arena.first())
    }

    /// # Safety
    /// The arena is ours and all free, its one chunk in no list.
    unsafe fn release_arena(&mut self, arena: Arena) {
        let space = self.space;
        // SAFETY: the caller's promise; the list holds arenas of ours.
        unsafe {
            let (next, prev) = (space.arena_next(arena), space.arena_prev(arena));
            if next != NO_ARENA {
                space.set_arena_prev(Arena(next), prev);
            }
            if prev != NO_ARENA {
                space.set_arena_next(Arena(prev), next);
            } else {
                self.first = next;
            }
            let bytes = space.arena_bytes(arena);
            self.count -= 1;
            self.bytes -= bytes;
            self.counters.arenas_released += 1;
            space.end_arena(arena);
            self.source
                .release(NonNull::new_unchecked(space.pointer(arena.0)), bytes);
        }
    }

    /// Releases the arena that a heap keeps for its next block, if it is all free: for a thread that ends.
    pub fn release_last(&mut self) {
        if self.count != 1 {
            return;
        }
        let arena = Arena(self.first);
        let c = arena.first();
        let space = self.space;
        // SAFETY: the one arena of the list, and its first chunk.
        unsafe {
            if space.usage(c) == Use::Free && space.is_end(space.next(c)) {
                self.free.remove(space, c);
                self.release_arena(arena);
            }
        }
    }

    /// A block of `size` bytes at a multiple of `align`, which is a power of two above 16.
    pub fn aligned(&mut self, align: u64, size: u64) -> Option<NonNull<u8>> {
        if size.saturating_add(align) > self.policy.span_threshold {
            self.make_span(size, align).map(|(block, _)| block)
        } else {
            self.aligned_chunk(align, size)
        }
    }

    /// A chunk whose payload is at a multiple of `align` (more than 16), for `asked` bytes.
    fn aligned_chunk(&mut self, align: u64, asked: u64) -> Option<NonNull<u8>> {
        let bytes = chunk_bytes(asked);
        // Room for a chunk in front: what is cut off must be long enough to be one.
        let c = self.take_chunk(bytes + align + MIN_CHUNK)?;
        let space = self.space;
        // SAFETY: the chunk is ours, in use, and longer than lead and bytes.
        unsafe {
            let payload = space.pointer(c.payload()).addr() as u64;
            let mut lead = align::gap(payload, align);
            if lead != 0 && lead < MIN_CHUNK {
                lead += align;
            }
            let have = space.size(c);
            let inner = Chunk(c.0 + lead);
            if lead != 0 {
                space.begin(inner, lead);
                space.set_size(inner, have - lead, Use::Block);
                space.set_size(c, lead, Use::Run); // in use and no block of the program, until it is freed below
            }
            self.trim(inner, bytes);
            let block = self.hand_out(inner, asked);
            if lead != 0 {
                self.free_chunk(c);
            }
            Some(block)
        }
    }

    /// As `split`, but the rest is given back with coalescing: the chunk after it may be free.
    ///
    /// # Safety
    /// The chunk is ours, in no list, at least `bytes` long; afterwards it is in use.
    pub(super) unsafe fn trim(&mut self, c: Chunk, bytes: u64) {
        let space = self.space;
        // SAFETY: the caller's promise; the rest lies within the chunk.
        unsafe {
            let have = space.size(c);
            if have - bytes < MIN_CHUNK {
                space.set_size(c, have, Use::Block);
                return;
            }
            self.counters.splits += 1;
            space.set_size(c, bytes, Use::Block);
            let tail = Chunk(c.0 + bytes);
            space.begin(tail, bytes);
            space.set_size(tail, have - bytes, Use::Run); // in use, and no block of the program
            let free = self.coalesce(tail);
            self.free.insert(space, free);
        }
    }

    /// Chunks free in the arenas: how many, and their bytes.
    pub fn free_chunks(&self) -> (u64, u64) {
        let (mut count, mut bytes) = (0, 0);
        for class in 0..crate::base::class::CLASSES {
            let mut at = self.free.head(class);
            while at != 0 {
                // SAFETY: lists hold free chunks of this heap.
                unsafe {
                    bytes += self.space.size(Chunk(at));
                    at = self.space.link_next(Chunk(at));
                }
                count += 1;
            }
        }
        (count, bytes)
    }
}

/// Whether a header is that of a chunk which the program uses, as far as itself tells.
///
/// # Safety
/// It may be read.
#[inline]
pub unsafe fn is_block(space: Space, c: Chunk) -> bool {
    // SAFETY: the caller's promise.
    unsafe {
        let (size, asked) = (space.size(c), u64::from(space.asked(c)));
        // A chunk that was kept serves requests of a class or two less than it holds: never less than half.
        space.is_sealed(c) && size >= asked + CHUNK_HEADER && size <= 2 * asked + 4 * MIN_CHUNK
    }
}

/// Whether a chunk's boundary tags agree: its own, and what the next chunk says of it.
///
/// # Errors
/// [`Misuse`]: the header was overwritten.
///
/// # Safety
/// The chunk's header may be read; where its size fits what was asked for, so may that of the next chunk.
pub unsafe fn check_block(space: Space, c: Chunk) -> Result<(), Misuse> {
    // SAFETY: the caller's promise.
    unsafe {
        let waits = space.asked(c) == KEPT && space.is_sealed(c);
        if (waits || is_block(space, c)) && space.prev_size(space.next(c)) == space.size(c) {
            return Ok(());
        }
    }
    Err(Misuse::NotABlock {
        address: space.pointer(c.payload()).addr(),
    })
}

/// Bytes of a chunk for a payload of `size` bytes.
pub(super) fn chunk_bytes(size: u64) -> u64 {
    round_chunk(size + CHUNK_HEADER).max(MIN_CHUNK)
}
