//! `ephemeral-visits`: the rule of the program that `ephemeral` comes from, for comparison.
//!
//! A thread visits the slots of its ring in turn, one an operation. A visit counts down the block in the slot; when its
//! visits are over it is freed, and an empty slot gets a new block, which lives for 50 to 2,000 *visits*. One visit is
//! `ring` operations away from the next: with the original's ring of 500,000 slots and 1,000,000 operations each slot is
//! visited twice, and nothing ever dies. So the live set is *threads × ring × mean size*, 591 GB, and the scenario
//! refuses to start unless that fits.

use super::blocks::Block;
use super::crew::Crew;
use super::draws::Draws;
use super::ephemeral::{MEAN_SIZE, TTL, size};
use super::options::{Defaults, Plan, Scale};
use crate::RecordError;
use std::sync::Arc;

pub(super) fn defaults(scale: Scale) -> Defaults {
    match scale {
        // 400 visits of a slot, so that some blocks do die.
        Scale::Small => Defaults {
            threads: 4,
            ops: 20_000,
            ring: 50,
        },
        Scale::Default | Scale::Paper => Defaults {
            threads: 512,
            ops: 1_000_000,
            ring: 500_000,
        },
    }
}

pub(super) fn expected(plan: &Plan) -> (u64, u64) {
    let filled = plan.ring.min(plan.ops) * u64::from(plan.threads);
    let mean_ttl = plan
        .ttl
        .map_or(TTL.0.midpoint(TTL.1), |(least, most)| least.midpoint(most))
        .max(1);
    let turned_over = plan.ops * u64::from(plan.threads) / mean_ttl;
    (filled * MEAN_SIZE, (filled + turned_over) * 2)
}

pub(super) fn start(crew: &Arc<Crew>, plan: &Plan) -> Result<(), RecordError> {
    for number in 0..plan.threads {
        let plan = plan.clone();
        crew.spawn(number, format!("visits {number}"), move |crew| {
            work(crew, &plan, number)
        })?;
    }
    Ok(())
}

/// A block, and how many more visits it lives.
type Tenant = Option<(Block, u64)>;

fn work(crew: &Crew, plan: &Plan, number: u32) {
    let memory = crew.memory();
    let mut draws = Draws::new(plan.seed, u64::from(number));
    let mut ring: Vec<Tenant> = (0..plan.ring).map(|_| None).collect();
    let (least, most) = plan.ttl.unwrap_or(TTL);
    for operation in 0..plan.ops {
        let slot = &mut ring[(operation % plan.ring) as usize];
        *slot = match slot.take() {
            Some((block, visits)) if visits > 1 => Some((block, visits - 1)),
            over => {
                if let Some((block, _)) = over {
                    memory.free(block);
                }
                let (size, visits) = (size(&mut draws), draws.between(least, most));
                memory.allocate(size).map(|block| (block, visits))
            }
        };
        if operation % 256 == 255 {
            crew.count(256);
        }
    }
    crew.count(plan.ops % 256);
    for (block, _) in ring.into_iter().flatten() {
        memory.free(block);
    }
}
