//! Which blocks are live, and where.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// Event numbers as keys: a multiplication spreads them well enough, and runs for every event of a replay.
#[derive(Clone, Copy, Default)]
pub(super) struct Spread(u64);

impl Hasher for Spread {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.write_u32(u32::from(byte));
        }
    }

    fn write_u32(&mut self, number: u32) {
        // 2^64 divided by the golden ratio (Knuth, The Art of Computer Programming 3, section 6.4).
        self.0 = (self.0 ^ u64::from(number))
            .wrapping_mul(0x9E37_79B9_7F4A_7C15)
            .rotate_left(26);
    }
}

/// Live blocks: the event that made each, and its position.
pub(super) type Blocks = HashMap<u32, u32, BuildHasherDefault<Spread>>;
