//! What is on a tape: figures, distributions, and their picture in a terminal.

mod blocks;
mod collect;
mod columns;
mod histogram;
mod text;

#[cfg(test)]
mod tests;

pub use blocks::{BlockCell, Blocks};
pub use columns::Column;
pub use histogram::{Bucket, Histogram};

use serde::Serialize;
use trace_format::{Clock, Ending, ReadAt, Tape, TapeError};

/// All that `heaptape info` tells of a tape. Times are in nanoseconds, sizes in bytes as they were requested.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Info {
    /// The scenario or the program.
    pub name: String,
    /// Who made the tape.
    pub recorder: String,
    /// The command line that was recorded.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub command: Vec<String>,
    /// Sentences of the recorder.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// Process that was recorded; absent when it is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pid: Option<u64>,
    /// Wall clock at the tape's start, since 1970-01-01 UTC; absent when it is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_unix_ns: Option<u64>,
    /// What times are made of: `monotonic`, `cycle counter`, `order` or `unknown`.
    pub clock: &'static str,
    /// How the tape ended: `complete`, `died` or `salvaged`.
    pub ending: &'static str,
    /// Why, unless it is complete.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ending_reason: Option<String>,
    /// Bytes of the tape.
    pub tape_bytes: u64,
    /// Bytes of the tape by events; absent without events.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes_per_event: Option<f64>,
    /// The same by column; empty without events.
    pub columns: Vec<Column>,
    /// Chunks of the tape.
    pub chunks: u64,
    /// Chunks that `columns` was measured on: all, or 1,024 from all over the tape.
    pub chunks_weighed: u64,
    /// Events of all kinds.
    pub events: u64,
    /// Time of the last event.
    pub duration_ns: u64,
    /// Events by seconds; absent when there is no duration, or no clock but only an order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub events_per_second: Option<f64>,
    /// Events by kind.
    pub kinds: Kinds,
    /// Sum of all sizes that were requested and granted.
    pub requested_bytes: u64,
    /// Largest sum of the sizes of living blocks.
    pub peak_live_bytes: u64,
    /// When that was reached first.
    pub peak_live_ns: u64,
    /// Sum of the sizes of the blocks that live at the end.
    pub live_bytes_at_end: u64,
    /// Blocks that live at the end: leaked, or still in use when the recording stopped.
    pub live_blocks_at_end: u64,
    /// Sizes of those blocks.
    pub leaked_sizes: Histogram,
    /// Blocks released (freed, or resized by realloc) by another thread than their maker.
    pub remote_releases: u64,
    /// Their share of all releases of known blocks; absent without releases.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remote_share: Option<f64>,
    /// Sizes of granted requests.
    pub sizes: Histogram,
    /// Times from the making of a block to its release, in nanoseconds. A realloc ends one block and makes another.
    pub lifetimes: Histogram,
    /// Both together, with the blocks that live at the end.
    pub blocks: Blocks,
    /// The marks on the tape, in the order in which each was first set.
    pub marks: Vec<Mark>,
    /// The threads, by number.
    pub threads: Vec<Thread>,
}

/// How many events of each kind there are.
#[derive(Copy, Clone, PartialEq, Eq, Debug, Default, Serialize)]
#[expect(
    missing_docs,
    reason = "each is the number of events of the kind that it is named after"
)]
pub struct Kinds {
    pub malloc: u64,
    pub calloc: u64,
    pub aligned_malloc: u64,
    pub realloc: u64,
    pub realloc_unknown: u64,
    pub free: u64,
    pub free_unknown: u64,
    pub failed: u64,
    pub thread_start: u64,
    pub thread_end: u64,
    pub fork: u64,
    pub mark: u64,
}

/// A mark that the program set: a phase begins.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Mark {
    /// Its name.
    pub name: String,
    /// How often it was set.
    pub count: u64,
    /// When it was set first.
    pub first_ns: u64,
    /// When it was set last.
    pub last_ns: u64,
}

/// A thread of the tape.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Thread {
    /// Its name.
    pub name: String,
    /// The system's number; 0 when it is not known.
    pub os_tid: u64,
    /// Its events.
    pub events: u64,
    /// Blocks it made.
    pub allocations: u64,
    /// Time of its first event.
    pub start_ns: u64,
    /// Time of its last event.
    pub end_ns: u64,
    /// Whether its start is on the tape.
    pub started: bool,
    /// Whether its end is on the tape.
    pub ended: bool,
}

/// Reads all of a tape, threads in parallel.
///
/// # Errors
/// The first chunk that can't be read.
pub fn info<S: ReadAt + Sync>(tape: &Tape<S>) -> Result<Info, TapeError> {
    info_with_progress(tape, &|_, _| ())
}

/// As [`info`]; `progress` hears how many events are done, of how many.
///
/// # Errors
/// As [`info`].
pub fn info_with_progress<S: ReadAt + Sync>(
    tape: &Tape<S>,
    progress: &(dyn Fn(u64, u64) + Sync),
) -> Result<Info, TapeError> {
    let counted = collect::collect(tape, progress)?;
    let (columns, weighed) = columns::weigh(tape)?;
    let (header, totals) = (tape.header(), tape.totals());
    let share = |part: u64, whole: u64| (whole > 0).then(|| part as f64 / whole as f64);
    let (ending, ending_reason) = match tape.ending() {
        Ending::Complete => ("complete", None),
        Ending::Died { reason } => ("died", Some(reason.clone())),
        Ending::Salvaged { reason } => ("salvaged", Some(reason.clone())),
    };
    Ok(Info {
        name: header.name.clone(),
        recorder: header.recorder.clone(),
        command: header.command.clone(),
        notes: header.notes.clone(),
        pid: (header.pid != 0).then_some(header.pid),
        started_unix_ns: (header.started_unix_ns != 0).then_some(header.started_unix_ns),
        clock: match header.clock {
            Clock::Monotonic => "monotonic",
            Clock::CycleCounter => "cycle counter",
            Clock::Order => "order",
            Clock::Unknown => "unknown",
        },
        ending,
        ending_reason,
        tape_bytes: tape.len_bytes(),
        bytes_per_event: share(tape.len_bytes(), totals.events),
        columns,
        chunks: tape.chunks().len() as u64,
        chunks_weighed: weighed as u64,
        events: totals.events,
        duration_ns: totals.duration_ns,
        events_per_second: share(totals.events, totals.duration_ns)
            .filter(|_| header.clock != Clock::Order)
            .map(|per_ns| per_ns * 1e9),
        marks: counted.marks_by_time(tape.marks()),
        kinds: counted.kinds,
        requested_bytes: counted.requested_bytes,
        peak_live_bytes: totals.peak_live_bytes,
        peak_live_ns: totals.peak_live_ns,
        live_bytes_at_end: totals.live_bytes_at_end,
        live_blocks_at_end: totals.live_blocks_at_end,
        leaked_sizes: counted.leaked,
        remote_releases: counted.remote_releases,
        remote_share: share(counted.remote_releases, counted.releases),
        sizes: counted.sizes,
        lifetimes: counted.lifetimes,
        blocks: counted.blocks,
        threads: tape
            .threads()
            .iter()
            .map(|t| Thread {
                name: t.name.clone(),
                os_tid: t.os_tid,
                events: t.events,
                allocations: t.allocations,
                start_ns: t.start_ns,
                end_ns: t.end_ns,
                started: t.started,
                ended: t.ended,
            })
            .collect(),
    })
}
