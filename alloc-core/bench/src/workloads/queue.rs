//! Messages from several producers to several consumers over a short queue.
//!
//! A producer keeps some blocks of its own as well, so that frees from elsewhere come home to a heap at work.

use super::Scale;
use crate::blocks::{Block, Blocks};
use crate::counts::Counts;
use crate::queue::Queue;
use crate::random::Random;

const PRODUCERS: usize = 4;
const CONSUMERS: usize = 2;
/// Messages that are handed over at once.
const BATCH: usize = 128;
/// Batches on the way.
const BOUND: usize = 32;
/// Blocks of its own that a producer keeps.
const OWN: usize = 256;

pub fn run(scale: Scale) -> Counts {
    let batches = scale.times(25_000, 20);
    let queue: Queue<[Option<Block>; BATCH]> = Queue::new(BOUND, PRODUCERS);
    let make = |number: usize| {
        let mut random = Random::new(number as u64);
        let mut blocks = Blocks::default();
        let mut own: [Option<Block>; OWN] = std::array::from_fn(|_| None);
        for _ in 0..batches {
            queue.push(std::array::from_fn(|_| {
                let place = &mut own[random.below(OWN)];
                place.take().into_iter().for_each(|old| blocks.free(old));
                *place = blocks.malloc(random.power_law(4, 8));
                blocks.malloc(random.power_law(5, 11))
            }));
        }
        queue.finish();
        own.into_iter()
            .flatten()
            .for_each(|block| blocks.free(block));
        blocks.counts
    };
    let take = || {
        let mut blocks = Blocks::default();
        while let Some(batch) = queue.pop() {
            batch
                .into_iter()
                .flatten()
                .for_each(|block| blocks.free(block));
        }
        blocks.counts
    };
    super::in_threads((PRODUCERS + CONSUMERS) as u64, |number| {
        let number = number as usize;
        if number < PRODUCERS {
            make(number)
        } else {
            take()
        }
    })
}
