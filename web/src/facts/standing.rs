//! How a heap stands: its counters, and what its bytes are used for.

use serde::Serialize;

use crate::error::SessionError;
use crate::session::Session;
use crate::view::View;

/// The chosen heap as it stands, under one policy.
#[derive(Debug, Default, Serialize)]
#[allow(
    missing_docs,
    reason = "the fields of alloc_core::heap::HeapStats, explained there, and of Replay"
)]
pub struct Standing {
    /// Events of the tape that it has seen.
    pub position: u32,
    /// Time of the last of them.
    pub time_ns: u64,
    /// The thread whose heap it is.
    pub heap: u32,
    /// Whether that thread has ended.
    pub ended: bool,
    /// Events of its own that it has seen, and has in all.
    pub done: usize,
    pub of: usize,
    /// End of the used address space.
    pub top: u64,
    pub live_blocks: usize,
    pub requested_bytes: u64,
    pub refused: u64,
    pub alloc_calls: u64,
    pub free_calls: u64,
    pub current_bytes: u64,
    pub cached_bytes: u64,
    pub footprint_bytes: u64,
    pub arenas: u64,
    pub spans: u64,
    pub splits: u64,
    pub coalesces: u64,
    pub refills: u64,
    pub flushes: u64,
    pub arenas_made: u64,
    pub arenas_released: u64,
    /// Bytes that the program was given beyond what it asked for.
    pub rounding_bytes: u64,
    /// Free chunks that were used before, and the largest of them and of those that were not.
    pub free_bytes: u64,
    pub free_chunks: u64,
    pub largest_free: u64,
    /// Memory that was never handed out.
    pub fresh_bytes: u64,
    /// Small blocks that wait in their runs.
    pub home_bytes: u64,
    /// Headers, and what alignment leaves over.
    pub header_bytes: u64,
}

/// How the chosen heap stands under the policy of each pane. A `quick` answer takes what its bytes are used for from the last
/// look at it.
///
/// # Errors
/// No heap was chosen.
pub fn standings(session: &Session, quick: bool) -> Result<Vec<Standing>, SessionError> {
    session.view()?;
    let panes = session.panes().iter();
    Ok(panes.map(|view| standing(session, view, quick)).collect())
}

fn standing(session: &Session, view: &View, quick: bool) -> Standing {
    let log = session.log();
    let (replay, stats) = (view.replay(), view.replay().stats());
    let position = session.position();
    let glance = if quick {
        view.last_glance()
    } else {
        view.glance()
    };
    Standing {
        position,
        time_ns: position
            .checked_sub(1)
            .and_then(|last| log.time_ns(last))
            .unwrap_or(0),
        heap: view.heap(),
        ended: replay.ended(),
        done: view.done(),
        of: log
            .heaps()
            .get(view.heap() as usize)
            .map_or(0, |heap| heap.events.len()),
        top: replay.top(),
        live_blocks: replay.live_blocks(),
        requested_bytes: replay.requested(),
        refused: replay.refused(),
        alloc_calls: stats.alloc_calls,
        free_calls: stats.free_calls,
        current_bytes: stats.current_bytes,
        cached_bytes: stats.cached_bytes,
        footprint_bytes: stats.footprint_bytes,
        arenas: stats.arenas,
        spans: stats.spans,
        splits: stats.splits,
        coalesces: stats.coalesces,
        refills: stats.refills,
        flushes: stats.flushes,
        arenas_made: stats.arenas_made,
        arenas_released: stats.arenas_released,
        rounding_bytes: stats.current_bytes.saturating_sub(replay.requested()),
        free_bytes: glance.free_bytes,
        free_chunks: glance.free_chunks,
        largest_free: glance.largest_free,
        fresh_bytes: glance.fresh_bytes,
        home_bytes: glance.home_bytes,
        header_bytes: glance.header_bytes,
    }
}
