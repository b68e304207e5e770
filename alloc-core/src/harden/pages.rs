//! Which pages are the allocator's: a bit for each page of the address space, in leaves for a gibibyte each.
//!
//! So an address is known to be none of ours before it is read, be it mapped or not.

use core::ptr;
use core::sync::atomic::{AtomicPtr, AtomicU64, Ordering};

use crate::base::align::PAGE;

/// Addresses of programs have so many bits.
const ADDRESS_BITS: u32 = 47;
const LEAF_BITS: u32 = 30;
const WORDS: usize = (1 << LEAF_BITS) / PAGE as usize / 64;

/// The pages of a gibibyte.
type Leaf = [AtomicU64; WORDS];

static LEAVES: [AtomicPtr<Leaf>; 1 << (ADDRESS_BITS - LEAF_BITS)] =
    [const { AtomicPtr::new(ptr::null_mut()) }; 1 << (ADDRESS_BITS - LEAF_BITS)];

/// Whether the byte at this address lies in a page of ours.
#[inline]
pub fn has(address: usize) -> bool {
    let Some(leaf) = LEAVES.get(address >> LEAF_BITS) else {
        return false;
    };
    let page = address / PAGE as usize;
    // SAFETY: a leaf that is there stays.
    match unsafe { leaf.load(Ordering::Acquire).as_ref() } {
        Some(leaf) => leaf[page / 64 % WORDS].load(Ordering::Relaxed) >> (page % 64) & 1 == 1,
        None => false,
    }
}

/// Notes pages as ours or not. Where there is no memory for a leaf they are not noted, and blocks there can't be freed;
/// the caller must not hand them out: see the answer.
pub fn set(start: usize, bytes: usize, ours: bool) -> bool {
    let (first, end) = (
        start / PAGE as usize,
        (start + bytes).div_ceil(PAGE as usize),
    );
    let mut page = first;
    while page < end {
        let Some(leaf) = leaf(page, ours) else {
            return !ours;
        };
        let bit = page % 64;
        let count = (64 - bit).min(end - page);
        let mask = (u64::MAX >> (64 - count)) << bit;
        let word = &leaf[page / 64 % WORDS];
        if ours {
            word.fetch_or(mask, Ordering::Relaxed);
        } else {
            word.fetch_and(!mask, Ordering::Relaxed);
        }
        page += count;
    }
    true
}

/// The leaf of a page; made if `make`.
fn leaf(page: usize, make: bool) -> Option<&'static Leaf> {
    let place = LEAVES.get(page >> (LEAF_BITS - PAGE.trailing_zeros()))?;
    let there = place.load(Ordering::Acquire);
    if !there.is_null() || !make {
        // SAFETY: a leaf that is there stays.
        return unsafe { there.as_ref() };
    }
    let bytes = size_of::<Leaf>();
    // SAFETY: a fresh mapping, which is all zero: a leaf without pages. One that came too late goes back unseen.
    unsafe {
        let made = libc::mmap(
            ptr::null_mut(),
            bytes,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE,
            -1,
            0,
        );
        if made == libc::MAP_FAILED {
            return None;
        }
        match place.compare_exchange(
            ptr::null_mut(),
            made.cast(),
            Ordering::AcqRel,
            Ordering::Acquire,
        ) {
            Ok(_) => made.cast::<Leaf>().as_ref(),
            Err(other) => {
                libc::munmap(made, bytes);
                other.as_ref()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_noted_across_words_and_leaves() {
        // Addresses that no mapping of a test run has.
        for (start, pages) in [
            (5usize << 30, 1),
            ((6 << 30) - 3 * 4096, 200),
            (9 << 30, 64),
        ] {
            let end = start + pages * 4096;
            assert!(!has(start) && !has(end - 1));
            assert!(set(start, pages * 4096, true));
            assert!(has(start) && has(end - 1) && !has(start - 1) && !has(end));
            assert!(set(start, pages * 4096, false));
            assert!(!has(start) && !has(start + pages / 2 * 4096) && !has(end - 1));
        }
        assert!(!has(usize::MAX) && !has(0));
    }
}
