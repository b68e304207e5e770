//! Before a block is freed or resized, hardened: whether the address is ours at all, and whether everything around the
//! block agrees that it is one in use. Then what it held is overwritten.

use core::ptr::NonNull;

use super::current;
use super::requests::is_large;
use crate::base::align::ALIGN;
use crate::base::class::{self, BINS};
use crate::base::error::Misuse;
use crate::base::stop::stop;
use crate::chunk::block::FIRST_BLOCK;
use crate::chunk::tag::{Chunk, Use};
use crate::chunk::{Space, owner};
use crate::harden::{self, pages};
use crate::heap::arenas::check_block;
use crate::threaded::homes;
use crate::threaded::ways_home::{check_kept, check_small};

const SPACE: Space = Space::absolute();

/// Ends the program unless this is a block in use; overwrites the first part of it.
///
/// # Safety
/// A block that passes is not used any more.
pub unsafe fn before_free(block: NonNull<u8>) {
    // SAFETY: the caller's promise.
    unsafe {
        match admit(block) {
            Ok(bytes) => harden::wipe(block.as_ptr(), bytes),
            Err(found) => stop(found),
        }
    }
}

/// Whether this is a block in use. Returns how many bytes of it are to be overwritten when it is freed: none of a block
/// whose memory goes back anyway.
///
/// # Errors
/// What it is instead.
///
/// # Safety
/// No other thread frees it at the same time.
pub unsafe fn admit(block: NonNull<u8>) -> Result<usize, Misuse> {
    let address = block.as_ptr().addr();
    let wrong = Err(Misuse::NotABlock { address });
    // A block of no bytes may begin where our pages end: it is its header that must be ours.
    if !address.is_multiple_of(ALIGN as usize) || !pages::has(address.wrapping_sub(ALIGN as usize))
    {
        return wrong;
    }
    let at = address as u64;
    // SAFETY: the address is aligned, and the page of the header is the allocator's.
    unsafe {
        let word = SPACE.owner_before(at);
        match owner::kind(word) {
            owner::SMALL => {
                // The calling thread's own need no search.
                if word != current::get().addr() as u32 || current::is_vacant(current::get()) {
                    check_small(at, word)?;
                }
                match SPACE.bin(at) < BINS {
                    true => is_in_run(at),
                    false => is_medium(at),
                }
                .ok_or(Misuse::NotABlock { address })
            }
            owner::CHUNK => {
                let c = Chunk::of_payload(at);
                check_kept(at)?;
                let end = address.wrapping_add(SPACE.size(c) as usize);
                if homes::find(owner::heap(word)).is_none() || !pages::has(end - ALIGN as usize) {
                    return wrong;
                }
                check_block(SPACE, c)?;
                Ok((SPACE.size(c) - ALIGN) as usize)
            }
            owner::SPAN if is_large(at, word) => Ok(0),
            _ if owner::is_free(word) => Err(Misuse::DoubleFree { address }),
            _ => wrong,
        }
    }
}

/// Bytes of a medium block in the form of its bin, if the boundary tags say so: its own, and what the next chunk says of it.
///
/// # Safety
/// There is a header before `at`.
unsafe fn is_medium(at: u64) -> Option<usize> {
    let c = Chunk::of_payload(at);
    // SAFETY: what is read lies in pages of the allocator's.
    unsafe {
        let size = SPACE.size(c);
        let sound = SPACE.is_binned(at)
            && homes::find(SPACE.binned_home(at)).is_some()
            && pages::has((c.0 + size) as usize)
            && SPACE.prev_size(SPACE.next(c)) == size;
        sound.then_some((size - ALIGN) as usize)
    }
}

/// Bytes of a small block, if the run that its header names has a block there.
///
/// # Safety
/// There is a header before `at`.
unsafe fn is_in_run(at: u64) -> Option<usize> {
    // SAFETY: what is read lies in pages of the allocator's. A run's bin and capacity stay as they are as long as a block
    // of it is in use.
    unsafe {
        let (bin, run) = (SPACE.bin(at), SPACE.run_of(at));
        let first = run.0.wrapping_add(FIRST_BLOCK);
        if run.0 % ALIGN != 0 || !pages::has(run.0 as usize) || !pages::has(first as usize) {
            return None;
        }
        let sound = SPACE.usage(Chunk(run.0)) == Use::Run
            && SPACE.run_bin(run) == bin
            && homes::find(SPACE.run_home_number(run)).is_some();
        let units = at.checked_sub(first)? / class::block_bytes(1);
        let index = (units * RECIPROCALS.get(bin)?) >> 32;
        let there = index * bin as u64 == units && index < SPACE.run_capacity(run);
        (sound && there).then_some(class::payload_bytes(bin) as usize)
    }
}

/// 2^32 / bin, rounded up: the upper half of a product with it is the quotient, exact for units below 2^16, which a block's
/// place is. A division would be the most expensive part of a free.
static RECIPROCALS: [u64; BINS] = {
    let mut table = [0; BINS];
    let mut bin = 1;
    while bin < BINS {
        table[bin] = (1u64 << 32).div_ceil(bin as u64);
        bin += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reciprocal_divides() {
        for (bin, reciprocal) in RECIPROCALS.iter().enumerate().skip(1) {
            for units in 0..=u64::from(u16::MAX) {
                assert_eq!(units * reciprocal >> 32, units / bin as u64);
            }
        }
    }
}
