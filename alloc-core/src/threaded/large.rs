//! Blocks too large for an arena. They belong to no thread: whoever frees one gives its memory back at once.
//!
//! Their headers are those of [`crate::heap::spans`], in eight lists with a lock each; a span's owner word names its list.

use core::ptr::NonNull;
use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use super::home::tell_bytes;
use super::lock::Lock;
use super::pool::FromPool;
use crate::chunk::Space;
use crate::chunk::owner;
use crate::chunk::span::Span;
use crate::heap::spans::Spans;
use crate::source::MemorySource;

const SHARDS: usize = 8;

static LISTS: [Lock<Spans>; SHARDS] = [const { Lock::new(Spans::new()) }; SHARDS];
static TURN: AtomicU32 = AtomicU32::new(0);
/// Requests served.
pub static ALLOCS: AtomicU64 = AtomicU64::new(0);
/// Blocks freed.
pub static FREES: AtomicU64 = AtomicU64::new(0);
/// Requests refused.
pub static FAILED: AtomicU64 = AtomicU64::new(0);
/// Bytes that programs may use of them.
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
    let got = FromPool.acquire(bytes, align.max(crate::base::align::PAGE))?;
    let shard = TURN.fetch_add(1, Ordering::Relaxed) as usize % SHARDS;
    let word = owner::word(owner::SPAN, shard as u32);
    // SAFETY: the memory is ours and longer than header and payload.
    let (span, payload) = unsafe {
        let span = LISTS[shard].lock().adopt(space, got, lead, size, word);
        (span, space.span_payload(span))
    };
    ALLOCS.fetch_add(1, Ordering::Relaxed);
    count(payload as i64);
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
        let payload = space.span_payload(Span(at));
        let (start, bytes) = LISTS[shard].lock().unlink(space, Span(at));
        FREES.fetch_add(1, Ordering::Relaxed);
        count(-(payload as i64));
        FromPool.release(start, bytes);
        true
    }
}

/// Makes a block longer or shorter, moving its mapping if need be. `None`: a copy is needed.
///
/// # Safety
/// `at` is a large block in use, of the calling thread's for this moment.
pub unsafe fn resize(space: Space, at: u64, size: u64) -> Option<NonNull<u8>> {
    // SAFETY: the caller's promise.
    unsafe {
        let shard = shard_of(space.owner_before(at))?;
        let before = space.span_payload(Span(at));
        let span = LISTS[shard]
            .lock()
            .resize(space, &mut FromPool, Span(at), size)?;
        count(space.span_payload(span) as i64 - before as i64);
        NonNull::new(space.pointer(span.0))
    }
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
