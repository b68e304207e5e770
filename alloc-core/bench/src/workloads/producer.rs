//! One side only allocates, the other only frees: xmalloc.
//!
//! After Lever and Boreham, "malloc() Performance in a Multithreaded Linux Environment", 2000: every block is freed by
//! another thread, which never allocates any.

use super::Scale;
use crate::blocks::{Block, Blocks};
use crate::counts::Counts;
use crate::queue::Queue;
use crate::random::Random;

const PRODUCERS: usize = 2;
const CONSUMERS: usize = 2;
/// Blocks that are handed over at once.
const BATCH: usize = 4096;
/// Batches on the way.
const BOUND: usize = 8;

/// Sizes as programs ask for them, small ones most often.
const SIZES: [usize; 16] = [
    8, 12, 16, 24, 32, 32, 48, 64, 64, 96, 128, 128, 192, 256, 384, 512,
];

pub fn run(scale: Scale) -> Counts {
    let batches = scale.times(5000, 4);
    let queue: Queue<Vec<Block>> = Queue::new(BOUND, PRODUCERS);
    let make = |number: usize| {
        let mut random = Random::new(number as u64);
        let mut blocks = Blocks::default();
        for _ in 0..batches {
            let mut batch = Vec::with_capacity(BATCH);
            for _ in 0..BATCH {
                batch.extend(blocks.malloc(SIZES[random.below(SIZES.len())]));
            }
            queue.push(batch);
        }
        queue.finish();
        blocks.counts
    };
    let take = || {
        let mut blocks = Blocks::default();
        while let Some(batch) = queue.pop() {
            batch.into_iter().for_each(|block| blocks.free(block));
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
