//! An edge: a block that one thread makes and another releases.
//!
//! Each has a slot of its own, written once and read once. Giving is a plain store as long as nobody has slept anywhere; the first
//! thread that has looked long enough announces that from now on some do, has every core pass a barrier (membarrier(2)), and from
//! then on giving is an exchange, which finds who sleeps on the slot. So tapes whose threads never wait pay nothing, and the others
//! some nanoseconds a block instead of a call of the kernel a wait, which interrupts every core: that was a fifth of what the
//! harness takes of `basic`. A thread that sleeps takes no processor from the one it waits for.

use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering, compiler_fence};

use super::clock::now_ns;
use super::futex;
use super::lane::Waits;

/// The maker has not come yet.
const EMPTY: usize = 0;
/// The maker came, but the allocator refused. No block has this address: blocks are aligned to 8 bytes at least.
const REFUSED: usize = 1;
/// The maker has not come yet, and the releaser sleeps.
const AWAITED: usize = 2;

/// Nobody has slept: giving is a store.
const NONE: u8 = 0;
/// Somebody is about to: giving is an exchange for all who know.
const TOLD: u8 = 1;
/// All know.
const KNOWN: u8 = 2;

/// Whether threads sleep on edges. Only grows.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(super) struct Sleepers {
    state: AtomicU8,
}

impl Sleepers {
    /// For a run that begins. Where the kernel has no membarrier, somebody is always said to sleep.
    pub fn new() -> Sleepers {
        let registered = membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED);
        Sleepers {
            state: AtomicU8::new(if registered { NONE } else { KNOWN }),
        }
    }

    fn any(&self) -> bool {
        self.state.load(Ordering::Relaxed) != NONE
    }

    /// Returns when every giving that comes later is an exchange.
    fn tell(&self) {
        if self.state.load(Ordering::Acquire) != KNOWN {
            self.state.fetch_max(TOLD, Ordering::SeqCst);
            // Whoever comes second passes it as well: the first may not be through.
            membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED);
            self.state.store(KNOWN, Ordering::Release);
        }
    }
}

// membarrier(2), linux/membarrier.h; the libc crate has the number of the call only.
const MEMBARRIER_CMD_PRIVATE_EXPEDITED: i32 = 1 << 3;
const MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED: i32 = 1 << 4;

fn membarrier(command: i32) -> bool {
    // SAFETY: membarrier takes numbers only and touches no memory of ours.
    unsafe { libc::syscall(libc::SYS_membarrier, command, 0, 0) == 0 }
}

/// How often a thread that waits looks again before it sleeps. A look takes some tens of nanoseconds. Where every thread has a core,
/// the maker runs at this moment and a spin of some microseconds catches it; where threads outnumber the cores, it most likely
/// waits for the very core that we would spin on.
pub(super) fn looks(threads: usize) -> u32 {
    if threads <= super::cores() { 256 } else { 4 }
}

/// Hands a block (null: refused) to whoever releases it.
#[inline(always)]
pub(super) fn give(slot: &AtomicUsize, block: *mut u8, sleepers: &Sleepers, waits: &mut Waits) {
    let value = if block.is_null() {
        REFUSED
    } else {
        block.expose_provenance()
    };
    if !sleepers.any() {
        // Release: what the maker wrote into the block is there when the releaser has the pointer.
        slot.store(value, Ordering::Release);
        // The compiler must keep store and load in this order; the processor need not: see `sleep`.
        compiler_fence(Ordering::SeqCst);
        if sleepers.any() {
            wake(slot, waits);
        }
    } else if slot.swap(value, Ordering::AcqRel) == AWAITED {
        wake(slot, waits);
    }
}

/// Takes the block, and waits for it if it is not there yet. Adds the time of a real wait to `waits`.
#[inline(always)]
pub(super) fn take(
    slot: &AtomicUsize,
    looks: u32,
    sleepers: &Sleepers,
    waits: &mut Waits,
) -> *mut u8 {
    let mut value = slot.load(Ordering::Acquire);
    if value == EMPTY {
        value = wait(slot, looks, sleepers, waits);
    }
    if value == REFUSED {
        std::ptr::null_mut()
    } else {
        std::ptr::with_exposed_provenance_mut(value)
    }
}

#[cold]
#[inline(never)]
fn wait(slot: &AtomicUsize, looks: u32, sleepers: &Sleepers, waits: &mut Waits) -> usize {
    let began = now_ns();
    waits.count += 1;
    for _ in 0..looks {
        let value = slot.load(Ordering::Acquire);
        if value != EMPTY {
            let ns = now_ns() - began;
            waits.wall_ns += ns;
            waits.user_ns += ns;
            return value;
        }
        std::hint::spin_loop();
    }
    waits.user_ns += now_ns() - began;
    let value = waits.of_the_kernel(|| sleep(slot, sleepers));
    waits.wall_ns += now_ns() - began;
    value
}

/// Sleeps until the slot is filled.
///
/// Why no wake-up is lost: a maker that saw nobody before the barrier either has its store visible after it (then the exchange below
/// fails), or looks again after the barrier (then it wakes). A maker that looks only after the barrier exchanges, and finds AWAITED.
fn sleep(slot: &AtomicUsize, sleepers: &Sleepers) -> usize {
    sleepers.tell();
    let mut value = slot
        .compare_exchange(EMPTY, AWAITED, Ordering::SeqCst, Ordering::Acquire)
        .err()
        .unwrap_or(AWAITED);
    while value == AWAITED {
        // The call returns at once if the slot has been filled: a block whose address ends in these 32 bits is not aligned to 8 bytes.
        // SAFETY: the word is the half of a live atomic that holds AWAITED's bits.
        unsafe { futex::sleep(low_half(slot), AWAITED as u32) };
        value = slot.load(Ordering::Acquire);
    }
    value
}

#[cold]
#[inline(never)]
fn wake(slot: &AtomicUsize, waits: &mut Waits) {
    waits.of_the_kernel(|| futex::wake(low_half(slot), 1));
}

/// The half of the slot that holds its lower 32 bits; futexes are 32 bits wide.
fn low_half(slot: &AtomicUsize) -> *const u32 {
    let first = slot.as_ptr().cast::<u32>().cast_const();
    let lower_is_second = cfg!(target_endian = "big") && size_of::<usize>() == 8;
    first.wrapping_add(usize::from(lower_is_second))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A hundred thousand hand-overs in both directions between two threads that wait for each other all the time: none is lost, nor
    /// is one of those at the moment from which on somebody sleeps, of which there are a thousand.
    #[test]
    fn no_wake_up_is_lost() {
        const ROUNDS: usize = 100_000;
        const RUN: usize = 100;
        let slots: Vec<AtomicUsize> = (0..2 * ROUNDS).map(|_| AtomicUsize::new(0)).collect();
        let runs: Vec<Sleepers> = (0..ROUNDS / RUN).map(|_| Sleepers::new()).collect();
        let play = |first: bool, looks: u32| {
            let mut waits = Waits::default();
            for (round, pair) in slots.chunks(2).enumerate() {
                let sleepers = &runs[round / RUN];
                let address = std::ptr::without_provenance_mut(pair.as_ptr() as usize);
                if first {
                    give(&pair[0], address, sleepers, &mut waits);
                    assert_eq!(take(&pair[1], looks, sleepers, &mut waits), address);
                } else {
                    assert_eq!(take(&pair[0], looks, sleepers, &mut waits), address);
                    give(&pair[1], address, sleepers, &mut waits);
                }
            }
            waits
        };
        let (here, there) = std::thread::scope(|scope| {
            let other = scope.spawn(|| play(false, 0));
            (play(true, 1), other.join().unwrap())
        });
        assert!(here.count + there.count > 0);
        assert!(
            runs.iter()
                .any(|run| run.state.load(Ordering::Relaxed) == KNOWN)
        );
    }

    #[test]
    fn a_refusal_arrives() {
        let (slot, sleepers, mut waits) = (AtomicUsize::new(0), Sleepers::new(), Waits::default());
        give(&slot, std::ptr::null_mut(), &sleepers, &mut waits);
        assert!(take(&slot, 4, &sleepers, &mut waits).is_null());
        assert_eq!(waits.count, 0);
    }
}
