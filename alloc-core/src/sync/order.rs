//! Starting and ending a background thread, from any thread at any time.
//!
//! An odd number is the turn of the thread that shall run, an even one is none's. Each thread knows its own, so one that
//! was told to end does not take the start of the next for its own, nor the next the end of the first.
//!
//! ```text
//! invariant: a thread is known  <=>  the number is odd;  both change under the lock
//! ```

use super::atomic::{AtomicU32, Ordering, constructor};
use super::lock::Lock;

/// The number, and the handle of the thread whose turn it is.
pub struct Order<H> {
    number: AtomicU32,
    thread: Lock<Option<H>>,
}

/// What became of [`Order::start`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Started {
    /// There is a new thread.
    Now,
    /// One was there already.
    Before,
    /// None could be made.
    Not,
}

impl<H> Order<H> {
    constructor! {
        /// Nobody's turn.
        pub fn new() -> Order<H> {
            Order {
                number: AtomicU32::new(0),
                thread: Lock::new(None),
            }
        }
    }

    /// Makes a thread, which gets its turn as a number, unless there is one.
    pub fn start(&self, make: impl FnOnce(u32) -> Option<H>) -> Started {
        let mut thread = self.thread.lock();
        if thread.is_some() {
            return Started::Before;
        }
        let turn = self.step();
        *thread = make(turn);
        if thread.is_none() {
            self.step();
            return Started::Not;
        }
        Started::Now
    }

    /// Ends the turn of the thread that runs; its handle, to wait for it.
    pub fn stop(&self) -> Option<H> {
        let mut thread = self.thread.lock();
        let stopped = thread.take();
        if stopped.is_some() {
            self.step();
        }
        stopped
    }

    /// The next number. Only under the lock.
    fn step(&self) -> u32 {
        let next = self.number.load(Ordering::Relaxed).wrapping_add(1);
        self.number.store(next, Ordering::Release);
        next
    }

    /// Whether there is a thread.
    pub fn is_on(&self) -> bool {
        self.thread.lock().is_some()
    }

    /// Whether it is this one's turn.
    pub fn stands(&self, turn: u32) -> bool {
        self.number.load(Ordering::Acquire) == turn
    }

    /// The number's address, to wait for a change.
    #[cfg(not(loom))]
    pub fn address(&self) -> *mut u32 {
        self.number.as_ptr()
    }

    /// Takes the lock, for `fork`.
    pub fn seize(&self) {
        self.thread.seize();
    }

    /// Frees the lock.
    ///
    /// # Safety
    /// [`seize`](Self::seize) was called by this thread or the one it is a fork of.
    pub unsafe fn release(&self) {
        // SAFETY: the caller's promise.
        unsafe { self.thread.release() };
    }
}

impl<H> Default for Order<H> {
    fn default() -> Self {
        Self::new()
    }
}
