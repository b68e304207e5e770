//! A thousand blocks, then all of them back: last in first out, first in first out, or at random.

use std::time::Instant;

use super::Scale;
use super::pair::{SIZE, finished};
use crate::calls;
use crate::counts::Counts;
use crate::random::Random;

/// Blocks in a batch.
const DEPTH: usize = 1000;

/// Random orders, taken in turn, so that no branch predictor learns one by heart.
const ORDERS: usize = 16;

pub fn lifo(scale: Scale) -> Counts {
    let order: Vec<u16> = (0..DEPTH as u16).rev().collect();
    rounds(scale, &[order])
}

pub fn fifo(scale: Scale) -> Counts {
    let order: Vec<u16> = (0..DEPTH as u16).collect();
    rounds(scale, &[order])
}

pub fn random(scale: Scale) -> Counts {
    let mut random = Random::new(0);
    let orders: Vec<Vec<u16>> = (0..ORDERS)
        .map(|_| {
            let mut order: Vec<u16> = (0..DEPTH as u16).collect();
            random.shuffle(&mut order);
            order
        })
        .collect();
    rounds(scale, &orders)
}

fn rounds(scale: Scale, orders: &[Vec<u16>]) -> Counts {
    let pairs = scale.pairs.unwrap_or(scale.times(200_000_000, 10_000));
    let rounds = pairs / DEPTH as u64;
    let mut batch = [std::ptr::null_mut::<u8>(); DEPTH];
    let mut orders = orders.iter().cycle();
    let started = Instant::now();
    for _ in 0..rounds {
        for place in &mut batch {
            *place = calls::malloc(SIZE);
            // SAFETY: a block of 64 bytes that is ours; a null ends the process with a signal.
            unsafe { place.write_volatile(1) };
        }
        for &place in orders.next().into_iter().flatten() {
            // SAFETY: each place occurs once in an order, so each block is freed once.
            unsafe { calls::free(batch[usize::from(place)]) };
        }
    }
    finished(started, rounds * DEPTH as u64)
}
