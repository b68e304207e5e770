//! What a heap may be told to do otherwise.

use crate::base::align::PAGE;
use crate::base::class::SMALL_MAX;

/// How a free chunk is chosen among those of a class.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Fit {
    /// The first of the smallest class all of whose chunks are large enough.
    #[default]
    Good,
    /// The smallest of the first few of that class.
    Best,
    /// The first of the largest class: what is left of it stays large.
    First,
}

/// The settings of one heap; all sizes in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// The first arena; later ones are half of what the heap already has.
    pub first_arena: u64,
    /// The largest arena that growth asks for.
    pub max_arena: u64,
    /// Requests up to this are served from bins of small blocks, at most [`SMALL_MAX`]; 0: none but of no bytes.
    pub small_max: u64,
    /// Requests above this get a span of their own.
    pub span_threshold: u64,
    /// How a free chunk is chosen.
    pub fit: Fit,
    /// Whether a freed chunk merges with its free neighbours.
    pub coalesce: bool,
    /// Blocks of a bin worth this much stay in a list of the cache before they are put aside; as many are aside at most.
    pub cache_floor: u64,
    /// The most that a bin's limit grows to when blocks that were given away are wanted again at once.
    pub cache_ceiling: u64,
    /// A run of small blocks is at most this long (and has at least four blocks).
    pub run_bytes: u64,
}

impl Policy {
    /// The settings of a heap unless told otherwise.
    pub const DEFAULT: Policy = Policy {
        first_arena: 64 << 10,
        max_arena: 4 << 20,
        small_max: SMALL_MAX as u64,
        span_threshold: 512 << 10,
        fit: Fit::Good,
        coalesce: true,
        cache_floor: 4 << 10,
        cache_ceiling: 64 << 10,
        run_bytes: 2 << 10,
    };

    /// The settings nearest to these that a heap can work with: arenas of whole pages between 16 KiB and 1 GiB, spans
    /// from 64 KiB to half an arena's limit and more, caches of at least a few blocks.
    pub fn sane(mut self) -> Policy {
        let arena = |bytes: u64| bytes.clamp(16 << 10, 1 << 30) & !(PAGE - 1);
        self.first_arena = arena(self.first_arena);
        self.max_arena = arena(self.max_arena).max(self.first_arena);
        self.small_max = self.small_max.min(SMALL_MAX as u64);
        self.span_threshold = self.span_threshold.clamp(64 << 10, 512 << 20);
        self.cache_floor = self.cache_floor.clamp(64, 1 << 30);
        self.cache_ceiling = self.cache_ceiling.clamp(self.cache_floor, 1 << 30);
        self.run_bytes = self.run_bytes.clamp(1 << 10, 64 << 10);
        self
    }
}

impl Default for Policy {
    fn default() -> Self {
        Policy::DEFAULT
    }
}
