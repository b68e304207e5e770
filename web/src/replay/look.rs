//! What can be seen of a heap as it stands: its memory, its lists, its counters. Nothing here changes it.

use alloc_core::heap::{BinCounts, HeapStats, Piece};
use alloc_core::sandbox::Field;

use super::Replay;
use super::part::{Part, part};

impl Replay {
    /// The core's counters.
    pub fn stats(&self) -> HeapStats {
        self.sandbox.stats()
    }

    /// Where the used part of the address space ends, counted from the heap's base. Bytes.
    pub fn top(&self) -> u64 {
        self.sandbox.top()
    }

    /// Shows every byte that the heap has from its source: in address order within an arena or span, not over all.
    pub fn walk(&self, visit: &mut dyn FnMut(Part)) {
        self.walk_within(0, u64::MAX, visit);
    }

    /// As [`walk`](Self::walk), without the arenas and spans that lie wholly outside the positions `from` to `to`.
    pub fn walk_within(&self, from: u64, to: u64, visit: &mut (impl FnMut(Part) + ?Sized)) {
        let named = &mut |piece: Piece, name| visit(part(&piece, name));
        self.sandbox.walk_named_within(from, to, named);
    }

    /// Arenas now.
    pub fn arenas(&self) -> u64 {
        self.sandbox.stats().arenas
    }

    /// Shows the fields of headers at the positions `from` to `to`, and the part that each stands in.
    pub fn fields(&self, from: u64, to: u64, visit: &mut dyn FnMut(Part, Field)) {
        self.sandbox.fields_within(from, to, &mut |piece, field| {
            visit(part(&piece, None), field)
        });
    }

    /// What a bin of small blocks holds.
    pub fn bin(&self, bin: usize) -> BinCounts {
        self.sandbox.bin(bin)
    }

    /// The first cached blocks of a bin, the next to be handed out first: positions of payloads.
    pub fn cached_blocks(&self, bin: usize, most: usize) -> Vec<u64> {
        let mut blocks = Vec::new();
        self.sandbox.cached_blocks(bin, &mut |position| {
            blocks.push(position);
            blocks.len() < most
        });
        blocks
    }

    /// Free chunks of a class: how many, their bytes, and the first of them as position and bytes.
    pub fn free_list(&self, class: usize, most: usize) -> (u64, u64, Vec<(u64, u64)>) {
        let (mut count, mut bytes, mut first) = (0, 0, Vec::new());
        self.sandbox.free_list(class, &mut |position, length| {
            (count, bytes) = (count + 1, bytes + length);
            if first.len() < most {
                first.push((position, length));
            }
            true
        });
        (count, bytes, first)
    }

    /// How often something has happened, in the order of [`Step`](super::Step).
    pub fn steps(&self) -> [u64; 4] {
        let (coalesces, splits, arenas, refused) = self.sandbox.steps();
        [coalesces, splits, arenas, refused]
    }

    /// The position of the block that event `maker` made, while it is live.
    pub fn position_of(&self, maker: u32) -> Option<u64> {
        self.sandbox.position_of(maker)
    }

    /// The event that made the live block whose payload is at `position`. Looks at every live block.
    pub fn maker_of(&self, position: u64) -> Option<u32> {
        self.sandbox.name_at(position)
    }

    /// Live blocks.
    pub fn live_blocks(&self) -> usize {
        self.sandbox.live()
    }
}
