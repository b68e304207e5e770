//! What a thread keeps for each recording it takes part in.
//!
//! The thread-local storage is constant and has no destructor, so reaching it neither allocates nor registers
//! anything, and it is there until the thread's very last instruction.

use super::raw::RawSlot;
use super::reserve::Chunk;
use std::cell::Cell;

/// How many recordings may run in a process at once.
pub const SLOTS: usize = 4;

/// A thread's place in one recording.
#[derive(Debug)]
pub struct Local {
    /// The recording that the rest belongs to; 0 = none yet.
    pub session: Cell<u32>,
    /// The thread is inside a recorded request: what the allocator itself asks for meanwhile is not recorded.
    pub busy: Cell<bool>,
    /// The thread's number in the recording.
    pub thread: Cell<u32>,
    /// How many chunks the thread has taken.
    pub chunks: Cell<u32>,
    /// Where the next event goes.
    pub next: Cell<*const RawSlot>,
    /// One past the chunk's last slot.
    pub end: Cell<*const RawSlot>,
}

impl Local {
    const fn new() -> Local {
        Local {
            session: Cell::new(0),
            busy: Cell::new(false),
            thread: Cell::new(0),
            chunks: Cell::new(0),
            next: Cell::new(std::ptr::null()),
            end: Cell::new(std::ptr::null()),
        }
    }

    /// Begins with a chunk, or with none.
    pub fn turn_to(&self, chunk: Option<&Chunk>) {
        let range = chunk.map(|c| c.slots().as_ptr_range());
        self.next
            .set(range.as_ref().map_or(std::ptr::null(), |r| r.start));
        self.end
            .set(range.as_ref().map_or(std::ptr::null(), |r| r.end));
    }

    /// The right to record one request; `None` while the thread already is inside one.
    #[inline]
    pub fn guard(&self) -> Option<Guard<'_>> {
        if self.busy.replace(true) {
            None
        } else {
            Some(Guard { busy: &self.busy })
        }
    }
}

/// Held while one request is recorded, so that nothing below it is.
#[derive(Debug)]
pub struct Guard<'a> {
    busy: &'a Cell<bool>,
}

impl Drop for Guard<'_> {
    #[inline]
    fn drop(&mut self) {
        self.busy.set(false);
    }
}

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
    fn the_guard_is_a_value() {
        with(0, |local| {
            let first = local.guard();
            assert!(first.is_some());
            assert!(local.guard().is_none());
            // The refused attempt must not have opened the way.
            assert!(local.guard().is_none());
            drop(first);
            assert!(local.guard().is_some());
        });
    }

    #[test]
    fn no_destructor() {
        assert!(!std::mem::needs_drop::<[Local; SLOTS]>());
    }
}
