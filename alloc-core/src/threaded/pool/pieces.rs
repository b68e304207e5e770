//! What a block is put together from.

use super::seams::Seams;
use super::system::Range;

/// The most parts that a block is put together from.
pub const PIECES: usize = 48;

/// Ranges in an order, each within one mapping.
#[derive(Clone, Copy)]
pub struct Pieces {
    list: [Range; PIECES],
    count: usize,
    /// Their lengths together.
    pub bytes: u64,
}

impl Pieces {
    /// None.
    pub const fn new() -> Pieces {
        Pieces {
            list: [Range { start: 0, bytes: 0 }; PIECES],
            count: 0,
            bytes: 0,
        }
    }

    /// Adds one; `false`: there is no room.
    pub fn push(&mut self, start: u64, bytes: u64) -> bool {
        let Some(place) = self.list.get_mut(self.count) else {
            return false;
        };
        *place = Range { start, bytes };
        self.count += 1;
        self.bytes += bytes;
        true
    }

    /// The ranges.
    pub fn list(&self) -> &[Range] {
        &self.list[..self.count]
    }

    /// Adds a range that has seams within, in order. `false`: there is no room, nothing was added.
    pub fn push_all(&mut self, range: Range, seams: &Seams) -> bool {
        let before = (self.count, self.bytes);
        let mut from = range.start;
        for to in seams.between(range.start, range.end()).chain([range.end()]) {
            if !self.push(from, to - from) {
                (self.count, self.bytes) = before;
                return false;
            }
            from = to;
        }
        true
    }
}
