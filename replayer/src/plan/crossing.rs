//! Blocks that cross threads: each gets a slot of its own in the shared table.
//!
//! Shared slots are numbered by maker and by the maker's order, so each maker owns a contiguous range of them and walks it from
//! front to back.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

use rayon::prelude::*;
use trace_format::{ReadAt, Tape};

use super::error::PlanError;
use super::locate;
use super::survey::{Remote, Survey, ThreadSurvey};

/// Nobody has come yet.
const NOBODY: u64 = u64::MAX;

/// All crossings of a tape.
#[derive(Debug)]
pub(super) struct Crossings {
    /// Sorted by block: place in this list = shared slot.
    pub blocks: Vec<Remote>,
    /// For each remote release, in the order of its place: the shared slot.
    slot_of: Vec<u32>,
    /// For each thread: its range of places.
    places: Vec<Range<usize>>,
    /// For each thread: the range of shared slots that its own blocks have.
    slots: Vec<Range<usize>>,
    /// For each shared slot: when the first of maker and releaser came, as they were planned.
    met: Vec<AtomicU64>,
}

impl Crossings {
    /// Sorts and checks the remote releases: each names a block that is made, and none twice.
    pub fn new<S: ReadAt + Sync>(
        tape: &Tape<S>,
        survey: &mut Survey,
    ) -> Result<Crossings, PlanError> {
        let mut blocks = std::mem::take(&mut survey.remotes);
        if u32::try_from(blocks.len()).is_err() {
            return Err(PlanError::TooMany {
                what: "blocks that cross threads",
                count: blocks.len() as u64,
                most: u64::from(u32::MAX),
            });
        }
        let places = ranges(survey.threads.iter().map(|t| t.remote_releases as usize));
        blocks.par_sort_unstable();
        if let Some(pair) = blocks
            .par_windows(2)
            .find_first(|pair| pair[0].block == pair[1].block)
        {
            let (thread, event) = locate::remote(tape, &survey.threads, pair[1].place)?;
            return Err(PlanError::DoubleFree {
                thread,
                event,
                block: pair[1].block,
            });
        }
        let made = |thread: u32| {
            survey
                .threads
                .get(thread as usize)
                .map_or(0, |t: &ThreadSurvey| t.allocations)
        };
        if let Some(bad) = blocks
            .par_iter()
            .find_first(|r| r.block.index >= made(r.block.thread))
        {
            let (thread, event) = locate::remote(tape, &survey.threads, bad.place)?;
            return Err(PlanError::UnknownBlock {
                thread,
                event,
                block: bad.block,
            });
        }
        let mut slot_of = vec![0; blocks.len()];
        for (slot, remote) in blocks.iter().enumerate() {
            slot_of[remote.place as usize] = slot as u32;
        }
        let mut counts = vec![0; survey.threads.len()];
        for remote in &blocks {
            counts[remote.block.thread as usize] += 1;
        }
        let slots = ranges(counts.into_iter());
        let met = (0..blocks.len())
            .into_par_iter()
            .map(|_| AtomicU64::new(NOBODY))
            .collect();
        Ok(Crossings {
            blocks,
            slot_of,
            places,
            slots,
            met,
        })
    }

    /// The shared slots of the thread's own blocks.
    pub fn own(&self, thread: usize) -> Range<usize> {
        self.slots[thread].clone()
    }

    /// For each remote release of the thread, in order: the shared slot.
    pub fn releases(&self, thread: usize) -> &[u32] {
        &self.slot_of[self.places[thread].clone()]
    }

    /// Notes that the block in `slot` is made at `ns`. Says whether it is released before (`Some(false)`), at the very same stamp
    /// (`Some(true)`), or, as it must be, later or not seen yet (`None`).
    pub fn made(&self, slot: usize, ns: u64) -> Option<bool> {
        let ns = ns.min(NOBODY - 1);
        let other = self.met[slot].swap(ns, Ordering::Relaxed);
        if other == NOBODY || other > ns {
            None
        } else {
            Some(other == ns)
        }
    }

    /// Notes that the block in `slot` is released at `ns`; the answer is that of [`made`](Self::made).
    pub fn released(&self, slot: usize, ns: u64) -> Option<bool> {
        let ns = ns.min(NOBODY - 1);
        let other = self.met[slot].swap(ns, Ordering::Relaxed);
        if other == NOBODY || other < ns {
            None
        } else {
            Some(other == ns)
        }
    }
}

/// Lengths to ranges that follow one another.
fn ranges(lengths: impl Iterator<Item = usize>) -> Vec<Range<usize>> {
    lengths
        .scan(0, |next, len| {
            let start = *next;
            *next += len;
            Some(start..*next)
        })
        .collect()
}
