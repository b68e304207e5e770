//! Random draws of one thread. They depend on the seed and on nothing else: no machine, no version of a library's
//! distributions (only the generator's own output is used), no floating-point function that rounds differently elsewhere.

use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};

/// A thread's generator.
#[derive(Clone, Debug)]
pub(super) struct Draws {
    generator: Xoshiro256PlusPlus,
}

impl Draws {
    /// The generator of thread `number` under a scenario's `seed`. Threads differ in the seed of the SplitMix64 that
    /// fills the state, by a multiple of an odd number, so no two of them are equal.
    pub fn new(seed: u64, number: u64) -> Draws {
        let base = Xoshiro256PlusPlus::seed_from_u64(seed).next_u64();
        let own = base.wrapping_add(number.wrapping_mul(0xA076_1D64_78BD_642F));
        Draws {
            generator: Xoshiro256PlusPlus::seed_from_u64(own),
        }
    }

    /// Uniform in 0..n, for n > 0: the high half of a 64 × 64 bit product, which is off by less than n / 2^64.
    #[inline]
    pub fn below(&mut self, n: u64) -> u64 {
        ((u128::from(self.generator.next_u64()) * u128::from(n)) >> 64) as u64
    }

    /// Uniform in `least..=most`.
    #[inline]
    pub fn between(&mut self, least: u64, most: u64) -> u64 {
        least + self.below(most - least + 1)
    }

    /// Uniform in [0, 1), in steps of 2^-53.
    #[inline]
    pub fn fraction(&mut self) -> f64 {
        (self.generator.next_u64() >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn same_seed_same_draws_other_thread_other_draws() {
        let draw = |seed, number| {
            let mut draws = Draws::new(seed, number);
            std::array::from_fn::<u64, 8, _>(|_| draws.below(u64::MAX))
        };
        assert_eq!(draw(1, 0), draw(1, 0));
        assert_ne!(draw(1, 0), draw(1, 1));
        assert_ne!(draw(1, 0), draw(2, 0));
    }

    /// The stream is a promise: tapes of a seed can be compared across machines and versions.
    #[test]
    fn draws_are_fixed() {
        let mut draws = Draws::new(1, 0);
        assert_eq!(
            [draws.below(1000), draws.below(1000), draws.below(1000)],
            GOLDEN
        );
    }

    const GOLDEN: [u64; 3] = [148, 89, 875];

    #[test]
    fn ranges_are_met() {
        let mut draws = Draws::new(7, 3);
        let mut seen = [0; 6];
        for _ in 0..6000 {
            seen[draws.between(5, 10) as usize - 5] += 1;
            assert!((0.0..1.0).contains(&draws.fraction()));
        }
        assert!(seen.iter().all(|&n| (800..1200).contains(&n)), "{seen:?}");
    }
}
