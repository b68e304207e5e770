//! The tape's events in memory, from a first to a last one: over all threads in causal order, and for each heap
//! the events that touch it.
//!
//! ```text
//! invariant: event e makes a block that f releases  <=>  released_by(e) = f and made_by(f) = e;  e < f
//! invariant: heap h's list has e  <=>  e makes a block on thread h, releases one that thread h made, or ends thread h
//! invariant: moved holds the reallocs of known blocks, ascending
//! ```
//! About 20 bytes an event. Events have the numbers that they have on the whole tape.

mod append;
mod before;
mod entry;

use crate::times::Times;
use before::Before;
use entry::What;
use serde::Serialize;
use trace_format::ThreadInfo;

pub use entry::{Entry, Kind};

/// No event.
pub const NONE: u32 = u32::MAX;

/// Most events that are kept; the browser's memory has an end.
pub const MAX_KEPT: u32 = 16_000_000;

/// Most refused requests that are listed.
const MAX_FAILURES: usize = 100_000;

/// One heap's share of the log.
#[derive(Clone, Debug, Default)]
pub struct HeapEvents {
    /// The events that touch the heap, ascending.
    pub events: Vec<u32>,
    /// Bytes requested and not released, at the end of what is loaded.
    pub live_bytes: u64,
    /// Blocks not released, likewise.
    pub live_blocks: u64,
    /// The most there ever were of the bytes, since the tape's start.
    pub peak_live_bytes: u64,
    /// The most there ever were of the blocks.
    pub peak_live_blocks: u64,
    /// The event of the log after which there were the most of them, and how many; `None` if it makes no block.
    pub peak: Option<(u32, u64)>,
    /// Where the thread ended, if it did so far.
    pub end: Option<Ended>,
}

/// How a thread ended, and what it left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Ended {
    /// The event that is its end.
    pub event: u32,
    /// When that was, in nanoseconds since the tape's start.
    pub time_ns: u64,
    /// Blocks of its heap that were live then: others release them, or nobody.
    pub blocks: u64,
    /// The bytes that had been asked for them.
    pub bytes: u64,
}

/// Where blocks of one thread are found while events are appended.
#[derive(Clone, Debug, Default)]
struct Makers {
    /// The index of the thread's first block that the log makes.
    first: u64,
    /// For each block from there on the event that made it.
    events: Vec<u32>,
}

/// An event. One row and not three columns, since what is looked up is mostly far away, and all of it is wanted.
#[derive(Clone, Copy, Debug)]
struct Row {
    what: What,
    /// Bytes requested, for a free those of the block that goes, number of a mark, or of a child process; [`NONE`] sends to `wide`.
    value: u32,
    /// For what makes a block: the event that releases it. For a free: the event that made it.
    link: u32,
}

/// Events `first..end` of a tape.
#[derive(Debug, Default)]
pub struct Log {
    first: u32,
    /// Events seen: those before the first, and those kept.
    seen: u32,
    rows: Vec<Row>,
    /// The numbers that are too large for a row.
    wide: Vec<(u32, u64)>,
    /// For a realloc: the event that made the old block.
    moved: Vec<(u32, u32)>,
    times: Times,
    heaps: Vec<HeapEvents>,
    makers: Vec<Makers>,
    before: Before,
    failures: Vec<u32>,
    live_bytes: u64,
    live_blocks: u64,
    /// On a tape with gaps a release may be of a block whose making is lost.
    gaps: bool,
}

impl Log {
    /// An empty log with room for `events` events of these threads, that begins at event `first`.
    pub fn new(threads: &[ThreadInfo], first: u32, events: u32, gaps: bool) -> Log {
        let room = events.min(MAX_KEPT) as usize;
        let total: u64 = threads.iter().map(|thread| thread.events).sum();
        // A thread's share of the log is about its share of the tape; lists that turn out longer grow.
        let share = |of: u64| (of as f64 * room as f64 / (total.max(1)) as f64) as usize;
        Log {
            first,
            rows: Vec::with_capacity(room),
            times: Times::with_room(room),
            heaps: (threads.iter())
                .map(|thread| HeapEvents {
                    events: Vec::with_capacity(share(thread.events)),
                    ..HeapEvents::default()
                })
                .collect(),
            makers: (threads.iter())
                .map(|thread| Makers {
                    first: 0,
                    events: Vec::with_capacity(share(thread.allocations)),
                })
                .collect(),
            gaps,
            ..Log::default()
        }
    }

    /// The first event that is kept.
    pub fn first(&self) -> u32 {
        self.first
    }

    /// Behind the last event that was seen.
    pub fn end(&self) -> u32 {
        self.seen
    }

    /// How many events are kept.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// An event that is kept, or one before that made a block which then still lived; `None` for all others.
    pub fn get(&self, event: u32) -> Option<Entry> {
        let some = |number: u32| (number != NONE).then_some(number);
        let Some(at) = event.checked_sub(self.first) else {
            let made = self.before.get(event)?;
            return Some(Entry {
                kind: made.what.kind(),
                thread: made.what.thread(),
                value: made.size,
                align: made.what.align(),
                made_by: None,
                released_by: some(made.released_by),
            });
        };
        let at = at as usize;
        let Row { what, link, .. } = *self.rows.get(at)?;
        let kind = what.kind();
        let made_by = match kind {
            Kind::Free => some(link),
            Kind::Realloc => {
                let found = self.moved.binary_search_by_key(&event, |&(event, _)| event);
                found.ok().map(|index| self.moved[index].1)
            }
            _ => None,
        };
        Some(Entry {
            kind,
            thread: what.thread(),
            value: self.value_of(at),
            align: what.align(),
            made_by,
            released_by: if kind.makes_block() { some(link) } else { None },
        })
    }

    /// For a kept free the event that made the block, and its bytes. Cheaper than [`get`](Self::get).
    #[inline]
    pub fn freed(&self, event: u32) -> Option<(u32, u64)> {
        let at = event.checked_sub(self.first)? as usize;
        let row = self.rows.get(at)?;
        if row.what.kind() != Kind::Free {
            return None;
        }
        let size = match row.value {
            NONE => self.value_of(at),
            value => u64::from(value),
        };
        Some((row.link, size))
    }

    /// Thread and bytes requested of an event that makes a block. Cheaper than [`get`](Self::get).
    pub fn made(&self, event: u32) -> Option<(u32, u64)> {
        match event.checked_sub(self.first) {
            Some(at) => {
                let row = self.rows.get(at as usize)?;
                Some((row.what.thread(), self.value_of(at as usize)))
            }
            None => (self.before.get(event)).map(|made| (made.what.thread(), made.size)),
        }
    }

    /// The thread of the event that releases what `event` made, as far as the log goes.
    pub fn releaser(&self, event: u32) -> Option<u32> {
        let by = match event.checked_sub(self.first) {
            Some(at) => self.rows.get(at as usize)?.link,
            None => self.before.get(event)?.released_by,
        };
        let at = by.checked_sub(self.first)?;
        self.rows.get(at as usize).map(|row| row.what.thread())
    }

    fn value_of(&self, at: usize) -> u64 {
        match self.rows.get(at).map(|row| row.value) {
            Some(NONE) => {
                let number = self.first.saturating_add(at as u32);
                let found = self.wide.binary_search_by_key(&number, |&(event, _)| event);
                found
                    .ok()
                    .map_or(u64::from(NONE), |index| self.wide[index].1)
            }
            Some(value) => u64::from(value),
            None => 0,
        }
    }

    /// Nanoseconds from the tape's start to an event.
    pub fn time_ns(&self, event: u32) -> Option<u64> {
        match event.checked_sub(self.first) {
            Some(at) => self.times.get(at as usize),
            None => self.before.get(event).map(|made| made.time_ns),
        }
    }

    /// The first kept event at `ns` or later; the end if there is none.
    pub fn first_from(&self, ns: u64) -> u32 {
        self.first.saturating_add(self.times.first_from(ns) as u32)
    }

    /// The heaps, by thread.
    pub fn heaps(&self) -> &[HeapEvents] {
        &self.heaps
    }

    /// The kept events that are refused requests, as far as they are listed.
    pub fn failures(&self) -> &[u32] {
        &self.failures
    }

    /// Bytes requested and not released, over all heaps, at the end of what is loaded.
    pub fn live_bytes(&self) -> u64 {
        self.live_bytes
    }

    /// Blocks not released, likewise.
    pub fn live_blocks(&self) -> u64 {
        self.live_blocks
    }
}

#[cfg(test)]
mod tests;
