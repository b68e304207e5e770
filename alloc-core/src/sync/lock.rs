//! A lock that needs no memory and may be held across `fork`.

use core::marker::PhantomData;
use core::ops::{Deref, DerefMut};

use super::atomic::{AtomicBool, Cell, Ordering, constructor, pause};

/// Mutual exclusion around a `T`.
pub struct Lock<T> {
    held: AtomicBool,
    value: Cell<T>,
}

// SAFETY: the value is reached only by the holder of the lock, one thread at a time.
unsafe impl<T: Send> Sync for Lock<T> {}

impl<T> Lock<T> {
    constructor! {
        /// A free lock.
        pub fn new(value: T) -> Self {
            Lock {
                held: AtomicBool::new(false),
                value: Cell::new(value),
            }
        }
    }

    /// Waits for the lock.
    pub fn lock(&self) -> Guard<'_, T> {
        self.seize();
        Guard::of(self)
    }

    /// The lock, if nobody holds it.
    pub fn try_lock(&self) -> Option<Guard<'_, T>> {
        self.held
            .compare_exchange(false, true, Ordering::SeqCst, Ordering::Relaxed)
            .is_ok()
            // Not `then_some`: a guard that is made frees the lock when it goes.
            .then(|| Guard::of(self))
    }

    /// Takes the lock without a guard: for `fork`, between whose halves no value can be kept.
    pub fn seize(&self) {
        let mut spins = 0;
        while self
            .held
            .compare_exchange_weak(false, true, Ordering::Acquire, Ordering::Relaxed)
            .is_err()
        {
            pause(&mut spins);
        }
    }

    /// The value of a lock taken by [`seize`](Self::seize); to be used while it is held only.
    pub fn held(&self) -> *mut T {
        self.value.write()
    }

    /// Frees a lock taken by [`seize`](Self::seize).
    ///
    /// # Safety
    /// This thread (or the one it is a fork of) holds it, and no guard of it is left.
    pub unsafe fn release(&self) {
        self.held.store(false, Ordering::Release);
    }
}

/// The right to use what a lock protects; ends with the value.
pub struct Guard<'l, T> {
    lock: &'l Lock<T>,
    /// Shared between threads it shares the value, so it may be where a reference to the value may.
    value: PhantomData<&'l mut T>,
}

impl<'l, T> Guard<'l, T> {
    fn of(lock: &'l Lock<T>) -> Self {
        Guard {
            lock,
            value: PhantomData,
        }
    }
}

impl<T> Deref for Guard<'_, T> {
    type Target = T;
    fn deref(&self) -> &T {
        // SAFETY: a guard exists only while its thread holds the lock.
        unsafe { &*self.lock.value.read() }
    }
}

impl<T> DerefMut for Guard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: a guard exists only while its thread holds the lock, and is borrowed uniquely here.
        unsafe { &mut *self.lock.value.write() }
    }
}

impl<T> Drop for Guard<'_, T> {
    fn drop(&mut self) {
        self.lock.held.store(false, Ordering::Release);
    }
}
