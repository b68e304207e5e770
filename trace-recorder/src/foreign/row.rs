//! An event as a row of a table: the columns of CSV and Parquet.

use super::sink::Live;
use trace_format::{BlockId, EventKind, MergedEvent};

/// The columns, in order.
pub(super) const COLUMNS: [&str; 11] = [
    "time_ns",
    "thread",
    "event",
    "block_thread",
    "block_index",
    "old_thread",
    "old_index",
    "size",
    "alignment",
    "live_bytes",
    "detail",
];

/// A row.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Row {
    pub time_ns: u64,
    pub thread: u32,
    pub event: &'static str,
    /// The block that is made, or freed.
    pub block: Option<BlockId>,
    /// The block that a realloc takes.
    pub old: Option<BlockId>,
    pub size: Option<u64>,
    /// Bytes.
    pub alignment: Option<u64>,
    /// After the event.
    pub live_bytes: u64,
    pub detail: Detail,
}

/// What else there is to say.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub(super) enum Detail {
    Nothing,
    Child(u64),
    /// A mark, by the number of its name.
    Mark(u32),
}

impl Row {
    pub fn of(merged: &MergedEvent, live: Live) -> Row {
        let kind = merged.event.kind;
        let mut row = Row {
            time_ns: merged.event.time_ns,
            thread: merged.thread,
            event: name(&kind),
            block: merged.made,
            old: None,
            size: kind.size(),
            alignment: None,
            live_bytes: live.bytes,
            detail: Detail::Nothing,
        };
        match kind {
            EventKind::AlignedMalloc { align_log2, .. } => {
                row.alignment = 1u64.checked_shl(align_log2.into())
            }
            EventKind::Realloc { old, .. } => row.old = Some(old),
            EventKind::Free { block } => row.block = Some(block),
            EventKind::Fork { child_pid } => row.detail = Detail::Child(child_pid),
            EventKind::Mark { name } => row.detail = Detail::Mark(name),
            _ => {}
        }
        row
    }
}

/// The name of a kind of event, as `heaptape info --json` has it.
fn name(kind: &EventKind) -> &'static str {
    match kind {
        EventKind::Malloc { .. } => "malloc",
        EventKind::Calloc { .. } => "calloc",
        EventKind::AlignedMalloc { .. } => "aligned_malloc",
        EventKind::Realloc { .. } => "realloc",
        EventKind::ReallocUnknown { .. } => "realloc_unknown",
        EventKind::Free { .. } => "free",
        EventKind::FreeUnknown => "free_unknown",
        EventKind::Failed { .. } => "failed",
        EventKind::ThreadStart => "thread_start",
        EventKind::ThreadEnd => "thread_end",
        EventKind::Fork { .. } => "fork",
        EventKind::Mark { .. } => "mark",
    }
}
