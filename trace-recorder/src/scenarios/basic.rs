//! `basic`: threads exchange blocks through one shared array.
//!
//! An operation draws a kind, a slot and a size. In 60 of 100 it allocates into the slot if that is empty, in 40 it
//! frees what is in the slot. The original held one mutex around each operation, and measured that; here a slot is
//! filled and taken by one atomic exchange. A thread that finds a slot filled between its look and its exchange has
//! thereby taken the other's block, and frees it. So most blocks are freed by another thread than their maker.

use super::blocks::Slot;
use super::crew::Crew;
use super::draws::Draws;
use super::options::{Defaults, Plan, Scale};
use crate::RecordError;
use std::sync::Arc;

/// Largest size; the smallest is 1.
const MOST_BYTES: u64 = 4096;

/// Share of operations that allocate, in percent.
const ALLOCATE_PERCENT: u64 = 60;

pub(super) fn defaults(scale: Scale) -> Defaults {
    match scale {
        Scale::Small => Defaults {
            threads: 8,
            ops: 5_000,
            ring: 1_000,
        },
        Scale::Default => Defaults {
            threads: 64,
            ops: 20_000,
            ring: 100_000,
        },
        Scale::Paper => Defaults {
            threads: 64,
            ops: 1_000_000,
            ring: 100_000,
        },
    }
}

/// At balance, as many slots are filled as operations allocate; before, not more than operations there were.
pub(super) fn expected(plan: &Plan) -> (u64, u64) {
    let operations = plan.ops * u64::from(plan.threads);
    let blocks = (plan.ring * ALLOCATE_PERCENT / 100).min(operations);
    (blocks * (MOST_BYTES + 1) / 2, operations + blocks)
}

/// What one operation wants; the whole stream is fixed by the seed, what comes of it is not.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
struct Wish {
    allocate: bool,
    slot: usize,
    size: usize,
}

fn wish(draws: &mut Draws, slots: u64) -> Wish {
    let allocate = draws.below(100) < ALLOCATE_PERCENT;
    let slot = draws.below(slots) as usize;
    let size = draws.between(1, MOST_BYTES) as usize;
    Wish {
        allocate,
        slot,
        size,
    }
}

pub(super) fn start(crew: &Arc<Crew>, plan: &Plan) -> Result<(), RecordError> {
    let slots: Arc<[Slot]> = (0..plan.ring).map(|_| Slot::default()).collect();
    for number in 0..plan.threads {
        let (slots, plan) = (Arc::clone(&slots), plan.clone());
        crew.spawn(number, format!("basic {number}"), move |crew| {
            work(crew, &plan, number, &slots)
        })?;
    }
    Ok(())
}

fn work(crew: &Crew, plan: &Plan, number: u32, slots: &[Slot]) {
    let memory = crew.memory();
    let mut draws = Draws::new(plan.seed, u64::from(number));
    for operation in 1..=plan.ops {
        let Wish {
            allocate,
            slot,
            size,
        } = wish(&mut draws, plan.ring);
        let slot = &slots[slot];
        let found = if !allocate {
            slot.exchange(None)
        } else if slot.is_taken() {
            None
        } else {
            memory
                .allocate(size)
                .and_then(|block| slot.exchange(Some(block)))
        };
        if let Some(block) = found {
            memory.free(block);
        }
        if operation % 256 == 0 {
            crew.count(256);
        }
    }
    crew.count(plan.ops % 256);
    // Nobody allocates any more when each thread clears its part of the array.
    crew.meet();
    for slot in slots
        .iter()
        .skip(number as usize)
        .step_by(plan.threads as usize)
    {
        if let Some(block) = slot.exchange(None) {
            memory.free(block);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wishes_are_fixed_by_the_seed_and_have_their_shares() {
        let wishes = |seed| {
            let mut draws = Draws::new(seed, 5);
            (0..10_000)
                .map(|_| wish(&mut draws, 1000))
                .collect::<Vec<_>>()
        };
        let first = wishes(1);
        assert_eq!(first, wishes(1));
        assert_ne!(first, wishes(2));
        let allocate = first.iter().filter(|w| w.allocate).count();
        assert!((5_800..6_200).contains(&allocate), "{allocate}");
        assert!(
            first
                .iter()
                .all(|w| (1..=4096).contains(&w.size) && w.slot < 1000)
        );
        let mean = first.iter().map(|w| w.size).sum::<usize>() / first.len();
        assert!((1_980..2_120).contains(&mean), "{mean}");
    }
}
