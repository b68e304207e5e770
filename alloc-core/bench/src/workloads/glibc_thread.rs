//! Threads with blocks of their own: a random one is replaced by one of another size.
//!
//! After bench-malloc-thread of the GNU C library, which draws sizes with a density that falls as 1/size.

use super::Scale;
use crate::blocks::{Block, Blocks};
use crate::counts::Counts;
use crate::random::Random;

const THREADS: u64 = 2;
/// Blocks that a thread holds.
const HELD: usize = 1024;

pub fn run(scale: Scale) -> Counts {
    let operations = scale.times(30_000_000, 3000);
    super::in_threads(THREADS, |number| {
        let mut random = Random::new(number);
        let mut blocks = Blocks::default();
        let mut held: [Option<Block>; HELD] = std::array::from_fn(|_| None);
        for _ in 0..operations {
            let place = &mut held[random.below(HELD)];
            if let Some(old) = place.take() {
                blocks.free(old);
            }
            *place = blocks.malloc(random.power_law(2, 15));
        }
        held.into_iter()
            .flatten()
            .for_each(|block| blocks.free(block));
        blocks.counts
    })
}
