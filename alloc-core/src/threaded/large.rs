//! Blocks too large for an arena. They belong to no thread: whoever frees one gives its memory to the stock at once.
//!
//! Their headers are those of [`crate::heap::spans`], in eight lists with a lock each; a span's owner word names its list.

use core::ptr::NonNull;
use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use super::home::tell_bytes;
use crate::base::align::{self, PAGE};
use crate::base::error::Broken;
use crate::chunk::Space;
use crate::chunk::owner;
use crate::chunk::span::Span;
use crate::heap::spans::Spans;
use crate::source::{Acquired, MemorySource};
use crate::sync::lock::Lock;

#[cfg(feature = "hardened")]
use super::guarded::Guarded as Memory;
#[cfg(not(feature = "hardened"))]
use super::pool::ForLarge as Memory;

const SHARDS: usize = 8;

static LISTS: [Lock<Spans>; SHARDS] = [const { Lock::new(Spans::new()) }; SHARDS];
static TURN: AtomicU32 = AtomicU32::new(0);
/// Requests served.
pub static ALLOCS: AtomicU64 = AtomicU64::new(0);
/// Blocks freed.
pub static FREES: AtomicU64 = AtomicU64::new(0);
/// Requests refused.
pub static FAILED: AtomicU64 = AtomicU64::new(0);
/// Bytes that were asked for in them.
pub static BYTES: AtomicU64 = AtomicU64::new(0);

fn shard_of(word: u32) -> Option<usize> {
    let shard = owner::heap(word) as usize;
    (shard < SHARDS).then_some(shard)
}

fn count(change: i64) {
    BYTES.fetch_add(change as u64, Ordering::Relaxed);
    tell_bytes(change);
}

/// A block of `size` bytes at a multiple of `align`; the second value tells whether it is all zero.
pub fn make(space: Space, size: u64, align: u64) -> Option<(NonNull<u8>, bool)> {
    let made = acquire(space, size, align);
    if made.is_none() {
        FAILED.fetch_add(1, Ordering::Relaxed);
    }
    made
}

fn acquire(space: Space, size: u64, align: u64) -> Option<(NonNull<u8>, bool)> {
    let (bytes, lead) = Spans::need(size, align)?;
    // The system is asked before the lock is taken.
    let got = Memory.acquire(bytes, align.max(PAGE))?;
    #[cfg(feature = "hardened")]
    let lead = lead + super::guarded::slack(got.bytes, lead, size, align);
    let shard = TURN.fetch_add(1, Ordering::Relaxed) as usize % SHARDS;
    let word = owner::word(owner::SPAN, shard as u32);
    // SAFETY: the memory is ours and longer than header and payload.
    let span = unsafe { LISTS[shard].lock().adopt(space, got, lead, size, word) };
    ALLOCS.fetch_add(1, Ordering::Relaxed);
    count(size as i64);
    Some((NonNull::new(space.pointer(span.0))?, got.zeroed))
}

/// Gives a block back. `false`: its header is not that of a large block.
///
/// # Safety
/// `at` is a large block in use by nobody any more.
pub unsafe fn free(space: Space, at: u64) -> bool {
    // SAFETY: the caller's promise.
    unsafe {
        let Some(shard) = shard_of(space.owner_before(at)) else {
            return false;
        };
        let asked = space.span_asked(Span(at));
        let (start, bytes) = LISTS[shard].lock().unlink(space, Span(at));
        FREES.fetch_add(1, Ordering::Relaxed);
        count(-(asked as i64));
        Memory.release(start, bytes);
        true
    }
}

/// Makes a block longer or shorter, moving its pages if need be. `None`: a copy is needed.
///
/// # Safety
/// `at` is a large block in use, of the calling thread's for this moment.
pub unsafe fn resize(space: Space, at: u64, size: u64) -> Option<NonNull<u8>> {
    let span = Span(at);
    // SAFETY: the caller's promise; the header but for its links is the block's own.
    unsafe {
        let shard = shard_of(space.owner_before(at))?;
        let (bytes, asked) = (space.span_bytes(span), space.span_asked(span));
        let lead = at.wrapping_sub(space.span_from(span));
        let need = align::up(size.checked_add(lead)?, PAGE)?;
        // What was grown has room beyond what was asked for; that is no reason to cut it.
        if need <= bytes && size >= asked - asked / 4 {
            space.set_span_asked(span, size);
            count(size as i64 - asked as i64);
            return NonNull::new(space.pointer(at));
        }
        if lead > PAGE {
            return None; // its alignment would be lost
        }
        let word = space.owner_before(at);
        let (start, bytes) = LISTS[shard].lock().unlink(space, span);
        // Pages move without the lock.
        let resized = Memory.resize(start, bytes, need);
        let (got, now) = match resized {
            Some(got) => (got, size),
            None => (
                Acquired {
                    start,
                    bytes,
                    zeroed: false,
                },
                asked,
            ),
        };
        let span = LISTS[shard].lock().adopt(space, got, lead, now, word);
        resized?;
        count(size as i64 - asked as i64);
        NonNull::new(space.pointer(span.0))
    }
}

/// Tests the headers of all large blocks and the lists that they are in.
///
/// # Errors
/// [`Broken`] names the first that is not sound.
pub fn check(space: Space) -> Result<(), Broken> {
    LISTS.iter().try_for_each(|list| list.lock().check(space))
}

/// Takes the locks, for `fork`.
pub fn seize() {
    LISTS.iter().for_each(Lock::seize);
}

/// Frees the locks.
///
/// # Safety
/// [`seize`] was called by this thread or the one it is a fork of.
pub unsafe fn release() {
    for list in &LISTS {
        // SAFETY: the caller's promise.
        unsafe { list.release() };
    }
}
