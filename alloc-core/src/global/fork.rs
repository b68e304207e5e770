//! `fork` while other threads allocate: the child must find every lock free.
//!
//! All locks are taken before the fork and freed in both processes after it. In the child, caches of threads that are not
//! there any more stay as they are, since one of them may have been in the middle of a request: what they hold is lost to
//! the child. Homes are sound, and serve the child's threads.

use core::ptr;
use core::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, Ordering};

use super::{config, current};
use crate::threaded::pool::POOL;
use crate::threaded::{depot, homes, large, manager, reclaimer};

static REGISTERED: AtomicBool = AtomicBool::new(false);
/// The thread that forks, by the address of its errno, and how many of the handlers' calls before the fork have not met
/// those after it; both are written by the thread that has all locks.
static FORKING: AtomicPtr<libc::c_int> = AtomicPtr::new(ptr::null_mut());
static DEPTH: AtomicU32 = AtomicU32::new(0);

/// Whether every fork is prepared for.
#[inline]
pub fn is_registered() -> bool {
    REGISTERED.load(Ordering::Acquire)
}

/// Registers the handlers. Threads that come here at the same moment may register them twice, which they bear.
pub fn register() {
    // SAFETY: the handlers take no arguments and live as long as the program.
    unsafe { libc::pthread_atfork(Some(before), Some(in_parent), Some(in_child)) };
    REGISTERED.store(true, Ordering::Release);
}

extern "C" fn before() {
    // SAFETY: asks for an address, which is the thread's own as long as it lives, and in the child of its fork.
    let thread = unsafe { libc::__errno_location() };
    if FORKING.load(Ordering::Relaxed) == thread {
        DEPTH.fetch_add(1, Ordering::Relaxed);
        return;
    }
    config::seize();
    reclaimer::seize();
    manager::seize();
    homes::seize();
    depot::seize();
    large::seize();
    POOL.seize();
    FORKING.store(thread, Ordering::Relaxed);
    DEPTH.store(1, Ordering::Relaxed);
}

/// Whether this is the last call after the fork.
fn is_last() -> bool {
    DEPTH.fetch_sub(1, Ordering::Relaxed) == 1
}

extern "C" fn in_parent() {
    if is_last() {
        free_locks();
    }
}

fn free_locks() {
    FORKING.store(ptr::null_mut(), Ordering::Relaxed);
    // SAFETY: `before` was called by this thread, or the one it is a fork of.
    unsafe {
        POOL.release();
        large::release();
        depot::release();
        homes::release();
        manager::release();
        reclaimer::release();
        config::release();
    }
}

extern "C" fn in_child() {
    if !is_last() {
        return;
    }
    homes::keep_user(current::home());
    manager::keep_one(current::home().is_some());
    current::reset_turn();
    free_locks();
    reclaimer::restart_in_child();
}
