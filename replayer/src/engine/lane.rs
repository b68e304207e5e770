//! What a thread needs at its side while it runs. There is one lane for each thread at the same time; a lane serves one thread after
//! the other.

use std::sync::atomic::{AtomicU64, AtomicUsize};

use super::beats::Beats;
use super::board::Cell;
use super::calls::Calls;
use super::clock::thread_cpu_ns;
use super::edge::Sleepers;
use super::gate::Gate;
use crate::plan::{Four, Op, Part, Wide};

/// The three kinds of request whose latency is told apart.
pub(super) const KINDS: usize = 3;
pub(super) const MALLOC: usize = 0;
pub(super) const FREE: usize = 1;
pub(super) const REALLOC: usize = 2;

/// What all threads share and none changes.
#[derive(Debug)]
pub(super) struct Field {
    pub calls: Calls,
    /// All operations, and what each four of them are.
    pub ops: *const Op,
    pub fours: *const Four,
    pub wide: *const Wide,
    pub shared: *const AtomicUsize,
    /// The mean distance of operations whose latency is sampled; 0: none is.
    pub sample_every: u32,
    /// How often a thread that waits looks again before it sleeps.
    pub looks: u32,
    pub sleepers: Sleepers,
    /// What holds the threads together.
    pub beats: Beats,
    /// Where threads stop between windows.
    pub gate: Gate,
    /// When the run began, monotonic clock; only a paced run reads it.
    pub began_ns: AtomicU64,
}

/// What waiting for other threads took.
#[derive(Clone, Copy, Debug, Default)]
pub struct Waits {
    /// How often a block was not there yet.
    pub count: u64,
    /// Time on the clock, nanoseconds.
    pub wall_ns: u64,
    /// Of it, processor time spent looking.
    pub user_ns: u64,
    /// Processor time spent falling asleep, waking and waking others.
    pub sys_ns: u64,
    /// Time on the clock until a beat began, nanoseconds.
    pub beats_ns: u64,
    /// How often the kernel was called to fall asleep or to wake others.
    pub calls: u64,
}

/// The processor time of the first so many calls is measured, and of one in so many after them.
const CALLS_MEASURED: u64 = 4;
const MEASURE_EVERY: u64 = 8;

impl Waits {
    /// Does what calls the kernel to sleep or to wake, and adds the processor time that takes: reading that is a call of its own,
    /// so one of several stands for all. (Not the time on the clock: who is woken often runs at once on this very core.)
    pub fn of_the_kernel<T>(&mut self, call: impl FnOnce() -> T) -> T {
        let stands_for = match self.calls {
            0..CALLS_MEASURED => 1,
            calls if calls % MEASURE_EVERY == 0 => MEASURE_EVERY,
            _ => 0,
        };
        self.calls += 1;
        if stands_for == 0 {
            return call();
        }
        let began = thread_cpu_ns();
        let done = call();
        self.sys_ns += thread_cpu_ns().saturating_sub(began) * stands_for;
        done
    }
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
    /// Waiting for other threads.
    pub waits: Waits,
    /// Processor time spent until an operation was due, where the pace is the recorded one.
    pub idle_ns: u64,
    /// How far behind its recorded time an operation was at worst.
    pub late_ns: u64,
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
        self.waits.count += other.waits.count;
        self.waits.wall_ns += other.waits.wall_ns;
        self.waits.user_ns += other.waits.user_ns;
        self.waits.sys_ns += other.waits.sys_ns;
        self.waits.beats_ns += other.waits.beats_ns;
        self.waits.calls += other.waits.calls;
        self.idle_ns += other.idle_ns;
        self.late_ns = self.late_ns.max(other.late_ns);
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
    /// When the lane's last thread was done, monotonic clock.
    pub ended_ns: u64,
}

/// What a thread is started with.
#[derive(Debug)]
pub(super) struct Task {
    pub field: *const Field,
    pub lane: *mut Lane,
    pub ops: *const Op,
    /// When each operation is due, nanoseconds after the beginning; null unless the pace is the recorded one.
    pub due: *const u64,
    pub len: usize,
    /// For each window, how many of the operations there are up to its end.
    pub ends: *const u64,
    pub windows: usize,
    /// The parts of the program.
    pub parts: *const Part,
    pub part_count: usize,
    /// The number of the gate's first window.
    pub first_gate: u32,
}
