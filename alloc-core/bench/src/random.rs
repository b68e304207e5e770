//! Seeded random numbers and the sizes drawn with them.

use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};

/// One thread's generator: the same seed, the same requests.
pub struct Random(Xoshiro256PlusPlus);

impl Random {
    /// The generator of thread or part `number` of a run.
    pub fn new(number: u64) -> Self {
        Random(Xoshiro256PlusPlus::seed_from_u64(0x5eed_0000_0000 + number))
    }

    /// A number below `end`, which is not 0.
    #[inline(always)]
    pub fn below(&mut self, end: usize) -> usize {
        // Multiply and shift: Lemire, "Fast Random Integer Generation in an Interval", 2019, without the correction of a
        // bias that is below 2^-32 here.
        ((u128::from(self.0.next_u64()) * end as u128) >> 64) as usize
    }

    /// A number from `least` to `most`, both included.
    #[inline(always)]
    pub fn within(&mut self, least: usize, most: usize) -> usize {
        least + self.below(most - least + 1)
    }

    /// True `percent` times in a hundred.
    #[inline(always)]
    pub fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// A number from `2^low` to `2^high - 1`, every power of two as likely as another: the density falls as 1/size.
    #[inline(always)]
    pub fn power_law(&mut self, low: u32, high: u32) -> usize {
        let power = low + self.below((high - low) as usize) as u32;
        (1 << power) + self.below(1 << power)
    }

    /// Puts `values` into a random order (Fisher and Yates).
    pub fn shuffle<T>(&mut self, values: &mut [T]) {
        for last in (1..values.len()).rev() {
            values.swap(last, self.below(last + 1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stay_in_their_range() {
        let mut random = Random::new(1);
        let mut seen = [false; 4];
        for _ in 0..1000 {
            let number = random.within(3, 6);
            seen[number - 3] = true;
            assert!((16..4096).contains(&random.power_law(4, 12)));
        }
        assert_eq!(seen, [true; 4]);
    }

    #[test]
    fn a_seed_repeats() {
        let draw = |seed| {
            let mut random = Random::new(seed);
            (0..8).map(|_| random.below(1000)).collect::<Vec<_>>()
        };
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
    }

    #[test]
    fn a_shuffle_keeps_every_value() {
        let mut values: Vec<usize> = (0..100).collect();
        Random::new(3).shuffle(&mut values);
        assert_ne!(values, (0..100).collect::<Vec<_>>());
        values.sort_unstable();
        assert_eq!(values, (0..100).collect::<Vec<_>>());
    }
}
