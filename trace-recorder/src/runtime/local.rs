//! What a thread keeps for each recording of this process that it takes part in.
//!
//! The thread-local storage is constant and has no destructor, so reaching it neither allocates nor registers
//! anything, and it is there until the thread's very last instruction.

use trace_capture::Local;

/// How many recordings may run in a process at once.
pub const SLOTS: usize = 4;

thread_local! {
    static LOCALS: [Local; SLOTS] = const { [const { Local::new() }; SLOTS] };
}

/// Calls `f` with this thread's place number `slot`, which must be below [`SLOTS`].
#[inline]
pub fn with<R>(slot: usize, f: impl FnOnce(&Local) -> R) -> R {
    LOCALS.with(|locals| f(&locals[slot]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_destructor() {
        assert!(!std::mem::needs_drop::<[Local; SLOTS]>());
    }
}
