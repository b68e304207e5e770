//! malloc and its kin, for any thread.
//!
//! The fast path is one look at the calling thread's cache. Everything else is in the functions named `slow`.

use core::ptr::{self, NonNull};
use core::sync::atomic::Ordering::Relaxed;

use super::current;
use crate::base::align::ALIGN;
use crate::base::class::{BINS, SMALL_MAX};
use crate::base::error::Misuse;
use crate::base::medium::{MEDIUM_MAX, bin_of};
use crate::base::stop::stop;
use crate::chunk::span::Span;
use crate::chunk::{Space, owner};
use crate::heap::cache::{Cache, Pushed};
use crate::heap::policy::Policy;
use crate::heap::resize::resize_small;
use crate::heap::spans::is_special;
use crate::threaded::owner::Owner;
use crate::threaded::ways_home::{check_kept, check_small, free_ownerless};
use crate::threaded::{homes, large};

/// Positions of the process are addresses.
const SPACE: Space = Space::absolute();
const LARGE: usize = Policy::DEFAULT.span_threshold as usize;

fn raw(block: Option<NonNull<u8>>) -> *mut u8 {
    block.map_or_else(refused, NonNull::as_ptr)
}

/// Null, with errno as C demands.
#[cold]
fn refused() -> *mut u8 {
    // SAFETY: the address is that of the calling thread's errno.
    unsafe { *libc::__errno_location() = libc::ENOMEM };
    ptr::null_mut()
}

/// At least `size` bytes at a multiple of 16, or null when memory ends.
#[inline(always)]
pub fn malloc(size: usize) -> *mut u8 {
    // SAFETY: the owner is the thread's own; a vacant one is only read, since its cache is empty.
    match unsafe { Cache::pop_at(Owner::cache(current::get()), size) } {
        Some(block) => block.as_ptr(),
        None => malloc_slow(size),
    }
}

#[cold]
#[inline(never)]
fn malloc_slow(size: usize) -> *mut u8 {
    if size > LARGE {
        return raw(make_large(size, ALIGN as usize).map(|(block, _)| block));
    }
    // SAFETY: `with_owner` hands over an owner that is the calling thread's.
    raw(with_owner(|owner| unsafe { owner.malloc(size) }))
}

/// A request that the owner of the calling thread serves.
fn with_owner<T>(request: impl FnOnce(&Owner) -> Option<T>) -> Option<T> {
    match current::attach() {
        // SAFETY: owners are never freed.
        Some(owner) => request(unsafe { &*owner }),
        None => current::borrow(request).flatten(),
    }
}

fn make_large(size: usize, align: usize) -> Option<(NonNull<u8>, bool)> {
    current::prepare();
    large::make(SPACE, size as u64, align as u64)
}

/// `count * size` zero bytes, or null when memory ends or the product does not fit.
pub fn calloc(count: usize, size: usize) -> *mut u8 {
    let Some(bytes) = count.checked_mul(size) else {
        large::FAILED.fetch_add(1, Relaxed);
        return refused();
    };
    let made = if bytes > LARGE {
        make_large(bytes, ALIGN as usize)
            .map(|(block, zeroed)| (block, if zeroed { 0 } else { bytes }))
    } else if bytes > SMALL_MAX {
        calloc_chunk(bytes)
    } else {
        NonNull::new(malloc(bytes)).map(|block| (block, bytes))
    };
    let Some((block, dirty)) = made else {
        return refused();
    };
    // SAFETY: the block has `bytes` bytes.
    unsafe { block.write_bytes(0, dirty) };
    block.as_ptr()
}

/// A block that is no small one and has no span of its own, and how many of its first bytes may be other than zero.
fn calloc_chunk(bytes: usize) -> Option<(NonNull<u8>, usize)> {
    // SAFETY: the owner is the thread's own; a vacant one is only read, since its cache is empty.
    if let Some(block) = unsafe { Cache::pop_at(Owner::cache(current::get()), bytes) } {
        return Some((block, bytes));
    }
    // SAFETY: `with_owner` hands over an owner that is the calling thread's.
    with_owner(|owner| unsafe { owner.calloc(bytes) })
}

/// At least `size` bytes at a multiple of `align`; null when memory ends or `align` is no power of two.
pub fn aligned(align: usize, size: usize) -> *mut u8 {
    if !align.is_power_of_two() {
        return ptr::null_mut();
    }
    if !is_special(align as u64) {
        return malloc(size);
    }
    if size.saturating_add(align) > LARGE {
        return raw(make_large(size, align).map(|(block, _)| block));
    }
    // SAFETY: as in `malloc_slow`.
    raw(with_owner(|owner| unsafe { owner.aligned(align, size) }))
}

/// Takes a block back; null is fine.
///
/// # Safety
/// `block` is null or came from here and is not used any more. Where a breach is noticed, the process is ended.
#[inline(always)]
pub unsafe fn free(block: *mut u8) {
    let Some(block) = NonNull::new(block) else {
        return;
    };
    // SAFETY: the caller's promise; the owner is the thread's own, and a vacant one takes nothing.
    unsafe {
        #[cfg(feature = "hardened")]
        super::admit::before_free(block);
        match Cache::push_at(Owner::cache(current::get()), block) {
            Pushed::Yes => {}
            Pushed::Full(bin) => overflow(bin),
            Pushed::No => free_slow(block),
        }
    }
}

#[cold]
#[inline(never)]
fn overflow(bin: usize) {
    // SAFETY: the cache took a block, so the owner is the calling thread's and not vacant.
    unsafe { (*current::get()).overflow(bin) };
}

/// Frees what is no block of the thread's own: mostly a small one of another whose blocks it has freed before.
///
/// # Safety
/// As for [`free`].
#[inline(never)]
unsafe fn free_slow(block: NonNull<u8>) {
    let (current, at) = (current::get(), SPACE.position(block.as_ptr()));
    // SAFETY: the caller promises a block, which has a header before it. Unaligned: as far as is known it may be anything.
    let word = unsafe { block.as_ptr().sub(8).cast::<u32>().read_unaligned() };
    // SAFETY: the owner is the calling thread's, or vacant; the caller's promise.
    unsafe {
        if at.is_multiple_of(ALIGN) && Owner::knows(current, at, word) {
            if let Pushed::Full(bin) = Cache::push_foreign(Owner::cache(current), at) {
                overflow(bin);
            }
            return;
        }
        free_other(block, word);
    }
}

/// # Safety
/// As for [`free`]; `word` is the block's owner word.
#[inline(never)]
unsafe fn free_other(block: NonNull<u8>, word: u32) {
    let (current, at) = (current::get(), SPACE.position(block.as_ptr()));
    if at.is_multiple_of(ALIGN) && !current::is_vacant(current) {
        // SAFETY: the owner is the calling thread's; the caller's promise.
        let taken = unsafe {
            match owner::kind(word) {
                owner::CHUNK => (*current).keep(at),
                owner::SMALL => (*current).take_in(at, word),
                _ => false,
            }
        };
        if taken {
            return;
        }
    }
    // SAFETY: the caller's promise.
    unsafe { free_slower(block) }
}

/// # Safety
/// As for [`free`].
#[cold]
#[inline(never)]
unsafe fn free_slower(block: NonNull<u8>) {
    // SAFETY: the caller's promise.
    if let Err(found) = unsafe { try_free(block) } {
        stop(found)
    }
}

/// # Safety
/// As for [`free`].
unsafe fn try_free(block: NonNull<u8>) -> Result<(), Misuse> {
    let address = block.as_ptr().addr();
    let wrong = Misuse::NotABlock { address };
    if !address.is_multiple_of(ALIGN as usize) {
        return Err(wrong);
    }
    let at = SPACE.position(block.as_ptr());
    // SAFETY: the caller promises a block, which has a header before it.
    unsafe {
        let word = SPACE.owner_before(at);
        match owner::kind(word) {
            owner::NONE if owner::is_free(word) => Err(Misuse::DoubleFree { address }),
            owner::SPAN if is_large(at, word) && large::free(SPACE, at) => Ok(()),
            owner::NONE | owner::SPAN => Err(wrong),
            _ => {
                let current = current::get();
                if current::is_vacant(current) {
                    free_ownerless(at, word)
                } else {
                    (*current).free(at, word)
                }
            }
        }
    }
}

/// Whether the header before `at`, whose owner word is `word`, is that of a large block.
///
/// # Safety
/// It may be read.
pub(super) unsafe fn is_large(at: u64, word: u32) -> bool {
    // SAFETY: the caller's promise.
    word == owner::word(owner::SPAN, owner::heap(word)) && unsafe { SPACE.is_span(Span(at)) }
}

/// Gives a block `size` bytes, keeping contents up to the shorter length; null when memory ends, and the block is as it
/// was. A null block is a malloc.
///
/// # Safety
/// As for [`free`]; the old pointer must not be used once another than null is returned.
pub unsafe fn realloc(block: *mut u8, size: usize) -> *mut u8 {
    let Some(old) = NonNull::new(block) else {
        return malloc(size);
    };
    // SAFETY: the caller's promise.
    unsafe {
        match try_resize(old, size) {
            Ok(Some(same)) => return same.as_ptr(),
            Ok(None) => {}
            Err(found) => stop(found),
        }
        let keep = usable_size(block).min(size);
        let new = malloc(size);
        if !new.is_null() {
            new.copy_from_nonoverlapping(block, keep);
            free(block);
        }
        new
    }
}

/// # Safety
/// As for [`realloc`].
unsafe fn try_resize(old: NonNull<u8>, size: usize) -> Result<Option<NonNull<u8>>, Misuse> {
    let at = SPACE.position(old.as_ptr());
    let address = old.as_ptr().addr();
    let wrong = Misuse::NotABlock { address };
    if !at.is_multiple_of(ALIGN) {
        return Err(wrong);
    }
    // SAFETY: the caller's promise.
    unsafe {
        #[cfg(feature = "hardened")]
        super::admit::admit(old)?;
        let word = SPACE.owner_before(at);
        match owner::kind(word) {
            owner::NONE if owner::is_free(word) => Err(Misuse::DoubleFree { address }),
            owner::SPAN if is_large(at, word) => match size > LARGE {
                true => Ok(large::resize(SPACE, at, size as u64)),
                false => Ok(None),
            },
            owner::NONE | owner::SPAN => Err(wrong),
            owner::SMALL => {
                if word != current::get().addr() as u32 {
                    check_small(at, word)?;
                }
                if SPACE.bin(at) < BINS {
                    return Ok(resize_small(SPACE, at, size).then_some(old));
                }
                if size <= MEDIUM_MAX && bin_of(size) == SPACE.bin(at) {
                    SPACE.set_low(at, size as u8);
                    return Ok(Some(old));
                }
                let home = homes::find(SPACE.binned_home(at)).ok_or(wrong)?;
                SPACE.end_binned(at);
                home.resize(old, size)
            }
            // Whoever asked for it: its home's lock is all that is needed.
            _ => {
                check_kept(at)?;
                let home = homes::find(owner::heap(word)).ok_or(wrong)?;
                home.resize(old, size)
            }
        }
    }
}

/// Bytes that the program may use of a block; 0 for null.
///
/// # Safety
/// `block` is null or in use and came from here.
pub unsafe fn usable_size(block: *mut u8) -> usize {
    match NonNull::new(block) {
        // SAFETY: the caller's promise.
        Some(block) => unsafe { crate::heap::usable_size(SPACE, block) },
        None => 0,
    }
}
