//! Blocks on their way to a home whose lock was taken.
//!
//! A stack without a lock (Treiber, 1986): anybody pushes a chain of blocks with one exchange, the holder of the lock takes, and
//! takes all, so there is no ABA. The blocks are linked through their payloads, by positions of the process's one space.

use super::atomic::{AtomicU64, Ordering, constructor};
use crate::chunk::Space;

/// The head of the stack; position 0: empty.
#[derive(Debug, Default)]
pub struct Inbox {
    head: AtomicU64,
}

impl Inbox {
    constructor! {
        /// An empty one.
        pub fn new() -> Self {
            Inbox {
                head: AtomicU64::new(0),
            }
        }
    }

    /// Whether there was nothing in it a moment ago. Costs a load.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.head.load(Ordering::Relaxed) == 0
    }

    /// Pushes the chain that leads from `first` to `last`.
    ///
    /// # Safety
    /// The blocks belong to the home of this inbox, nobody uses them, and each links to the next.
    pub unsafe fn push(&self, space: Space, first: u64, last: u64) {
        let mut head = self.head.load(Ordering::Relaxed);
        loop {
            // SAFETY: the last block is the caller's until the exchange succeeds.
            unsafe { space.set_link(last, head) };
            match self
                .head
                .compare_exchange_weak(head, first, Ordering::Release, Ordering::Relaxed)
            {
                Ok(_) => return,
                Err(now) => head = now,
            }
        }
    }

    /// Takes all: the first block's position, 0 for none. Only the holder of the home's lock calls it.
    pub fn take(&self) -> u64 {
        self.head.swap(0, Ordering::Acquire)
    }
}
