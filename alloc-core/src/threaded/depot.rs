//! Lists of small blocks on their way from a cache that has too many to one that has none.
//!
//! A list goes in and out whole: nobody walks it, so a block that one thread allocates and another frees costs neither of
//! them a look at its header here. What no cache wants goes home, to runs and arenas, where it coalesces.
//!
//! ```text
//! invariant: bytes = sum over all lists of count * block size <= budget (when they came)
//! invariant: a bin's shelf has its lists at 0..count
//! ```
//! A lock a bin, never waited for: who finds it taken does without the depot.

use core::sync::atomic::{AtomicU64, Ordering};

use super::lock::Lock;
use super::pool::POOL;
use crate::base::class::{self, BINS};
use crate::heap::cache::Chain;

/// Lists that a bin may have here.
const PLACES: usize = 8;
/// Longer lists are not taken: a cache that needs a few blocks shall not get many. Bytes, headers included.
const LONGEST: u64 = 32 << 10;
/// Bytes that may always be here; beyond that a part of the process's memory.
const BUDGET: u64 = 512 << 10;
const PART: u64 = 32;

struct Shelf {
    count: usize,
    lists: [Chain; PLACES],
}

const NOTHING: Chain = Chain { first: 0, count: 0 };

static SHELVES: [Lock<Shelf>; BINS] = [const {
    Lock::new(Shelf {
        count: 0,
        lists: [NOTHING; PLACES],
    })
}; BINS];
static BYTES: AtomicU64 = AtomicU64::new(0);

fn bytes(bin: usize, chain: Chain) -> u64 {
    class::block_bytes(bin) * u64::from(chain.count)
}

/// Leaves a list for whoever needs it. `false`: there is no room.
pub fn put(bin: usize, chain: Chain) -> bool {
    let more = bytes(bin, chain);
    let budget = BUDGET.max(POOL.mapped_bytes() / PART);
    if more > LONGEST || BYTES.load(Ordering::Relaxed) + more > budget {
        return false;
    }
    let Some(mut shelf) = SHELVES[bin].try_lock() else {
        return false;
    };
    if shelf.count == PLACES {
        return false;
    }
    let place = shelf.count;
    shelf.lists[place] = chain;
    shelf.count += 1;
    BYTES.fetch_add(more, Ordering::Relaxed);
    true
}

/// The list that came last.
pub fn get(bin: usize) -> Option<Chain> {
    if BYTES.load(Ordering::Relaxed) == 0 {
        return None;
    }
    let mut shelf = SHELVES[bin].try_lock()?;
    shelf.count = shelf.count.checked_sub(1)?;
    let chain = shelf.lists[shelf.count];
    BYTES.fetch_sub(bytes(bin, chain), Ordering::Relaxed);
    Some(chain)
}

/// Takes out everything.
pub fn empty(mut take: impl FnMut(Chain)) {
    for bin in 1..BINS {
        while let Some(chain) = get(bin) {
            take(chain);
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
