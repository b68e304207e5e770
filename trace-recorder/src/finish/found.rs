//! What is found out about released blocks.

use super::touch::{Made, block_of};
use std::sync::atomic::{AtomicU64, Ordering};
use trace_format::BlockId;

/// What was found out about a released block.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub(super) struct Found {
    /// The block's name, see [`Made::name`]; [`NOBODY`] when that is not known.
    name: u64,
    size: u64,
}

/// A name that no block has.
const NOBODY: u64 = u64::MAX;

impl Found {
    /// The block is not known.
    pub const NOTHING: Found = Found {
        name: NOBODY,
        size: 0,
    };

    /// What is known of a block.
    #[inline(always)]
    pub fn of(made: &Made) -> Found {
        Found {
            name: made.name(),
            size: made.size,
        }
    }

    /// The block's name and size; `None` if it is not known.
    #[inline(always)]
    pub fn block(self) -> Option<(BlockId, u64)> {
        (self.name != NOBODY).then_some((block_of(self.name), self.size))
    }
}

/// A [`Found`] that any lane may set while others set theirs. Each is set by one lane, once.
#[derive(Debug)]
pub(super) struct FoundCell {
    name: AtomicU64,
    size: AtomicU64,
}

impl FoundCell {
    /// Nothing was found out yet.
    #[inline(always)]
    pub fn new() -> FoundCell {
        let Found { name, size } = Found::NOTHING;
        FoundCell {
            name: AtomicU64::new(name),
            size: AtomicU64::new(size),
        }
    }

    /// That was found out.
    #[inline(always)]
    pub fn set(&self, found: Found) {
        self.name.store(found.name, Ordering::Relaxed);
        self.size.store(found.size, Ordering::Relaxed);
    }

    /// It was wrong.
    pub fn forget(&self) {
        self.set(Found::NOTHING);
    }

    /// What was found out.
    #[inline(always)]
    pub fn get(&self) -> Found {
        Found {
            name: self.name.load(Ordering::Relaxed),
            size: self.size.load(Ordering::Relaxed),
        }
    }
}
