//! Forks in the midst of it: the child's heap is sound, and works on.

use std::sync::atomic::{AtomicU64, Ordering};

use alloc_core::global;

use crate::blocks::{self, Block};
use crate::random::Random;

static COUNT: AtomicU64 = AtomicU64::new(0);
/// A child that takes longer hangs.
const SECONDS: u32 = 120;

/// Children so far.
pub fn count() -> u64 {
    COUNT.load(Ordering::Relaxed)
}

/// Forks; the child checks and frees what waits, allocates and ends. Waits for it.
pub fn fork(random: &mut Random) {
    let seed = random.next();
    // SAFETY: the child does what a child of a threaded program may where malloc may, and ends without destructors.
    unsafe {
        let child = libc::fork();
        assert!(child >= 0, "no process to be had");
        if child == 0 {
            libc::alarm(SECONDS);
            in_child(&mut Random::new(seed));
            libc::_exit(0);
        }
        let mut status = 0;
        assert_eq!(libc::waitpid(child, &mut status, 0), child);
        assert_eq!(status, 0, "a child ended with status {status:#x}");
    }
    COUNT.fetch_add(1, Ordering::Relaxed);
}

fn in_child(random: &mut Random) {
    global::validate().expect("a child's heap is sound");
    for (n, start) in blocks::waiting().enumerate() {
        let block = Block::take(start);
        if n % 4 == 0 {
            block.realloc(random).free();
        } else {
            block.free();
        }
    }
    let made: [Block; 64] = std::array::from_fn(|_| Block::make(random));
    made.into_iter().for_each(Block::free);
    global::validate().expect("a child's heap is sound after work");
}
