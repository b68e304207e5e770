//! Arithmetic with long numbers: every result is a new block, every operand soon garbage.
//!
//! What cfrac does to an allocator (factoring by continued fractions): one thread, tiny blocks, most freed within a few
//! requests, a few kept in tables.

use super::Scale;
use crate::blocks::{Block, Blocks};
use crate::counts::Counts;
use crate::random::Random;

/// Numbers in the tables.
const KEPT: usize = 2000;

pub fn run(scale: Scale) -> Counts {
    let steps = scale.times(100_000_000, 1000);
    let mut random = Random::new(0);
    let mut blocks = Blocks::default();
    let mut kept: Vec<Option<Block>> = (0..KEPT).map(|_| None).collect();
    let mut number: Option<Block> = None;
    for step in 0..steps {
        // One draw decides the step: lengths of 2 to 17 limbs of 4 bytes, with more short ones.
        let draw = random.below(1 << 16);
        let limbs = 2 + (draw & 15) * (draw >> 4 & 15) / 15;
        let product = blocks.malloc(limbs * 4 + 4);
        let rest = blocks.malloc(limbs * 2 + 4);
        if let Some(old) = number.take() {
            blocks.free(old);
        }
        number = product;
        if step % 64 == 0 {
            // A relation was found: it goes into the table.
            if let Some(old) = std::mem::replace(&mut kept[random.below(KEPT)], rest) {
                blocks.free(old);
            }
        } else if let Some(rest) = rest {
            blocks.free(rest);
        }
    }
    kept.into_iter()
        .flatten()
        .chain(number)
        .for_each(|block| blocks.free(block));
    blocks.counts
}
