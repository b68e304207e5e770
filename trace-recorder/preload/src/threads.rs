//! Learning that a thread ends, and what it is called.
//!
//! A POSIX key has a destructor that the C library calls at the thread's end. It sets the key again twice, so it runs
//! in the last of the rounds that every system grants, after the other keys' destructors; C++ and Rust destructors of
//! thread-local values have run before. What is freed still later is recorded all the same.

use crate::events::STORE;
use crate::{real, tls};
use core::ffi::{c_char, c_int, c_void};
use std::sync::atomic::{AtomicU32, Ordering};
use trace_capture::sys::{self, KeptErrno};

/// `PTHREAD_DESTRUCTOR_ITERATIONS` is at least 4 by POSIX; the last round but one leaves room for whoever does the same.
const ROUNDS: usize = 3;

/// 1 + the key; 0 = none.
static KEY: AtomicU32 = AtomicU32::new(0);

/// Makes the key, once, when there is one thread. An early key is among those that need no memory of their own.
pub fn prepare() {
    let mut key = 0;
    // SAFETY: `key` is valid to write to, and `at_end` has the signature that the C library calls.
    if unsafe { libc::pthread_key_create(&mut key, Some(at_end)) } == 0 {
        KEY.store(key.wrapping_add(1), Ordering::Relaxed);
    }
}

/// From now on the end of the calling thread is an event.
pub fn watch() {
    set_round(1);
}

fn set_round(round: usize) {
    if let Some(key) = KEY.load(Ordering::Relaxed).checked_sub(1) {
        // SAFETY: the key was made by `prepare` and is never deleted; the value is a number that nobody dereferences.
        unsafe { libc::pthread_setspecific(key, core::ptr::without_provenance(round)) };
    }
}

extern "C" fn at_end(round: *mut c_void) {
    match round.addr() {
        round if round < ROUNDS => set_round(round + 1),
        _ => {
            if let Some(local) = tls::local() {
                STORE.end_thread(local);
            }
        }
    }
}

/// pthread_setname_np(3).
///
/// # Safety
/// As in C.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pthread_setname_np(thread: libc::pthread_t, name: *const c_char) -> c_int {
    // SAFETY: the caller's promise.
    let result = unsafe { real::pthread_setname_np(thread, name) };
    // SAFETY: takes nothing and cannot fail.
    if result == 0 && thread == unsafe { libc::pthread_self() } {
        let _errno = KeptErrno::keep();
        let (_, name) = sys::this_thread();
        if let Some(local) = tls::local() {
            STORE.rename(local, &name);
        }
    }
    result
}
