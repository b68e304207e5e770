//! What the blocks of a tape are like: how large, and how long they live.

use serde::{Deserialize, Serialize};

/// The blocks of a tape by size and lifetime, both by powers of two.
///
/// A block is made by a malloc or a realloc and ends with its free or the next realloc.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TapeProfile {
    /// Whether lifetimes are nanoseconds; otherwise the tape knows no times, and they count steps in the order of its events.
    pub timed: bool,
    /// Only those that hold blocks, in ascending order.
    pub cells: Vec<ProfileCell>,
}

/// Blocks of about one size and lifetime: `[size_from, lifetime_from, blocks, bytes]`.
///
/// `size_from` and `lifetime_from` are 0 or a power of two, the least of the bucket, which ends below the next power of two.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProfileCell(
    /// Bytes as requested.
    pub u64,
    /// Nanoseconds (see [`TapeProfile::timed`]); `null` for blocks that the tape never frees.
    pub Option<u64>,
    /// How many blocks.
    pub u64,
    /// Their sizes together.
    pub u64,
);
