//! `fork` while other threads allocate: the child must find every lock free.
//!
//! All locks are taken before the fork and freed in both processes after it. In the child, caches of threads that are not
//! there any more stay as they are, since one of them may have been in the middle of a request: what they hold is lost to
//! the child. Homes are sound, and serve the child's threads.

use core::sync::atomic::{AtomicBool, Ordering};

use super::current;
use crate::threaded::pool::POOL;
use crate::threaded::{depot, homes, large, manager, reclaimer};

static REGISTERED: AtomicBool = AtomicBool::new(false);

/// Registers the handlers, once.
pub fn register() {
    if !REGISTERED.swap(true, Ordering::AcqRel) {
        // SAFETY: the handlers take no arguments and live as long as the program.
        unsafe { libc::pthread_atfork(Some(before), Some(in_parent), Some(in_child)) };
    }
}

extern "C" fn before() {
    reclaimer::seize();
    manager::seize();
    homes::seize();
    depot::seize();
    large::seize();
    POOL.seize();
}

extern "C" fn in_parent() {
    // SAFETY: `before` was called by this thread.
    unsafe {
        POOL.release();
        large::release();
        depot::release();
        homes::release();
        manager::release();
        reclaimer::release();
    }
}

extern "C" fn in_child() {
    homes::keep_user(current::home());
    current::reset_turn();
    in_parent();
    reclaimer::restart_in_child();
}
