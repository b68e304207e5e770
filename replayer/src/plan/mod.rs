//! Tape → plan: what each thread does, in ten bytes an operation, with everything decided that can be decided before the clock runs.
//!
//! A block that one thread makes and releases lives in a slot of the thread's own table, used again when it is free. A block that
//! crosses threads has a slot of its own in the shared table: the maker stores the pointer, the releaser waits for it. Two passes
//! over the tape, both parallel; nothing but the plan stays in memory. Threads folded onto workers are merged in the causal order of
//! the whole tape. A plan that is too long for memory lies on disk, and is run in windows of time.
//!
//! Invariants, which [`PlanView::open`] checks again before a worker runs: every slot is filled before it is emptied, in every
//! order that the threads can take; every filling is emptied once; a replay can't wait for ever.
//!
//! What a plan leaves out: `FreeUnknown` and refused requests do nothing; `ReallocUnknown` is a malloc; a block that the tape never
//! frees is freed at the end of the thread that made it.

mod blocks;
mod circle;
mod crossing;
mod error;
mod folding;
mod four;
mod layout;
mod locate;
mod op;
mod options;
mod program;
mod sheet;
mod stretches;
mod survey;
mod timeline;
mod view;

use std::fs::File;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::time::Instant;

use rayon::prelude::*;
use trace_format::{ReadAt, Tape};

use crate::mapping::MemoryFile;
use crossing::Crossings;
use folding::Folding;
use layout::Offsets;
use program::{Ground, Room, Writer, Written};
use sheet::{Programs, Sheet};
use stretches::Stretches;
use survey::ThreadSurvey;

pub use error::PlanError;
pub use four::Four;
pub use layout::{Counts, Part, ThreadRow};
pub use op::{Kind, Op, Wide};
pub use options::{Order, Pace, PlanOptions};
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

/// Bytes of the plan that an event takes: most are one operation.
const EVENT_BYTES: u64 = size_of::<Op>() as u64;

/// Told how many events more are done; every event is done twice. Where it breaks, the plan is not wanted any more.
pub type Advance<'a> = &'a (dyn Fn(u64) -> ControlFlow<()> + Sync);

/// So much more is done.
fn tell(advance: Advance<'_>, events: u64) -> Result<(), PlanError> {
    match advance(events) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(PlanError::Unwanted),
    }
}

/// Most beats of a tape, about.
const MOST_BEATS: u64 = 512;

/// Fewest events of a beat: a thread that ends one beat and begins another may have to sleep between.
const BEAT_EVENTS: u64 = 4096;

/// And fewest for each thread that is there at the same time.
const THREAD_EVENTS: u64 = 32;

/// Events of a beat.
fn beat_events<S: ReadAt>(tape: &Tape<S>) -> u64 {
    let events = tape.totals().events;
    events
        .div_ceil(MOST_BEATS)
        .max(BEAT_EVENTS)
        .max(THREAD_EVENTS * threads_at_once(tape))
}

/// The most threads that are there at the same time, as the tape's index tells.
fn threads_at_once<S: ReadAt>(tape: &Tape<S>) -> u64 {
    let mut spans = vec![(u64::MAX, 0); tape.threads().len()];
    for chunk in tape.chunks() {
        if let Some((first, last)) = spans.get_mut(chunk.thread as usize) {
            *first = chunk.start_ns.min(*first);
            *last = chunk.end_ns.max(*last);
        }
    }
    spans.retain(|&(first, last)| first <= last);
    let mut starts: Vec<u64> = spans.iter().map(|&(first, _)| first).collect();
    let mut ends: Vec<u64> = spans.iter().map(|&(_, last)| last).collect();
    starts.sort_unstable();
    ends.sort_unstable();
    // At the start of each thread: those that have started, without those that had ended.
    let at = |(number, start): (usize, &u64)| number + 1 - ends.partition_point(|end| end < start);
    starts.iter().enumerate().map(at).max().unwrap_or(0) as u64
}

/// Makes the plan of a tape. `advance` hears how far that is.
///
/// # Errors
/// [`PlanError`]: an unreadable tape, or one whose order is not possible, with the thread and event where that shows;
/// [`PlanError::Unwanted`] soon after `advance` broke.
pub fn plan<S: ReadAt + Sync>(
    tape: &Tape<S>,
    options: &PlanOptions,
    advance: Advance<'_>,
) -> Result<Plan, PlanError> {
    let began = Instant::now();
    let folding = Folding::new(tape, options.workers());
    let paced = options.pace == Pace::Recorded;
    // Workers are all there all the time, and a pace holds threads together by itself.
    let beats = if folding.folded || paced || options.order != Order::Thread {
        Stretches::default()
    } else {
        Stretches::new(
            tape,
            options.beat_events.unwrap_or_else(|| beat_events(tape)),
        )
    };
    let survey::Survey { threads, crossings } = survey::survey(tape, &folding, &beats, advance)?;
    let crossings = Crossings::new(tape, crossings, &threads)?;
    tell(advance, 0)?;
    let in_memory = options.memory.unwrap_or_else(memory_for_plans);
    let windows = Stretches::new(tape, in_memory / (EVENT_BYTES * if paced { 2 } else { 1 }));
    let line = if folding.folded {
        timeline::of_workers(folding.threads.len(), windows.count())
    } else {
        timeline::timeline(&threads, windows.ends_ns())
    };
    let ground = Ground {
        tape,
        threads: &threads,
        folding: &folding,
        crossings: &crossings,
        windows: &windows,
        beats: &beats,
        began_ns: first_ns(&threads).unwrap_or(0),
    };
    let mut rows = rows(&ground, &line.lane_of);
    let ops = rows.iter().map(|row| row.ops).sum();
    let counts = Counts {
        threads: rows.len() as u64,
        timeline: line.steps.len() as u64,
        lanes: u64::from(line.lanes),
        wide: threads.iter().map(|t| t.wide).sum(),
        ops,
        shared: crossings.len() as u64,
        largest: threads.iter().map(|t| t.largest).max().unwrap_or(0),
        align_log2: threads
            .iter()
            .map(|t| u64::from(t.align_log2))
            .max()
            .unwrap_or(0),
        windows: windows.count() as u64,
        due: if paced { ops } else { 0 },
        parts: rows.iter().map(|row| row.parts).sum(),
        beats: beats.count() as u64,
        folded: u64::from(folding.folded),
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

    let file = file_for(offsets.end as u64, windows.count())?;
    let mut sheet = Sheet::new(&file, offsets, counts)?;
    let written = write_programs(&ground, &rows, &mut sheet, advance)?;

    let mut lane_slots = vec![0u32; line.lanes as usize];
    for (row, written) in rows.iter_mut().zip(&written) {
        row.slots = written.slots;
        if row.ops > 0 {
            let lane = &mut lane_slots[row.lane as usize];
            *lane = (*lane).max(row.slots);
        }
    }
    tell(advance, 0)?;
    if written.iter().any(|w| w.tied)
        && let Some(stuck) = circle::find(&rows, sheet.ops(), crossings.len(), advance)?
    {
        let block = crossings.block(stuck.slot as usize);
        let (thread, event) = locate::release(tape, block, 0)?;
        return Err(PlanError::Deadlock {
            thread,
            event,
            block,
        });
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

/// Half of the memory that the machine has available.
fn memory_for_plans() -> u64 {
    let available = std::fs::read_to_string("/proc/meminfo")
        .ok()
        .and_then(|text| {
            let line = text.lines().find_map(|l| l.strip_prefix("MemAvailable:"))?;
            line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()
        });
    available.map_or(u64::MAX, |kib| kib.saturating_mul(1024) / 2)
}

/// In memory where all of it may lie there, else on disk.
fn file_for(bytes: u64, windows: usize) -> Result<MemoryFile, PlanError> {
    if windows == 1 {
        return Ok(MemoryFile::new(c"heaptape-plan", bytes)?);
    }
    MemoryFile::on_disk(bytes).map_err(|error| PlanError::Disk {
        bytes,
        directory: std::env::temp_dir().display().to_string(),
        error,
    })
}

/// The time of the first event of any thread.
fn first_ns<'a>(threads: impl IntoIterator<Item = &'a ThreadSurvey>) -> Option<u64> {
    let with_events = threads.into_iter().filter(|t| !t.chunks.is_empty());
    with_events.map(|thread| thread.first_ns).min()
}

fn rows<S: ReadAt>(ground: &Ground<'_, S>, lane_of: &[u32]) -> Vec<ThreadRow> {
    let (mut first_op, mut first_part) = (0, 0);
    let one = |(number, threads): (usize, &Vec<u32>)| {
        let crossing = |&thread: &u32| ground.crossings.own(thread as usize).len() as u64;
        let surveys = || threads.iter().map(|&t| &ground.threads[t as usize]);
        let ops = program::program_len(surveys(), threads.iter().map(crossing).sum());
        let row = ThreadRow {
            first_op,
            ops,
            slots: 0,
            lane: lane_of[number],
            first_ns: first_ns(surveys()).unwrap_or(ground.began_ns) - ground.began_ns,
            first_part,
            // All beats of a worker are one.
            parts: if ground.folding.folded {
                u64::from(ops > 0)
            } else {
                surveys().map(|thread| thread.parts).sum()
            },
        };
        first_op += ops;
        first_part += row.parts;
        row
    };
    ground.folding.threads.iter().enumerate().map(one).collect()
}

/// All rows, each into its own part of the sheet; then the sizes of crossing blocks into the releases.
fn write_programs<S: ReadAt + Sync>(
    ground: &Ground<'_, S>,
    rows: &[ThreadRow],
    sheet: &mut Sheet,
    advance: Advance<'_>,
) -> Result<Vec<Written>, PlanError> {
    let Programs {
        mut ops,
        mut due,
        mut wide,
        mut ends,
        mut parts,
    } = sheet.programs();
    let mut first_wide = 0;
    let mut writers = Vec::with_capacity(rows.len());
    for (number, row) in rows.iter().enumerate() {
        let threads = &ground.folding.threads[number];
        let wides: u64 = threads
            .iter()
            .map(|&t| ground.threads[t as usize].wide)
            .sum();
        let due_len = if due.is_empty() { 0 } else { row.ops as usize };
        let room = Room {
            ops: ops.split_off_mut(..row.ops as usize).unwrap_or_default(),
            due: due.split_off_mut(..due_len).unwrap_or_default(),
            wide: wide.split_off_mut(..wides as usize).unwrap_or_default(),
            first_wide,
            ends: ends
                .split_off_mut(..ground.windows.count())
                .unwrap_or_default(),
            parts: parts
                .split_off_mut(..row.parts as usize)
                .unwrap_or_default(),
        };
        first_wide += wides;
        writers.push(Writer::new(ground, number, room));
    }
    let written = if ground.folding.folded {
        write_merged(ground, writers, advance)?
    } else {
        writers
            .into_par_iter()
            .enumerate()
            .map(|(thread, writer)| writer.write_thread(thread as u32, advance))
            .collect::<Result<Vec<_>, _>>()?
    };
    sheet
        .ops()
        .par_iter_mut()
        .filter(|op| op.shared() && !op.kind().is_some_and(Kind::makes))
        .for_each(|op| *op = op.with_size(ground.crossings.size(op.slot() as usize)));
    let (ops, fours) = sheet.ops_and_fours();
    ops.par_chunks(4)
        .zip(fours.par_iter_mut())
        .with_min_len(4096)
        .for_each(|(ops, four)| *four = Four::of(ops));
    Ok(written)
}

/// Folded: all events in their causal order, each to its worker.
fn write_merged<S: ReadAt>(
    ground: &Ground<'_, S>,
    mut writers: Vec<Writer<'_, S>>,
    advance: Advance<'_>,
) -> Result<Vec<Written>, PlanError> {
    const TELL: u64 = 4096;
    let mut told = 0;
    for event in ground.tape.merged() {
        let event = event?;
        let row = ground.folding.row_of[event.thread as usize];
        writers[row as usize].event(event.thread, &event.event)?;
        told += 1;
        if told == TELL {
            tell(advance, told)?;
            told = 0;
        }
    }
    tell(advance, told)?;
    Ok(writers.into_iter().map(Writer::finish).collect())
}
