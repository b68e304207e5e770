//! A block, and back at once: nothing but the two calls, one write, and the loop.

use std::time::Instant;

use super::Scale;
use crate::calls;
use crate::counts::Counts;

/// The size of the blocks of all loops, in bytes.
pub const SIZE: usize = 64;

pub fn run(scale: Scale) -> Counts {
    let pairs = scale.pairs.unwrap_or(scale.times(250_000_000, 10_000));
    let started = Instant::now();
    for _ in 0..pairs {
        let block = calls::malloc(SIZE);
        // SAFETY: a block of 64 bytes that is ours, freed once. A null, which nobody has room to count here, ends the
        // process with a signal.
        unsafe {
            block.write_volatile(1);
            calls::free(block);
        }
    }
    finished(started, pairs)
}

/// The counts of a loop of `pairs`.
pub fn finished(started: Instant, pairs: u64) -> Counts {
    Counts {
        allocated: pairs,
        freed: pairs,
        bytes: pairs * SIZE as u64,
        loop_nanoseconds: started.elapsed().as_nanos() as u64,
        loop_pairs: pairs,
        ..Counts::default()
    }
}
