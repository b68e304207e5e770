//! A stretch of a heap's memory as the browser shows it.

use alloc_core::heap::{Piece, State};

/// A stretch of the heap's memory in one state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// The arena or span that it belongs to, in the order of the walk.
    pub region: u32,
    /// Where that arena or span begins.
    pub region_position: u64,
    /// Its first byte, counted from the heap's base.
    pub position: u64,
    /// Its length in bytes.
    pub bytes: u64,
    /// What it is used for.
    pub state: State,
    /// Where what follows the part's own header begins, for blocks and free chunks; else the part itself.
    pub payload: u64,
    /// Bytes that the program asked for, where the state is [`State::InUse`].
    pub requested: u64,
    /// The bin, for small blocks.
    pub bin: Option<u32>,
    /// The event that made the block, where the state is [`State::InUse`].
    pub maker: Option<u32>,
}

/// A piece of the core as a part; `maker` is the event that made the block, if there is one.
pub(super) fn part(piece: &Piece, maker: Option<u32>) -> Part {
    Part {
        region: piece.region,
        region_position: piece.region_position,
        position: piece.position,
        bytes: piece.bytes,
        state: piece.state,
        payload: piece.payload,
        requested: piece.requested,
        bin: (piece.bin > 0).then_some(piece.bin),
        maker,
    }
}
