//! `large`: large concurrency.
//!
//! Each of 512 threads has 1,000 private slots. An operation draws one and replaces its block: the old one is freed, or
//! (10 of 100) posted to another thread's mailbox and freed there; then a new one is allocated. In 5 of 100 operations
//! the block in the slot is instead reallocated to double its size, as a vector grows, unless that is above 256 KiB. At
//! each operation a thread first empties its mailbox. After an eighth of its operations a thread ends, and a successor
//! inherits its slots and its mailbox.
//!
//! **Sizes** follow a power law between L = 16 B and H = 256 KiB with density ∝ s^-2: every doubling of the size is half
//! as frequent and so weighs the same in bytes. The mean is ln(H/L)·L·H/(H-L) ≈ 155 B, the median 32 B: very many small
//! blocks and a few large ones, as heaps of servers have. 512 threads × 1,000 slots then hold at most about 90 MB, so that
//! allocators whose footprint grows with threads rather than with bytes show it, and the job still fits a small machine.
//! Drawn by inversion: s = L·H / (H - u·(H - L)), u uniform in [0, 1); products and a quotient, which every machine rounds
//! alike.

use super::blocks::Block;
use super::crew::Crew;
use super::draws::Draws;
use super::mailbox::Mailbox;
use super::options::{Defaults, Plan, Scale};
use crate::RecordError;
use std::sync::Arc;

/// Threads that follow one another on the same slots.
pub(super) const GENERATIONS: u64 = 8;

const LEAST_BYTES: u64 = 16;
const MOST_BYTES: u64 = 256 << 10;

/// ln(H/L)·L·H/(H-L), see above; a test computes it.
const MEAN_BYTES: u64 = 155;

const REALLOC_PERCENT: u64 = 5;
const HANDED_PERCENT: u64 = 10;

/// Blocks that wait in a mailbox. When it is full, the sender frees the block itself.
const MAILBOX_BLOCKS: usize = 256;

pub(super) fn defaults(scale: Scale) -> Defaults {
    match scale {
        Scale::Small => Defaults {
            threads: 8,
            ops: 2_000,
            ring: 1_000,
        },
        Scale::Default => Defaults {
            threads: 512,
            ops: 2_000,
            ring: 1_000,
        },
        Scale::Paper => Defaults {
            threads: 512,
            ops: 1_000_000,
            ring: 1_000,
        },
    }
}

pub(super) fn expected(plan: &Plan) -> (u64, u64) {
    let operations = plan.ops * u64::from(plan.threads);
    let blocks = (plan.ring * u64::from(plan.threads)).min(operations);
    // What doubles weighs more.
    (
        blocks * MEAN_BYTES * (100 + 2 * REALLOC_PERCENT) / 100,
        operations * 2,
    )
}

fn size(draws: &mut Draws) -> usize {
    let (low, high) = (LEAST_BYTES as f64, MOST_BYTES as f64);
    let drawn = low * high / (high - draws.fraction() * (high - low));
    (drawn as usize).clamp(LEAST_BYTES as usize, MOST_BYTES as usize)
}

/// What one operation wants: five draws, always.
struct Wish {
    slot: usize,
    grow: bool,
    size: usize,
    hand_over: bool,
    /// The how-manieth of the other workers gets the block.
    other: u64,
}

fn wish(draws: &mut Draws, plan: &Plan) -> Wish {
    Wish {
        slot: draws.below(plan.ring) as usize,
        grow: draws.below(100) < REALLOC_PERCENT,
        size: size(draws),
        hand_over: draws.below(100) < HANDED_PERCENT,
        other: draws.below(u64::from(plan.threads).saturating_sub(1).max(1)),
    }
}

/// What all threads share.
struct Post {
    plan: Plan,
    mailboxes: Vec<Mailbox>,
}

/// What a thread inherits: its place, and what is in its slots.
struct Estate {
    worker: u32,
    generation: u64,
    slots: Vec<Option<Block>>,
}

pub(super) fn start(crew: &Arc<Crew>, plan: &Plan) -> Result<(), RecordError> {
    let mailboxes = (0..plan.threads)
        .map(|_| Mailbox::new(MAILBOX_BLOCKS))
        .collect();
    let post = Arc::new(Post {
        plan: plan.clone(),
        mailboxes,
    });
    for worker in 0..plan.threads {
        let slots = (0..plan.ring).map(|_| None).collect();
        spawn(
            crew,
            &post,
            Estate {
                worker,
                generation: 0,
                slots,
            },
        )?;
    }
    Ok(())
}

fn spawn(crew: &Arc<Crew>, post: &Arc<Post>, estate: Estate) -> Result<(), RecordError> {
    let post = Arc::clone(post);
    let name = format!("large {}.{}", estate.worker, estate.generation);
    crew.spawn(estate.worker, name, move |crew| live(crew, &post, estate))
}

/// One thread from its start to its end.
fn live(crew: &Arc<Crew>, post: &Arc<Post>, mut estate: Estate) {
    let plan = &post.plan;
    let share = plan.ops / GENERATIONS;
    let last = estate.generation + 1 == GENERATIONS;
    let operations = if last {
        plan.ops - share * (GENERATIONS - 1)
    } else {
        share
    };
    work(crew, post, &mut estate, operations);
    crew.count(operations);
    if !last {
        estate.generation += 1;
        if let Err(error) = spawn(crew, post, estate) {
            crew.fail(error);
        }
        return;
    }
    let memory = crew.memory();
    for block in estate.slots.into_iter().flatten() {
        memory.free(block);
    }
    // Nobody posts any more when each thread looks into its mailbox for the last time.
    crew.meet();
    while let Some(block) = post.mailboxes[estate.worker as usize].take() {
        memory.free(block);
    }
}

fn work(crew: &Crew, post: &Post, estate: &mut Estate, operations: u64) {
    let Post { plan, mailboxes } = post;
    let memory = crew.memory();
    let worker = u64::from(estate.worker);
    let mut draws = Draws::new(plan.seed, worker * GENERATIONS + estate.generation);
    for _ in 0..operations {
        while let Some(block) = mailboxes[estate.worker as usize].take() {
            memory.free(block);
        }
        let wish = wish(&mut draws, plan);
        let slot = &mut estate.slots[wish.slot];
        *slot = match slot.take() {
            Some(block) if wish.grow && block.size() * 2 <= MOST_BYTES as usize => {
                let size = block.size() * 2;
                Some(memory.resize(block, size).unwrap_or_else(|same| same))
            }
            old => {
                if let Some(block) = old {
                    let to = (wish.other + u64::from(wish.other >= worker)) as usize;
                    let kept = match mailboxes
                        .get(to)
                        .filter(|_| wish.hand_over && plan.threads > 1)
                    {
                        Some(mailbox) => mailbox.post(block).err(),
                        None => Some(block),
                    };
                    if let Some(block) = kept {
                        memory.free(block);
                    }
                }
                memory.allocate(wish.size)
            }
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_follow_the_law() {
        let (low, high) = (LEAST_BYTES as f64, MOST_BYTES as f64);
        let expected = (high / low).ln() * low * high / (high - low);
        assert_eq!(MEAN_BYTES, expected as u64);
        let mut draws = Draws::new(3, 0);
        let sizes: Vec<usize> = (0..400_000).map(|_| size(&mut draws)).collect();
        assert!(sizes.iter().all(|s| (16..=262_144).contains(s)));
        // Wide: the mean of such a law converges slowly.
        let mean = sizes.iter().sum::<usize>() / sizes.len();
        assert!((120..200).contains(&mean), "{mean}");
        // P(s < 64) = (1/16 - 1/64) / (1/16 - 1/262144) = 0.750
        let small = sizes.iter().filter(|s| **s < 64).count() as f64 / sizes.len() as f64;
        assert!((small - 0.75).abs() < 0.01, "{small}");
    }
}
