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
    let mut samples = Samples {
        every: field.sample_every,
        random: lane.random,
    };
    if let Some(begin) = performer.calls.begin {
        // SAFETY: the allocator's own, for the beginning of a thread.
        unsafe { begin() };
    }
    // SAFETY: one number a window, in the plan's mapping.
    let ends = unsafe { std::slice::from_raw_parts(task.ends, task.windows) };
    let mut done = 0;
    for (window, &end) in ends.iter().enumerate() {
        let part = done..end as usize;
        done = end as usize;
        // SAFETY: ops of a checked plan, in order; a paced task has as many times as operations, in the same mapping.
        unsafe {
            if task.due.is_null() {
                asap(&mut performer, &mut samples, &ops[part]);
            } else {
                let due = std::slice::from_raw_parts(task.due.add(part.start), part.len());
                pace::paced(&mut performer, &mut samples, &ops[part], due);
            }
        }
        if done == ops.len() {
            break;
        }
        field.gate.pass(task.first_gate + window as u32 + 1);
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

/// Which operations are sampled.
pub(super) struct Samples {
    every: u32,
    random: u64,
}

impl Samples {
    /// Splits at the next operation to be sampled, which is the second part's first: between 0 and twice the mean away, since even
    /// steps would hit the same kind again and again in regular programs. `None` when nothing is left.
    fn next<'a>(&mut self, left: &'a [Op]) -> Option<(&'a [Op], &'a [Op])> {
        if left.is_empty() {
            return None;
        }
        Some(left.split_at(self.gap(left)))
    }

    /// How many operations there are before the next that is sampled, at most all that are left.
    pub fn gap(&mut self, left: &[Op]) -> usize {
        if self.every == 0 {
            return left.len();
        }
        // xorshift64 (Marsaglia 2003).
        let mut x = self.random;
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        self.random = x;
        let range = u64::from(self.every) * 2 - 1;
        let gap = (((x >> 32) * range) >> 32) as usize;
        // A Take calls nobody: the operation after it is sampled instead.
        let takes = left.get(gap).and_then(|op| op.kind()) == Some(Kind::Take);
        (gap + usize::from(takes)).min(left.len())
    }
}

/// What the three ways to perform have in common: the counts that only the field knows.
impl<const TOUCH: u8> Performer<'_, TOUCH> {
    /// What all threads share.
    pub(super) fn field(&self) -> &Field {
        self.field
    }
}
