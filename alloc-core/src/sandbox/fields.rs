//! The fields of headers, named: for those who look at single bytes.

use super::Sandbox;
use crate::chunk::arena::{ARENA_HEADER, Arena};
use crate::chunk::block::{BLOCK_HEADER, FIRST_BLOCK, Run};
use crate::chunk::span::{SPAN_HEADER, Span};
use crate::chunk::tag::{CHUNK_HEADER, Chunk};
use crate::heap::{Piece, State};

/// A field of a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// The position of its first byte.
    pub position: u64,
    /// Its width in bytes: 1, 2, 4 or 8.
    pub bytes: u64,
    /// What it is called.
    pub name: &'static str,
    /// The number that stands there.
    pub value: u64,
}

/// Names and widths, in address order.
type Layout = &'static [(&'static str, u64)];

const CHUNK: Layout = &[
    ("size and flags", 4),
    ("size before", 4),
    ("owner", 4),
    ("asked", 4),
];
const LINKS: Layout = &[("next free", 8), ("previous free", 8)];
const RUN: Layout = &[
    ("bin", 2),
    ("capacity", 2),
    ("home", 4),
    ("next run", 8),
    ("previous run", 8),
    ("first home", 8),
];
const BLOCK: Layout = &[("owner", 4), ("bin", 1), ("asked mod 256", 1), ("place", 2)];
const LINK: Layout = &[("next free", 8)];
const ARENA: Layout = &[
    ("magic", 4),
    ("heap", 4),
    ("bytes", 8),
    ("next arena", 8),
    ("previous arena", 8),
];
const SPAN: Layout = &[
    ("memory from", 8),
    ("bytes", 8),
    ("asked", 8),
    ("next span", 8),
    ("previous span", 8),
];

impl Sandbox {
    /// Shows the fields of the headers, and the links of what is free, that [`walk`](Self::walk) shows as `piece` or at its
    /// beginning. Pieces of another moment or sandbox have none.
    pub fn fields(&self, piece: &Piece, visit: &mut dyn FnMut(Field)) {
        // What is shown must be there now: only then are its bytes the heap's own.
        let mut there = false;
        let arenas = self.core.stats().arenas;
        self.walk(&mut |other| there |= other == *piece);
        if there {
            self.fields_of(piece, u64::from(piece.region) >= arenas, visit);
        }
    }

    /// As [`fields`](Self::fields), for every piece that touches the positions `from` to `to`.
    pub fn fields_within(&self, from: u64, to: u64, visit: &mut dyn FnMut(Piece, Field)) {
        let arenas = self.core.stats().arenas;
        // Fields lie in the arena or span of their piece.
        self.core.walk_within(from, to, &mut |piece| {
            // Links reach beyond a piece only where one is shorter than its header, and headers are short.
            if piece.position < to && piece.position + piece.bytes.max(ARENA_HEADER) > from {
                let span = u64::from(piece.region) >= arenas;
                self.fields_of(&piece, span, &mut |field| {
                    if field.position < to && field.position + field.bytes > from {
                        visit(piece, field);
                    }
                });
            }
        });
    }

    /// `piece` is one that a walk shows now; `span`: it belongs to a span.
    fn fields_of(&self, piece: &Piece, span: bool, visit: &mut dyn FnMut(Field)) {
        let at = piece.position;
        match (piece.state, span) {
            (State::Header, true) => {
                let header = Span(at + piece.bytes).0 - SPAN_HEADER;
                self.read(header, SPAN, visit);
                self.read(header + SPAN_HEADER - 8, &[("owner", 4)], visit);
            }
            (_, true) => {}
            (State::Header, _) if at == piece.region_position => {
                self.read(Arena(at).0, ARENA, visit)
            }
            (State::Header, _) if piece.payload != at => {}
            (State::Header, _) if piece.bytes == FIRST_BLOCK - BLOCK_HEADER => {
                self.read(Run(at).0, CHUNK, visit);
                self.read(at + CHUNK_HEADER, RUN, visit);
            }
            (State::Header, _) => self.read(at, CHUNK, visit),
            (State::InUse, _) if piece.bin > 0 => self.read(at, BLOCK, visit),
            (State::InUse, _) => self.read(at, CHUNK, visit),
            (State::Cached | State::Home, _) => {
                self.read(at, BLOCK, visit);
                self.read(piece.payload, LINK, visit);
            }
            (State::Free, _) => {
                self.read(Chunk(at).0, CHUNK, visit);
                self.read(at + CHUNK_HEADER, LINKS, visit);
            }
            // The rest of a free chunk, or one that was never handed out: then its header stands there.
            (State::Fresh, _) => {}
        }
    }

    fn read(&self, mut at: u64, layout: Layout, visit: &mut dyn FnMut(Field)) {
        for &(name, bytes) in layout {
            // SAFETY: callers name headers and links that a walk has just shown, which the heap has written and which lie
            // aligned within its memory.
            let value = unsafe {
                let from = self.memory.start().add(at as usize);
                match bytes {
                    1 => u64::from(from.read()),
                    2 => u64::from(from.cast::<u16>().read()),
                    4 => u64::from(from.cast::<u32>().read()),
                    _ => from.cast::<u64>().read(),
                }
            };
            visit(Field {
                position: at,
                bytes,
                name,
                value,
            });
            at += bytes;
        }
    }
}
