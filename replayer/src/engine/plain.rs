//! Plain operations: mallocs and frees of blocks that stay with their thread.
//!
//! Which of the two comes next is what a processor can't predict in many programs, and a wrong guess costs it more than all the rest
//! of the harness. So four operations are looked at together and one of sixteen straight pieces of code does them: one guess for
//! four.

use super::single::Performer;
use super::touch::touch;
use crate::plan::Op;

/// What is no pattern: not all four are plain.
const ODD: usize = 16;

/// Which of four plain operations are frees, a bit for each; from [`ODD`] on if not all are plain.
#[inline(always)]
fn pattern(four: &[Op; 4]) -> usize {
    usize::from(Op::which_free(four)) | (usize::from(!Op::all_plain(four)) * ODD)
}

/// Performs operations, none of which is sampled.
///
/// # Safety
/// As for [`Performer::perform`], for all of them in their order.
pub(super) unsafe fn stretch<const TOUCH: u8>(performer: &mut Performer<'_, TOUCH>, ops: &[Op]) {
    let (fours, rest) = ops.as_chunks::<4>();
    let mut next = fours.first().map_or(ODD, pattern);
    for (at, four) in fours.iter().enumerate() {
        let pattern_here = next;
        // Known long before it is needed, a wrong guess is noticed at once.
        next = fours.get(at + 1).map_or(ODD, pattern);
        // SAFETY: the caller's promise; `do_four` gets plain operations, and the pattern that is theirs.
        unsafe {
            match pattern_here {
                0 => do_four::<TOUCH, 0>(performer, four),
                1 => do_four::<TOUCH, 1>(performer, four),
                2 => do_four::<TOUCH, 2>(performer, four),
                3 => do_four::<TOUCH, 3>(performer, four),
                4 => do_four::<TOUCH, 4>(performer, four),
                5 => do_four::<TOUCH, 5>(performer, four),
                6 => do_four::<TOUCH, 6>(performer, four),
                7 => do_four::<TOUCH, 7>(performer, four),
                8 => do_four::<TOUCH, 8>(performer, four),
                9 => do_four::<TOUCH, 9>(performer, four),
                10 => do_four::<TOUCH, 10>(performer, four),
                11 => do_four::<TOUCH, 11>(performer, four),
                12 => do_four::<TOUCH, 12>(performer, four),
                13 => do_four::<TOUCH, 13>(performer, four),
                14 => do_four::<TOUCH, 14>(performer, four),
                15 => do_four::<TOUCH, 15>(performer, four),
                _ => {
                    for &op in four {
                        performer.perform::<false>(op);
                    }
                }
            }
        }
    }
    for &op in rest {
        // SAFETY: the caller's promise.
        unsafe { performer.perform::<false>(op) };
    }
}

/// Four plain operations, of which those are frees whose bit is set in `FREES`.
///
/// They are counted beforehand, as if each succeeded, so that nothing but what the calls need has to be kept over them; what fails is
/// put right afterwards.
///
/// # Safety
/// As for [`Performer::perform`]; `FREES` must be the operations' own.
#[inline(always)]
unsafe fn do_four<const TOUCH: u8, const FREES: u8>(
    performer: &mut Performer<'_, TOUCH>,
    four: &[Op; 4],
) {
    let change = |at: usize| {
        let size = four[at].plain_size() as i64;
        if FREES >> at & 1 == 1 { -size } else { size }
    };
    performer.live = performer
        .live
        .wrapping_add(change(0) + change(1) + change(2) + change(3));
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
