//! Threads that come and go, and leave blocks behind.

use std::sync::{Mutex, PoisonError};

use super::Scale;
use crate::blocks::{Block, Blocks};
use crate::counts::Counts;
use crate::random::Random;

/// Threads at a time.
const AT_ONCE: u64 = 4;
/// Blocks that a thread makes.
const MADE: usize = 400;

/// Four lines of threads: each makes some blocks, frees what its forerunner left, leaves a fifth of its own, and ends.
pub fn run(scale: Scale) -> Counts {
    let generations = scale.times(10_000, 3);
    let mailboxes: Vec<Mutex<Vec<Block>>> = (0..AT_ONCE).map(|_| Mutex::default()).collect();
    let counts = super::in_threads(AT_ONCE, |line| {
        let mut counts = Counts::default();
        for generation in 0..generations {
            let seed = generation * AT_ONCE + line;
            // The neighbour's mailbox: what is left there was made in another line.
            let from = &mailboxes[((line + 1) % AT_ONCE) as usize];
            let to = &mailboxes[line as usize];
            counts += super::in_threads(1, |_| short_life(seed, from, to));
        }
        counts
    });
    let mut blocks = Blocks { counts };
    for mailbox in mailboxes {
        let left = mailbox.into_inner().unwrap_or_else(PoisonError::into_inner);
        left.into_iter().for_each(|block| blocks.free(block));
    }
    blocks.counts
}

fn short_life(seed: u64, from: &Mutex<Vec<Block>>, to: &Mutex<Vec<Block>>) -> Counts {
    let mut random = Random::new(seed);
    let mut blocks = Blocks::default();
    let inherited = std::mem::take(&mut *from.lock().unwrap_or_else(PoisonError::into_inner));
    let mut own = Vec::with_capacity(MADE);
    for _ in 0..MADE {
        own.extend(blocks.malloc(random.power_law(4, 11)));
    }
    inherited.into_iter().for_each(|block| blocks.free(block));
    let left = own.split_off(own.len() - own.len() / 5);
    own.into_iter().for_each(|block| blocks.free(block));
    to.lock()
        .unwrap_or_else(PoisonError::into_inner)
        .extend(left);
    blocks.counts
}
