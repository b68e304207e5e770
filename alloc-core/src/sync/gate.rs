//! A lock that nobody waits for to hand something in: who finds it taken leaves it in the inbox.
//!
//! ```text
//! invariant: when nobody is inside and nobody is between two steps of `deliver` or `visit`, what was delivered while others
//!            delivered or visited is taken in; what was delivered while somebody else was inside is taken in by the next
//!            one to come
//! ```
//! Who is done looks at the inbox again, after a full barrier; who delivers pushes, passes a full barrier, and tries the
//! lock. So either the first sees the blocks or the second finds the lock free (both barriers are one: the head of
//! [`Gate::visit`]'s loop).

use super::atomic::{Ordering, constructor, fence};
use super::inbox::Inbox;
use super::lock::{Guard, Lock};
use crate::chunk::Space;

/// What can stand behind a gate.
pub trait TakeIn {
    /// Takes in linked blocks.
    ///
    /// # Safety
    /// They are what [`Gate::deliver`] was given: blocks that belong here and nobody uses, the last linked to position 0.
    unsafe fn take_in(&mut self, first: u64);
}

/// A lock with an inbox.
pub struct Gate<T> {
    inside: Lock<T>,
    inbox: Inbox,
}

impl<T: TakeIn> Gate<T> {
    constructor! {
        /// Nobody inside, nothing delivered.
        pub fn new(inside: T) -> Gate<T> {
            Gate {
                inside: Lock::new(inside),
                inbox: Inbox::new(),
            }
        }
    }

    /// Goes in and takes in what waits. `None`: somebody else is there.
    pub fn try_enter(&self) -> Option<Guard<'_, T>> {
        let mut inside = self.inside.try_lock()?;
        self.drain(&mut inside);
        Some(inside)
    }

    /// As [`try_enter`](Self::try_enter), after whoever is there.
    pub fn enter(&self) -> Guard<'_, T> {
        let mut inside = self.inside.lock();
        self.drain(&mut inside);
        inside
    }

    fn drain(&self, inside: &mut T) {
        if !self.inbox.is_empty() {
            // SAFETY: the inbox holds what was delivered, and after `take` it is this thread's.
            unsafe { inside.take_in(self.inbox.take()) };
        }
    }

    /// Brings blocks in, or leaves them in the inbox if somebody is there. `finish` is the end of each stay inside.
    ///
    /// # Safety
    /// The blocks lead from `first` to `last`, belong here, and nobody uses them.
    pub unsafe fn deliver(
        &self,
        space: Space,
        first: u64,
        last: u64,
        finish: impl Fn(Guard<'_, T>),
    ) {
        // SAFETY: the caller's promise.
        unsafe {
            if let Some(mut inside) = self.inside.try_lock() {
                space.set_link(last, 0);
                inside.take_in(first);
                finish(inside);
            } else {
                self.inbox.push(space, first, last);
            }
        }
        self.visit(finish);
    }

    /// Takes in what waits if nobody else is inside. Whoever comes second leaves it to the first, who looks again.
    pub fn visit(&self, finish: impl Fn(Guard<'_, T>)) {
        loop {
            // Between the end of a stay inside, or a push, and what follows: see above.
            fence(Ordering::SeqCst);
            if self.inbox.is_empty() {
                return;
            }
            let Some(inside) = self.try_enter() else {
                return;
            };
            finish(inside);
        }
    }

    /// Takes the lock, for `fork`.
    pub fn seize(&self) {
        self.inside.seize();
    }

    /// What is inside; to be used between [`seize`](Self::seize) and [`release`](Self::release) only.
    pub fn held(&self) -> *mut T {
        self.inside.held()
    }

    /// Frees the lock.
    ///
    /// # Safety
    /// [`seize`](Self::seize) was called by this thread or the one it is a fork of.
    pub unsafe fn release(&self) {
        // SAFETY: the caller's promise.
        unsafe { self.inside.release() };
    }
}
