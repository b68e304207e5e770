//! Going through a tape, many chunks at once.
//!
//! The tape is gone through in rounds of chunks that follow one another in time. Within a round each thread's own releases
//! find their blocks in a map of what this thread made and nobody has released. Releases of other threads' blocks are put
//! aside, and find theirs after the round, or after a later one if their block is not made yet. So no common order of all
//! events is needed, and memory is bounded by a round and by the blocks that live.

use super::{Blocks, Histogram, Kinds, Mark};
use crate::finish::address::AddressHasher;
use rayon::prelude::*;
use std::collections::HashMap;
use std::hash::BuildHasherDefault;
use std::sync::atomic::{AtomicU64, Ordering};
use trace_format::{BlockId, Event, EventKind, ReadAt, Scratch, Tape, TapeError, ThreadIndex};

/// Events of a round, roughly: 40 bytes each.
const ROUND: u64 = 2 << 20;

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
    /// Sizes of the blocks that live at the end.
    pub leaked: Histogram,
    pub blocks: Blocks,
    /// When marks were set, by the number of their name.
    pub marks: HashMap<u32, Moments>,
}

/// When a mark was set.
#[derive(Copy, Clone, Debug)]
pub(super) struct Moments {
    pub count: u64,
    pub first_ns: u64,
    pub last_ns: u64,
}

/// A block that lives: when it was made, and its size.
type Living = (u64, u64);

/// A thread's blocks that nobody has released yet, by their number.
type Open = HashMap<u64, Living, BuildHasherDefault<AddressHasher>>;

/// A release of another thread's block, and when.
type Elsewhere = (BlockId, u64);

#[derive(Default)]
struct OneThread {
    counted: Counted,
    made: u64,
    open: Open,
    elsewhere: Vec<Elsewhere>,
}

/// Chunks of one thread within a round, with the thread's state.
struct Work {
    thread: ThreadIndex,
    state: OneThread,
    /// Numbers of chunks, and then their events.
    chunks: Vec<usize>,
}

pub(super) fn collect<S: ReadAt + Sync>(
    tape: &Tape<S>,
    progress: &(dyn Fn(u64, u64) + Sync),
) -> Result<Counted, TapeError> {
    collect_in(tape, ROUND, progress)
}

/// [`collect`] in rounds of about `events` events.
pub(super) fn collect_in<S: ReadAt + Sync>(
    tape: &Tape<S>,
    events: u64,
    progress: &(dyn Fn(u64, u64) + Sync),
) -> Result<Counted, TapeError> {
    let done = AtomicU64::new(0);
    let total = tape.totals().events;
    progress(0, total);
    let mut threads: Vec<OneThread> = Vec::new();
    threads.resize_with(tape.threads().len(), OneThread::default);
    let mut all = Counted::default();
    let mut waiting: Vec<Elsewhere> = Vec::new();
    for round in rounds(tape, events) {
        let mut work = Vec::new();
        for &chunk in &round {
            let thread = tape.chunks()[chunk].thread;
            match places_of(&mut work, thread) {
                Some(work) => work.chunks.push(chunk),
                None => work.push(Work {
                    thread,
                    state: std::mem::take(&mut threads[thread as usize]),
                    chunks: vec![chunk],
                }),
            }
        }
        work.par_iter_mut()
            .try_for_each_init(Scratch::default, |scratch, work| {
                let events = work.run(tape, scratch)?;
                progress(done.fetch_add(events, Ordering::Relaxed) + events, total);
                Ok::<(), TapeError>(())
            })?;
        for mut it in work {
            waiting.append(&mut it.state.elsewhere);
            threads[it.thread as usize] = it.state;
        }
        waiting.retain(|&(block, released_ns)| {
            let Some(maker) = threads.get_mut(block.thread as usize) else {
                return false;
            };
            if let Some(living) = maker.open.remove(&block.index) {
                all.release(living, released_ns);
                return false;
            }
            block.index >= maker.made
        });
    }
    for one in &threads {
        all.merge(&one.counted);
        for &(_, size) in one.open.values() {
            all.leaked.add(size);
            all.blocks.add(size, None);
        }
    }
    Ok(all)
}

/// The work of a thread, if it is in the round already: chunks of one thread stand close together, and mostly last.
fn places_of(work: &mut [Work], thread: ThreadIndex) -> Option<&mut Work> {
    work.iter_mut().rev().find(|work| work.thread == thread)
}

/// All chunks by their first time, in rounds of at least `most` events.
fn rounds<S: ReadAt>(tape: &Tape<S>, most: u64) -> Vec<Vec<usize>> {
    let infos = tape.chunks();
    let mut order: Vec<usize> = (0..infos.len()).collect();
    // Stable: a thread's chunks keep their order, and their times do not descend.
    order.sort_by_key(|&chunk| infos[chunk].start_ns);
    let mut rounds = Vec::new();
    let (mut round, mut events) = (Vec::new(), 0);
    for chunk in order {
        round.push(chunk);
        events += u64::from(infos[chunk].events);
        if events >= most {
            rounds.push(std::mem::take(&mut round));
            events = 0;
        }
    }
    rounds.push(round);
    rounds
}

impl Work {
    /// Goes through the chunks; how many events they have.
    fn run<S: ReadAt>(&mut self, tape: &Tape<S>, scratch: &mut Scratch) -> Result<u64, TapeError> {
        let mut count = 0;
        for &chunk in &self.chunks {
            self.state.made = tape.chunks()[chunk].first_allocation;
            tape.decode_pieces(chunk, scratch, |events| {
                for event in events {
                    self.state.add(self.thread, event);
                }
                count += events.len() as u64;
            })?;
        }
        Ok(count)
    }
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
        if let EventKind::Mark { name } = event.kind {
            self.counted.mark(name, Moments::of(event.time_ns));
        }
        if let Some(block) = event.kind.releases() {
            self.counted.releases += 1;
            if block.thread != thread {
                self.counted.remote_releases += 1;
                self.elsewhere.push((block, event.time_ns));
            } else if let Some(living) = self.open.remove(&block.index) {
                self.counted.release(living, event.time_ns);
            }
        }
        if event.kind.makes_block() {
            let size = event.kind.size().unwrap_or(0);
            self.counted.sizes.add(size);
            self.counted.requested_bytes = self.counted.requested_bytes.saturating_add(size);
            self.open.insert(self.made, (event.time_ns, size));
            self.made += 1;
        }
    }
}

impl Moments {
    fn of(ns: u64) -> Moments {
        Moments {
            count: 1,
            first_ns: ns,
            last_ns: ns,
        }
    }
}

impl Counted {
    /// A block that was made then, and has this size, is gone.
    #[inline]
    fn release(&mut self, (made_ns, size): Living, released_ns: u64) {
        let lifetime = released_ns.saturating_sub(made_ns);
        self.lifetimes.add(lifetime);
        self.blocks.add(size, Some(lifetime));
    }

    fn mark(&mut self, name: u32, more: Moments) {
        let moments = self
            .marks
            .entry(name)
            .or_insert(Moments { count: 0, ..more });
        moments.count += more.count;
        moments.first_ns = moments.first_ns.min(more.first_ns);
        moments.last_ns = moments.last_ns.max(more.last_ns);
    }

    /// The marks in the order in which they were first set.
    pub fn marks_by_time(&self, names: &[String]) -> Vec<Mark> {
        let mut marks: Vec<Mark> = self
            .marks
            .iter()
            .map(|(&name, moments)| Mark {
                name: names.get(name as usize).cloned().unwrap_or_default(),
                count: moments.count,
                first_ns: moments.first_ns,
                last_ns: moments.last_ns,
            })
            .collect();
        marks.sort_by(|a, b| (a.first_ns, &a.name).cmp(&(b.first_ns, &b.name)));
        marks
    }

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
        self.blocks.merge(&other.blocks);
        for (&name, &moments) in &other.marks {
            self.mark(name, moments);
        }
    }
}
