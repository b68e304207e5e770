//! Small programs over all of the allocator, for Miri, which looks for undefined behaviour in every step of them:
//! `cargo xtask test --only miri`, or
//!
//! ```text
//! MIRIFLAGS=-Zmiri-permissive-provenance cargo +nightly miri test -p alloc-core --test undefined
//! ```
//! The code under test is that which ships. Miri knows no `fork` and no handlers for it, so registering them does nothing
//! there, and what needs them is tested elsewhere.

use std::sync::mpsc;
use std::thread;

use alloc_core::global::{self, aligned, calloc, free, malloc, realloc, stats, usable_size};

/// In place of the system's, which Miri has not.
#[cfg(miri)]
#[unsafe(no_mangle)]
extern "C" fn pthread_atfork(
    _: Option<unsafe extern "C" fn()>,
    _: Option<unsafe extern "C" fn()>,
    _: Option<unsafe extern "C" fn()>,
) -> libc::c_int {
    0
}

/// A block of the process's allocator, with something written at its ends.
struct Block {
    start: *mut u8,
    size: usize,
    stamp: u8,
}

// SAFETY: a block belongs to whoever has it.
unsafe impl Send for Block {}

impl Block {
    fn of(start: *mut u8, size: usize, stamp: u8) -> Block {
        assert!(!start.is_null());
        let block = Block { start, size, stamp };
        block.stamp();
        block
    }

    fn new(size: usize, stamp: u8) -> Block {
        Block::of(malloc(size), size, stamp)
    }

    fn stamp(&self) {
        // SAFETY: the block has `size` bytes.
        unsafe {
            self.start.write(self.stamp);
            self.start.add(self.size - 1).write(self.stamp);
        }
    }

    fn check(&self) {
        // SAFETY: as above.
        unsafe {
            assert_eq!(self.start.read(), self.stamp);
            assert_eq!(self.start.add(self.size - 1).read(), self.stamp);
            assert!(usable_size(self.start) >= self.size);
        }
    }

    fn resized(mut self, size: usize) -> Block {
        self.check();
        let least = self.size.min(size);
        // SAFETY: the block is in use, and forgotten when it has moved.
        unsafe {
            self.start = realloc(self.start, size);
            assert!(!self.start.is_null());
            assert_eq!(self.start.read(), self.stamp);
            if least == self.size {
                assert_eq!(self.start.add(least - 1).read(), self.stamp);
            }
        }
        self.size = size;
        self.stamp();
        self
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        self.check();
        // SAFETY: in use, and forgotten.
        unsafe { free(self.start) };
    }
}

/// Sizes of every kind: bins, chunks that are kept, chunks that are not, a span of its own.
const SIZES: [usize; 8] = [1, 24, 200, 1016, 1017, 8000, 40_000, 600_000];

#[test]
fn every_kind_of_block_lives_and_ends() {
    for round in 0..2u8 {
        let blocks: Vec<Block> = SIZES
            .iter()
            .flat_map(|size| (0..3).map(move |n| Block::new(*size, round + n)))
            .collect();
        blocks.iter().for_each(Block::check);
        let blocks: Vec<Block> = blocks
            .into_iter()
            .map(|block| {
                let size = block.size;
                block.resized(size + 16).resized(size / 2 + 1)
            })
            .collect();
        drop(blocks);
    }
    for (log2, size) in [(5, 100), (12, 100), (12, 5000), (16, 700_000)] {
        let block = aligned(1 << log2, size);
        assert!(block.addr().is_multiple_of(1 << log2));
        drop(Block::of(block, size, 7));
    }
    let zero = calloc(50, 10);
    // SAFETY: the block has that many bytes.
    unsafe {
        assert!((0..500).all(|n| zero.add(n).read() == 0));
        free(zero);
    }
    global::validate().expect("sound");
    global::trim();
    global::validate().expect("sound");
}

/// A list that is longer than a cache keeps goes through the depot, to the homes and back.
#[test]
fn lists_leave_a_cache_and_come_back() {
    for _ in 0..2 {
        let blocks: Vec<Block> = (0..300u16).map(|n| Block::new(200, n as u8)).collect();
        drop(blocks);
        let blocks: Vec<Block> = (0..20u16).map(|n| Block::new(3000, n as u8)).collect();
        drop(blocks);
    }
    global::trim();
    global::validate().expect("sound");
}

#[test]
fn blocks_are_freed_by_other_threads() {
    let (sender, receiver) = mpsc::channel::<Block>();
    let threads: Vec<_> = (0..2u8)
        .map(|index| {
            let sender = sender.clone();
            thread::spawn(move || {
                for round in 0..30 {
                    let size = [40, 200, 2000, 9000, 70_000][(round + index as usize) % 5];
                    let block = Block::new(size, index);
                    if round % 3 == 0 {
                        drop(block.resized(size + 100));
                    } else {
                        sender.send(block).expect("a receiver");
                    }
                }
            })
        })
        .collect();
    drop(sender);
    let mut kept = Vec::new();
    for block in receiver {
        block.check();
        kept.push(block);
        if kept.len() > 10 {
            kept.swap_remove(kept.len() / 2);
        }
    }
    threads
        .into_iter()
        .for_each(|thread| thread.join().expect("no panic"));
    drop(kept);
    global::validate().expect("sound");
}

/// Owners are left and adopted, and what a thread left is freed by one that has no owner.
#[test]
fn threads_begin_and_end() {
    for round in 0..3u8 {
        let blocks = thread::spawn(move || {
            (0..10)
                .map(|n| Block::new(SIZES[n % SIZES.len()], round))
                .collect::<Vec<_>>()
        })
        .join()
        .expect("no panic");
        thread::spawn(move || drop(blocks))
            .join()
            .expect("no panic");
    }
    let stats = stats();
    assert!(stats.heaps >= 1 && stats.failed == 0);
    assert!(stats.alloc_calls >= stats.free_calls);
}
