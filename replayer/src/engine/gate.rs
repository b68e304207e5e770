//! Where threads stop until the next window lies in memory, and where workers stop until the clock runs.

use std::sync::atomic::{AtomicU32, Ordering};

use super::futex;

/// A gate of windows: window n may be run once `open` is at least n.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(super) struct Gate {
    open: AtomicU32,
    arrived: AtomicU32,
}

impl Gate {
    /// A thread is done with everything before window `next`, and sleeps until that may be run. If it may already, since the thread
    /// began later than the windows before, nobody counts it.
    pub fn pass(&self, next: u32) {
        if self.open.load(Ordering::Acquire) >= next {
            return;
        }
        self.arrived.fetch_add(1, Ordering::AcqRel);
        futex::wake(self.arrived.as_ptr(), 1);
        loop {
            let open = self.open.load(Ordering::Acquire);
            if open >= next {
                return;
            }
            // SAFETY: an atomic that lives as long as `self`.
            unsafe { futex::sleep(self.open.as_ptr(), open) };
        }
    }

    /// Waits until so many threads have arrived, and forgets them.
    pub fn wait_for(&self, threads: u32) {
        loop {
            let arrived = self.arrived.load(Ordering::Acquire);
            if arrived >= threads {
                self.arrived.fetch_sub(threads, Ordering::AcqRel);
                return;
            }
            // SAFETY: as above.
            unsafe { futex::sleep(self.arrived.as_ptr(), arrived) };
        }
    }

    /// Lets all threads run window `window`.
    pub fn open(&self, window: u32) {
        self.open.store(window, Ordering::Release);
        futex::wake(self.open.as_ptr(), i32::MAX);
    }
}
