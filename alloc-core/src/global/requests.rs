//! malloc and its kin, for any thread.
//!
//! The fast path is one look at the calling thread's cache. Everything else is in the functions named `slow`.

use core::ptr::{self, NonNull};

use super::{current, misuse};
use crate::base::align::ALIGN;
use crate::base::class::SMALL_MAX;
use crate::base::error::Misuse;
use crate::chunk::tag::Chunk;
use crate::chunk::{block, owner};
use crate::heap::Heap;
use crate::heap::policy::Policy;
use crate::heap::spans::is_special;
use crate::threaded::medium::{KEPT, MEDIUM_MAX};
use crate::threaded::owner::{Owner, send_one};
use crate::threaded::{large, manager};

const LARGE: usize = Policy::DEFAULT.span_threshold as usize;

fn raw(block: Option<NonNull<u8>>) -> *mut u8 {
    block.map_or(ptr::null_mut(), NonNull::as_ptr)
}

/// At least `size` bytes at a multiple of 16, or null when memory ends.
#[inline(always)]
pub fn malloc(size: usize) -> *mut u8 {
    // SAFETY: the owner is the thread's own; a vacant one is only read, since its cache is empty.
    match unsafe { Heap::pop_cached_at(&raw mut (*current::get()).heap, size) } {
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
    if let Some(kept) = from_kept(size) {
        return kept;
    }
    raw(with_owner(|owner| owner.heap.malloc(size)))
}

/// A medium block that the thread has just freed, for a request of `size` bytes.
fn from_kept(size: usize) -> Option<*mut u8> {
    let current = current::get();
    if size <= SMALL_MAX || size > MEDIUM_MAX || current::is_vacant(current) {
        return None;
    }
    // SAFETY: the owner is the calling thread's, and no other reference to it is alive; what it keeps are chunks of its space.
    unsafe {
        let space = (*current).heap.space();
        let at = (*current).medium.get(space, size)?;
        Some(space.pointer(at))
    }
}

/// A request that the heap of the calling thread serves, with what goes before and after.
fn with_owner(request: impl FnOnce(&mut Owner) -> Option<NonNull<u8>>) -> Option<NonNull<u8>> {
    let whole = |owner: &mut Owner| {
        owner.before_slow();
        let block = request(owner);
        owner.after_slow();
        block
    };
    match current::attach() {
        // SAFETY: the owner is the calling thread's, and no other reference to it is alive.
        Some(owner) => whole(unsafe { &mut *owner }),
        None => current::borrow(whole).flatten(),
    }
}

fn make_large(size: usize, align: usize) -> Option<(NonNull<u8>, bool)> {
    if manager::space().is_none() {
        current::attach()?;
    }
    large::make(manager::space()?, size as u64, align as u64)
}

/// `count * size` zero bytes, or null when memory ends or the product does not fit.
pub fn calloc(count: usize, size: usize) -> *mut u8 {
    let Some(bytes) = count.checked_mul(size) else {
        return ptr::null_mut();
    };
    let (block, zeroed) = if bytes > LARGE {
        match make_large(bytes, ALIGN as usize) {
            Some((block, zeroed)) => (block.as_ptr(), zeroed),
            None => return ptr::null_mut(),
        }
    } else {
        (malloc(bytes), false)
    };
    if !zeroed && !block.is_null() {
        // SAFETY: the block has `bytes` bytes.
        unsafe { block.write_bytes(0, bytes) };
    }
    block
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
    raw(with_owner(|owner| owner.heap.aligned(align, size)))
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
        if !Heap::push_cached_at(&raw mut (*current::get()).heap, block) {
            free_slow(block);
        }
    }
}

/// # Safety
/// As for [`free`].
#[cold]
#[inline(never)]
unsafe fn free_slow(block: NonNull<u8>) {
    // SAFETY: the caller's promise.
    if let Err(found) = unsafe { try_free(block) } {
        misuse::stop(found)
    }
}

/// # Safety
/// As for [`free`].
unsafe fn try_free(block: NonNull<u8>) -> Result<(), Misuse> {
    let address = block.as_ptr().addr();
    let wrong = Misuse::NotABlock { address };
    let space = manager::space().ok_or(wrong)?;
    if !address.is_multiple_of(ALIGN as usize) {
        return Err(wrong);
    }
    let at = space.position(block.as_ptr());
    // SAFETY: the caller promises a block, which has a header before it.
    unsafe {
        let word = space.owner_before(at);
        let number = word & owner::HEAP;
        match owner::kind(word) {
            owner::SPAN => {
                return if large::free(space, at) {
                    Ok(())
                } else {
                    Err(wrong)
                };
            }
            owner::NONE => return Err(Misuse::DoubleFree { address }),
            owner::SMALL if space.tag(at) < block::LIVE => {
                return Err(Misuse::DoubleFree { address });
            }
            owner::CHUNK if space.asked(Chunk::of_payload(at)) == KEPT => {
                return Err(Misuse::DoubleFree { address });
            }
            _ => {}
        }
        let current = current::get();
        if current::is_vacant(current) {
            manager::find(number).ok_or(wrong)?;
            send_one(space, at, number);
            return Ok(());
        }
        let mine = &mut *current;
        if owner::kind(word) == owner::CHUNK
            && mine.medium.put(space, at, mine.heap.footprint_bytes())
        {
            return Ok(());
        }
        if number == mine.heap.number() {
            mine.heap.free_slow(block)?;
            mine.after_slow();
            return Ok(());
        }
        manager::find(number).ok_or(wrong)?;
        mine.free_foreign(at, number);
        Ok(())
    }
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
            Err(found) => misuse::stop(found),
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
    let space = manager::space().ok_or(Misuse::NotABlock {
        address: old.as_ptr().addr(),
    })?;
    let at = space.position(old.as_ptr());
    // SAFETY: the caller's promise.
    unsafe {
        let word = space.owner_before(at);
        if owner::kind(word) == owner::SPAN {
            return Ok(if size > LARGE {
                large::resize(space, at, size as u64)
            } else {
                None
            });
        }
        let current = current::get();
        if !current::is_vacant(current) && word & owner::HEAP == (*current).heap.number() {
            let resized = (*current).heap.resize(old, size);
            (*current).after_slow();
            return resized;
        }
        Ok(None)
    }
}

/// Bytes that the program may use of a block; 0 for null.
///
/// # Safety
/// `block` is null or in use and came from here.
pub unsafe fn usable_size(block: *mut u8) -> usize {
    match (NonNull::new(block), manager::space()) {
        // SAFETY: the caller's promise.
        (Some(block), Some(space)) => unsafe { crate::heap::usable_size(space, block) },
        _ => 0,
    }
}
