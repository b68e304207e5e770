//! What a thread does with its program: plain operations four at once, the others one by one, a sampled one now and then.

use std::ffi::c_void;
use std::hint::black_box;

use super::clock::now_ns;
use super::lane::{Field, Task};
use super::pace;
use super::plain;
use super::single::Performer;
use crate::plan::{Kind, Op};

/// A thread's start routine: performs the whole program of the [`Task`] that `task` points to.
///
/// Only [`Engine::run`](super::Engine::run) starts it: `task` and all it points to live until the thread is joined, no other thread
/// uses the task's lane meanwhile, and the programs are those of a checked plan that all run against the same shared table.
pub(super) extern "C" fn thread<const TOUCH: u8>(task: *mut c_void) -> *mut c_void {
    // SAFETY: the engine hands in a Task that outlives the thread.
    let task = unsafe { &*task.cast::<Task>() };
    // SAFETY: the lane is this thread's alone until it is joined.
    let lane = unsafe { &mut *task.lane };
    // SAFETY: the field is never written while threads run, but for its atomics.
    let field = unsafe { &*task.field };
    // SAFETY: the ops are those of one thread in the plan's mapping, which outlives the run.
    let ops = unsafe { std::slice::from_raw_parts(task.ops, task.len) };
    let mut performer = Performer::<TOUCH> {
        // The optimiser must not learn which allocator this is.
        calls: black_box(field.calls),
        field,
        slots: lane.slots,
        cell: lane.cell,
        counts: lane.counts,
        tally: lane.tally,
        live: lane.live,
        hand: std::ptr::null_mut(),
        hand_size: 0,
    };
    let mut samples = Samples::new(field.sample_every, lane.random);
    if let Some(begin) = performer.calls.begin {
        // SAFETY: the allocator's own, for the beginning of a thread.
        unsafe { begin() };
    }
    // SAFETY: one number a window, in the plan's mapping.
    let ends = unsafe { std::slice::from_raw_parts(task.ends, task.windows) };
    // SAFETY: as above.
    let parts = unsafe { std::slice::from_raw_parts(task.parts, task.part_count) };
    let (mut done, mut window) = (0, 0);
    for part in parts {
        // A beat lies in several windows where those are finer.
        while done < part.end as usize {
            while ends[window] as usize <= done {
                window += 1;
                field.gate.pass(task.first_gate + window as u32);
            }
            field.beats.wait(part.beat, &mut performer.tally.waits);
            let range = done..(part.end.min(ends[window]) as usize);
            done = range.end;
            // SAFETY: ops of a checked plan, in order; a paced task has as many times as operations, in the same mapping.
            unsafe {
                if task.due.is_null() {
                    asap(&mut performer, &mut samples, &ops[range]);
                } else {
                    let due = std::slice::from_raw_parts(task.due.add(range.start), range.len());
                    pace::paced(&mut performer, &mut samples, &ops[range], due);
                }
            }
        }
        field.beats.done(part.beat);
    }
    if let Some(end) = performer.calls.end {
        // SAFETY: the allocator's own, for the end of a thread; nothing of it is called after.
        unsafe { end() };
    }
    // What failed among the last operations was put right after they were shown.
    performer.show();
    lane.tally = performer.tally;
    lane.live = performer.live;
    lane.random = samples.random;
    lane.ended_ns = now_ns();
    std::ptr::null_mut()
}

/// Operations as fast as they go.
///
/// # Safety
/// As for [`Performer::perform`], for all of them in their order.
unsafe fn asap<const TOUCH: u8>(
    performer: &mut Performer<'_, TOUCH>,
    samples: &mut Samples,
    ops: &[Op],
) {
    let mut left = ops;
    while let Some((most, rest)) = samples.next(left) {
        // SAFETY: the caller's promise.
        unsafe { plain::stretch(performer, most) };
        left = rest;
        if let Some((&sampled, rest)) = left.split_first() {
            // SAFETY: as above.
            unsafe { performer.sampled(sampled) };
            left = rest;
        }
    }
}

/// Which operations are sampled: between 0 and twice the mean distance away from the last, since even steps would hit the same kind
/// again and again in regular programs.
pub(super) struct Samples {
    every: u32,
    random: u64,
    /// Operations before the next that is sampled.
    left: usize,
}

impl Samples {
    /// One in `every` on average; none where that is 0.
    fn new(every: u32, random: u64) -> Samples {
        let mut samples = Samples {
            every,
            random,
            left: 0,
        };
        samples.draw();
        samples
    }

    fn draw(&mut self) {
        if self.every == 0 {
            self.left = usize::MAX;
            return;
        }
        // xorshift64 (Marsaglia 2003).
        let mut x = self.random;
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        self.random = x;
        let range = u64::from(self.every) * 2 - 1;
        self.left = (((x >> 32) * range) >> 32) as usize;
    }

    /// Splits at the next operation to be sampled, which is the second part's first; that part is empty if it lies beyond. `None` when
    /// nothing is left.
    fn next<'a>(&mut self, ops: &'a [Op]) -> Option<(&'a [Op], &'a [Op])> {
        if ops.is_empty() {
            return None;
        }
        Some(ops.split_at(self.gap(ops)))
    }

    /// How many of these operations come before the next that is sampled: all, if that one lies beyond them.
    pub fn gap(&mut self, ops: &[Op]) -> usize {
        // A Take calls nobody: the operation after it is sampled instead.
        let takes = ops.get(self.left).and_then(|op| op.kind()) == Some(Kind::Take);
        let gap = self.left.saturating_add(usize::from(takes));
        if gap < ops.len() {
            self.draw();
            gap
        } else {
            self.left = gap - ops.len();
            ops.len()
        }
    }
}

/// What the three ways to perform have in common: the counts that only the field knows.
impl<const TOUCH: u8> Performer<'_, TOUCH> {
    /// What all threads share.
    pub(super) fn field(&self) -> &Field {
        self.field
    }
}
