//! A lock that needs no memory and may be held across `fork`.

use core::cell::UnsafeCell;
use core::hint;
use core::ops::{Deref, DerefMut};
use core::sync::atomic::{AtomicBool, Ordering};

/// Spins before the processor is given to somebody else; the sections under these locks are a few dozen instructions.
const SPINS: u32 = 64;

/// Mutual exclusion around a `T`.
pub struct Lock<T> {
    held: AtomicBool,
    value: UnsafeCell<T>,
}

// SAFETY: the value is reached only by the holder of the lock, one thread at a time.
unsafe impl<T: Send> Sync for Lock<T> {}

impl<T> Lock<T> {
    /// A free lock.
    pub const fn new(value: T) -> Self {
        Lock {
            held: AtomicBool::new(false),
            value: UnsafeCell::new(value),
        }
    }

    /// Waits for the lock.
    pub fn lock(&self) -> Guard<'_, T> {
        self.seize();
        Guard { lock: self }
    }

    /// The lock, if nobody holds it.
    pub fn try_lock(&self) -> Option<Guard<'_, T>> {
        self.held
            .compare_exchange(false, true, Ordering::SeqCst, Ordering::Relaxed)
            .is_ok()
            // Not `then_some`: a guard that is made frees the lock when it goes.
            .then(|| Guard { lock: self })
    }

    /// Takes the lock without a guard: for `fork`, between whose halves no value can be kept.
    pub fn seize(&self) {
        let mut spins = 0;
        while self
            .held
            .compare_exchange_weak(false, true, Ordering::Acquire, Ordering::Relaxed)
            .is_err()
        {
            spins += 1;
            if spins < SPINS {
                hint::spin_loop();
            } else {
                // SAFETY: no arguments, no memory.
                unsafe { libc::sched_yield() };
            }
        }
    }

    /// The value of a lock taken by [`seize`](Self::seize); to be used while it is held only.
    pub fn held(&self) -> *mut T {
        self.value.get()
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
}

impl<T> Deref for Guard<'_, T> {
    type Target = T;
    fn deref(&self) -> &T {
        // SAFETY: a guard exists only while its thread holds the lock.
        unsafe { &*self.lock.value.get() }
    }
}

impl<T> DerefMut for Guard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: a guard exists only while its thread holds the lock, and is borrowed uniquely here.
        unsafe { &mut *self.lock.value.get() }
    }
}

impl<T> Drop for Guard<'_, T> {
    fn drop(&mut self) {
        self.lock.held.store(false, Ordering::Release);
    }
}
