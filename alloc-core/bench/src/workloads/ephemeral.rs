//! Threads whose objects end after a number of the thread's own operations: a timing wheel each.

use super::Scale;
use crate::counts::Counts;
use crate::random::Random;
use crate::wheel::Wheel;

/// Eight threads at once with a long ring: about 12 MB live in each.
pub fn eight(scale: Scale) -> Counts {
    let operations = scale.times(4_000_000, 1000);
    super::in_threads(8, |number| thread(number, operations, 50_000, Mix::Short))
}

/// The `ephemeral` scenario: 512 threads, a size of up to 32 KiB at every operation.
pub fn many(scale: Scale) -> Counts {
    let operations = scale.times(40_000, 200);
    super::in_threads(512, |number| {
        thread(number, operations, 4096, Mix::Scenario)
    })
}

/// 512 threads with smaller blocks that live longer.
pub fn ring(scale: Scale) -> Counts {
    let operations = scale.times(100_000, 200);
    super::in_threads(512, |number| thread(number, operations, 5000, Mix::Short))
}

#[derive(Clone, Copy)]
enum Mix {
    /// At every operation a block: 60 % 16…256 B, 30 % 512…2048 B, 10 % 4096…32768 B, for 50…2000 operations.
    Scenario,
    /// At 70 % of the operations: 60 % 16…256 B, 30 % 256…1024 B, 10 % 1…6.8 KB, mean 667 B, for up to a whole ring.
    Short,
}

fn thread(number: u64, operations: u64, ring: usize, mix: Mix) -> Counts {
    let mut random = Random::new(number);
    let Some(mut wheel) = Wheel::new(ring) else {
        return Counts {
            refused: 1,
            ..Counts::default()
        };
    };
    for _ in 0..operations {
        wheel.step();
        let class = random.below(10);
        match mix {
            Mix::Scenario => {
                let size = match class {
                    0..6 => random.within(16, 256),
                    6..9 => random.within(512, 2048),
                    _ => random.within(4096, 32768),
                };
                wheel.allocate(size, random.within(50, 2000));
            }
            Mix::Short if random.chance(70) => {
                let size = match class {
                    0..6 => random.within(16, 256),
                    6..9 => random.within(256, 1024),
                    _ => random.within(1024, 6812),
                };
                wheel.allocate(size, random.within(1, ring - 1));
            }
            Mix::Short => {}
        }
    }
    wheel.finish()
}
