//! Counts by powers of two.

use serde::{Serialize, Serializer};

/// How many values fell between one power of two and the next. Serialised as the list of its buckets.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Histogram {
    /// Number 0 counts zeros; number n counts values from 2^(n-1) to 2^n - 1.
    counts: [u64; 65],
}

/// Values from `least` to `most`, both included.
#[derive(Copy, Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Bucket {
    /// Smallest value that belongs here: 0 or a power of two.
    pub least: u64,
    /// Largest value that belongs here.
    pub most: u64,
    /// Values.
    pub count: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Histogram { counts: [0; 65] }
    }
}

impl Histogram {
    /// Counts a value.
    #[inline]
    pub fn add(&mut self, value: u64) {
        self.counts[(u64::BITS - value.leading_zeros()) as usize] += 1;
    }

    /// Counts what another one counted.
    pub fn merge(&mut self, other: &Histogram) {
        for (mine, theirs) in self.counts.iter_mut().zip(other.counts) {
            *mine += theirs;
        }
    }

    /// All values counted.
    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// From the first bucket that has values to the last, with the empty ones between them.
    pub fn buckets(&self) -> Vec<Bucket> {
        let first = self.counts.iter().position(|&count| count > 0);
        let last = self.counts.iter().rposition(|&count| count > 0);
        let (Some(first), Some(last)) = (first, last) else {
            return Vec::new();
        };
        (first..=last)
            .map(|n| Bucket {
                least: if n == 0 { 0 } else { 1 << (n - 1) },
                most: ((1u128 << n) - 1) as u64,
                count: self.counts[n],
            })
            .collect()
    }
}

impl Serialize for Histogram {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.buckets())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges() {
        let mut histogram = Histogram::default();
        assert!(histogram.buckets().is_empty());
        for value in [0, 1, 2, 3, 4, 7, 8, u64::MAX] {
            histogram.add(value);
        }
        let buckets = histogram.buckets();
        assert_eq!(buckets.len(), 65);
        assert_eq!(
            buckets[0],
            Bucket {
                least: 0,
                most: 0,
                count: 1
            }
        );
        assert_eq!(
            buckets[2],
            Bucket {
                least: 2,
                most: 3,
                count: 2
            }
        );
        assert_eq!(
            buckets[3],
            Bucket {
                least: 4,
                most: 7,
                count: 2
            }
        );
        assert_eq!(
            buckets[64],
            Bucket {
                least: 1 << 63,
                most: u64::MAX,
                count: 1
            }
        );
        assert_eq!(histogram.total(), 8);
    }
}
