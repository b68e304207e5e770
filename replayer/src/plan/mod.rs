//! Tape → plan: what each thread does, in eight bytes an operation, with everything decided that can be decided before the clock runs.
//!
//! A block that one thread makes and releases lives in a slot of the thread's own table, used again when it is free. A block that
//! crosses threads has a slot of its own in the shared table: the maker stores the pointer, the releaser waits for it. Two passes
//! over the tape, both parallel; nothing but the plan stays in memory.
//!
//! Invariants, which [`PlanView::open`] checks again before a worker runs: every slot is filled before it is emptied, in every
//! order that the threads can take; every filling is emptied once; a replay can't wait for ever.
//!
//! What a plan leaves out: `FreeUnknown` and refused requests do nothing; `ReallocUnknown` is a malloc; a block that the tape never
//! frees is freed at the end of the thread that made it.

mod circle;
mod crossing;
mod error;
mod layout;
mod locate;
mod op;
mod program;
mod sheet;
mod survey;
mod timeline;
mod view;

use std::fs::File;
use std::path::PathBuf;
use std::time::Instant;

use rayon::prelude::*;
use trace_format::{ReadAt, Tape};

use crate::mapping::MemoryFile;
use crossing::Crossings;
use layout::Offsets;
use program::{Room, Written};
use sheet::Sheet;
use survey::{Survey, ThreadSurvey};

pub use error::PlanError;
pub use layout::{Counts, ThreadRow};
pub use op::{Kind, Op, Wide};
pub use timeline::Step;
pub use view::{PlanView, ViewError};

/// A plan, in a file that lives in memory; workers map it by its path.
#[derive(Debug)]
pub struct Plan {
    file: MemoryFile,
    facts: PlanFacts,
}

/// What is worth telling of a plan.
#[derive(Clone, Copy, Debug, Default)]
pub struct PlanFacts {
    /// Sizes.
    pub counts: Counts,
    /// Blocks that the tape never frees and the replay does.
    pub leaked_blocks: u64,
    /// The plan's size: the file, and the tables of slots that a worker adds.
    pub bytes: u64,
    /// How long planning took.
    pub plan_ns: u64,
}

impl Plan {
    /// What is worth telling.
    pub fn facts(&self) -> &PlanFacts {
        &self.facts
    }

    /// The file that holds the plan.
    pub fn file(&self) -> &File {
        self.file.file()
    }

    /// A path by which a child process can open the plan while this process holds it.
    pub fn path(&self) -> PathBuf {
        self.file.path()
    }
}

/// Makes the plan of a tape. `step` is called with numbers of events as they are done; every event is done twice.
///
/// # Errors
/// [`PlanError`]: an unreadable tape, or one whose order is not possible, with the thread and event where that shows.
pub fn plan<S: ReadAt + Sync>(
    tape: &Tape<S>,
    step: &(dyn Fn(u64) + Sync),
) -> Result<Plan, PlanError> {
    let began = Instant::now();
    let mut survey = survey::survey(tape, step)?;
    let crossings = Crossings::new(tape, &mut survey)?;
    let line = timeline::timeline(&survey.threads);
    let mut rows = rows(&survey, &crossings, &line.lane_of);
    let counts = Counts {
        threads: rows.len() as u64,
        timeline: line.steps.len() as u64,
        lanes: u64::from(line.lanes),
        wide: survey.threads.iter().map(|t| t.wide).sum(),
        ops: rows.iter().map(|row| row.ops).sum(),
        shared: crossings.blocks.len() as u64,
        largest: survey.threads.iter().map(|t| t.largest).max().unwrap_or(0),
        align_log2: survey
            .threads
            .iter()
            .map(|t| u64::from(t.align_log2))
            .max()
            .unwrap_or(0),
    };
    if counts.wide > op::MOST_WIDE {
        return Err(PlanError::TooMany {
            what: "large or aligned blocks",
            count: counts.wide,
            most: op::MOST_WIDE,
        });
    }
    let offsets = Offsets::of(&counts).ok_or(PlanError::TooMany {
        what: "operations",
        count: counts.ops,
        most: u64::MAX >> 4,
    })?;

    let file = MemoryFile::new(c"heaptape-plan", offsets.end as u64)?;
    let mut sheet = Sheet::new(&file, offsets, counts)?;
    let written = write_programs(tape, &survey.threads, &crossings, &rows, &mut sheet, step)?;

    let mut lane_slots = vec![0u32; line.lanes as usize];
    for (row, written) in rows.iter_mut().zip(&written) {
        row.slots = written.slots;
        if row.ops > 0 {
            let lane = &mut lane_slots[row.lane as usize];
            *lane = (*lane).max(row.slots);
        }
    }
    if written.iter().any(|w| w.tied) {
        circle::find(&rows, sheet.ops(), crossings.blocks.len()).map_err(|stuck| {
            let remote = crossings.blocks[stuck.slot as usize];
            match locate::remote(tape, &survey.threads, remote.place) {
                Ok((thread, event)) => PlanError::Deadlock {
                    thread,
                    event,
                    block: remote.block,
                },
                Err(error) => error,
            }
        })?;
    }
    sheet.rows().copy_from_slice(&rows);
    for (raw, step) in sheet.timeline().iter_mut().zip(&line.steps) {
        *raw = step.to_raw();
    }
    sheet.lane_slots().copy_from_slice(&lane_slots);
    sheet.seal();

    let tables = (counts.shared + lane_slots.iter().map(|&s| u64::from(s)).sum::<u64>())
        * size_of::<usize>() as u64;
    let facts = PlanFacts {
        counts,
        leaked_blocks: written.iter().map(|w| w.leaked).sum(),
        bytes: offsets.end as u64 + tables,
        plan_ns: began.elapsed().as_nanos() as u64,
    };
    Ok(Plan { file, facts })
}

fn rows(survey: &Survey, crossings: &Crossings, lane_of: &[u32]) -> Vec<ThreadRow> {
    let mut first_op = 0;
    let one = |(number, thread): (usize, &ThreadSurvey)| {
        let ops = program::program_len(thread, crossings.own(number).len() as u64);
        let row = ThreadRow {
            first_op,
            ops,
            slots: 0,
            lane: lane_of[number],
        };
        first_op += ops;
        row
    };
    survey.threads.iter().enumerate().map(one).collect()
}

/// All threads at once, each into its own part of the sheet; then the sizes of crossing blocks into the releases.
fn write_programs<S: ReadAt + Sync>(
    tape: &Tape<S>,
    threads: &[ThreadSurvey],
    crossings: &Crossings,
    rows: &[ThreadRow],
    sheet: &mut Sheet,
    step: &(dyn Fn(u64) + Sync),
) -> Result<Vec<Written>, PlanError> {
    let mut sizes = vec![op::SizeField::default(); crossings.blocks.len()];
    let (mut ops, mut wide) = sheet.ops_and_wide();
    let mut left = sizes.as_mut_slice();
    let mut first_wide = 0;
    let mut rooms = Vec::with_capacity(threads.len());
    for (number, thread) in threads.iter().enumerate() {
        let room = Room {
            thread: number as u32,
            ops: ops
                .split_off_mut(..rows[number].ops as usize)
                .unwrap_or_default(),
            wide: wide
                .split_off_mut(..thread.wide as usize)
                .unwrap_or_default(),
            first_wide,
            sizes: left
                .split_off_mut(..crossings.own(number).len())
                .unwrap_or_default(),
        };
        first_wide += thread.wide;
        rooms.push(room);
    }
    let written = rooms
        .into_par_iter()
        .map(|room| program::write(tape, threads, crossings, room, step))
        .collect::<Result<Vec<_>, _>>()?;
    sheet
        .ops_and_wide()
        .0
        .par_iter_mut()
        .filter(|op| op.shared() && !op.kind().is_some_and(Kind::makes))
        .for_each(|op| {
            *op = op.with_size(sizes[op.slot() as usize]);
        });
    Ok(written)
}
