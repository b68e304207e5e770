//! Every byte of a heap, piece by piece.

use super::arenas::Arenas;
use crate::base::class;
use crate::chunk::arena::{ARENA_HEADER, Arena, NO_ARENA};
use crate::chunk::block::{BLOCK_HEADER, FIRST_BLOCK, Run};
use crate::chunk::owner;
use crate::chunk::tag::{CHUNK_HEADER, Chunk, Use};
use crate::source::MemorySource;

/// What a piece of a heap's memory is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// Headers of arenas, runs and spans, ends of arenas, and what alignment leaves over.
    Header,
    /// A block of the program, its own header included.
    InUse,
    /// A small block in the cache, or on its way back from another thread.
    Cached,
    /// A small block in its run's list.
    Home,
    /// A free chunk.
    Free,
    /// Never handed out.
    Fresh,
}

/// A piece of an arena or a span. Pieces come in address order within an arena and cover it without a gap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    /// The arena's or span's number in the walk: spans follow the arenas.
    pub region: u32,
    /// The position of the arena or span: a byte offset from the heap's base.
    pub region_position: u64,
    /// Bytes of the arena or span.
    pub region_bytes: u64,
    /// Where the piece starts, in bytes from the heap's base.
    pub position: u64,
    /// How long it is. Bytes.
    pub bytes: u64,
    /// What it is.
    pub state: State,
    /// The payload's position, for blocks and free chunks; the end of the piece for what is left over at the end of a run; the
    /// piece's own position otherwise.
    pub payload: u64,
    /// What the program asked for; 0 unless in use. Bytes.
    pub requested: u64,
    /// The bin of a small block; 0 for all else.
    pub bin: u32,
}

impl<S: MemorySource> Arenas<S> {
    /// Shows every piece: arenas oldest first, then spans oldest first.
    pub fn walk(&self, visit: &mut dyn FnMut(Piece)) {
        self.walk_within(0, u64::MAX, visit);
    }

    /// As [`walk`](Self::walk), without the arenas and spans that lie wholly outside the positions `from` to `to`.
    pub fn walk_within(&self, from: u64, to: u64, visit: &mut (impl FnMut(Piece) + ?Sized)) {
        let touches = |start: u64, bytes: u64| start < to && start + bytes > from;
        let mut region = 0;
        let mut at = self.oldest_arena();
        while at != NO_ARENA {
            let arena = Arena(at);
            // SAFETY: the list holds arenas of this heap; walks of chunks stay within them, since their sizes add up.
            unsafe {
                if touches(at, self.space.arena_bytes(arena)) {
                    self.walk_arena(arena, region, visit);
                }
                at = self.space.arena_prev(arena);
            }
            region += 1;
        }
        // Newest first in the list; shown in that order reversed would need memory, so by count.
        let count = self.spans.count as u32;
        for (index, span) in self.spans.iter(self.space).enumerate() {
            // SAFETY: the list holds spans of this heap.
            unsafe {
                let (start, bytes) = (self.space.span_from(span), self.space.span_bytes(span));
                if !touches(start, bytes) {
                    continue;
                }
                let base = Piece {
                    region: region + count - 1 - index as u32,
                    region_position: start,
                    region_bytes: bytes,
                    position: start,
                    bytes: span.0 - start,
                    state: State::Header,
                    payload: start,
                    requested: 0,
                    bin: 0,
                };
                visit(base);
                visit(Piece {
                    position: span.0,
                    bytes: bytes - (span.0 - start),
                    state: State::InUse,
                    payload: span.0,
                    requested: self.space.span_asked(span),
                    ..base
                });
            }
        }
    }

    /// The arena that was made first, or [`NO_ARENA`].
    pub(super) fn oldest_arena(&self) -> u64 {
        let (mut at, mut last) = (self.first, NO_ARENA);
        while at != NO_ARENA {
            last = at;
            // SAFETY: the list holds arenas of this heap.
            at = unsafe { self.space.arena_next(Arena(at)) };
        }
        last
    }

    /// # Safety
    /// The arena is one of ours.
    unsafe fn walk_arena(
        &self,
        arena: Arena,
        region: u32,
        visit: &mut (impl FnMut(Piece) + ?Sized),
    ) {
        let space = self.space;
        // SAFETY: the caller's promise; chunks of the arena lead from its first to its end.
        unsafe {
            let (bytes, end, frontier) = (
                space.arena_bytes(arena),
                space.arena_end(arena),
                space.frontier(arena),
            );
            let plain = |position: u64, bytes: u64, state: State| Piece {
                region,
                region_position: arena.0,
                region_bytes: space.arena_bytes(arena),
                position,
                bytes,
                state,
                payload: position,
                requested: 0,
                bin: 0,
            };
            visit(plain(arena.0, ARENA_HEADER, State::Header));
            let mut c = arena.first();
            while c != end {
                let size = space.size(c);
                match space.usage(c) {
                    Use::Block => visit(Piece {
                        payload: c.payload(),
                        requested: u64::from(space.asked(c)),
                        ..plain(c.0, size, State::InUse)
                    }),
                    Use::Run => self.walk_run(c, &plain, visit),
                    Use::Free => {
                        let used = frontier.clamp(c.0, c.0 + size) - c.0;
                        if used > 0 {
                            visit(Piece {
                                payload: c.payload(),
                                ..plain(c.0, used, State::Free)
                            });
                        }
                        if used < size {
                            visit(plain(c.0 + used, size - used, State::Fresh));
                        }
                    }
                }
                c = Chunk(c.0 + size);
            }
            visit(plain(end.0, CHUNK_HEADER, State::Header));
            debug_assert_eq!(end.0 + CHUNK_HEADER, arena.0 + bytes);
        }
    }

    /// # Safety
    /// The chunk is a run of ours.
    unsafe fn walk_run(
        &self,
        c: Chunk,
        plain: &impl Fn(u64, u64, State) -> Piece,
        visit: &mut (impl FnMut(Piece) + ?Sized),
    ) {
        let (space, run) = (self.space, Run(c.0));
        // SAFETY: the caller's promise; a run holds `capacity` blocks.
        unsafe {
            let (bin, capacity) = (space.run_bin(run), space.run_capacity(run));
            visit(plain(c.0, FIRST_BLOCK - BLOCK_HEADER, State::Header));
            let home = space.home_set(run);
            for index in 0..capacity {
                let payload = run.block(bin, index);
                let (state, requested) = match space.owner_before(payload) {
                    owner::FREE if home.has(index) => (State::Home, 0),
                    owner::FREE => (State::Cached, 0),
                    _ => (State::InUse, space.requested(payload)),
                };
                visit(Piece {
                    payload,
                    requested,
                    bin: bin as u32,
                    ..plain(payload - BLOCK_HEADER, class::block_bytes(bin), state)
                });
            }
            let used = run.block(bin, capacity) - BLOCK_HEADER;
            let end = c.0 + space.size(c);
            if used < end {
                // Too short for a block: holds nothing, which the payload at its end says.
                visit(Piece {
                    payload: end,
                    ..plain(used, end - used, State::Header)
                });
            }
        }
    }
}
