//! Bins of medium blocks, 1 to 32 KiB: each holds chunks of one class, and stands behind the small bins in a cache, so that one
//! way through malloc and free, without a branch between the two kinds, serves all sizes up to here. (Programs whose sizes
//! are random mispredict that branch: a quarter of the time of `glibc-thread`.)
//!
//! ```text
//! bin of a class  = BINS + class - FIRST_CLASS
//! a chunk in bin b has at least bin_bytes(b) bytes, and fewer than bin_bytes(b + 1)
//! a request is served by the least bin whose chunks all have its bytes and a header
//! ```

use super::class::{self, BINS, class_bytes, class_of, round_chunk};

/// The largest request that a bin serves. Bytes.
pub const MEDIUM_MAX: usize = 32 << 10;
/// A chunk's header. Bytes.
const HEADER: u64 = 16;
/// The class of chunks that is the first to have a bin.
const FIRST_CLASS: usize = 64;
/// The bin of the longest chunks: those of the next class serve, too, where their own has none.
const LAST: usize = BINS + class_of(round_chunk(MEDIUM_MAX as u64 + HEADER)) + 1 - FIRST_CLASS;
/// Entries of a table of all bins, small ones and medium ones.
pub const ALL_BINS: usize = LAST + 1;
/// No bin: that of 0 bytes, which is never used.
pub const NO_BIN: usize = 0;

/// Requests by steps of so many bytes have the same bin.
const STEP: usize = 8;
static BIN_OF: [u8; MEDIUM_MAX / STEP + 1] = {
    let mut table = [0; MEDIUM_MAX / STEP + 1];
    let mut step = 0;
    while step < table.len() {
        let size = step * STEP;
        table[step] = if size <= class::SMALL_MAX {
            class::bin_of(size) as u8
        } else {
            (BINS + class_of(round_chunk(size as u64 + HEADER)) - FIRST_CLASS) as u8
        };
        step += 1;
    }
    table
};

/// Bytes of the smallest block of a bin, header included.
static BYTES: [u32; ALL_BINS] = {
    let mut table = [0; ALL_BINS];
    let mut bin = 1;
    while bin < ALL_BINS {
        table[bin] = if bin < BINS {
            class::block_bytes(bin) as u32
        } else {
            class_bytes(bin - BINS + FIRST_CLASS) as u32
        };
        bin += 1;
    }
    table
};

/// The bin of a request of `size` bytes, `size <= MEDIUM_MAX`.
#[inline(always)]
pub fn bin_of(size: usize) -> usize {
    debug_assert!(size <= MEDIUM_MAX);
    let step = size.div_ceil(STEP);
    // SAFETY: the table ends with the step of MEDIUM_MAX, and the caller's size is no larger.
    usize::from(unsafe { *BIN_OF.get_unchecked(step) })
}

/// The bin that keeps a chunk of `bytes`, or [`NO_BIN`].
#[inline]
pub fn bin_holding(bytes: u64) -> usize {
    let class = class_of(bytes);
    match class.checked_sub(FIRST_CLASS) {
        Some(above) if BINS + above < ALL_BINS => BINS + above,
        _ => NO_BIN,
    }
}

/// Bytes of a block of this bin, header included: of a medium one the least.
#[inline]
pub fn bin_bytes(bin: usize) -> u64 {
    u64::from(BYTES[bin])
}

/// Bytes of a block of this bin that the program may use: of a medium one the least.
#[inline]
pub fn bin_payload(bin: usize) -> u64 {
    match bin {
        NO_BIN => 0,
        1..BINS => class::payload_bytes(bin),
        _ => bin_bytes(bin) - HEADER,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::class::SMALL_MAX;

    #[test]
    fn a_request_has_the_least_bin_that_serves_it() {
        for size in 0..=SMALL_MAX {
            assert_eq!(bin_of(size), class::bin_of(size), "{size}");
        }
        for size in SMALL_MAX + 1..=MEDIUM_MAX {
            let bin = bin_of(size);
            assert!((BINS..LAST).contains(&bin), "{size}");
            assert!(bin_payload(bin) >= size as u64, "{size}");
            assert!(bin == BINS || bin_payload(bin - 1) < size as u64, "{size}");
        }
    }

    #[test]
    fn a_chunk_is_kept_where_it_serves() {
        for bytes in (32..80 << 10).step_by(16) {
            match bin_holding(bytes) {
                NO_BIN => {
                    assert!(bytes < bin_bytes(BINS) || class_of(bytes) > class_of(bin_bytes(LAST)))
                }
                bin => {
                    assert!(bytes >= bin_bytes(bin), "{bytes}");
                    assert!(bin == LAST || bytes < bin_bytes(bin + 1), "{bytes}");
                }
            }
        }
        assert_eq!(bin_holding(1 << 31), NO_BIN);
    }
}
