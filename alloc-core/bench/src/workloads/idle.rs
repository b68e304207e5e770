//! Many threads that do a little and then wait for one another: what a thread costs by being there.

use std::sync::Barrier;

use super::Scale;
use crate::blocks::Blocks;
use crate::counts::Counts;
use crate::random::Random;

/// Threads, all of them there at once.
const THREADS: u64 = 200;
/// Blocks that a thread makes in a round.
const MADE: usize = 400;

pub fn run(scale: Scale) -> Counts {
    let rounds = scale.times(200, 1);
    let all_there = Barrier::new(THREADS as usize);
    super::in_threads(THREADS, |number| {
        let mut random = Random::new(number);
        let mut blocks = Blocks::default();
        for _ in 0..rounds {
            let mut own = Vec::with_capacity(MADE);
            for _ in 0..MADE {
                own.extend(blocks.malloc(random.power_law(4, 11)));
            }
            // Most is freed before the thread waits, as a server's thread does between two requests.
            let kept = own.split_off(own.len() - own.len() / 20);
            own.into_iter().for_each(|block| blocks.free(block));
            all_there.wait();
            kept.into_iter().for_each(|block| blocks.free(block));
        }
        blocks.counts
    })
}
