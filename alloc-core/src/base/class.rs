//! Size classes: the bins of small blocks, and the classes of free chunks.
//!
//! **Small bins** are 16 bytes apart: with `bin = (n + 23) / 16` for a request of `n` bytes
//!
//! ```text
//! block size        = 16 * bin            (8 bytes of header and the payload)
//! payload           = 16 * bin - 8  >=  n  >  payload - 16
//! ```
//!
//! A block's header has the bin and the lower byte of `n`; since a bin's requests differ by less than 16, the two tell `n`.

//! **Chunk classes** hold free chunks of the arenas. Below 1 KiB there is one class for each size, above it sixteen for
//! each power of two (the two-level scheme of TLSF, Masmano et al., 2004), so a class is at most 6.25 % wide. Requests are
//! rounded up to where their class begins: then every chunk of the class serves them, and none has to be looked at.

/// Largest request that a small bin serves. Bytes.
pub const SMALL_MAX: usize = 1016;

/// Entries of a table of bins; bin 0 is never used.
pub const BINS: usize = (SMALL_MAX + 23) / 16 + 1;

/// The bin of a request of `size` bytes, `size <= SMALL_MAX`.
#[inline(always)]
pub const fn bin_of(size: usize) -> usize {
    (size + 23) >> 4
}

/// The request of a bin whose lower byte is `low`. Bytes.
#[inline]
pub const fn requested(bin: usize, low: u8) -> u64 {
    let most = payload_bytes(bin);
    most - (most.wrapping_sub(low as u64) & 255)
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
pub const CLASSES: usize = 448;

const LINEAR: u64 = 64;
const SUB_LOG2: u32 = 4;

/// The class of a free chunk of `bytes` (a multiple of 16, below 4 GiB): every chunk of a higher class is larger.
#[inline]
pub const fn class_of(bytes: u64) -> usize {
    let units = bytes / 16;
    if units < LINEAR {
        return units as usize;
    }
    let log2 = 63 - units.leading_zeros();
    let sub = (units >> (log2 - SUB_LOG2)) & 15;
    (LINEAR as usize) + ((log2 - 6) as usize) * 16 + sub as usize
}

/// The least bytes of a chunk of this class.
#[inline]
pub const fn class_bytes(class: usize) -> u64 {
    let class = class as u64;
    if class < LINEAR {
        return class * 16;
    }
    let (octave, sub) = ((class - LINEAR) / 16, (class - LINEAR) % 16);
    ((16 + sub) << octave) * 4 * 16
}

/// The least bytes of a class that are no less than `bytes` (a multiple of 16 up to the class's width).
#[inline]
pub const fn round_chunk(bytes: u64) -> u64 {
    if bytes < LINEAR * 16 {
        return (bytes + 15) & !15;
    }
    let granule = 1 << (bytes.ilog2() - SUB_LOG2);
    (bytes + granule - 1) & !(granule - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_small_request_fits_its_bin_and_no_smaller_one() {
        for size in 0..=SMALL_MAX {
            let bin = bin_of(size);
            assert!((1..BINS).contains(&bin));
            assert!(payload_bytes(bin) >= size as u64);
            assert!(bin == 1 || payload_bytes(bin - 1) < size as u64);
            assert_eq!(requested(bin, size as u8), size as u64);
        }
        assert_eq!(payload_bytes(BINS - 1), SMALL_MAX as u64);
    }

    #[test]
    fn a_rounded_request_is_where_its_class_begins() {
        for bytes in (32..1_000_000u64).chain([1 << 20, (1 << 31) + 1]) {
            let rounded = round_chunk(bytes);
            assert!(rounded >= bytes && rounded < bytes + bytes / 16 + 16);
            assert_eq!(class_bytes(class_of(rounded)), rounded);
            assert!(class_bytes(class_of(bytes & !15)) <= bytes);
        }
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
