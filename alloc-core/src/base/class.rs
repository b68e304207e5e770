//! Size classes: the bins of small blocks, and the classes of free chunks.
//!
//! **Small bins** are 16 bytes apart. A request of `n` bytes has the tag `n + 23`; the tag's upper bits are the bin,
//! its lower four tell how much of the block was asked for. With `bin = tag >> 4`:
//!
//! ```text
//! block size        = 16 * bin            (8 bytes of header and the payload)
//! payload           = 16 * bin - 8  >=  n
//! requested         = tag - 23
//! ```
//!
//! so one 16-bit number in a block's header is both its bin index and its requested size, and since a bin's entry in the
//! cache is 16 bytes too, `tag & !15` is also the entry's byte offset.
//!
//! **Chunk classes** hold free chunks of the arenas. Below 1 KiB there is one class for each size, above it eight for
//! each power of two (the two-level scheme of TLSF, Masmano et al., 2004), so a class is at most 12.5 % wide.

/// Largest request that a small bin serves. Bytes.
pub const SMALL_MAX: usize = 1016;

/// Entries of a table of bins; bin 0 is never used.
pub const BINS: usize = (SMALL_MAX + 23) / 16 + 1;

/// Added to a request to make its tag.
pub const TAG_BIAS: usize = 23;

/// The tag of a request of `size` bytes, `size <= SMALL_MAX`.
#[inline(always)]
pub const fn tag_of(size: usize) -> usize {
    size + TAG_BIAS
}

/// The bin of a tag.
#[inline(always)]
pub const fn bin_of_tag(tag: usize) -> usize {
    tag >> 4
}

/// Bytes of a block of this bin, header included.
#[inline]
pub const fn block_bytes(bin: usize) -> u64 {
    bin as u64 * 16
}

/// Bytes of a block of this bin that the program may use.
#[inline]
pub const fn payload_bytes(bin: usize) -> u64 {
    bin as u64 * 16 - 8
}

/// Number of classes of free chunks.
pub const CLASSES: usize = 256;

const LINEAR: u64 = 64;
const SUB_LOG2: u32 = 3;

/// The class of a free chunk of `bytes` (a multiple of 16, below 4 GiB): every chunk of a higher class is larger.
#[inline]
pub const fn class_of(bytes: u64) -> usize {
    let units = bytes / 16;
    if units < LINEAR {
        return units as usize;
    }
    let log2 = 63 - units.leading_zeros();
    let sub = (units >> (log2 - SUB_LOG2)) & 7;
    (LINEAR as usize) + ((log2 - 6) as usize) * 8 + sub as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_small_request_fits_its_bin_and_no_smaller_one() {
        for size in 0..=SMALL_MAX {
            let tag = tag_of(size);
            let bin = bin_of_tag(tag);
            assert!((1..BINS).contains(&bin));
            assert!(payload_bytes(bin) >= size as u64);
            assert!(bin == 1 || payload_bytes(bin - 1) < size as u64);
            assert_eq!(tag - TAG_BIAS, size);
        }
        assert_eq!(payload_bytes(BINS - 1), SMALL_MAX as u64);
    }

    #[test]
    fn classes_ascend_with_size() {
        let mut last = 0;
        for units in 2..200_000u64 {
            let class = class_of(units * 16);
            assert!(class == last || class == last + 1 || last == 0);
            last = class;
        }
        assert!(class_of((1 << 32) - 16) < CLASSES);
    }
}
