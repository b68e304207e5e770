//! How a heap stands: its counters, and what its bytes are used for.

use serde::Serialize;

use crate::error::SessionError;
use crate::replay::State;
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

/// How the chosen heap stands under the policy of each pane.
///
/// # Errors
/// No heap was chosen.
pub fn standings(session: &Session) -> Result<Vec<Standing>, SessionError> {
    session.view()?;
    let panes = session.panes().iter();
    Ok(panes.map(|view| standing(session, view)).collect())
}

fn standing(session: &Session, view: &View) -> Standing {
    let log = session.log();
    let (replay, stats) = (view.replay(), view.replay().stats());
    let position = session.position();
    let mut standing = Standing {
        position,
        time_ns: position
            .checked_sub(1)
            .and_then(|last| log.time_ns(last))
            .unwrap_or(0),
        heap: view.heap(),
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
        ..Standing::default()
    };
    // A free chunk and the part of it that was never handed out are one.
    let mut free = (0, 0);
    replay.walk(&mut |part| {
        let header = part.payload.saturating_sub(part.position);
        match part.state {
            State::Header => standing.header_bytes += part.bytes,
            State::InUse => standing.header_bytes += header,
            State::Cached => standing.header_bytes += header,
            State::Home => {
                standing.header_bytes += header;
                standing.home_bytes += part.bytes - header;
            }
            State::Free => {
                standing.free_bytes += part.bytes;
                standing.free_chunks += 1;
            }
            State::Fresh => {
                standing.fresh_bytes += part.bytes;
                // One that was never used at all is a free chunk of its own.
                standing.free_chunks += u64::from(free.1 != part.position);
            }
        }
        if matches!(part.state, State::Free | State::Fresh) {
            let joined = if free.1 == part.position { free.0 } else { 0 };
            free = (joined + part.bytes, part.position + part.bytes);
            standing.largest_free = standing.largest_free.max(free.0);
        }
    });
    standing
}
