//! Lists of free blocks on their way from a thread that has too many to one that has none: by bin.
//!
//! A list goes in and out whole: nobody walks it, so a block that one thread allocates and another frees costs neither of
//! them a look at its header here. What no cache wants goes home, to runs and arenas, where it coalesces.
//!
//! ```text
//! invariant: bytes = sum over all lists of count * block size
//! invariant: a bin's shelf has its lists at 0..count
//! ```
//! A lock a shelf, never waited for: who finds it taken does without the depot. When the budget is used up, the oldest list
//! of a shelf that nobody took from lately makes room (a clock: one bit a shelf).

use core::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use super::pool::POOL;
use crate::base::class::BINS;
use crate::base::medium::{ALL_BINS, bin_bytes};
use crate::heap::cache::Chain;
use crate::sync::lock::{Guard, Lock};

/// Lists that a bin may have here.
const PLACES: usize = 8;
/// Longer lists are not taken: a cache that needs a few blocks shall not get many. Bytes, headers included; as long as the
/// longest that a cache gives away.
const LONGEST: u64 = 66 << 10;
/// Bytes that may always be here; beyond that a part of the process's memory.
const BUDGET: u64 = 128 << 10;
const PART: u64 = 16;
/// Shelves that are looked at to make room.
const LOOK: usize = 24;

struct Shelf {
    /// Somebody took from it since the hand last came by.
    wanted: bool,
    count: usize,
    lists: [Chain; PLACES],
}

const NOTHING: Chain = Chain { first: 0, count: 0 };

/// A shelf for each bin.
static SHELVES: [Lock<Shelf>; ALL_BINS] = [const {
    Lock::new(Shelf {
        wanted: false,
        count: 0,
        lists: [NOTHING; PLACES],
    })
}; ALL_BINS];
static BYTES: AtomicU64 = AtomicU64::new(0);
/// The shelf that is looked at next to make room.
static HAND: AtomicUsize = AtomicUsize::new(0);

/// A list that there is no room for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// Small blocks.
    Small(Chain),
    /// Medium blocks, in the form of their bin.
    Medium(Chain),
}

fn refused(shelf: usize, chain: Chain) -> Refused {
    if shelf < BINS {
        Refused::Small(chain)
    } else {
        Refused::Medium(chain)
    }
}

fn bytes(bin: usize, chain: Chain) -> u64 {
    bin_bytes(bin) * u64::from(chain.count)
}

/// Leaves the blocks of a bin for whoever needs them. Returns a list that must go home instead: this one or an older one.
pub fn put(number: usize, chain: Chain) -> Option<Refused> {
    let more = bytes(number, chain);
    if more > LONGEST {
        return Some(refused(number, chain));
    }
    let room = |shelf: &Guard<'_, Shelf>| shelf.count < PLACES;
    let Some(mut shelf) = SHELVES[number].try_lock().filter(room) else {
        return Some(refused(number, chain));
    };
    // What came last is warm still, and goes home faster than what has waited.
    if !shelf.wanted
        && BYTES.load(Ordering::Relaxed) + more > BUDGET.max(POOL.mapped_bytes() / PART)
    {
        return Some(refused(number, chain));
    }
    let place = shelf.count;
    shelf.lists[place] = chain;
    shelf.count += 1;
    // Before the shelf is let go: whoever takes the list takes its bytes off.
    let now = BYTES.fetch_add(more, Ordering::Relaxed) + more;
    drop(shelf);
    if now > BUDGET.max(POOL.mapped_bytes() / PART) {
        return make_room();
    }
    None
}

/// The oldest list of a shelf that nobody took from since the hand last came by.
fn make_room() -> Option<Refused> {
    for _ in 0..LOOK {
        let number = HAND.fetch_add(1, Ordering::Relaxed) % SHELVES.len();
        let Some(mut shelf) = SHELVES[number].try_lock() else {
            continue;
        };
        if shelf.count == 0 || core::mem::take(&mut shelf.wanted) {
            continue;
        }
        let chain = shelf.lists[0];
        let count = shelf.count;
        shelf.lists.copy_within(1..count, 0);
        shelf.count -= 1;
        BYTES.fetch_sub(bytes(number, chain), Ordering::Relaxed);
        return Some(refused(number, chain));
    }
    None
}

/// The list of a bin that came last.
pub fn get(number: usize) -> Option<Chain> {
    if BYTES.load(Ordering::Relaxed) == 0 {
        return None;
    }
    let mut shelf = SHELVES[number].try_lock()?;
    shelf.count = shelf.count.checked_sub(1)?;
    shelf.wanted = true;
    let chain = shelf.lists[shelf.count];
    BYTES.fetch_sub(bytes(number, chain), Ordering::Relaxed);
    Some(chain)
}

/// Takes out the lists of shelves that nobody took from since the last call.
pub fn expire(mut take: impl FnMut(Refused)) {
    for (number, place) in SHELVES.iter().enumerate() {
        while let Some(mut shelf) = place.try_lock() {
            if shelf.count == 0 || core::mem::take(&mut shelf.wanted) {
                break;
            }
            shelf.count -= 1;
            let chain = shelf.lists[shelf.count];
            BYTES.fetch_sub(bytes(number, chain), Ordering::Relaxed);
            drop(shelf);
            take(refused(number, chain));
        }
    }
}

/// Takes out everything: small blocks and medium ones.
pub fn empty(mut small: impl FnMut(Chain), mut medium: impl FnMut(Chain)) {
    for shelf in 1..SHELVES.len() {
        while let Some(chain) = get(shelf) {
            if shelf < BINS {
                small(chain);
            } else {
                medium(chain);
            }
        }
    }
}

/// Takes the locks, for `fork`.
pub fn seize() {
    SHELVES.iter().for_each(Lock::seize);
}

/// Frees the locks.
///
/// # Safety
/// [`seize`] was called by this thread or the one it is a fork of.
pub unsafe fn release() {
    for shelf in &SHELVES {
        // SAFETY: the caller's promise.
        unsafe { shelf.release() };
    }
}
