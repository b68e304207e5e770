//! Learning that a thread ends, without Rust's thread-local destructors (they may allocate to register themselves, and
//! they run before those of others that still free).
//!
//! A POSIX key has a destructor that the C library calls at the thread's end. It sets the key again twice, so it runs
//! in the last of the rounds that every system grants, after the other keys' destructors.

use std::sync::OnceLock;

/// `PTHREAD_DESTRUCTOR_ITERATIONS` is at least 4 by POSIX; the last round but one leaves room for whoever does the same.
const ROUNDS: usize = 3;

static KEY: OnceLock<Option<libc::pthread_key_t>> = OnceLock::new();

/// Makes the key. Call it before recording, not on the hot path. Without a key (all are taken) ends of threads are not seen.
pub fn prepare() {
    KEY.get_or_init(|| {
        let mut key = 0;
        // SAFETY: `key` is valid to write to, and `at_end` has the signature that the C library calls.
        let result = unsafe { libc::pthread_key_create(&mut key, Some(at_end)) };
        (result == 0).then_some(key)
    });
}

/// From now on the end of the calling thread is an event.
pub fn watch() {
    set_round(1);
}

fn set_round(round: usize) {
    if let Some(Some(key)) = KEY.get() {
        // SAFETY: the key was made by pthread_key_create and is never deleted; the value is a number that nobody dereferences.
        unsafe { libc::pthread_setspecific(*key, std::ptr::without_provenance(round)) };
    }
}

extern "C" fn at_end(round: *mut libc::c_void) {
    match round.addr() {
        round if round < ROUNDS => set_round(round + 1),
        _ => super::session::thread_ends(),
    }
}
