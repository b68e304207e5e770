//! Where blocks come from and go back to: arenas with a lock, and an inbox for those who find the lock taken.
//!
//! A thread takes from the home that it was given, and gives each block back to the home that it came from, whichever
//! thread it was handed to in between. There are no more homes than a few for each processor ([`super::homes`]), so what
//! a sleeping thread has freed serves the others: with an own home for each of 512 threads, memory that waited for sleeping
//! owners was most of the footprint.
//!
//! ```text
//! invariant: a chunk of an arena here has this home's number in its owner word, a run in its asked word
//! invariant: nobody waits in vain: who finds the lock taken leaves blocks in the inbox, which the holder or the next one
//!            to come takes in
//! ```

use core::ptr::NonNull;
use core::sync::atomic::{AtomicI64, AtomicU32, Ordering};

use super::pool::FromPool;
use crate::base::error::{Broken, Misuse};
use crate::chunk::block::Run;
use crate::chunk::{Space, owner};
use crate::heap::arenas::Arenas;
use crate::heap::invariants::Among;
use crate::heap::policy::Policy;
use crate::heap::{HeapId, HeapStats};
use crate::sync::gate::{Gate, TakeIn};
use crate::sync::lock::Guard;

/// Positions of the process are addresses.
pub const SPACE: Space = Space::absolute();
/// A change of so many bytes is told to the process's count. The count, and so the peak, is exact to this for each home.
const TELL_BYTES: i64 = 32 << 10;

/// Chunks that are purged without letting others at the arenas.
const CHUNKS_AT_ONCE: usize = 16;

/// Bytes in blocks outside free lists, over all homes, and the most there were.
pub static OUT_BYTES: AtomicI64 = AtomicI64::new(0);
/// See [`OUT_BYTES`].
pub static PEAK_BYTES: AtomicI64 = AtomicI64::new(0);

/// Adds to [`OUT_BYTES`], and follows its peak.
pub fn tell_bytes(change: i64) {
    let now = OUT_BYTES.fetch_add(change, Ordering::Relaxed) + change;
    if change > 0 {
        PEAK_BYTES.fetch_max(now, Ordering::Relaxed);
    }
}

/// Arenas among threads.
#[repr(align(128))]
pub struct Home {
    gate: Gate<Inside>,
    /// Threads that take from here.
    pub users: AtomicU32,
}

/// What is reached under the lock.
pub struct Inside {
    /// The arenas.
    pub arenas: Arenas<FromPool>,
    told_bytes: i64,
}

impl Inside {
    /// Tells the process's count of a change that is large enough, or of any if `all`.
    fn tell(&mut self, all: bool) {
        let now = self.arenas.out_bytes() as i64;
        let change = now - self.told_bytes;
        if change.abs() >= TELL_BYTES || all && change != 0 {
            tell_bytes(change);
            self.told_bytes = now;
        }
    }
}

impl TakeIn for Inside {
    unsafe fn take_in(&mut self, mut at: u64) {
        while at != 0 {
            // SAFETY: the caller's promise.
            unsafe {
                let next = SPACE.link(at);
                if owner::kind(SPACE.owner_before(at)) == owner::CHUNK {
                    // A header that was overwritten since the block was freed: this one is lost, the rest is not.
                    let _ = self.arenas.free_block(at);
                } else {
                    self.arenas.bring_home(at);
                }
                at = next;
            }
        }
    }
}

impl Home {
    /// A home without memory.
    pub const fn new(number: HeapId) -> Home {
        Home {
            gate: Gate::new(Inside {
                arenas: Arenas::new(FromPool, SPACE, number.number(), Policy::DEFAULT),
                told_bytes: 0,
            }),
            users: AtomicU32::new(0),
        }
    }

    /// Does something with the arenas. `None`: somebody else is there.
    pub fn try_with<T>(&self, work: impl FnOnce(&mut Arenas<FromPool>) -> T) -> Option<T> {
        Some(Home::work(self.gate.try_enter()?, work))
    }

    /// As [`try_with`](Self::try_with), after whoever is there.
    pub fn with<T>(&self, work: impl FnOnce(&mut Arenas<FromPool>) -> T) -> T {
        Home::work(self.gate.enter(), work)
    }

    fn work<T>(mut inside: Guard<'_, Inside>, work: impl FnOnce(&mut Arenas<FromPool>) -> T) -> T {
        let done = work(&mut inside.arenas);
        inside.tell(false);
        done
    }

    /// Brings blocks home, or leaves them in the inbox if somebody is there.
    ///
    /// # Safety
    /// The blocks lead from `first` to `last`, are of this home, small ones marked as free or chunks, and nobody uses them.
    pub unsafe fn deliver(&self, first: u64, last: u64) {
        // SAFETY: the caller's promise.
        unsafe {
            self.gate
                .deliver(SPACE, first, last, |inside| self.finish(inside))
        };
    }

    /// Takes in small blocks that are linked from `first` on, and shows those of other homes to `stray`. `false`: somebody
    /// else is there, and nothing was done.
    ///
    /// # Safety
    /// They are small blocks marked as free, and nobody uses them.
    pub unsafe fn take_in(&self, first: u64, stray: impl FnMut(u64)) -> bool {
        let Some(mut inside) = self.gate.try_enter() else {
            return false;
        };
        // SAFETY: the caller's promise.
        unsafe { inside.arenas.bring_home_or(first, stray) };
        self.finish(inside);
        self.visit();
        true
    }

    /// Takes in the inbox if nobody else is at it. Whoever comes second leaves it to the first, who looks again.
    pub fn visit(&self) {
        self.gate.visit(|inside| self.finish(inside));
    }

    /// The end of a visit: a home that no thread takes from keeps no arena that is all free.
    fn finish(&self, mut inside: Guard<'_, Inside>) {
        let left = self.users.load(Ordering::SeqCst) == 0;
        if left {
            inside.arenas.release_last();
        }
        inside.tell(left);
    }

    /// A thread that took from here has ended. It waits for nobody: who is inside may have lost its processor.
    pub fn leave(&self) {
        self.users.fetch_sub(1, Ordering::SeqCst);
        if let Some(inside) = self.gate.try_enter() {
            self.finish(inside);
        }
        self.visit();
    }

    /// Shows pages that have been free for a round to `discard`, and begins the next round. The lock is held for a few
    /// chunks at a time; if somebody else has it, the rest waits for the next round.
    pub fn purge(&self, discard: &mut dyn FnMut(NonNull<u8>, u64)) -> u64 {
        let mut bytes = 0;
        loop {
            match self.try_with(|arenas| arenas.purge(CHUNKS_AT_ONCE, discard)) {
                Some(more) if more > 0 => bytes += more,
                _ => break,
            }
        }
        self.try_with(Arenas::next_epoch);
        bytes
    }

    /// Changes the length of a chunk of this home where it is. `Ok(None)`: a copy is needed.
    ///
    /// # Safety
    /// `old` is a block of this home, in use, and the calling thread's for this moment.
    pub unsafe fn resize(
        &self,
        old: NonNull<u8>,
        size: usize,
    ) -> Result<Option<NonNull<u8>>, Misuse> {
        // SAFETY: the caller's promise.
        self.with(|arenas| unsafe { arenas.resize(old, size) })
    }

    /// Tells the process's count all, and shows the counters of the arenas.
    pub fn stats(&self) -> HeapStats {
        let mut inside = self.gate.enter();
        inside.tell(true);
        inside.arenas.stats(0, 0, (0, 0))
    }

    /// Tests the invariants of the arenas, `among` those who may have blocks of them.
    pub fn check(&self, among: Among) -> Result<(), Broken> {
        self.gate.enter().arenas.check(among)
    }

    /// Takes the lock, for `fork`.
    pub fn seize(&self) {
        self.gate.seize();
    }

    /// Frees the lock.
    ///
    /// # Safety
    /// [`seize`](Self::seize) was called by this thread or the one it is a fork of.
    pub unsafe fn release(&self) {
        // SAFETY: the caller's promise.
        unsafe { self.gate.release() };
    }
}

/// The number of the home that a block of a small bin came from.
///
/// # Safety
/// `at` is a small block of a run.
#[inline]
pub unsafe fn number_of(at: u64) -> u32 {
    // SAFETY: the caller's promise: its header names its run, whose header names the home.
    unsafe { SPACE.run_home_number(Run(SPACE.run_of(at).0)) }
}
