//! Memory that no heap uses at the moment: the arena manager's stock, and the source of all heaps.
//!
//! A fresh page costs 1.5 µs, hundreds of mallocs, so what is free is used again before the system is asked. There are two
//! kinds, which help each other out:
//! - `shelves`: arenas, whose lengths are powers of two: lists by length.
//! - `stock`: spans of large blocks, of any length: by address, merged with their neighbours, best fit. Where nothing is
//!   long enough, a block is put together from several by moving their pages (`moving`): so whatever is free serves any
//!   request, and no page is touched for the first time while another waits.
//!
//! `spans` works with the stock. Spans wait for a second at most, and no more of them than it takes to bring what is in
//! use back to the most there was in the last second or two, within limits: the stock is hardly ever the reason for a
//! process's peak. That is looked at when large blocks come and go; the reclaimer's ticks ([`Pool::reclaim`]) do the same
//! for all that is free. A large block that grows takes what is free behind it, or else moves to where there is room for as
//! much again: copied if it is short, or else by its pages, with free pages put behind them.
//!
//! Measured on a virtual machine with two processors, in one interleaved run with the bench's workloads at a tenth:
//! `large` touches 94,700 new pages and takes 0.83 of the time of tcmalloc (112,900 pages), with 372 MB against the 379 of
//! the smallest peer. `grow` takes 0.9 of the time of jemalloc; an earlier form that only ever moved pages, with room for a
//! quarter more, took 2.6 times as long: a range that is moved often falls into many mappings.
//!
//! What was tried and does not pay there: huge pages for spans, 15 ms for 320 MB where the host has them at hand and 550 to 860 ms
//! where it doesn't, against 105 to 155 ms of plain pages; huge pages for the arenas of homes above 16 MiB, which take a sixth of the
//! user time of `ephemeral` (500 MiB live) and put half as much again on the kernel's, 330 to 540 ms, unless the process before has
//! just left some (then 240); `MADV_POPULATE_WRITE`, 95 to 115 ms if every page is used in the end, and all of it wasted if not.

mod clock;
mod moving;
mod pieces;
mod seams;
mod shelves;
mod spans;
mod stock;
mod system;
#[cfg(test)]
mod tests;

use core::ptr::NonNull;
use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use self::clock::Stamp;
use self::shelves::Shelves;
use self::spans::Spans;
use self::system::{MAPPED, Range, map};
use crate::base::align::{self, PAGE};
use crate::source::{Acquired, MemorySource};

/// The stock. There is one, [`POOL`].
pub struct Pool {
    shelves: Shelves,
    spans: Spans,
    /// Bytes that the reclaimer leaves here.
    threshold: AtomicU64,
    /// Intervals that free memory stays before the reclaimer takes it.
    decay: AtomicU32,
}

/// The process's stock.
pub static POOL: Pool = Pool {
    shelves: Shelves::new(),
    spans: Spans::new(),
    threshold: AtomicU64::new(0),
    decay: AtomicU32::new(1),
};

fn acquired(range: Range, zeroed: bool) -> Acquired {
    Acquired {
        start: range.pointer(),
        bytes: range.bytes,
        zeroed,
    }
}

/// What is free, and settings.
impl Pool {
    /// Bytes waiting here.
    pub fn pooled_bytes(&self) -> u64 {
        self.shelves.bytes() + self.spans.bytes()
    }

    /// Bytes got from the system and not given back.
    pub fn mapped_bytes(&self) -> u64 {
        MAPPED.load(Ordering::Relaxed)
    }

    /// Sets what [`reclaim`](Self::reclaim) leaves: `threshold` bytes in all, and what is free for `decay` whole intervals.
    pub fn keep(&self, threshold: u64, decay: u32) {
        self.threshold.store(threshold, Ordering::Relaxed);
        self.decay.store(decay, Ordering::Relaxed);
    }

    /// The end of an interval: gives back to the system what has waited for the decay's number of whole ones, as long as
    /// more than the threshold waits. Returns how many bytes.
    pub fn reclaim(&self) -> u64 {
        let now = clock::next_tick();
        let age = self.decay.load(Ordering::Relaxed);
        self.give_back(now, age, self.threshold.load(Ordering::Relaxed))
    }

    /// Gives back all that waits. Returns how many bytes.
    pub fn trim(&self) -> u64 {
        self.give_back(clock::tick(), 0, 0)
    }

    fn give_back(&self, now: u32, age: u32, threshold: u64) -> u64 {
        let ripe = |tick: u32| now.wrapping_sub(tick) >= age;
        let arenas = self.shelves.bytes();
        let mut returned = self
            .spans
            .give_back(threshold.saturating_sub(arenas), |since| ripe(since.tick));
        let left = threshold.saturating_sub(self.spans.bytes());
        self.shelves.give_back(left, ripe, |old| {
            // SAFETY: it is on no shelf any more.
            returned += unsafe { self.spans.drop_arena(old) };
        });
        returned
    }

    /// A new mapping of `wish` bytes, or else of `need`.
    fn fresh(&self, need: u64, wish: u64, align: u64) -> Option<Acquired> {
        let got = map(wish, align).or_else(|| map(need, align)).or_else(|| {
            // What is free and could not serve may be what is missing.
            self.trim();
            map(need, align)
        });
        got.map(|range| acquired(range, true))
    }

    /// Takes every lock, for `fork`.
    pub fn seize(&self) {
        self.spans.lock().seize();
        self.shelves.seize();
    }

    /// Frees every lock.
    ///
    /// # Safety
    /// [`seize`](Self::seize) was called by this thread or the one it is a fork of.
    pub unsafe fn release(&self) {
        // SAFETY: the caller's promise.
        unsafe {
            self.shelves.release();
            self.spans.lock().release();
        }
    }
}

/// The pool as a heap's source of arenas. They never change their length.
#[derive(Clone, Copy, Debug, Default)]
pub struct FromPool;

// SAFETY: every arena is one of the system's that no one else has: taken out of shelves or stock under a lock, or fresh.
unsafe impl MemorySource for FromPool {
    fn acquire(&mut self, bytes: u64, align: u64) -> Option<Acquired> {
        self.acquire_within(bytes, bytes, align)
    }

    fn acquire_within(&mut self, need: u64, wish: u64, align: u64) -> Option<Acquired> {
        let (need, wish) = (align::up(need, PAGE)?, align::up(wish, PAGE)?);
        let found = || {
            let arena = POOL.shelves.take(need, wish);
            arena.or_else(|| POOL.spans.take_within(need, wish))
        };
        match (align <= PAGE).then(found).flatten() {
            Some(found) => Some(acquired(found, false)),
            None => POOL.fresh(need, wish, align),
        }
    }

    unsafe fn release(&mut self, start: NonNull<u8>, bytes: u64) {
        // SAFETY: the caller's promise.
        unsafe { POOL.shelves.put(Range::new(start, bytes)) }
    }
}

/// The pool as the source of large blocks.
#[derive(Clone, Copy, Debug, Default)]
pub struct ForLarge;

// SAFETY: every span is one of the system's that no one else has: taken out of the stock under its lock, or fresh.
unsafe impl MemorySource for ForLarge {
    fn acquire(&mut self, bytes: u64, align: u64) -> Option<Acquired> {
        let bytes = align::up(bytes, PAGE)?;
        let got = match POOL.spans.take(&POOL.shelves, bytes, align) {
            Some(found) => acquired(found, false),
            None => POOL.fresh(bytes, bytes, align)?,
        };
        let now = Stamp::now().ms;
        POOL.spans.count(got.bytes as i64, now);
        POOL.spans.shed(now);
        Some(got)
    }

    unsafe fn release(&mut self, start: NonNull<u8>, bytes: u64) {
        let now = Stamp::now();
        POOL.spans.count(-(bytes as i64), now.ms);
        // What waits for too long is not to take the new along, should they touch.
        POOL.spans.shed(now.ms);
        // SAFETY: the caller's promise.
        unsafe { POOL.spans.put(Range::new(start, bytes), now) };
        POOL.spans.shed(now.ms);
    }

    unsafe fn resize(
        &mut self,
        start: NonNull<u8>,
        bytes: u64,
        new_bytes: u64,
    ) -> Option<Acquired> {
        let need = align::up(new_bytes, PAGE)?;
        let old = Range::new(start, bytes);
        let new = if need > bytes {
            // SAFETY: the caller's promise.
            let new = unsafe { POOL.spans.grow(&POOL.shelves, old, need) }?;
            POOL.spans
                .count((new.bytes - bytes) as i64, Stamp::now().ms);
            new
        } else if need == bytes {
            old
        } else {
            let (new, tail) = POOL.spans.cut(old, need);
            // SAFETY: the end of the block is given up.
            unsafe { self.release(tail.pointer(), tail.bytes) };
            new
        };
        Some(acquired(new, false))
    }
}
