//! Blocks of many megabytes, every page of them touched: a random one of twenty is replaced.

use super::Scale;
use crate::blocks::{Block, Blocks};
use crate::counts::Counts;
use crate::random::Random;

const HELD: usize = 20;
const MEGABYTE: usize = 1 << 20;

pub fn run(scale: Scale) -> Counts {
    let operations = scale.times(750, 8);
    let mut random = Random::new(0);
    let mut blocks = Blocks::default();
    let mut held: [Option<Block>; HELD] = std::array::from_fn(|_| None);
    for _ in 0..operations {
        let place = &mut held[random.below(HELD)];
        place.take().into_iter().for_each(|old| blocks.free(old));
        *place = blocks.malloc(random.within(5 * MEGABYTE, 25 * MEGABYTE));
    }
    held.into_iter()
        .flatten()
        .for_each(|block| blocks.free(block));
    blocks.counts
}
