//! One operation of any kind.

use std::ffi::c_void;

use super::board::Cell;
use super::calls::Calls;
use super::clock::now_ns;
use super::edge;
use super::lane::{FREE, Field, KINDS, MALLOC, REALLOC, Tally};
use super::latency;
use super::touch::touch;
use crate::plan::{Kind, Op};

/// What a thread works with.
pub(super) struct Performer<'a, const TOUCH: u8> {
    pub calls: Calls,
    pub field: &'a Field,
    pub slots: *mut *mut u8,
    pub cell: *const Cell,
    pub counts: [*mut u32; KINDS],
    pub tally: Tally,
    pub live: i64,
    /// The block that a Take took and the Realloc that follows will use.
    pub hand: *mut u8,
    pub hand_size: usize,
}

impl<const TOUCH: u8> Performer<'_, TOUCH> {
    /// One operation whose latency is taken.
    ///
    /// # Safety
    /// See [`perform`](Self::perform).
    #[inline(never)]
    pub unsafe fn sampled(&mut self, op: Op) {
        // SAFETY: the caller's promise.
        unsafe { self.perform::<true>(op) };
    }

    /// One operation.
    ///
    /// # Safety
    /// `op` must be the next operation of a checked plan: its slot and wide record exist, a slot that it empties was filled before
    /// (by this thread, or, in the shared table, is filled by another once), and nobody else uses this lane.
    #[inline(always)]
    pub unsafe fn perform<const SAMPLED: bool>(&mut self, op: Op) {
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
                let slot = &*self.field.shared.add(op.slot() as usize);
                edge::give(slot, block, &self.field.sleepers, &mut self.tally.waits);
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
                let slot = &*self.field.shared.add(op.slot() as usize);
                let (looks, sleepers) = (self.field.looks, &self.field.sleepers);
                edge::take(slot, looks, sleepers, &mut self.tally.waits)
            } else {
                *self.slots.add(op.slot() as usize)
            }
        }
    }

    #[inline(always)]
    fn live(&mut self, change: i64) {
        self.live = self.live.wrapping_add(change);
        self.show();
    }

    /// Shows the live bytes on the board.
    #[inline(always)]
    pub fn show(&self) {
        // SAFETY: the cell lies in the board's mapping, which outlives the run, and is an atomic.
        unsafe { &*self.cell }.show(self.live);
    }
}
