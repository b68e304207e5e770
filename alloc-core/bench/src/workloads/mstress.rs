//! Rounds of threads with short-lived, long-lived and handed-on blocks: mstress.
//!
//! In the manner of the stress test that comes with mimalloc: half of a thread's blocks stay until it ends, the others go at
//! random, and now and then one is exchanged for what another thread left in a shared place. Threads end after each round;
//! what is in the shared places stays for the next.

use std::sync::Mutex;
use std::sync::PoisonError;

use super::Scale;
use crate::blocks::{Block, Blocks};
use crate::counts::Counts;
use crate::random::Random;

const THREADS: u64 = 8;
const ROUNDS: u64 = 120;
/// Blocks that a thread makes in a round at scale 1.
const MADE: u64 = 60_000;
/// Shared places.
const PLACES: usize = 1000;

pub fn run(scale: Scale) -> Counts {
    let rounds = scale.times(ROUNDS, 1);
    let made = scale.times(MADE * ROUNDS, 500) / rounds;
    let places: Vec<Mutex<Option<Block>>> = (0..PLACES).map(|_| Mutex::new(None)).collect();
    let mut counts = Counts::default();
    for round in 0..rounds {
        counts += super::in_threads(THREADS, |number| {
            one(round * THREADS + number, made, &places)
        });
    }
    let mut blocks = Blocks::default();
    for place in places {
        let left = place.into_inner().unwrap_or_else(PoisonError::into_inner);
        left.into_iter().for_each(|block| blocks.free(block));
    }
    counts += blocks.counts;
    counts
}

fn one(seed: u64, made: u64, places: &[Mutex<Option<Block>>]) -> Counts {
    let mut random = Random::new(seed);
    let mut blocks = Blocks::default();
    let mut staying = Vec::new();
    let mut moving = Vec::new();
    for _ in 0..made {
        let size = size(&mut random);
        let block = if random.chance(5) {
            blocks.calloc(size)
        } else {
            blocks.malloc(size)
        };
        // One in sixteen stays, so that a round ends with more than it works on.
        if random.below(16) == 0 {
            staying.extend(block);
        } else {
            moving.extend(block);
        }
        if random.chance(94) && !moving.is_empty() {
            let at = random.below(moving.len());
            blocks.free(moving.swap_remove(at));
        }
        if random.chance(25) && !moving.is_empty() {
            let at = random.below(moving.len());
            let mut place = places[random.below(PLACES)]
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            let given = moving.swap_remove(at);
            moving.extend(place.replace(given));
        }
    }
    staying
        .into_iter()
        .chain(moving)
        .for_each(|block| blocks.free(block));
    blocks.counts
}

/// Mostly 8 to 256 bytes, some to 4 KiB, and rarely to 256 KiB.
fn size(random: &mut Random) -> usize {
    match random.below(1000) {
        0 => random.power_law(12, 18),
        1..100 => random.power_law(8, 12),
        _ => random.power_law(3, 8),
    }
}
