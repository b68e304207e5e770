//! An edge: a block that one thread makes and another releases.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::clock::now_ns;

/// The maker has not come yet.
const EMPTY: usize = 0;
/// The maker came, but the allocator refused. No block has this address: blocks are aligned to 8 bytes at least.
const REFUSED: usize = 1;

/// How often a thread that waits looks again before it gives its core away. A look takes some tens of nanoseconds. Where every
/// thread has a core, the maker runs at this moment and a spin of some microseconds catches it; where threads outnumber the cores,
/// it most likely waits for the very core that we would spin on.
pub(super) fn looks(threads: usize) -> u32 {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    if threads <= cores { 256 } else { 4 }
}

/// Hands a block (null: refused) to whoever releases it.
#[inline(always)]
pub(super) fn give(slot: &AtomicUsize, block: *mut u8) {
    let value = if block.is_null() {
        REFUSED
    } else {
        block.expose_provenance()
    };
    // Release: what the maker wrote into the block is there when the releaser has the pointer.
    slot.store(value, Ordering::Release);
}

/// Takes the block, and waits for it if it is not there yet: looks `looks` times, then yields until it is there. Adds the time of a
/// real wait to `waited_ns`.
#[inline(always)]
pub(super) fn take(slot: &AtomicUsize, looks: u32, waited_ns: &mut u64) -> *mut u8 {
    let mut value = slot.load(Ordering::Acquire);
    if value == EMPTY {
        value = wait(slot, looks, waited_ns);
    }
    if value == REFUSED {
        std::ptr::null_mut()
    } else {
        std::ptr::with_exposed_provenance_mut(value)
    }
}

#[cold]
#[inline(never)]
fn wait(slot: &AtomicUsize, looks: u32, waited_ns: &mut u64) -> usize {
    let began = now_ns();
    let mut looked = 0;
    loop {
        let value = slot.load(Ordering::Acquire);
        if value != EMPTY {
            *waited_ns += now_ns() - began;
            return value;
        }
        if looked < looks {
            looked += 1;
            std::hint::spin_loop();
        } else {
            // SAFETY: sched_yield has no preconditions.
            unsafe { libc::sched_yield() };
        }
    }
}
