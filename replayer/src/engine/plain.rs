//! Plain operations: mallocs and frees of blocks that stay with their thread.
//!
//! Which of the two comes next is what a processor can't predict in many programs, and a wrong guess costs it more than all the rest
//! of the harness. So four operations are done by one of sixteen straight pieces of code: one guess for four. Which piece it is the
//! plan says, see [`Four`](crate::plan::Four).

use super::single::Performer;
use super::touch::touch;
use crate::plan::{Four, Op};

/// Performs operations of the plan, none of which is sampled.
///
/// # Safety
/// As for [`Performer::perform`], for all of them in their order; `ops` must be a part of the field's.
pub(super) unsafe fn stretch<const TOUCH: u8>(performer: &mut Performer<'_, TOUCH>, ops: &[Op]) {
    // SAFETY: both point into the plan's operations.
    let first = unsafe { ops.as_ptr().offset_from_unsigned(performer.field.ops) };
    // Fours are counted from the plan's beginning.
    let before = (first.wrapping_neg() % 4).min(ops.len());
    let (alone, ops) = ops.split_at(before);
    let (fours, rest) = ops.as_chunks::<4>();
    for &op in alone {
        // SAFETY: the caller's promise.
        unsafe { performer.perform::<false>(op) };
    }
    // SAFETY: the plan has one of these for each four operations, and one behind.
    let mut told = unsafe { performer.field.fours.add((first + before) / 4) };
    // SAFETY: as above.
    let mut next = piece::<TOUCH>(unsafe { *told });
    for four in fours {
        // Known long before it is needed, a wrong guess is noticed at once.
        let piece_here = next;
        // SAFETY: as above; the piece is that of these four.
        unsafe {
            let change = (*told).change;
            told = told.add(1);
            next = piece::<TOUCH>(*told);
            piece_here(performer, four, i64::from(change));
        }
    }
    for &op in rest {
        // SAFETY: the caller's promise.
        unsafe { performer.perform::<false>(op) };
    }
}

/// What does four operations, and counts how they change the live bytes.
type Piece<const TOUCH: u8> = unsafe fn(&mut Performer<'_, TOUCH>, &[Op; 4], i64);

/// The piece of code for these four.
#[inline(always)]
fn piece<const TOUCH: u8>(four: Four) -> Piece<TOUCH> {
    let pieces: &[Piece<TOUCH>; 32] = const {
        &[
            do_four::<TOUCH, 0>,
            do_four::<TOUCH, 1>,
            do_four::<TOUCH, 2>,
            do_four::<TOUCH, 3>,
            do_four::<TOUCH, 4>,
            do_four::<TOUCH, 5>,
            do_four::<TOUCH, 6>,
            do_four::<TOUCH, 7>,
            do_four::<TOUCH, 8>,
            do_four::<TOUCH, 9>,
            do_four::<TOUCH, 10>,
            do_four::<TOUCH, 11>,
            do_four::<TOUCH, 12>,
            do_four::<TOUCH, 13>,
            do_four::<TOUCH, 14>,
            do_four::<TOUCH, 15>,
            do_odd::<TOUCH>,
            do_odd::<TOUCH>,
            do_odd::<TOUCH>,
            do_odd::<TOUCH>,
            do_odd::<TOUCH>,
            do_odd::<TOUCH>,
            do_odd::<TOUCH>,
            do_odd::<TOUCH>,
            do_odd::<TOUCH>,
            do_odd::<TOUCH>,
            do_odd::<TOUCH>,
            do_odd::<TOUCH>,
            do_odd::<TOUCH>,
            do_odd::<TOUCH>,
            do_odd::<TOUCH>,
            do_odd::<TOUCH>,
        ]
    };
    pieces[four.pattern as usize % 32]
}

/// Four operations of any kind.
///
/// # Safety
/// As for [`Performer::perform`], for all of them in their order.
unsafe fn do_odd<const TOUCH: u8>(performer: &mut Performer<'_, TOUCH>, four: &[Op; 4], _: i64) {
    for &op in four {
        // SAFETY: the caller's promise.
        unsafe { performer.perform::<false>(op) };
    }
}

/// Four plain operations, of which those are frees whose bit is set in `FREES`, and which change the live bytes by `change`.
///
/// They are counted beforehand, as if each succeeded, so that nothing but what the calls need has to be kept over them; what fails is
/// put right afterwards.
///
/// # Safety
/// As for [`Performer::perform`]; `FREES` must be the operations' own.
unsafe fn do_four<const TOUCH: u8, const FREES: u8>(
    performer: &mut Performer<'_, TOUCH>,
    four: &[Op; 4],
    change: i64,
) {
    performer.live = performer.live.wrapping_add(change);
    let frees = u64::from(FREES.count_ones());
    performer.tally.frees += frees;
    performer.tally.mallocs += 4 - frees;
    performer.show();
    // SAFETY: the caller's promise. Written out, so that each place in the code belongs to one kind of request.
    unsafe {
        one::<TOUCH, FREES, 0>(performer, four);
        one::<TOUCH, FREES, 1>(performer, four);
        one::<TOUCH, FREES, 2>(performer, four);
        one::<TOUCH, FREES, 3>(performer, four);
    }
}

/// The operation at place `AT` of four.
///
/// # Safety
/// As for [`do_four`].
#[inline(always)]
unsafe fn one<const TOUCH: u8, const FREES: u8, const AT: usize>(
    performer: &mut Performer<'_, TOUCH>,
    four: &[Op; 4],
) {
    // Read again after each call: what is kept over a call must be saved and loaded, which takes longer.
    // SAFETY: a reference is valid for reading.
    let op = unsafe { std::ptr::from_ref(&four[AT]).read_volatile() };
    // SAFETY: the slot exists and is this thread's alone; a freed block came from this allocator and is freed once, as the plan has
    // it; the allocator granted `size` bytes where it returned a block.
    unsafe {
        let slot = performer.slots.add(op.slot() as usize);
        if FREES >> AT & 1 == 1 {
            let block = *slot;
            if block.is_null() {
                nothing_to_free(performer, op);
            } else {
                (performer.calls.free)(block.cast());
            }
        } else {
            let size = op.plain_size();
            let block: *mut u8 = (performer.calls.malloc)(size).cast();
            *slot = block;
            if block.is_null() {
                refused(performer, op);
            } else {
                touch::<TOUCH>(block, size, 0);
            }
        }
    }
}

/// Takes back what was counted for a request that came back null. C allows null for a size of 0; it is no refusal.
#[cold]
#[inline(never)]
fn refused<const TOUCH: u8>(performer: &mut Performer<'_, TOUCH>, op: Op) {
    let size = op.plain_size();
    performer.tally.failed += u64::from(size != 0);
    performer.live = performer.live.wrapping_sub(size as i64);
}

/// Takes back what was counted for the free of a block that was refused.
#[cold]
#[inline(never)]
fn nothing_to_free<const TOUCH: u8>(performer: &mut Performer<'_, TOUCH>, op: Op) {
    performer.tally.frees -= 1;
    performer.live = performer.live.wrapping_add(op.plain_size() as i64);
}
