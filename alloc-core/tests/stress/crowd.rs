//! An episode: so many threads, and what they do.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use alloc_core::global::{self, Config, Reclaim};

use crate::blocks::{self, Block};
use crate::fork;
use crate::random::Random;
use crate::threads::{self, Thread};

/// Blocks that a thread has to itself at most.
const KEPT: usize = 150;

/// Who is there.
#[derive(Clone, Copy, Debug)]
pub struct Crowd {
    threads: usize,
    /// Steps of each thread.
    steps: usize,
    reclaim: Option<Duration>,
    /// Whether one thread turns the reclaimer off and on, and gives memory back.
    sets: bool,
    /// Whether one thread forks.
    forks: bool,
    /// Whether threads start threads that live for a moment.
    churns: bool,
}

impl Crowd {
    pub fn random(random: &mut Random) -> Crowd {
        Crowd {
            threads: 2 + random.below(10),
            steps: 500 + random.below(4000),
            reclaim: [None, Some(1), Some(1), Some(8)][random.below(4)].map(Duration::from_millis),
            sets: random.one_in(3),
            forks: random.one_in(2),
            churns: random.one_in(2),
        }
    }

    /// Lets them work, and waits for all.
    pub fn work(self, seed: u64) {
        set(self.reclaim);
        let start = |index: usize| {
            Thread::start(move || {
                let mut random = Random::new(seed ^ (index as u64) << 40);
                match index {
                    0 if self.forks => forks(&mut random),
                    1 if self.sets => sets(&mut random),
                    _ => self.works(&mut random),
                }
            })
        };
        let threads: Vec<Thread> = (0..self.threads).map(start).collect();
        threads.into_iter().for_each(Thread::join);
    }

    /// A random program.
    fn works(self, random: &mut Random) {
        let kept = Rc::new(RefCell::new(Vec::new()));
        let leaves_late = random.one_in(2);
        if leaves_late {
            // What is left is freed when the allocator's own destructor has run, and more is asked for.
            let (kept, mut late) = (kept.clone(), Random::new(random.next()));
            threads::at_end(move |round| {
                let mut kept = kept.borrow_mut();
                if round < threads::ROUNDS {
                    kept.extend((0..5).map(|_| Block::make(&mut late)));
                } else {
                    kept.drain(..).for_each(Block::free);
                }
            });
        }
        let mut kept = kept.borrow_mut();
        for _ in 0..self.steps {
            step(&mut kept, random);
            if self.churns && random.one_in(600) {
                let seed = random.next();
                if random.one_in(3) {
                    Thread::start(only_frees).join();
                } else {
                    Thread::start(move || lives_a_moment(&mut Random::new(seed))).join();
                }
            }
        }
        // Half of what is left waits for others.
        let half = kept.len() / 2;
        leave(kept.drain(half..), random);
        if !leaves_late {
            kept.drain(..).for_each(Block::free);
        }
    }
}

/// One request, or one that goes with another thread's.
fn step(kept: &mut Vec<Block>, random: &mut Random) {
    let full = kept.len() >= KEPT;
    match random.below(100) {
        0..45 if !full => kept.push(Block::make(random)),
        0..72 => {
            if let Some(block) = any(kept, random) {
                block.free();
            }
        }
        72..84 => {
            if let Some(block) = any(kept, random) {
                kept.push(block.realloc(random));
            }
        }
        84..98 => {
            let mine = any(kept, random);
            match blocks::exchange(mine, random) {
                Some(found) if full || random.one_in(2) => found.free(),
                Some(found) => kept.push(found),
                None => {}
            }
        }
        98 => no_bytes(),
        _ if random.one_in(20) => drop(global::stats()),
        _ if random.one_in(40) => global::validate().expect("sound in the midst of it"),
        _ => {}
    }
}

fn any(kept: &mut Vec<Block>, random: &mut Random) -> Option<Block> {
    (!kept.is_empty()).then(|| {
        let index = random.below(kept.len());
        kept.swap_remove(index)
    })
}

/// Leaves blocks to whoever comes by, and frees what others left there.
fn leave(blocks: impl Iterator<Item = Block>, random: &mut Random) {
    for block in blocks {
        if let Some(found) = blocks::exchange(Some(block), random) {
            found.free();
        }
    }
}

/// Two blocks of no bytes are two.
fn no_bytes() {
    let (one, other) = (global::malloc(0), global::calloc(7, 0));
    assert!(!one.is_null() && !other.is_null() && one != other);
    // SAFETY: both are in use, and not used any more.
    unsafe {
        global::free(one);
        global::free(other);
    }
}

/// A thread that never asks for anything.
fn only_frees() {
    blocks::waiting().for_each(|start| Block::take(start).free());
}

/// A thread that begins, leaves most of what it made to others, and ends.
fn lives_a_moment(random: &mut Random) {
    let mut kept = Vec::new();
    for _ in 0..40 {
        step(&mut kept, random);
    }
    leave(kept.drain(..), random);
}

fn set(interval: Option<Duration>) {
    let reclaim = interval.map_or(Reclaim::Off, |interval| Reclaim::On { interval });
    assert!(global::configure(Config {
        reclaim,
        ..Config::default()
    }));
}

/// Turns the reclaimer off and on, and gives memory back.
fn sets(random: &mut Random) {
    for _ in 0..30 {
        match random.below(4) {
            0 => set(None),
            1 => drop(global::trim()),
            _ => set(Some(Duration::from_millis(1))),
        }
        // SAFETY: a nap.
        unsafe { libc::usleep(random.below(2000) as libc::c_uint) };
    }
}

fn forks(random: &mut Random) {
    for _ in 0..4 {
        fork::fork(random);
    }
}
