//! Counting bytes.

/// How often each byte occurs.
pub(crate) fn histogram(bytes: &[u8]) -> [u64; 256] {
    // Four at a time: else a count would wait for the one before, which mostly is of the same byte.
    let mut counts = [[0u32; 256]; 4];
    let (fours, rest) = bytes.as_chunks::<4>();
    for four in fours {
        for (counts, &byte) in counts.iter_mut().zip(four) {
            counts[usize::from(byte)] += 1;
        }
    }
    let mut sums = [0; 256];
    for &byte in rest {
        sums[usize::from(byte)] += 1;
    }
    for counts in counts {
        for (sum, count) in sums.iter_mut().zip(counts) {
            *sum += u64::from(count);
        }
    }
    sums
}
