//! Where threads stop until the next window lies in memory, and where workers stop until the clock runs.

use std::sync::atomic::{AtomicU32, Ordering};

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
        wake(&self.arrived, 1);
        loop {
            let open = self.open.load(Ordering::Acquire);
            if open >= next {
                return;
            }
            sleep(&self.open, open);
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
            sleep(&self.arrived, arrived);
        }
    }

    /// Lets all threads run window `window`.
    pub fn open(&self, window: u32) {
        self.open.store(window, Ordering::Release);
        wake(&self.open, i32::MAX);
    }
}

/// Sleeps while the word has this value, or less long.
fn sleep(word: &AtomicU32, value: u32) {
    // SAFETY: the word is a live atomic of 32 bits; the kernel only compares it.
    unsafe {
        libc::syscall(
            libc::SYS_futex,
            word.as_ptr(),
            libc::FUTEX_WAIT | libc::FUTEX_PRIVATE_FLAG,
            value,
            std::ptr::null::<libc::timespec>(),
        )
    };
}

fn wake(word: &AtomicU32, most: i32) {
    // SAFETY: the address is that of a live atomic; the kernel uses it as a key.
    unsafe {
        libc::syscall(
            libc::SYS_futex,
            word.as_ptr(),
            libc::FUTEX_WAKE | libc::FUTEX_PRIVATE_FLAG,
            most,
        )
    };
}
