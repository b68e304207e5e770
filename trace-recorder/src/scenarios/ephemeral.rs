//! `ephemeral`: short-lived blocks.
//!
//! Every operation allocates one block, which lives for a number of the thread's own operations drawn uniformly from
//! the time to live (50 to 2,000). When it is over the block is freed, just before the operation allocates. The ring is
//! a timing wheel: slot *t mod ring* holds the blocks that end at operation *t*, so it must be longer than the longest
//! time to live. With the defaults about 1,025 blocks of a thread live at a time, 2.4 MB.

use super::blocks::{Block, Memory};
use super::crew::Crew;
use super::draws::Draws;
use super::options::{Defaults, Plan, Scale};
use crate::RecordError;
use std::sync::Arc;

/// Time to live, shortest and longest.
pub(super) const TTL: (u64, u64) = (50, 2000);

/// Sizes: share in percent, smallest, largest.
const SIZES: [(u64, u64, u64); 3] = [(60, 16, 256), (30, 512, 2048), (10, 4096, 32_768)];

/// Mean size in bytes, rounded: 2,309.
pub(super) const MEAN_SIZE: u64 = {
    let mut hundredfold_twice = 0;
    let mut n = 0;
    while n < SIZES.len() {
        hundredfold_twice += SIZES[n].0 * (SIZES[n].1 + SIZES[n].2);
        n += 1;
    }
    (hundredfold_twice + 100) / 200
};

/// Draws a size. Always two draws.
pub(super) fn size(draws: &mut Draws) -> usize {
    let mut percent = draws.below(100);
    let mut chosen = SIZES[0];
    for class in SIZES {
        chosen = class;
        if percent < class.0 {
            break;
        }
        percent -= class.0;
    }
    draws.between(chosen.1, chosen.2) as usize
}

pub(super) fn defaults(scale: Scale) -> Defaults {
    match scale {
        Scale::Small => Defaults {
            threads: 8,
            ops: 5_000,
            ring: 4_096,
        },
        Scale::Default => Defaults {
            threads: 512,
            ops: 10_000,
            ring: 4_096,
        },
        Scale::Paper => Defaults {
            threads: 512,
            ops: 1_000_000,
            ring: 4_096,
        },
    }
}

pub(super) fn expected(plan: &Plan) -> (u64, u64) {
    let (least, most) = plan.ttl.unwrap_or(TTL);
    let blocks = least.midpoint(most).min(plan.ops) * u64::from(plan.threads);
    (blocks * MEAN_SIZE, plan.ops * u64::from(plan.threads) * 2)
}

pub(super) fn start(crew: &Arc<Crew>, plan: &Plan) -> Result<(), RecordError> {
    for number in 0..plan.threads {
        let plan = plan.clone();
        crew.spawn(number, format!("ephemeral {number}"), move |crew| {
            work(crew, &plan, number)
        })?;
    }
    Ok(())
}

fn work(crew: &Crew, plan: &Plan, number: u32) {
    let memory = crew.memory();
    let mut draws = Draws::new(plan.seed, u64::from(number));
    let mut wheel = Wheel::new(plan.ring as usize);
    let (least, most) = plan.ttl.unwrap_or(TTL);
    for operation in 0..plan.ops {
        wheel.free_due(operation, &memory);
        let size = size(&mut draws);
        let ends = operation + draws.between(least, most);
        if let Some(block) = memory.allocate(size) {
            wheel.add(ends, block);
        }
        if operation % 256 == 255 {
            crew.count(256);
        }
    }
    crew.count(plan.ops % 256);
    for rest in 0..plan.ring {
        wheel.free_due(plan.ops + rest, &memory);
    }
}

/// Blocks by the operation at which they end. Chains of indices in one vector, so that the wheel asks for hardly any memory itself.
struct Wheel {
    /// Index of the first entry of each slot's chain.
    first: Vec<u32>,
    entries: Vec<Entry>,
    /// Index of the first unused entry.
    unused: u32,
}

struct Entry {
    block: Option<Block>,
    next: u32,
}

/// The end of a chain.
const NONE: u32 = u32::MAX;

impl Wheel {
    fn new(slots: usize) -> Wheel {
        Wheel {
            first: vec![NONE; slots],
            entries: Vec::new(),
            unused: NONE,
        }
    }

    fn add(&mut self, ends: u64, block: Block) {
        let slot = (ends % self.first.len() as u64) as usize;
        let entry = Entry {
            block: Some(block),
            next: self.first[slot],
        };
        let at = self.unused;
        if at == NONE {
            self.first[slot] = self.entries.len() as u32;
            self.entries.push(entry);
        } else {
            self.first[slot] = at;
            self.unused = std::mem::replace(&mut self.entries[at as usize], entry).next;
        }
    }

    /// Frees the blocks that end at `operation`, the latest first.
    fn free_due(&mut self, operation: u64, memory: &Memory<'_>) {
        let slot = (operation % self.first.len() as u64) as usize;
        let mut at = std::mem::replace(&mut self.first[slot], NONE);
        while at != NONE {
            let entry = &mut self.entries[at as usize];
            if let Some(block) = entry.block.take() {
                memory.free(block);
            }
            let next = std::mem::replace(&mut entry.next, self.unused);
            self.unused = at;
            at = next;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recording::RecordingAlloc;
    use std::alloc::System;

    #[test]
    fn sizes_as_defined() {
        assert_eq!(MEAN_SIZE, 2309);
        let mut draws = Draws::new(1, 1);
        let sizes: Vec<usize> = (0..100_000).map(|_| size(&mut draws)).collect();
        let share =
            |least, most| sizes.iter().filter(|s| (least..=most).contains(*s)).count() / 1000;
        assert!((59..=61).contains(&share(16, 256)));
        assert!((29..=31).contains(&share(512, 2048)));
        assert!((9..=11).contains(&share(4096, 32_768)));
        let mean = sizes.iter().sum::<usize>() / sizes.len();
        assert!((2_200..2_420).contains(&mean), "{mean}");
    }

    #[test]
    fn the_wheel_frees_each_block_when_it_is_due() {
        let allocator = RecordingAlloc::new(System);
        let memory = Memory::new(&allocator);
        let mut wheel = Wheel::new(8);
        let live = |wheel: &Wheel| wheel.entries.iter().filter(|e| e.block.is_some()).count();
        for operation in 0..100u64 {
            wheel.free_due(operation, &memory);
            wheel.add(operation + 3, memory.allocate(10).unwrap());
            wheel.add(operation + 7, memory.allocate(10).unwrap());
            assert_eq!(
                live(&wheel) as u64,
                (operation + 1).min(3) + (operation + 1).min(7)
            );
        }
        assert_eq!(wheel.entries.len(), 10);
        for rest in 0..8 {
            wheel.free_due(100 + rest, &memory);
        }
        assert_eq!(live(&wheel), 0);
    }
}
