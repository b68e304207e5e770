//! What stands in a heap's lists, and what its arenas hold, as JSON.

use alloc_core::base::class::{BINS, CLASSES, payload_bytes};
use serde::Serialize;

use crate::error::SessionError;
use crate::glance::Region;
use crate::log::Log;
use crate::overview;
use crate::replay::Replay;
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

/// One of the lists of the chosen heap.
#[derive(Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum List {
    /// Bins that hold anything.
    Bins(Vec<Bin>),
    /// Classes with free chunks, smallest first.
    Free(Vec<Class>),
    /// Arenas and spans, by their place.
    Arenas(Vec<Region>),
    /// Every heap that was replayed for the sum of all.
    Threads(Vec<ThreadNow>),
}

/// The list of this name for the chosen heap under the policy of `pane`; `None` where there is none of this name.
///
/// # Errors
/// No heap was chosen.
pub fn list(session: &Session, pane: usize, name: &str) -> Result<Option<List>, SessionError> {
    let view = session.panes().get(pane).ok_or(SessionError::NoHeap)?;
    Ok(match name {
        "bins" => Some(List::Bins(bins(view.replay()))),
        "free" => Some(List::Free(classes(view.replay()))),
        "arenas" => Some(List::Arenas(view.glance().regions.clone())),
        "threads" => Some(List::Threads(threads(session))),
        _ => None,
    })
}

fn bins(replay: &Replay) -> Vec<Bin> {
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
    bins.collect()
}

fn classes(replay: &Replay) -> Vec<Class> {
    let classes = (0..CLASSES).filter_map(|class| {
        let (chunks, bytes, first) = replay.free_list(class, NAMED);
        (chunks > 0).then_some(Class {
            class,
            chunks,
            bytes,
            first,
        })
    });
    classes.collect()
}

fn threads(session: &Session) -> Vec<ThreadNow> {
    let (first, end) = session.range();
    let share = f64::from(session.position() - first) / f64::from((end - first).max(1));
    let courses = session.courses().iter().enumerate();
    let now = courses.map(|(thread, course)| {
        let (arenas, footprint) = course.at(share);
        ThreadNow {
            thread,
            arenas,
            footprint,
        }
    });
    now.collect()
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
    let width = timeline.buckets().width();
    let from = log.first() + bucket * width;
    // The whole tape's own peak, where it lies in that bucket.
    let exact = log.first_from(session.tape().totals().peak_live_ns);
    if (from..=from + width).contains(&exact) {
        (exact + 1).min(log.end())
    } else {
        from.max(u32::try_from(about).unwrap_or(0).min(from + width))
            .min(log.end())
    }
}
