//! A server whose threads come and go while its objects stay: larson.
//!
//! After Larson and Krishnan, "Memory Allocation for Long-Running Server Applications", 1998: a thread replaces random
//! objects of its set, then starts a successor, leaves it the set, and ends. So most blocks are freed by another thread than
//! the one that made them.

use std::sync::{Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use super::Scale;
use crate::blocks::{Block, Blocks};
use crate::counts::Counts;
use crate::random::Random;

/// Sets of objects, with one thread at work on each.
const SETS: u64 = 4;
/// Objects in a set.
const OBJECTS: usize = 5000;
/// Threads that a set passes through at scale 1.
const GENERATIONS: u64 = 160;
/// Replacements that one thread makes.
const REPLACED: u64 = 250_000;

type Running = Mutex<Vec<JoinHandle<Counts>>>;

static RUNNING: Running = Mutex::new(Vec::new());

pub fn run(scale: Scale) -> Counts {
    let generations = scale.times(GENERATIONS, 2);
    let replaced = scale.times(REPLACED * GENERATIONS, 1000) / generations;
    let mut counts = Counts::default();
    for set in 0..SETS {
        let mut random = Random::new(set);
        let mut blocks = Blocks::default();
        let objects = (0..OBJECTS)
            .map(|_| blocks.malloc(random.within(8, 1000)))
            .collect();
        counts += blocks.counts;
        start(set, generations, replaced, objects);
    }
    // A thread's successor is in the list before the thread ends, so none is missed.
    loop {
        let next = RUNNING.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let Some(thread) = next else { break };
        counts += super::joined(thread.join());
    }
    counts
}

fn start(set: u64, left: u64, replaced: u64, mut objects: Vec<Option<Block>>) {
    let thread = thread::spawn(move || {
        let mut random = Random::new(set + SETS * left);
        let mut blocks = Blocks::default();
        for _ in 0..replaced {
            let place = &mut objects[random.below(OBJECTS)];
            if let Some(old) = place.take() {
                blocks.free(old);
            }
            *place = blocks.malloc(random.within(8, 1000));
        }
        if left > 1 {
            start(set, left - 1, replaced, objects);
        } else {
            objects
                .into_iter()
                .flatten()
                .for_each(|block| blocks.free(block));
        }
        blocks.counts
    });
    RUNNING
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(thread);
}
