//! A lock that one thread takes all the time and another hardly ever.
//!
//! The owning thread pays two plain stores and a load; whoever else wants in pays a system call that makes every thread of
//! the process pass a full barrier (`membarrier`, Desnoyers; the asymmetric locks of Dice et al., 2001). Without that call
//! nobody else gets in.
//!
//! ```text
//! invariant: the owner is inside  =>  busy;   somebody else is inside  =>  revoked, and the owner is not
//! ```
//! Owner: `busy = 1`; look at `revoked`. Other: `revoked = 1`; barrier; look at `busy`. The barrier falls either before the
//! owner's look, which then sees `revoked`, or after its store, which then is seen.

use super::atomic::{AtomicBool, Ordering, constructor, heavy_barrier, light_barrier, pause};

/// The lock.
#[derive(Debug)]
pub struct Turn {
    busy: AtomicBool,
    revoked: AtomicBool,
}

/// The owner is inside until this goes.
pub struct Busy<'t>(&'t Turn);

/// Somebody else is inside until this goes.
pub struct Revoked<'t>(&'t Turn);

impl Default for Turn {
    fn default() -> Self {
        Self::new()
    }
}

impl Turn {
    constructor! {
        /// Nobody is inside.
        pub fn new() -> Turn {
            Turn {
                busy: AtomicBool::new(false),
                revoked: AtomicBool::new(false),
            }
        }
    }

    /// The owner goes in. Only the owning thread calls it, and not while it is inside.
    #[inline]
    pub fn enter(&self) -> Busy<'_> {
        self.busy.store(true, Ordering::Relaxed);
        light_barrier();
        if self.revoked.load(Ordering::Acquire) {
            self.wait();
        }
        Busy(self)
    }

    #[cold]
    fn wait(&self) {
        loop {
            self.busy.store(false, Ordering::Release);
            let mut spins = 0;
            while self.revoked.load(Ordering::Acquire) {
                pause(&mut spins);
            }
            self.busy.store(true, Ordering::Relaxed);
            light_barrier();
            if !self.revoked.load(Ordering::Acquire) {
                return;
            }
        }
    }

    /// Somebody else goes in, unless the owner is there. One thread at a time may call it.
    pub fn revoke(&self) -> Option<Revoked<'_>> {
        self.revoked.store(true, Ordering::SeqCst);
        let revoked = Revoked(self);
        (heavy_barrier() && !self.busy.load(Ordering::SeqCst)).then_some(revoked)
    }

    /// In the child of a `fork`: whoever was inside is not there any more.
    pub fn reset(&self) {
        self.revoked.store(false, Ordering::SeqCst);
    }
}

impl Drop for Busy<'_> {
    #[inline]
    fn drop(&mut self) {
        self.0.busy.store(false, Ordering::Release);
    }
}

impl Drop for Revoked<'_> {
    fn drop(&mut self) {
        self.0.revoked.store(false, Ordering::Release);
    }
}
