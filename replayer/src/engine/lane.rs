//! What a thread needs at its side while it runs. There is one lane for each thread at the same time; a lane serves one thread after
//! the other.

use std::sync::atomic::AtomicUsize;

use super::board::Cell;
use super::calls::Calls;
use crate::plan::{Op, Wide};

/// The three kinds of request whose latency is told apart.
pub(super) const KINDS: usize = 3;
pub(super) const MALLOC: usize = 0;
pub(super) const FREE: usize = 1;
pub(super) const REALLOC: usize = 2;

/// What all threads share and none changes.
#[derive(Debug)]
pub(super) struct Field {
    pub calls: Calls,
    pub wide: *const Wide,
    pub shared: *const AtomicUsize,
    /// The mean distance of operations whose latency is sampled; 0: none is.
    pub sample_every: u32,
    /// How often a thread that waits looks again before it yields.
    pub looks: u32,
}

/// Counts of a lane.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    /// malloc, calloc and aligned malloc that were called.
    pub mallocs: u64,
    /// free that were called.
    pub frees: u64,
    /// realloc that were called.
    pub reallocs: u64,
    /// Requests that came back null.
    pub failed: u64,
    /// Nanoseconds spent waiting for other threads' blocks.
    pub waited_ns: u64,
    /// The longest sampled latency by kind: malloc, free, realloc.
    pub longest_ns: [u64; KINDS],
}

impl Tally {
    /// Adds another lane's counts.
    pub(super) fn add(&mut self, other: &Tally) {
        self.mallocs += other.mallocs;
        self.frees += other.frees;
        self.reallocs += other.reallocs;
        self.failed += other.failed;
        self.waited_ns += other.waited_ns;
        for (mine, other) in self.longest_ns.iter_mut().zip(other.longest_ns) {
            *mine = other.max(*mine);
        }
    }
}

/// A lane. Aligned so that two lanes share no cache line, nor a pair of them that is fetched together.
#[derive(Debug)]
#[repr(align(128))]
pub(super) struct Lane {
    /// Slots of the running thread's own table.
    pub slots: *mut *mut u8,
    /// Where the live bytes are shown.
    pub cell: *const Cell,
    /// Latency counts by kind.
    pub counts: [*mut u32; KINDS],
    pub tally: Tally,
    /// Bytes asked for minus bytes freed by the threads of this lane.
    pub live: i64,
    /// State of the generator that spreads the samples.
    pub random: u64,
}

/// What a thread is started with.
#[derive(Debug)]
pub(super) struct Task {
    pub field: *const Field,
    pub lane: *mut Lane,
    pub ops: *const Op,
    pub len: usize,
}
