//! `fork` while other threads allocate: the child must find every lock free.
//!
//! All locks are taken before the fork and freed in both processes after it. In the child, caches of threads that are not
//! there any more stay as they are, since one of them may have been in the middle of a request; their arenas are sound, so
//! blocks of theirs may be freed.

use core::sync::atomic::{AtomicBool, Ordering};

use super::pool::POOL;
use super::{large, manager, reclaimer};

static REGISTERED: AtomicBool = AtomicBool::new(false);

/// Registers the handlers, once.
pub fn register() {
    if !REGISTERED.swap(true, Ordering::AcqRel) {
        // SAFETY: the handlers take no arguments and live as long as the program.
        unsafe { libc::pthread_atfork(Some(before), Some(in_parent), Some(in_child)) };
    }
}

extern "C" fn before() {
    manager::seize();
    large::seize();
    POOL.seize();
}

extern "C" fn in_parent() {
    // SAFETY: `before` was called by this thread.
    unsafe {
        POOL.release();
        large::release();
        manager::release();
    }
}

extern "C" fn in_child() {
    in_parent();
    reclaimer::restart_in_child();
}
