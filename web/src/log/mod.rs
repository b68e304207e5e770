//! The tape's events in memory: columns over all threads in causal order, and for each heap the events that touch it.
//!
//! ```text
//! invariant: event e makes a block that f releases  <=>  released_by[e] = f and made_by[f] = e;  e < f
//! invariant: heap h's list has e  <=>  e makes a block on thread h, or releases one that thread h made
//! ```
//! About 23 bytes an event.

mod entry;

use crate::error::SessionError;
use crate::times::Times;
use entry::{What, describe};
use trace_format::{BlockId, Event};

pub use entry::{Entry, Kind};

/// No event.
pub const NONE: u32 = u32::MAX;

/// Most events that fit; event numbers are 32 bits wide and the browser's memory has an end.
pub const MAX_EVENTS: u64 = 60_000_000;

/// One heap's share of the log.
#[derive(Clone, Debug, Default)]
pub struct HeapEvents {
    /// The events that touch the heap, ascending.
    pub events: Vec<u32>,
    /// Bytes requested and not released, at the end of what is loaded.
    pub live_bytes: u64,
    /// The most there ever were of them.
    pub peak_live_bytes: u64,
}

/// All events.
#[derive(Debug, Default)]
pub struct Log {
    what: Vec<What>,
    thread: Vec<u32>,
    /// Bytes requested, number of a mark, or of a child process; [`NONE`] sends to `wide`.
    value: Vec<u32>,
    wide: Vec<(u32, u64)>,
    made_by: Vec<u32>,
    released_by: Vec<u32>,
    times: Times,
    heaps: Vec<HeapEvents>,
    /// For each thread the event that made its n-th block. Only needed while events are appended.
    makers: Vec<Vec<u32>>,
    live_bytes: u64,
}

impl Log {
    /// An empty log with room for `events` of `threads` threads.
    pub fn new(threads: usize, events: u64) -> Log {
        let room = usize::try_from(events.min(MAX_EVENTS)).unwrap_or(0);
        Log {
            what: Vec::with_capacity(room),
            thread: Vec::with_capacity(room),
            value: Vec::with_capacity(room),
            made_by: Vec::with_capacity(room),
            released_by: Vec::with_capacity(room),
            heaps: vec![HeapEvents::default(); threads],
            makers: vec![Vec::new(); threads],
            ..Log::default()
        }
    }

    /// Appends the next event in causal order.
    ///
    /// # Errors
    /// It releases a block that is not live, or the log is full.
    pub fn push(&mut self, thread: u32, event: &Event) -> Result<(), SessionError> {
        let number = self.len();
        if u64::from(number) >= MAX_EVENTS {
            return Err(SessionError::TooManyEvents {
                events: u64::from(number) + 1,
                most: MAX_EVENTS,
            });
        }
        let made_by = event
            .kind
            .releases()
            .map(|block| self.release(number, block))
            .transpose()?;
        let (what, value) = describe(&event.kind);
        if event.kind.makes_block() {
            self.make(number, thread, value);
        }
        self.touch(thread, made_by, event.kind.makes_block(), number);
        self.what.push(what);
        self.thread.push(thread);
        self.value.push(u32::try_from(value).unwrap_or(NONE));
        if value >= u64::from(NONE) {
            self.wide.push((number, value));
        }
        self.made_by.push(made_by.unwrap_or(NONE));
        self.released_by.push(NONE);
        self.times.push(event.time_ns);
        Ok(())
    }

    /// Marks a block as released by event `number`; returns the event that made it.
    fn release(&mut self, number: u32, block: BlockId) -> Result<u32, SessionError> {
        let not_live = SessionError::NotLive {
            event: u64::from(number),
            thread: block.thread,
            index: block.index,
        };
        let index = usize::try_from(block.index).unwrap_or(usize::MAX);
        let maker = self
            .makers
            .get(block.thread as usize)
            .and_then(|makers| makers.get(index))
            .copied();
        let Some(maker) = maker else {
            return Err(not_live);
        };
        match self.released_by.get_mut(maker as usize) {
            Some(slot) if *slot == NONE => *slot = number,
            _ => return Err(not_live),
        }
        let size = self.value_of(maker as usize);
        let heap = &mut self.heaps[block.thread as usize];
        heap.live_bytes = heap.live_bytes.saturating_sub(size);
        self.live_bytes = self.live_bytes.saturating_sub(size);
        Ok(maker)
    }

    fn make(&mut self, number: u32, thread: u32, size: u64) {
        self.grow(thread);
        self.makers[thread as usize].push(number);
        let heap = &mut self.heaps[thread as usize];
        heap.live_bytes = heap.live_bytes.saturating_add(size);
        heap.peak_live_bytes = heap.peak_live_bytes.max(heap.live_bytes);
        self.live_bytes = self.live_bytes.saturating_add(size);
    }

    fn touch(&mut self, thread: u32, made_by: Option<u32>, makes: bool, number: u32) {
        let owner = made_by.map(|maker| self.thread[maker as usize]);
        if let Some(owner) = owner {
            self.heaps[owner as usize].events.push(number);
        }
        if makes && owner != Some(thread) {
            self.grow(thread);
            self.heaps[thread as usize].events.push(number);
        }
    }

    fn grow(&mut self, thread: u32) {
        let threads = thread as usize + 1;
        if self.heaps.len() < threads {
            self.heaps.resize(threads, HeapEvents::default());
            self.makers.resize(threads, Vec::new());
        }
    }

    /// Gives back what only appending needs.
    pub fn close(&mut self) {
        self.makers = Vec::new();
    }

    /// How many events there are.
    pub fn len(&self) -> u32 {
        self.what.len() as u32
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.what.is_empty()
    }

    /// An event, or `None` beyond the last.
    pub fn get(&self, event: u32) -> Option<Entry> {
        let at = event as usize;
        let what = *self.what.get(at)?;
        let some = |number: u32| (number != NONE).then_some(number);
        Some(Entry {
            kind: what.kind,
            thread: self.thread[at],
            value: self.value_of(at),
            align: if what.kind == Kind::Aligned {
                1u64.checked_shl(u32::from(what.align_log2)).unwrap_or(0)
            } else {
                0
            },
            made_by: some(self.made_by[at]),
            released_by: some(self.released_by[at]),
        })
    }

    fn value_of(&self, at: usize) -> u64 {
        match self.value.get(at) {
            Some(&NONE) => {
                let found = self
                    .wide
                    .binary_search_by_key(&(at as u32), |&(event, _)| event);
                found
                    .ok()
                    .map_or(u64::from(NONE), |index| self.wide[index].1)
            }
            Some(&value) => u64::from(value),
            None => 0,
        }
    }

    /// Nanoseconds from the tape's start to an event.
    pub fn time_ns(&self, event: u32) -> Option<u64> {
        self.times.get(event as usize)
    }

    /// The first event at `ns` or later; the number of events if there is none.
    pub fn first_from(&self, ns: u64) -> u32 {
        self.times.first_from(ns) as u32
    }

    /// The heaps, by thread.
    pub fn heaps(&self) -> &[HeapEvents] {
        &self.heaps
    }

    /// The event after which a heap holds the most requested bytes, and how many; `None` for a heap without blocks.
    pub fn peak(&self, heap: u32) -> Option<(u32, u64)> {
        let (mut now, mut peak) = (0u64, None);
        for &event in &self.heaps.get(heap as usize)?.events {
            let entry = self.get(event)?;
            let released = entry
                .made_by
                .and_then(|maker| self.get(maker))
                .filter(|made| made.thread == heap);
            now = now.saturating_sub(released.map_or(0, |made| made.value));
            if entry.thread == heap && entry.makes_block() {
                now = now.saturating_add(entry.value);
            }
            if now > peak.map_or(0, |(_, most)| most) {
                peak = Some((event, now));
            }
        }
        peak
    }

    /// Bytes requested and not released, over all heaps, at the end of what is loaded.
    pub fn live_bytes(&self) -> u64 {
        self.live_bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use trace_format::EventKind;

    fn event(kind: EventKind) -> Event {
        Event { time_ns: 0, kind }
    }

    #[test]
    fn a_block_freed_by_another_thread_belongs_to_its_makers_heap() -> Result<(), SessionError> {
        let mut log = Log::new(2, 4);
        let block = BlockId {
            thread: 0,
            index: 0,
        };
        log.push(0, &event(EventKind::Malloc { size: 100 }))?;
        log.push(
            1,
            &event(EventKind::Realloc {
                old: block,
                size: 1 << 33,
            }),
        )?;
        log.push(
            0,
            &event(EventKind::Free {
                block: BlockId {
                    thread: 1,
                    index: 0,
                },
            }),
        )?;
        assert_eq!(log.heaps()[0].events, [0, 1]);
        assert_eq!(log.heaps()[1].events, [1, 2]);
        assert_eq!(log.heaps()[1].peak_live_bytes, 1 << 33);
        assert_eq!(log.live_bytes(), 0);
        let realloc = log.get(1);
        assert_eq!(
            realloc.map(|e| (e.value, e.made_by, e.released_by)),
            Some((1 << 33, Some(0), Some(2)))
        );
        assert_eq!(log.get(3), None);
        Ok(())
    }

    #[test]
    fn a_second_release_and_one_of_no_block_are_errors() -> Result<(), SessionError> {
        let mut log = Log::new(1, 4);
        let block = BlockId {
            thread: 0,
            index: 0,
        };
        log.push(0, &event(EventKind::Malloc { size: 8 }))?;
        log.push(0, &event(EventKind::Free { block }))?;
        for block in [
            block,
            BlockId {
                thread: 0,
                index: 1,
            },
            BlockId {
                thread: 9,
                index: 0,
            },
        ] {
            let twice = log.push(0, &event(EventKind::Free { block }));
            assert!(
                matches!(twice, Err(SessionError::NotLive { event: 2, .. })),
                "{block}"
            );
        }
        Ok(())
    }
}
