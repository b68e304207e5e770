//! Which background thread shall run: an odd number is the one whose turn it is, an even one is none's.
//!
//! Each thread knows its own number, so one that was told to end does not take the start of the next for its own, nor the
//! next the end of the first.

use super::atomic::{AtomicU32, Ordering, constructor};

/// The word.
#[derive(Debug)]
pub struct Order {
    word: AtomicU32,
}

impl Default for Order {
    fn default() -> Self {
        Self::new()
    }
}

impl Order {
    constructor! {
        /// Nobody's turn.
        pub fn new() -> Order {
            Order { word: AtomicU32::new(0) }
        }
    }

    /// Begins the next thread's turn; returns its number. One thread at a time may call it (there is a lock around it), and
    /// not during a turn.
    pub fn begin(&self) -> u32 {
        let turn = self.word.load(Ordering::Relaxed).wrapping_add(1);
        debug_assert!(turn % 2 == 1);
        self.word.store(turn, Ordering::Release);
        turn
    }

    /// Ends the turn that [`begin`](Self::begin) began, under the same lock.
    pub fn end(&self) {
        let none = self.word.load(Ordering::Relaxed).wrapping_add(1);
        debug_assert!(none.is_multiple_of(2));
        self.word.store(none, Ordering::Release);
    }

    /// Whether it is this one's turn.
    pub fn stands(&self, turn: u32) -> bool {
        self.word.load(Ordering::Acquire) == turn
    }

    /// The word's address, to wait for a change.
    #[cfg(not(loom))]
    pub fn address(&self) -> *mut u32 {
        self.word.as_ptr()
    }
}
