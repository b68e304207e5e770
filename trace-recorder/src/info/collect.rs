//! Going through a tape, all threads at once.
//!
//! A thread's own releases find their blocks in a map of what this thread made and has not released. Releases by other
//! threads are put aside, and find theirs in what is left when all threads are done. So no common order of all events
//! is needed. Memory is bounded by the blocks that live or are released elsewhere, not by the events.

use super::{Histogram, Kinds};
use crate::finish::address::AddressHasher;
use rayon::prelude::*;
use std::collections::HashMap;
use std::hash::BuildHasherDefault;
use std::sync::atomic::{AtomicU64, Ordering};
use trace_format::{BlockId, Event, EventKind, ReadAt, Scratch, Tape, TapeError, ThreadIndex};

/// What all events come to.
#[derive(Default, Debug)]
pub(super) struct Counted {
    pub kinds: Kinds,
    pub requested_bytes: u64,
    /// Releases of known blocks, and those among them by another thread than the maker.
    pub releases: u64,
    pub remote_releases: u64,
    pub sizes: Histogram,
    pub lifetimes: Histogram,
}

/// When a thread's blocks were made that it has not released itself, by their number.
type Open = HashMap<u64, u64, BuildHasherDefault<AddressHasher>>;

#[derive(Default)]
struct OneThread {
    counted: Counted,
    made: u64,
    open: Open,
    /// Releases of other threads' blocks, and when.
    elsewhere: Vec<(BlockId, u64)>,
}

pub(super) fn collect<S: ReadAt + Sync>(
    tape: &Tape<S>,
    progress: &(dyn Fn(u64, u64) + Sync),
) -> Result<Counted, TapeError> {
    let done = AtomicU64::new(0);
    let total = tape.totals().events;
    progress(0, total);
    let threads = (0..tape.threads().len() as ThreadIndex)
        .into_par_iter()
        .map_init(Scratch::default, |scratch, thread| {
            let mut one = OneThread::default();
            let mut events = Vec::new();
            for &chunk in tape.chunks_of(thread) {
                one.made = tape.chunks()[chunk].first_allocation;
                tape.decode_into(chunk, scratch, &mut events)?;
                for event in &events {
                    one.add(thread, event);
                }
                let count = events.len() as u64;
                progress(done.fetch_add(count, Ordering::Relaxed) + count, total);
            }
            Ok(one)
        })
        .collect::<Result<Vec<OneThread>, TapeError>>()?;

    let mut all = Counted::default();
    for (block, released_ns) in threads.iter().flat_map(|one| &one.elsewhere) {
        let made_ns = threads
            .get(block.thread as usize)
            .and_then(|maker| maker.open.get(&block.index));
        if let Some(made_ns) = made_ns {
            all.lifetimes.add(released_ns.saturating_sub(*made_ns));
        }
    }
    for one in &threads {
        all.merge(&one.counted);
    }
    Ok(all)
}

impl OneThread {
    fn add(&mut self, thread: ThreadIndex, event: &Event) {
        let kinds = &mut self.counted.kinds;
        *match event.kind {
            EventKind::Malloc { .. } => &mut kinds.malloc,
            EventKind::Calloc { .. } => &mut kinds.calloc,
            EventKind::AlignedMalloc { .. } => &mut kinds.aligned_malloc,
            EventKind::Realloc { .. } => &mut kinds.realloc,
            EventKind::ReallocUnknown { .. } => &mut kinds.realloc_unknown,
            EventKind::Free { .. } => &mut kinds.free,
            EventKind::FreeUnknown => &mut kinds.free_unknown,
            EventKind::Failed { .. } => &mut kinds.failed,
            EventKind::ThreadStart => &mut kinds.thread_start,
            EventKind::ThreadEnd => &mut kinds.thread_end,
            EventKind::Fork { .. } => &mut kinds.fork,
            EventKind::Mark { .. } => &mut kinds.mark,
        } += 1;
        if let Some(block) = event.kind.releases() {
            self.counted.releases += 1;
            if block.thread != thread {
                self.counted.remote_releases += 1;
                self.elsewhere.push((block, event.time_ns));
            } else if let Some(made_ns) = self.open.remove(&block.index) {
                self.counted
                    .lifetimes
                    .add(event.time_ns.saturating_sub(made_ns));
            }
        }
        if event.kind.makes_block() {
            let size = event.kind.size().unwrap_or(0);
            self.counted.sizes.add(size);
            self.counted.requested_bytes = self.counted.requested_bytes.saturating_add(size);
            self.open.insert(self.made, event.time_ns);
            self.made += 1;
        }
    }
}

impl Counted {
    fn merge(&mut self, other: &Counted) {
        let (mine, theirs) = (&mut self.kinds, &other.kinds);
        for (mine, theirs) in [
            (&mut mine.malloc, theirs.malloc),
            (&mut mine.calloc, theirs.calloc),
            (&mut mine.aligned_malloc, theirs.aligned_malloc),
            (&mut mine.realloc, theirs.realloc),
            (&mut mine.realloc_unknown, theirs.realloc_unknown),
            (&mut mine.free, theirs.free),
            (&mut mine.free_unknown, theirs.free_unknown),
            (&mut mine.failed, theirs.failed),
            (&mut mine.thread_start, theirs.thread_start),
            (&mut mine.thread_end, theirs.thread_end),
            (&mut mine.fork, theirs.fork),
            (&mut mine.mark, theirs.mark),
        ] {
            *mine += theirs;
        }
        self.requested_bytes = self.requested_bytes.saturating_add(other.requested_bytes);
        self.releases += other.releases;
        self.remote_releases += other.remote_releases;
        self.sizes.merge(&other.sizes);
        self.lifetimes.merge(&other.lifetimes);
    }
}
