//! What a program may ask of the allocator beside memory: a check, and to give back what it can.

use super::current;
use crate::base::error::Broken;
use crate::chunk::Space;
use crate::heap::invariants::Among;
use crate::threaded::home::Home;
use crate::threaded::pool::POOL;
use crate::threaded::ways_home::{bring_home, let_go};
use crate::threaded::{depot, homes, large, process};

/// Checks the heap: every header, link, list and count, but for caches of other threads. While there are other threads, what
/// they may be writing is left out: the owner words of blocks in use.
///
/// # Errors
/// [`Broken`] names the first invariant that does not hold, and where.
pub fn validate() -> Result<(), Broken> {
    current::prepare();
    let owner = current::get();
    if !current::is_vacant(owner) {
        // SAFETY: the owner is the calling thread's, and no other reference to it is alive.
        unsafe { (*owner).check()? };
    }
    let among = if process::has_one_thread() {
        Among::Nobody
    } else {
        Among::Others
    };
    homes::check(among)?;
    large::check(Space::absolute())
}

/// Sends the calling thread's cached blocks home, and gives all memory that waits for reuse back to the system. Returns
/// bytes given back.
pub fn trim() -> u64 {
    current::prepare();
    let owner = current::get();
    if !current::is_vacant(owner) {
        // SAFETY: as in `validate`.
        unsafe { (*owner).settle() };
    }
    // SAFETY: lists of the depot are of free blocks that nobody else has.
    depot::empty(
        |chain| unsafe { bring_home(chain) },
        |chain| unsafe { let_go(chain) },
    );
    homes::each(Home::visit);
    POOL.trim()
}
