//! A few blocks of static memory, for who asks while the real functions are looked for.
//!
//! `dlsym` may allocate before there is an allocator. Such blocks are never given back.

use core::ffi::c_void;
use std::cell::UnsafeCell;
use std::sync::atomic::{AtomicUsize, Ordering};

const BYTES: usize = 64 << 10;

/// Before each block, so that a realloc knows how much to copy.
const HEADER: usize = 16;

#[repr(C, align(4096))]
struct Memory(UnsafeCell<[u8; BYTES]>);

// SAFETY: `allocate` gives each byte to one caller only.
unsafe impl Sync for Memory {}

static MEMORY: Memory = Memory(UnsafeCell::new([0; BYTES]));
static USED: AtomicUsize = AtomicUsize::new(0);

/// A zeroed block, or null when there is no more. `align` is a power of two.
pub fn allocate(size: usize, align: usize) -> *mut c_void {
    let align = align.max(HEADER);
    let base = MEMORY.0.get().cast::<u8>();
    let mut used = USED.load(Ordering::Relaxed);
    loop {
        let Some(start) = (used + HEADER).checked_next_multiple_of(align) else {
            return core::ptr::null_mut();
        };
        let Some(end) = start.checked_add(size).filter(|&end| end <= BYTES) else {
            return core::ptr::null_mut();
        };
        match USED.compare_exchange_weak(used, end, Ordering::Relaxed, Ordering::Relaxed) {
            Ok(_) => {
                // SAFETY: HEADER <= start <= end <= BYTES, and nobody else has these bytes; `start` is a multiple of
                // HEADER, so the size before it is aligned.
                unsafe {
                    let block = base.add(start);
                    block.sub(HEADER).cast::<usize>().write(size);
                    return block.cast();
                }
            }
            Err(now) => used = now,
        }
    }
}

/// Whether a block is one of these.
#[inline(always)]
pub fn owns(block: *const c_void) -> bool {
    block.addr().wrapping_sub(MEMORY.0.get().addr()) < BYTES
}

/// Bytes of a block that [`owns`] knows.
pub fn size_of_block(block: *const c_void) -> usize {
    // SAFETY: `allocate` wrote it there.
    unsafe { block.cast::<u8>().sub(HEADER).cast::<usize>().read() }
}
