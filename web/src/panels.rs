//! What stands in a heap's lists, and what its arenas hold, as JSON.

use alloc_core::base::class::{BINS, CLASSES, payload_bytes};
use serde::Serialize;

use crate::error::SessionError;
use crate::log::Log;
use crate::overview;
use crate::replay::{Replay, State};
use crate::session::Session;

/// Entries of a list that are named.
const NAMED: usize = 24;

/// One bin of small blocks.
#[derive(Debug, Serialize)]
pub struct Bin {
    /// Its number.
    pub bin: usize,
    /// Bytes of a block that the program may use.
    pub payload_bytes: u64,
    /// Blocks of the program, blocks in the cache, the most that the cache takes, runs, and blocks that wait in runs.
    pub counts: (u64, u64, u64, u64, u64),
    /// The first blocks of the cache's list, the next to be handed out first: positions.
    pub cached: Vec<u64>,
}

/// The free chunks of one class.
#[derive(Debug, Serialize)]
pub struct Class {
    /// Its number.
    pub class: usize,
    /// How many there are, and their bytes.
    pub chunks: u64,
    /// Their bytes.
    pub bytes: u64,
    /// The first of the list, as position and bytes.
    pub first: Vec<(u64, u64)>,
}

/// One arena or span.
#[derive(Debug, Serialize)]
pub struct Region {
    /// Its number.
    pub number: u32,
    /// Where it begins.
    pub position: u64,
    /// Its bytes.
    pub bytes: u64,
    /// Whether it is an arena; else a span.
    pub arena: bool,
    /// Bytes of it in blocks of the program, headers included.
    pub used: u64,
}

/// The heap of one thread, about now.
#[derive(Debug, Serialize)]
pub struct ThreadNow {
    /// The thread.
    pub thread: usize,
    /// Arenas.
    pub arenas: u16,
    /// Bytes from the source.
    pub footprint: u64,
}

/// The lists of the chosen heap.
#[derive(Debug, Serialize)]
pub struct Lists {
    /// Bins that hold anything.
    pub bins: Vec<Bin>,
    /// Classes with free chunks, smallest first.
    pub classes: Vec<Class>,
    /// Arenas and spans, by their place.
    pub regions: Vec<Region>,
    /// Every heap that was replayed for the sum of all.
    pub threads: Vec<ThreadNow>,
}

/// The lists of the chosen heap under the policy of `pane`.
///
/// # Errors
/// No heap was chosen.
pub fn lists(session: &Session, pane: usize) -> Result<Lists, SessionError> {
    let view = session.panes().get(pane).ok_or(SessionError::NoHeap)?;
    let replay = view.replay();
    let bins = (1..BINS).filter_map(|bin| {
        let counts = replay.bin(bin);
        (counts.in_use + counts.cached + counts.runs > 0).then(|| Bin {
            bin,
            payload_bytes: payload_bytes(bin),
            counts: (
                counts.in_use,
                counts.cached,
                counts.limit,
                counts.runs,
                counts.home,
            ),
            cached: replay.cached_blocks(bin, NAMED),
        })
    });
    let classes = (0..CLASSES).filter_map(|class| {
        let (chunks, bytes, first) = replay.free_list(class, NAMED);
        (chunks > 0).then_some(Class {
            class,
            chunks,
            bytes,
            first,
        })
    });
    let (first, end) = session.range();
    let share = f64::from(session.position() - first) / f64::from((end - first).max(1));
    let threads = session
        .courses()
        .iter()
        .enumerate()
        .map(|(thread, course)| {
            let (arenas, footprint) = course.at(share);
            ThreadNow {
                thread,
                arenas,
                footprint,
            }
        });
    Ok(Lists {
        bins: bins.collect(),
        classes: classes.collect(),
        regions: regions(replay),
        threads: threads.collect(),
    })
}

/// The arenas and spans of a heap, by their place.
pub fn regions(replay: &Replay) -> Vec<Region> {
    let arenas = replay.stats().arenas;
    let mut regions: Vec<Region> = Vec::new();
    replay.walk(&mut |part| {
        if regions.last().is_none_or(|last| last.number != part.region) {
            regions.push(Region {
                number: part.region,
                position: part.region_position,
                bytes: 0,
                arena: u64::from(part.region) < arenas,
                used: 0,
            });
        }
        if let Some(last) = regions.last_mut() {
            last.bytes += part.bytes;
            if part.state == State::InUse {
                last.used += part.bytes;
            }
        }
    });
    regions.sort_unstable_by_key(|region| region.position);
    regions
}

/// The peak of the log's live bytes over all threads, as a position.
pub fn peak_of_all(session: &Session) -> u32 {
    let (log, timeline): (&Log, _) = (session.log(), session.timeline());
    let most = timeline
        .live()
        .iter()
        .enumerate()
        .max_by_key(|(_, live)| **live);
    let bucket = most.map_or(0, |(bucket, _)| bucket as u32);
    let about = overview::event_at(session.tape(), session.tape().totals().peak_live_ns);
    let from = log.first() + bucket * timeline.width();
    // The whole tape's own peak, where it lies in that bucket.
    let exact = log.first_from(session.tape().totals().peak_live_ns);
    if (from..=from + timeline.width()).contains(&exact) {
        (exact + 1).min(log.end())
    } else {
        from.max(
            u32::try_from(about)
                .unwrap_or(0)
                .min(from + timeline.width()),
        )
        .min(log.end())
    }
}
