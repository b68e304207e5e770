//! Which block lives at an address.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher, RandomState};
use trace_format::BlockId;

/// A block that lives.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub(super) struct Living {
    pub block: BlockId,
    /// Bytes as requested.
    pub size: u64,
}

/// The living blocks by address, and how many bytes they have.
#[derive(Default, Debug)]
pub(super) struct Book {
    at: HashMap<u64, Living, Spread>,
    live_bytes: u128,
    peak_bytes: u128,
    peak_ns: u64,
}

impl Book {
    /// A block is at `address` from `time_ns` on. Nothing may live there.
    pub fn enter(&mut self, address: u64, living: Living, time_ns: u64) {
        self.at.insert(address, living);
        self.live_bytes += u128::from(living.size);
        if self.live_bytes > self.peak_bytes {
            self.peak_bytes = self.live_bytes;
            self.peak_ns = time_ns;
        }
    }

    /// The block at `address` is gone. `None` when none was there.
    pub fn strike(&mut self, address: u64) -> Option<BlockId> {
        let living = self.at.remove(&address)?;
        self.live_bytes -= u128::from(living.size);
        Some(living.block)
    }

    /// Who lives at `address`.
    pub fn at(&self, address: u64) -> Option<&Living> {
        self.at.get(&address)
    }

    /// The sums that the tape's totals need.
    pub fn totals(&self) -> trace_format::LiveTotals {
        let clamped = |bytes: u128| u64::try_from(bytes).unwrap_or(u64::MAX);
        trace_format::LiveTotals {
            peak_live_bytes: clamped(self.peak_bytes),
            peak_live_ns: self.peak_ns,
            live_bytes_at_end: clamped(self.live_bytes),
            live_blocks_at_end: self.at.len() as u64,
        }
    }
}

/// A quick hash for addresses and block names, keyed anew in each process: a file can't be made to collide.
#[derive(Clone, Debug)]
pub(super) struct Spread {
    key: u64,
}

impl Default for Spread {
    fn default() -> Self {
        Spread {
            key: RandomState::new().hash_one(0u64),
        }
    }
}

impl BuildHasher for Spread {
    type Hasher = SpreadHasher;

    fn build_hasher(&self) -> SpreadHasher {
        SpreadHasher(self.key)
    }
}

pub(super) struct SpreadHasher(u64);

impl Hasher for SpreadHasher {
    #[inline]
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.write_u64(u64::from(byte));
        }
    }

    #[inline]
    fn write_u32(&mut self, word: u32) {
        self.write_u64(u64::from(word).rotate_left(32) ^ 0xA5A5);
    }

    #[inline]
    fn write_u64(&mut self, word: u64) {
        // The golden ratio's bits: any odd constant with bits well spread would do.
        let product = u128::from(self.0 ^ word) * 0x9E37_79B9_7F4A_7C15;
        self.0 = (product >> 64) as u64 ^ product as u64;
    }
}
