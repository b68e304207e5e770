//! Blocks by size and lifetime at once, both by powers of two.

use serde::{Serialize, Serializer};
use std::collections::BTreeMap;

/// How many blocks, and how many bytes of them, fell between powers of two of size and of lifetime. Serialised as its cells,
/// `[size_least, lifetime_least, blocks, bytes]`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Blocks {
    /// By the least size of the bucket and the least lifetime of it, `None` for blocks that were never released.
    cells: BTreeMap<(u64, Option<u64>), (u64, u64)>,
}

/// Blocks of about the same size and lifetime.
#[derive(Copy, Clone, PartialEq, Eq, Debug, Serialize)]
pub struct BlockCell(
    /// Smallest size that belongs here: 0 or a power of two.
    pub u64,
    /// Smallest lifetime that belongs here, likewise; none for blocks that the tape never releases.
    pub Option<u64>,
    /// Blocks.
    pub u64,
    /// Their sizes together.
    pub u64,
);

/// The least value of the bucket that the value belongs to.
fn least(value: u64) -> u64 {
    match value {
        0 => 0,
        value => 1 << value.ilog2(),
    }
}

impl Blocks {
    /// Counts a block.
    #[inline]
    pub fn add(&mut self, size: u64, lifetime: Option<u64>) {
        let cell = self
            .cells
            .entry((least(size), lifetime.map(least)))
            .or_default();
        *cell = (cell.0 + 1, cell.1.saturating_add(size));
    }

    /// Counts what another one counted.
    pub fn merge(&mut self, other: &Blocks) {
        for (key, (blocks, bytes)) in &other.cells {
            let cell = self.cells.entry(*key).or_default();
            *cell = (cell.0 + blocks, cell.1.saturating_add(*bytes));
        }
    }

    /// Those that hold blocks: by size, then by lifetime, never released last.
    pub fn cells(&self) -> Vec<BlockCell> {
        let mut cells: Vec<BlockCell> = self
            .cells
            .iter()
            .map(|((size, lifetime), (blocks, bytes))| BlockCell(*size, *lifetime, *blocks, *bytes))
            .collect();
        cells.sort_by_key(|cell| (cell.0, cell.1.is_none(), cell.1));
        cells
    }
}

impl Serialize for Blocks {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.cells())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_of_a_kind_share_a_cell() {
        let mut blocks = Blocks::default();
        for (size, lifetime) in [(0, Some(0)), (9, Some(100)), (15, Some(127)), (16, None)] {
            blocks.add(size, lifetime);
        }
        let mut twice = blocks.clone();
        twice.merge(&blocks);
        assert_eq!(
            twice.cells(),
            [
                BlockCell(0, Some(0), 2, 0),
                BlockCell(8, Some(64), 4, 48),
                BlockCell(16, None, 2, 32),
            ]
        );
    }
}
