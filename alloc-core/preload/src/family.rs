//! The malloc family by its C names.
//!
//! Source of the contracts: malloc(3), posix_memalign(3), malloc_usable_size(3), mallinfo(3), malloc_trim(3). errno is
//! ENOMEM whenever a request is refused for lack of memory (set by `alloc_core`).

use core::ffi::{c_int, c_void};
use core::ptr;

use alloc_core::global;

const PAGE: usize = 4096;

fn set_errno(code: c_int) {
    // SAFETY: the address is that of the calling thread's errno.
    unsafe { *libc::__errno_location() = code };
}

/// malloc(3).
#[unsafe(no_mangle)]
pub extern "C" fn malloc(size: usize) -> *mut c_void {
    global::malloc(size).cast()
}

/// free(3).
///
/// # Safety
/// As in C: a block of this family, not used any more, or null.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn free(block: *mut c_void) {
    // SAFETY: the caller's promise.
    unsafe { global::free(block.cast()) }
}

/// calloc(3).
#[unsafe(no_mangle)]
pub extern "C" fn calloc(count: usize, size: usize) -> *mut c_void {
    global::calloc(count, size).cast()
}

/// realloc(3): a null block is a malloc; size 0 frees the block and returns null, as glibc does.
///
/// # Safety
/// As for [`free`]; the old block must not be used once another than null is returned.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realloc(block: *mut c_void, size: usize) -> *mut c_void {
    if size == 0 && !block.is_null() {
        // SAFETY: the caller's promise.
        unsafe { global::free(block.cast()) };
        return ptr::null_mut();
    }
    // SAFETY: the caller's promise.
    unsafe { global::realloc(block.cast(), size).cast() }
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
            set_errno(libc::ENOMEM);
            ptr::null_mut()
        }
    }
}

/// memalign(3): an alignment that is no power of two counts as the next one.
#[unsafe(no_mangle)]
pub extern "C" fn memalign(align: usize, size: usize) -> *mut c_void {
    match align.max(1).checked_next_power_of_two() {
        Some(align) => global::aligned(align, size).cast(),
        None => {
            set_errno(libc::EINVAL);
            ptr::null_mut()
        }
    }
}

/// aligned_alloc(3): EINVAL for an alignment that is no power of two.
#[unsafe(no_mangle)]
pub extern "C" fn aligned_alloc(align: usize, size: usize) -> *mut c_void {
    if !align.is_power_of_two() {
        set_errno(libc::EINVAL);
        return ptr::null_mut();
    }
    global::aligned(align, size).cast()
}

/// posix_memalign(3): returns the error and leaves errno alone.
///
/// # Safety
/// `out` may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn posix_memalign(out: *mut *mut c_void, align: usize, size: usize) -> c_int {
    if !align.is_power_of_two() || !align.is_multiple_of(size_of::<*mut c_void>()) {
        return libc::EINVAL;
    }
    // SAFETY: the address is that of the calling thread's errno.
    let errno = unsafe { *libc::__errno_location() };
    let block = global::aligned(align, size);
    if block.is_null() {
        set_errno(errno);
        return libc::ENOMEM;
    }
    // SAFETY: the caller's promise.
    unsafe { *out = block.cast() };
    0
}

/// valloc(3).
#[unsafe(no_mangle)]
pub extern "C" fn valloc(size: usize) -> *mut c_void {
    global::aligned(PAGE, size).cast()
}

/// pvalloc(3): whole pages.
#[unsafe(no_mangle)]
pub extern "C" fn pvalloc(size: usize) -> *mut c_void {
    match size.max(1).checked_next_multiple_of(PAGE) {
        Some(bytes) => global::aligned(PAGE, bytes).cast(),
        None => {
            set_errno(libc::ENOMEM);
            ptr::null_mut()
        }
    }
}

/// malloc_usable_size(3).
///
/// # Safety
/// The block is null or in use.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn malloc_usable_size(block: *mut c_void) -> usize {
    // SAFETY: the caller's promise.
    unsafe { global::usable_size(block.cast()) }
}

/// malloc_trim(3): 1 if memory went back to the system. The padding is of no use here.
#[unsafe(no_mangle)]
pub extern "C" fn malloc_trim(_pad: usize) -> c_int {
    c_int::from(global::trim() > 0)
}

/// mallopt(3): none of glibc's settings has a meaning here; 0 says so.
#[unsafe(no_mangle)]
pub extern "C" fn mallopt(_param: c_int, _value: c_int) -> c_int {
    0
}

/// mallinfo2(3): `arena` is what heaps hold, `hblkhd` what large blocks hold, `uordblks` and `fordblks` what is in use and
/// free, `keepcost` what [`malloc_trim`] could give back.
#[unsafe(no_mangle)]
pub extern "C" fn mallinfo2() -> libc::mallinfo2 {
    let stats = global::stats();
    let cap = |bytes: u64| usize::try_from(bytes).unwrap_or(usize::MAX);
    // SAFETY: a structure of integers, for which zero is a value.
    let mut info: libc::mallinfo2 = unsafe { core::mem::zeroed() };
    info.arena = cap(stats.footprint_bytes.saturating_sub(stats.large_bytes));
    info.ordblks = cap(stats.arenas);
    info.hblks = cap(stats.large_blocks);
    info.hblkhd = cap(stats.large_bytes);
    info.uordblks = cap(stats.current_bytes);
    info.fordblks = cap(stats.footprint_bytes.saturating_sub(stats.current_bytes));
    info.keepcost = cap(stats.pooled_bytes);
    info
}

/// mallinfo(3): as [`mallinfo2`], in the old, narrow fields, which stop at their largest value.
#[unsafe(no_mangle)]
pub extern "C" fn mallinfo() -> libc::mallinfo {
    let wide = mallinfo2();
    let cap = |value: usize| c_int::try_from(value).unwrap_or(c_int::MAX);
    // SAFETY: a structure of integers, for which zero is a value.
    let mut info: libc::mallinfo = unsafe { core::mem::zeroed() };
    info.arena = cap(wide.arena);
    info.ordblks = cap(wide.ordblks);
    info.hblks = cap(wide.hblks);
    info.hblkhd = cap(wide.hblkhd);
    info.uordblks = cap(wide.uordblks);
    info.fordblks = cap(wide.fordblks);
    info.keepcost = cap(wide.keepcost);
    info
}

/// malloc_stats(3): the statistics on standard error.
#[unsafe(no_mangle)]
pub extern "C" fn malloc_stats() {
    crate::print::stats();
}
