//! The loop that is measured.

use std::ffi::c_void;
use std::hint::black_box;

use super::board::Cell;
use super::calls::Calls;
use super::clock::now_ns;
use super::edge;
use super::lane::{FREE, Field, KINDS, MALLOC, REALLOC, Tally, Task};
use super::latency;
use super::touch::touch;
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
    // SAFETY: the field is never written while threads run.
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
        random: lane.random,
        hand: std::ptr::null_mut(),
        hand_size: 0,
    };
    let mut left = ops;
    while let Some((&last, most)) = left
        .get(..performer.gap(left))
        .and_then(|stretch| stretch.split_last())
    {
        // SAFETY: ops of a checked plan, in order; see `perform`.
        unsafe {
            performer.stretch(most);
            performer.sampled(last);
        }
        left = &left[most.len() + 1..];
    }
    // SAFETY: as above; these are fewer than the distance to the next sample, or nothing is sampled.
    unsafe { performer.stretch(left) };
    lane.tally = performer.tally;
    lane.live = performer.live;
    lane.random = performer.random;
    std::ptr::null_mut()
}

/// What a thread works with. A value that is copied into registers for each stretch of operations: nothing points into it, so the
/// calls in between leave it there.
#[derive(Clone, Copy)]
struct Performer<'a, const TOUCH: u8> {
    calls: Calls,
    field: &'a Field,
    slots: *mut *mut u8,
    cell: *const Cell,
    counts: [*mut u32; KINDS],
    tally: Tally,
    live: i64,
    random: u64,
    /// The block that a Take took and the Realloc that follows will use.
    hand: *mut u8,
    hand_size: usize,
}

impl<const TOUCH: u8> Performer<'_, TOUCH> {
    /// Operations without a sample among them.
    ///
    /// # Safety
    /// See [`perform`](Self::perform).
    unsafe fn stretch(&mut self, ops: &[Op]) {
        let mut here = *self;
        for &op in ops {
            // SAFETY: the caller's promise.
            unsafe { here.perform::<false>(op) };
        }
        *self = here;
    }

    /// One operation whose latency is taken.
    ///
    /// # Safety
    /// See [`perform`](Self::perform).
    #[inline(never)]
    unsafe fn sampled(&mut self, op: Op) {
        // SAFETY: the caller's promise.
        unsafe { self.perform::<true>(op) };
    }

    /// How many operations there are up to and with the next that is sampled: between 1 and twice the mean, since even steps would
    /// hit the same kind again and again in regular programs. More than are left if none is sampled any more.
    fn gap(&mut self, left: &[Op]) -> usize {
        if self.field.sample_every == 0 {
            return usize::MAX;
        }
        // xorshift64 (Marsaglia 2003).
        let mut x = self.random;
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        self.random = x;
        let range = u64::from(self.field.sample_every) * 2 - 1;
        let gap = 1 + (((x >> 32) * range) >> 32) as usize;
        // A Take calls nobody: the operation after it is sampled instead.
        let takes = left.get(gap - 1).and_then(|op| op.kind()) == Some(Kind::Take);
        gap + usize::from(takes)
    }

    /// # Safety
    /// `op` must be the next operation of a checked plan: its slot and wide record exist, a slot that it empties was filled before
    /// (by this thread, or, in the shared table, is filled by another once), and nobody else uses this lane.
    #[inline(always)]
    unsafe fn perform<const SAMPLED: bool>(&mut self, op: Op) {
        // SAFETY: slots and records exist; what the allocator returned is passed to it at most once, as the plan has each block
        // released once; `touch` writes only where the allocator granted the size.
        unsafe {
            match op.kind() {
                Some(Kind::Malloc) => {
                    let (size, _) = self.size(op);
                    let malloc = self.calls.malloc;
                    let block = self.clocked::<SAMPLED, MALLOC, _>(|| malloc(size));
                    self.tally.mallocs += 1;
                    self.made(op, block, size, 0);
                }
                Some(Kind::Free) => {
                    let block = self.empty(op);
                    if !block.is_null() {
                        let (size, _) = self.size(op);
                        let free = self.calls.free;
                        self.clocked::<SAMPLED, FREE, _>(|| free(block.cast()));
                        self.tally.frees += 1;
                        self.live(-(size as i64));
                    }
                }
                Some(Kind::Take) => {
                    self.hand = self.empty(op);
                    self.hand_size = if self.hand.is_null() {
                        0
                    } else {
                        self.size(op).0
                    };
                }
                Some(Kind::Realloc) => {
                    let (size, _) = self.size(op);
                    let (realloc, old) = (self.calls.realloc, self.hand.cast());
                    // Size 0 would free the block in some libraries and not in others.
                    let block = self.clocked::<SAMPLED, REALLOC, _>(|| realloc(old, size.max(1)));
                    self.tally.reallocs += 1;
                    let kept = self.hand_size;
                    if block.is_null() && !old.is_null() {
                        // The recorded program had a new block here, so the old one is of no use any more.
                        (self.calls.free)(old);
                        self.tally.frees += 1;
                    }
                    self.live(-(kept as i64));
                    self.made(op, block, size, kept);
                }
                Some(Kind::Calloc) => {
                    let (size, _) = self.size(op);
                    let calloc = self.calls.calloc;
                    let block = self.clocked::<SAMPLED, MALLOC, _>(|| calloc(1, size));
                    self.tally.mallocs += 1;
                    self.made(op, block, size, 0);
                }
                Some(Kind::Aligned) => {
                    let (size, align) = self.size(op);
                    let aligned = self.calls.aligned;
                    let block = self.clocked::<SAMPLED, MALLOC, _>(|| aligned(align, size));
                    self.tally.mallocs += 1;
                    self.made(op, block, size, 0);
                }
                None => {}
            }
        }
    }

    /// Calls, and clocks the call alone if it is sampled.
    #[inline(always)]
    fn clocked<const SAMPLED: bool, const KIND: usize, T>(
        &mut self,
        call: impl FnOnce() -> T,
    ) -> T {
        if !SAMPLED {
            return call();
        }
        let began = now_ns();
        let outcome = call();
        let ns = now_ns() - began;
        // SAFETY: the lane's tables have BUCKETS counters for each kind, and are this thread's alone.
        unsafe { latency::record(self.counts[KIND], ns) };
        let longest = &mut self.tally.longest_ns[KIND];
        *longest = ns.max(*longest);
        outcome
    }

    /// Size and alignment of the operation's block.
    ///
    /// # Safety
    /// A wide operation must name a record that exists.
    #[inline(always)]
    unsafe fn size(&self, op: Op) -> (usize, usize) {
        if !op.is_wide() {
            return (op.field(), 1);
        }
        // SAFETY: the caller's promise; the table outlives the run.
        let wide = unsafe { &*self.field.wide.add(op.field()) };
        (wide.size as usize, 1 << wide.align_log2)
    }

    /// Puts a new block into its slot, touches it and counts it.
    ///
    /// # Safety
    /// The slot must exist, and the block have `size` bytes or be null.
    #[inline(always)]
    unsafe fn made(&mut self, op: Op, block: *mut c_void, size: usize, kept: usize) {
        let block: *mut u8 = block.cast();
        if block.is_null() {
            // C allows null for a size of 0; it is no refusal.
            self.tally.failed += u64::from(size != 0);
        } else {
            // SAFETY: the allocator granted `size` bytes.
            unsafe { touch::<TOUCH>(block, size, kept) };
            self.live(size as i64);
        }
        // SAFETY: the caller's promise. The shared table is atomics; the thread's own table is this lane's alone.
        unsafe {
            if op.shared() {
                edge::give(&*self.field.shared.add(op.slot() as usize), block);
            } else {
                *self.slots.add(op.slot() as usize) = block;
            }
        }
    }

    /// Takes the block out of the slot; null if the allocator had refused it.
    ///
    /// # Safety
    /// The slot must exist and be filled, or be filled by another thread.
    #[inline(always)]
    unsafe fn empty(&mut self, op: Op) -> *mut u8 {
        // SAFETY: as in `made`.
        unsafe {
            if op.shared() {
                edge::take(
                    &*self.field.shared.add(op.slot() as usize),
                    self.field.looks,
                    &mut self.tally.waited_ns,
                )
            } else {
                *self.slots.add(op.slot() as usize)
            }
        }
    }

    #[inline(always)]
    fn live(&mut self, change: i64) {
        self.live = self.live.wrapping_add(change);
        // SAFETY: the cell lies in the board's mapping, which outlives the run, and is an atomic.
        unsafe { &*self.cell }.show(self.live);
    }
}
