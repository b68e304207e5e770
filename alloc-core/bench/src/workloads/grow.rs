//! Blocks that grow: vectors double, texts get a little longer at a time, buffers are read into; others live between them.

use super::Scale;
use crate::blocks::{Block, Blocks};
use crate::counts::Counts;
use crate::random::Random;

/// Growing blocks side by side.
const GROWING: usize = 64;
/// Other blocks, first in first out.
const OTHERS: usize = 1000;

/// One block that grows until it has reached its end, and then begins anew.
struct Growing {
    block: Option<Block>,
    end: usize,
    /// Bytes it gains each time; 0 when it doubles.
    step: usize,
}

impl Growing {
    fn new(random: &mut Random) -> Self {
        // Of 40: 23 vectors that double, 16 texts, 1 buffer of 256 KiB to 4 MiB that is read into.
        let (end, step) = match random.below(40) {
            0..23 => (random.power_law(6, 18), 0),
            23..39 => (random.power_law(6, 13), random.within(16, 256)),
            _ => (random.power_law(18, 22), 1 << 15),
        };
        Growing {
            block: None,
            end,
            step,
        }
    }
}

pub fn run(scale: Scale) -> Counts {
    let operations = scale.times(2_000_000, 20_000);
    let mut random = Random::new(0);
    let mut blocks = Blocks::default();
    let mut growing: Vec<Growing> = (0..GROWING).map(|_| Growing::new(&mut random)).collect();
    let mut others: Vec<Option<Block>> = (0..OTHERS).map(|_| None).collect();
    for operation in 0..operations as usize {
        let one = &mut growing[random.below(GROWING)];
        match &mut one.block {
            None => one.block = blocks.malloc(one.step.clamp(16, 256)),
            Some(block) if block.size() < one.end => {
                let size = block.size()
                    + if one.step == 0 {
                        block.size()
                    } else {
                        one.step
                    };
                blocks.resize(block, size);
            }
            Some(_) => {
                one.block
                    .take()
                    .into_iter()
                    .for_each(|block| blocks.free(block));
                *one = Growing::new(&mut random);
            }
        }
        let other = &mut others[operation % OTHERS];
        other
            .take()
            .into_iter()
            .for_each(|block| blocks.free(block));
        *other = blocks.malloc(random.within(24, 256));
    }
    let left = growing.into_iter().filter_map(|one| one.block);
    left.chain(others.into_iter().flatten())
        .for_each(|block| blocks.free(block));
    blocks.counts
}
