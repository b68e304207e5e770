//! Sleeping on a word until it changes (futex(2)), for the threads of this process.

/// Sleeps while the word has this value; returns at once if it has another, and may return early.
///
/// # Safety
/// `word` must point to 32 bits that live through the call, and that whoever writes them writes atomically.
pub(super) unsafe fn sleep(word: *const u32, value: u32) {
    // SAFETY: the caller's promise; the kernel only compares the word.
    unsafe {
        libc::syscall(
            libc::SYS_futex,
            word,
            libc::FUTEX_WAIT | libc::FUTEX_PRIVATE_FLAG,
            value,
            std::ptr::null::<libc::timespec>(),
        )
    };
}

/// Wakes so many at most of those that sleep on the word.
pub(super) fn wake(word: *const u32, most: i32) {
    // SAFETY: the kernel uses the address as a key and reads nothing there.
    unsafe {
        libc::syscall(
            libc::SYS_futex,
            word,
            libc::FUTEX_WAKE | libc::FUTEX_PRIVATE_FLAG,
            most,
        )
    };
}
