//! Sending a signal to a process.

/// Sends `signal` to process `pid`; nothing happens if it is gone.
pub fn send(pid: u32, signal: i32) {
    // SAFETY: takes two numbers, and touches no memory of this process.
    unsafe { libc::kill(pid as libc::pid_t, signal) };
}
