//! Medium blocks change their form between caches and arenas: what they hold, how much they have and where they go must not.

use std::thread;

use alloc_core::global::{aligned, calloc, free, malloc, realloc, usable_size, validate};

/// A block with its length and the byte that fills it.
struct Held(*mut u8, usize, u8);

// SAFETY: whoever holds the block has it alone.
unsafe impl Send for Held {}

impl Held {
    fn new(start: *mut u8, len: usize, byte: u8) -> Held {
        assert!(!start.is_null() && start.addr().is_multiple_of(16));
        // SAFETY: the block is in use and has so many bytes at least.
        unsafe {
            assert!(usable_size(start) >= len, "{len}");
            start.write_bytes(byte, len);
        }
        Held(start, len, byte)
    }

    fn look(&self, len: usize) {
        // SAFETY: the block is in use.
        let bytes = unsafe { std::slice::from_raw_parts(self.0, len) };
        // By the whole, which is one comparison for the compiler that does not optimise, too.
        assert!(bytes == vec![self.2; len], "{}", self.1);
    }

    fn resize(self, len: usize) -> Held {
        // SAFETY: the block is in use, and not used under its old address any more.
        let start = unsafe { realloc(self.0, len) };
        let now = Held(start, len, self.2);
        now.look(len.min(self.1));
        Held::new(now.0, len, self.2.wrapping_add(1))
    }

    fn free(self) {
        self.look(self.1);
        // SAFETY: the block is in use, and not used any more.
        unsafe { free(self.0) };
    }
}

/// Sizes around every place where a bin begins or ends.
fn sizes() -> impl Iterator<Item = usize> {
    (1000..33_500).filter(|size| size % 16 < 2 || size % 64 > 46 || size % 97 == 0)
}

fn round(seed: usize) -> Vec<Held> {
    let mut left = Vec::new();
    let mut before: Option<Held> = None;
    for (at, size) in sizes().enumerate() {
        let byte = (at + seed) as u8;
        let start = match at % 16 {
            3 => {
                let zeros = calloc(1, size);
                assert!(!zeros.is_null());
                Held(zeros, size, 0).look(size);
                zeros
            }
            5 => aligned(64 << (at % 5), size),
            _ => malloc(size),
        };
        let held = Held::new(start, size, byte);
        let held = match at % 11 {
            1 => held.resize(size + 1),
            3 => held.resize(size - 1),
            4 => held.resize(size * 2),
            6 => held.resize(size / 2),
            8 => held.resize(100),
            9 => held.resize(70_000).resize(size),
            _ => held,
        };
        match at % 5 {
            0 => left.push(held),
            1 => before.replace(held).into_iter().for_each(Held::free),
            _ => held.free(),
        }
    }
    before.into_iter().for_each(Held::free);
    left
}

#[test]
fn blocks_keep_what_they_hold_whoever_frees_them() {
    for seed in 0..3 {
        let makers: Vec<_> = (0..3)
            .map(|maker| thread::spawn(move || round(seed * 3 + maker)))
            .collect();
        let left: Vec<Vec<Held>> = (makers.into_iter())
            .map(|maker| maker.join().expect("no panic"))
            .collect();
        // Freed by a thread that did not make them, which then uses them itself.
        left.into_iter().flatten().for_each(Held::free);
        round(seed).into_iter().for_each(Held::free);
        validate().expect("sound");
    }
}
