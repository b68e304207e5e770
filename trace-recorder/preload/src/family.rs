//! The malloc family by its C names: the real function, and an event.
//!
//! A block is stamped after it was made and before it is freed, a realloc both. Some allocators make `calloc`,
//! `memalign` or `realloc` of other functions of the family, which come here too: what they record of the same block is
//! taken back. Everything else that is recorded within a request stands: it may be a signal handler's.

use crate::events::STORE;
use crate::process::{is_on, record, record_both};
use crate::{boot, real, tls};
use core::ffi::{c_int, c_void};
use core::ptr;
use trace_capture::clock;
use trace_capture::place::Place;
use trace_capture::raw::{Op, Raw};

fn set_errno(code: c_int) {
    // SAFETY: the address is that of the calling thread's errno.
    unsafe { *libc::__errno_location() = code };
}

/// A block was made, or refused.
#[inline(always)]
fn made(op: Op, align_log2: u8, block: *mut c_void, size: usize) {
    if !is_on() {
        return;
    }
    let stamp = clock::after();
    if block.is_null() {
        refused(size, stamp);
    } else {
        record(Raw {
            op,
            align_log2,
            size: size as u64,
            address: block.addr() as u64,
            stamp,
        });
    }
}

#[cold]
fn refused(size: usize, stamp: u64) {
    record(Raw {
        op: Op::Failed,
        align_log2: 0,
        size: size as u64,
        address: 0,
        stamp,
    });
}

/// Where the thread stands before a request that an allocator may serve by others.
#[inline(always)]
fn place() -> Option<Place> {
    tls::local().map(|local| local.place())
}

/// Takes back what an allocator's own steps recorded since `from` of two addresses.
#[inline(always)]
fn take_back(from: Option<Place>, addresses: [*mut c_void; 2]) {
    if let (Some(local), Some(from)) = (tls::local(), from)
        && local.has_moved_from(from)
    {
        STORE.void_since(local, from, addresses.map(|a| a.addr() as u64));
    }
}

#[inline(always)]
fn freed(block: *mut c_void, stamp: u64) {
    record(Raw {
        op: Op::Free,
        align_log2: 0,
        size: 0,
        address: block.addr() as u64,
        stamp,
    });
}

/// malloc(3).
#[unsafe(no_mangle)]
pub extern "C" fn malloc(size: usize) -> *mut c_void {
    // SAFETY: malloc may be called with any size.
    let block = unsafe { real::malloc(size) };
    made(Op::Malloc, 0, block, size);
    block
}

/// free(3).
///
/// # Safety
/// As in C.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn free(block: *mut c_void) {
    if boot::owns(block) {
        return;
    }
    if !block.is_null() && is_on() {
        freed(block, clock::before());
    }
    // SAFETY: the caller's promise.
    unsafe { real::free(block) }
}

/// calloc(3).
#[unsafe(no_mangle)]
pub extern "C" fn calloc(count: usize, size: usize) -> *mut c_void {
    let from = place();
    // SAFETY: calloc may be called with any sizes.
    let block = unsafe { real::calloc(count, size) };
    take_back(from, [block, block]);
    made(Op::Calloc, 0, block, count.saturating_mul(size));
    block
}

/// realloc(3).
///
/// # Safety
/// As in C.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realloc(block: *mut c_void, size: usize) -> *mut c_void {
    if block.is_null() {
        let from = place();
        // SAFETY: a realloc of null is a malloc.
        let new = unsafe { real::realloc(block, size) };
        take_back(from, [new, new]);
        made(Op::Malloc, 0, new, size);
        return new;
    }
    if boot::owns(block) {
        return move_out_of_boot(block, size);
    }
    if !is_on() {
        // SAFETY: the caller's promise.
        return unsafe { real::realloc(block, size) };
    }
    let from = place();
    let before = clock::before();
    // SAFETY: the caller's promise.
    let new = unsafe { real::realloc(block, size) };
    let after = clock::after();
    take_back(from, [block, new]);
    if !new.is_null() {
        let old = Raw {
            op: Op::ReallocOld,
            align_log2: 0,
            size: 0,
            address: block.addr() as u64,
            stamp: before,
        };
        let new = Raw {
            op: Op::ReallocNew,
            align_log2: 0,
            size: size as u64,
            address: new.addr() as u64,
            stamp: after,
        };
        record_both(old, new);
    } else if size == 0 {
        freed(block, before);
    } else {
        refused(size, after);
    }
    new
}

#[cold]
fn move_out_of_boot(block: *mut c_void, size: usize) -> *mut c_void {
    let new = malloc(size);
    if !new.is_null() {
        let bytes = boot::size_of_block(block).min(size);
        // SAFETY: both blocks have at least so many bytes, and are not the same.
        unsafe { ptr::copy_nonoverlapping(block.cast::<u8>(), new.cast::<u8>(), bytes) };
    }
    new
}

/// reallocarray(3).
///
/// # Safety
/// As for [`realloc`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn reallocarray(
    block: *mut c_void,
    count: usize,
    size: usize,
) -> *mut c_void {
    match count.checked_mul(size) {
        // SAFETY: the caller's promise.
        Some(bytes) => unsafe { realloc(block, bytes) },
        None => {
            if is_on() {
                refused(usize::MAX, clock::after());
            }
            set_errno(libc::ENOMEM);
            ptr::null_mut()
        }
    }
}

/// Base-2 logarithm of an alignment; one that is no power of two counts as the next, as the C library takes it.
fn log2(align: usize) -> u8 {
    align
        .checked_next_power_of_two()
        .unwrap_or(1 << (usize::BITS - 1))
        .trailing_zeros() as u8
}

/// aligned_alloc(3).
#[unsafe(no_mangle)]
pub extern "C" fn aligned_alloc(align: usize, size: usize) -> *mut c_void {
    let from = place();
    // SAFETY: a wrong alignment is answered with null.
    let block = unsafe { real::aligned_alloc(align, size) };
    take_back(from, [block, block]);
    made(Op::Aligned, log2(align), block, size);
    block
}

/// memalign(3).
#[unsafe(no_mangle)]
pub extern "C" fn memalign(align: usize, size: usize) -> *mut c_void {
    let from = place();
    // SAFETY: a wrong alignment is answered with null or rounded up.
    let block = unsafe { real::memalign(align, size) };
    take_back(from, [block, block]);
    made(Op::Aligned, log2(align), block, size);
    block
}

/// posix_memalign(3).
///
/// # Safety
/// As in C.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn posix_memalign(out: *mut *mut c_void, align: usize, size: usize) -> c_int {
    let from = place();
    // SAFETY: the caller's promise.
    let result = unsafe { real::posix_memalign(out, align, size) };
    let block = if result == 0 {
        // SAFETY: `out` was written, since the call succeeded.
        unsafe { out.read() }
    } else {
        ptr::null_mut()
    };
    take_back(from, [block, block]);
    // A wrong alignment is no request for memory.
    if result == 0 || result == libc::ENOMEM {
        made(Op::Aligned, log2(align), block, size);
    }
    result
}

/// valloc(3).
#[unsafe(no_mangle)]
pub extern "C" fn valloc(size: usize) -> *mut c_void {
    let from = place();
    // SAFETY: valloc may be called with any size.
    let block = unsafe { real::valloc(size) };
    take_back(from, [block, block]);
    made(
        Op::Aligned,
        log2(trace_capture::sys::page_size()),
        block,
        size,
    );
    block
}

/// pvalloc(3).
#[unsafe(no_mangle)]
pub extern "C" fn pvalloc(size: usize) -> *mut c_void {
    let from = place();
    // SAFETY: pvalloc may be called with any size.
    let block = unsafe { real::pvalloc(size) };
    take_back(from, [block, block]);
    made(
        Op::Aligned,
        log2(trace_capture::sys::page_size()),
        block,
        size,
    );
    block
}

/// free_sized of C23.
///
/// # Safety
/// As in C.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn free_sized(block: *mut c_void, _size: usize) {
    // SAFETY: the caller's promise.
    unsafe { free(block) }
}

/// free_aligned_sized of C23.
///
/// # Safety
/// As in C.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn free_aligned_sized(block: *mut c_void, _align: usize, _size: usize) {
    // SAFETY: the caller's promise.
    unsafe { free(block) }
}
