//! The four requests, made as any dynamically linked C program makes them.
//!
//! On x86-64 each is a `call NAME@PLT`: through the linkage table, so that LD_PRELOAD decides who answers, and opaque to
//! the compiler, which otherwise removes a pair of malloc and free whose block nobody reads. Elsewhere it is the plain
//! foreign call with the block hidden from the optimiser.

use core::ffi::c_void;
#[cfg(target_arch = "x86_64")]
use std::arch::asm;

/// `malloc(size)`: null when refused.
#[inline(always)]
pub fn malloc(size: usize) -> *mut u8 {
    #[cfg(target_arch = "x86_64")]
    {
        let block: *mut u8;
        // SAFETY: the C calling convention, with all that it may change declared; the stack is aligned for a call since
        // `nostack` is not claimed. malloc has no precondition.
        unsafe {
            asm!("call {malloc}@PLT", malloc = sym libc::malloc, in("rdi") size, lateout("rax") block,
                clobber_abi("C"));
        }
        block
    }
    #[cfg(not(target_arch = "x86_64"))]
    // SAFETY: malloc has no precondition.
    std::hint::black_box(unsafe { libc::malloc(size) }).cast()
}

/// `calloc(count, size)`: null when refused, else zeroed.
#[inline(always)]
pub fn calloc(count: usize, size: usize) -> *mut u8 {
    // SAFETY: calloc has no precondition.
    std::hint::black_box(unsafe { libc::calloc(count, size) }).cast()
}

/// `realloc(block, size)`: null when refused, and then `block` is still there.
///
/// # Safety
/// `block` is null or came from this module and was not freed since; it is not used again unless null is returned.
#[inline(always)]
pub unsafe fn realloc(block: *mut u8, size: usize) -> *mut u8 {
    // SAFETY: the caller's promise.
    std::hint::black_box(unsafe { libc::realloc(block.cast::<c_void>(), size) }).cast()
}

/// `free(block)`.
///
/// # Safety
/// `block` is null or came from this module and was not freed since; it is not used again.
#[inline(always)]
pub unsafe fn free(block: *mut u8) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: the caller's promise; the call itself as in `malloc`.
    unsafe {
        asm!("call {free}@PLT", free = sym libc::free, in("rdi") block, clobber_abi("C"));
    }
    #[cfg(not(target_arch = "x86_64"))]
    // SAFETY: the caller's promise.
    unsafe {
        libc::free(std::hint::black_box(block).cast::<c_void>());
    }
}

/// The file that answers `malloc` in this process, as the dynamic linker names it; empty when it can't tell.
pub fn provider() -> String {
    let mut found = std::mem::MaybeUninit::<libc::Dl_info>::zeroed();
    let malloc = libc::malloc as *const c_void;
    // SAFETY: any address may be asked about; the answer is written to a structure of that type.
    if unsafe { libc::dladdr(malloc, found.as_mut_ptr()) } == 0 {
        return String::new();
    }
    // SAFETY: dladdr succeeded and so has filled it; zeroes would be valid too.
    let name = unsafe { found.assume_init() }.dli_fname;
    if name.is_null() {
        return String::new();
    }
    // SAFETY: a text that ends with a zero, kept by the dynamic linker as long as the object is loaded.
    unsafe { std::ffi::CStr::from_ptr(name) }
        .to_string_lossy()
        .into_owned()
}
