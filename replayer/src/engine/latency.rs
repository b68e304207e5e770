//! Latency counts that are there before the clock runs: recording one is an increment in a fixed table.
//!
//! Log-linear buckets, 64 to the octave: below 128 ns exact, above to 1.6 %. After the run they become an HDR histogram.

use hdrhistogram::Histogram;

use std::collections::BTreeMap;

use crate::results::{Bucket, Percentiles};

/// Buckets per kind.
pub(super) const BUCKETS: usize = index_of(MOST) + 1;

/// The largest latency that is told apart, nanoseconds (18 minutes); a longer one counts as this.
const MOST: u64 = (1 << 40) - 1;

const SUB_BITS: u32 = 6;

/// The bucket of a latency.
#[inline]
const fn index_of(ns: u64) -> usize {
    let ns = if ns > MOST { MOST } else { ns };
    let top = 63 - (ns | 1).leading_zeros();
    if top < SUB_BITS {
        return ns as usize;
    }
    let shift = top - SUB_BITS;
    ((shift as usize) << SUB_BITS) + (ns >> shift) as usize
}

/// The smallest latency of a bucket, and the next one's.
fn bounds_of(index: usize) -> (u64, u64) {
    let sub = 1 << SUB_BITS;
    if index < 2 * sub {
        return (index as u64, index as u64 + 1);
    }
    let shift = (index >> SUB_BITS) - 1;
    let low = (((index & (sub - 1)) + sub) as u64) << shift;
    (low, low + (1 << shift))
}

/// Counts one latency.
///
/// # Safety
/// `counts` must be the start of a table of [`BUCKETS`] counters that nobody else uses at the time.
#[inline]
pub(super) unsafe fn record(counts: *mut u32, ns: u64) {
    // SAFETY: index_of is at most BUCKETS - 1.
    unsafe {
        let count = counts.add(index_of(ns));
        *count = (*count).saturating_add(1);
    }
}

/// All lanes' counts together, eight buckets to the octave, empty ones left out.
pub(super) fn histogram<'a>(lanes: impl Iterator<Item = &'a [u32]>) -> Vec<Bucket> {
    let mut all = BTreeMap::new();
    for counts in lanes {
        for (index, &count) in counts.iter().enumerate().filter(|&(_, &count)| count > 0) {
            let low = bounds_of(index).0;
            // Below 8 ns a bucket is a nanosecond; above, the three bits behind the highest tell it.
            let shift = (63 - (low | 1).leading_zeros()).saturating_sub(3);
            *all.entry(low >> shift << shift).or_insert(0) += u64::from(count);
        }
    }
    all.into_iter()
        .map(|(from, count)| Bucket(from, count))
        .collect()
}

/// Percentiles of all lanes' counts together; `None` if nothing was counted. `max` is the exact largest.
pub(super) fn percentiles<'a>(
    lanes: impl Iterator<Item = &'a [u32]>,
    max: u64,
) -> Option<Percentiles> {
    // Three digits, so that the histogram's own rounding (0.1 %) hides behind the buckets'.
    let mut all = Histogram::<u64>::new_with_bounds(1, MOST, 3).ok()?;
    for counts in lanes {
        for (index, &count) in counts.iter().enumerate().filter(|&(_, &count)| count > 0) {
            let (low, next) = bounds_of(index);
            all.saturating_record_n((low + (next - low - 1) / 2).max(1), u64::from(count));
        }
    }
    if all.is_empty() {
        return None;
    }
    let at = |quantile| all.value_at_quantile(quantile).min(max);
    Some(Percentiles {
        p50: at(0.5),
        p90: at(0.9),
        p99: at(0.99),
        p999: at(0.999),
        max,
        samples: Some(all.len()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_follow_one_another_without_a_hole() {
        let mut next = 0;
        for index in 0..BUCKETS {
            let (low, high) = bounds_of(index);
            assert_eq!(low, next);
            assert_eq!((index_of(low), index_of(high - 1)), (index, index));
            assert!((high - low) as f64 <= (low as f64 / 64.0).max(1.0));
            next = high;
        }
        assert_eq!(next, MOST + 1);
        assert_eq!(index_of(u64::MAX), BUCKETS - 1);
    }

    #[test]
    fn a_histogram_has_eight_buckets_an_octave() {
        let mut counts = vec![0u32; BUCKETS];
        for ns in 0..64 {
            // SAFETY: the table has BUCKETS counters.
            unsafe { record(counts.as_mut_ptr(), ns) };
        }
        let buckets = histogram([counts.as_slice()].into_iter());
        assert_eq!(buckets.len(), 16 + 8 + 8);
        assert_eq!((buckets[15], buckets[16]), (Bucket(15, 1), Bucket(16, 2)));
        assert_eq!(buckets.last(), Some(&Bucket(60, 4)));
    }

    #[test]
    fn percentiles_are_those_of_the_values() {
        let mut counts = vec![0u32; BUCKETS];
        for ns in 1..=10_000 {
            // SAFETY: the table has BUCKETS counters.
            unsafe { record(counts.as_mut_ptr(), ns) };
        }
        let (front, back) = ([0; BUCKETS], counts);
        let p = percentiles([&front[..], &back[..]].into_iter(), 10_000).unwrap();
        let near = |value: u64, expected: f64| (value as f64 - expected).abs() <= expected * 0.02;
        assert!(
            near(p.p50, 5_000.0)
                && near(p.p90, 9_000.0)
                && near(p.p99, 9_900.0)
                && near(p.p999, 9_990.0),
            "{p:?}"
        );
        assert_eq!((p.max, p.samples), (10_000, Some(10_000)));
        assert_eq!(percentiles([&front[..]].into_iter(), 0), None);
    }
}
