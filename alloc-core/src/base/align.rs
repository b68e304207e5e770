//! Rounding to powers of two.

/// Every block's address is a multiple of this, as `max_align_t` asks on 64-bit targets. Bytes.
pub const ALIGN: u64 = 16;

/// Arenas and spans are multiples of this. Bytes; the smallest page of the targets we know.
pub const PAGE: u64 = 4096;

/// The smallest multiple of `align` (a power of two) that is no less than `value`, or `None` when it would not fit in 64 bits.
#[inline]
pub const fn up(value: u64, align: u64) -> Option<u64> {
    match value.checked_add(align - 1) {
        Some(sum) => Some(sum & !(align - 1)),
        None => None,
    }
}

/// How many bytes lie between `value` and the next multiple of `align` (a power of two).
#[inline]
pub const fn gap(value: u64, align: u64) -> u64 {
    value.wrapping_neg() & (align - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_up_and_tells_overflow() {
        assert_eq!(up(0, 16), Some(0));
        assert_eq!(up(1, 16), Some(16));
        assert_eq!(up(16, 16), Some(16));
        assert_eq!(up(u64::MAX, 16), None);
        assert_eq!(gap(17, 16), 15);
        assert_eq!(gap(32, 16), 0);
    }
}
