//! The C interface `fancy_*`; `include/fancy.h` declares it.
//!
//! Blocks of `fancy_malloc` and of `malloc` are the same: either's free takes them.

use core::ffi::{c_int, c_void};

use alloc_core::global::{self, Config, Reclaim};
use core::time::Duration;

use crate::text::say;
use crate::{family, print};

/// See malloc(3).
#[unsafe(no_mangle)]
pub extern "C" fn fancy_malloc(size: usize) -> *mut c_void {
    global::malloc(size).cast()
}

/// See free(3).
///
/// # Safety
/// As for [`family::free`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fancy_free(block: *mut c_void) {
    // SAFETY: the caller's promise.
    unsafe { global::free(block.cast()) }
}

/// See calloc(3).
#[unsafe(no_mangle)]
pub extern "C" fn fancy_calloc(count: usize, size: usize) -> *mut c_void {
    global::calloc(count, size).cast()
}

/// See realloc(3).
///
/// # Safety
/// As for [`family::realloc`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fancy_realloc(block: *mut c_void, size: usize) -> *mut c_void {
    // SAFETY: the caller's promise.
    unsafe { family::realloc(block, size) }
}

/// See aligned_alloc(3).
#[unsafe(no_mangle)]
pub extern "C" fn fancy_aligned_alloc(align: usize, size: usize) -> *mut c_void {
    family::aligned_alloc(align, size)
}

/// See posix_memalign(3).
///
/// # Safety
/// As for [`family::posix_memalign`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fancy_posix_memalign(
    out: *mut *mut c_void,
    align: usize,
    size: usize,
) -> c_int {
    // SAFETY: the caller's promise.
    unsafe { family::posix_memalign(out, align, size) }
}

/// Bytes that may be used of a block.
///
/// # Safety
/// The block is null or in use.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fancy_usable_size(block: *mut c_void) -> usize {
    // SAFETY: the caller's promise.
    unsafe { global::usable_size(block.cast()) }
}

/// Prints the statistics to standard error.
#[unsafe(no_mangle)]
pub extern "C" fn fancy_print_stats() {
    print::stats();
}

/// The figures of [`fancy_print_stats`] for a program. All sizes in bytes.
#[repr(C)]
pub struct FancyStats {
    alloc_calls: u64,
    free_calls: u64,
    failed: u64,
    current_bytes: u64,
    peak_bytes: u64,
    footprint_bytes: u64,
    pooled_bytes: u64,
    reclaimed_bytes: u64,
    arenas: u64,
    heaps: u64,
}

/// Fills `out`.
///
/// # Safety
/// `out` may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fancy_get_stats(out: *mut FancyStats) {
    let s = global::stats();
    // SAFETY: the caller's promise.
    unsafe {
        out.write(FancyStats {
            alloc_calls: s.alloc_calls,
            free_calls: s.free_calls,
            failed: s.failed,
            current_bytes: s.current_bytes,
            peak_bytes: s.peak_bytes,
            footprint_bytes: s.footprint_bytes,
            pooled_bytes: s.pooled_bytes,
            reclaimed_bytes: s.reclaimed_bytes,
            arenas: s.arenas,
            heaps: s.heaps,
        });
    }
}

/// Checks every header, link and list of the calling thread's heap. 0: sound; 1: broken, and a line says what and where.
#[unsafe(no_mangle)]
pub extern "C" fn fancy_validate_heap() -> c_int {
    match global::validate() {
        Ok(()) => 0,
        Err(broken) => {
            say!("fancy: heap broken: {broken}\n");
            1
        }
    }
}

/// Counts the blocks that were never freed, in all threads, and prints a line if there are any. Other running threads count
/// as of their last request that their cache could not answer.
#[unsafe(no_mangle)]
pub extern "C" fn fancy_check_leaks() -> u64 {
    let s = global::stats();
    let blocks = s.alloc_calls.saturating_sub(s.free_calls);
    if blocks > 0 {
        say!(
            "fancy: {blocks} blocks are not freed, about {} bytes\n",
            s.current_bytes
        );
    }
    blocks
}

/// Gives what waits for reuse back to the system; returns how many bytes.
#[unsafe(no_mangle)]
pub extern "C" fn fancy_trim() -> u64 {
    global::trim()
}

/// Starts the reclaimer with this interval in milliseconds, or ends it (0). Returns 0, or -1 if no thread could be started.
#[unsafe(no_mangle)]
pub extern "C" fn fancy_set_reclaim(interval_ms: u64) -> c_int {
    let reclaim = match interval_ms {
        0 => Reclaim::Off,
        ms => Reclaim::On {
            interval: Duration::from_millis(ms),
        },
    };
    let config = Config {
        reclaim,
        ..global::config()
    };
    if global::configure(config) { 0 } else { -1 }
}
