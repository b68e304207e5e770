//! Events of many threads, as they come, into chunks of one thread each.

use rayon::prelude::*;
use std::io::Write;
use trace_format::{
    BlockId, EncodedChunk, Event, MAX_CHUNK_EVENTS, MAX_THREADS, TapeError, TapeWriter,
    ThreadIndex, encode_chunk,
};

/// Most events that wait for their chunk to be full, of all threads together: 32 bytes each.
const WAITING: usize = 4 << 20;

/// Collects events and hands out full chunks.
#[derive(Debug)]
pub(super) struct Weave {
    threads: Vec<Thread>,
    /// Chunks that are complete, in the order in which each thread's must be written.
    full: Vec<Ready>,
    waiting: usize,
    most_waiting: usize,
}

#[derive(Default, Debug)]
struct Thread {
    events: Vec<Event>,
    /// Events and blocks before those in `events`.
    first_event: u64,
    first_allocation: u64,
    /// Blocks made so far.
    made: u64,
}

#[derive(Debug)]
struct Ready {
    thread: ThreadIndex,
    first_event: u64,
    first_allocation: u64,
    events: Vec<Event>,
}

impl Default for Weave {
    fn default() -> Self {
        Weave {
            threads: Vec::new(),
            full: Vec::new(),
            waiting: 0,
            most_waiting: WAITING,
        }
    }
}

impl Weave {
    /// A new thread; `None` when a tape has no room for more.
    pub fn thread(&mut self) -> Option<ThreadIndex> {
        let number = u32::try_from(self.threads.len()).ok()?;
        (number < MAX_THREADS).then(|| self.threads.push(Thread::default()))?;
        Some(number)
    }

    /// How many threads there are.
    pub fn threads(&self) -> u32 {
        self.threads.len() as u32
    }

    /// Appends an event; the name of the block that it makes.
    pub fn push(&mut self, thread: ThreadIndex, event: Event) -> Option<BlockId> {
        let one = self.threads.get_mut(thread as usize)?;
        one.events.push(event);
        self.waiting += 1;
        let made = event.kind.makes_block().then_some(BlockId {
            thread,
            index: one.made,
        });
        one.made += u64::from(made.is_some());
        if one.events.len() == MAX_CHUNK_EVENTS as usize {
            self.cut(thread);
        } else if self.waiting > self.most_waiting {
            self.relieve();
        }
        made
    }

    /// Makes a chunk of what the thread has.
    fn cut(&mut self, thread: ThreadIndex) {
        let Some(one) = self.threads.get_mut(thread as usize) else {
            return;
        };
        let events = std::mem::take(&mut one.events);
        if events.is_empty() {
            return;
        }
        self.waiting -= events.len();
        let ready = Ready {
            thread,
            first_event: one.first_event,
            first_allocation: one.first_allocation,
            events,
        };
        one.first_event += ready.events.len() as u64;
        one.first_allocation = one.made;
        self.full.push(ready);
    }

    /// Cuts the longest threads, until half of the budget is free.
    fn relieve(&mut self) {
        let mut longest: Vec<(usize, ThreadIndex)> = (0u32..)
            .zip(&self.threads)
            .map(|(number, one)| (one.events.len(), number))
            .collect();
        longest.sort_unstable_by(|a, b| b.cmp(a));
        for (_, thread) in longest {
            if self.waiting <= self.most_waiting / 2 {
                break;
            }
            self.cut(thread);
        }
    }

    /// Encodes what is complete on all cores, and writes it.
    pub fn write_full<W: Write>(&mut self, writer: &mut TapeWriter<W>) -> Result<(), TapeError> {
        let encoded: Vec<EncodedChunk> = std::mem::take(&mut self.full)
            .into_par_iter()
            .map(|it| encode_chunk(it.thread, it.first_allocation, it.first_event, &it.events))
            .collect::<Result<_, TapeError>>()?;
        encoded
            .into_iter()
            .try_for_each(|chunk| writer.write_encoded(chunk))
    }

    /// Writes all that is left.
    pub fn write_rest<W: Write>(&mut self, writer: &mut TapeWriter<W>) -> Result<(), TapeError> {
        for thread in 0..self.threads() {
            self.cut(thread);
        }
        self.write_full(writer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use trace_format::{Clock, Ending, EventKind, Header, LiveTotals, Tape};

    #[test]
    fn many_threads_keep_to_the_budget_and_lose_nothing() {
        let header = Header {
            recorder: "test".into(),
            name: String::new(),
            command: vec![],
            pid: 0,
            started_unix_ns: 0,
            clock: Clock::Order,
            page_size: 0,
            pointer_width: 0,
            notes: vec![],
        };
        let mut writer = TapeWriter::new(Vec::new(), &header).unwrap();
        let mut weave = Weave {
            most_waiting: 1000,
            ..Weave::default()
        };
        for _ in 0..50 {
            weave.thread().unwrap();
        }
        for time_ns in 0..10_000u64 {
            let kind = EventKind::Malloc { size: time_ns };
            weave.push((time_ns * time_ns % 50) as u32, Event { time_ns, kind });
            assert!(weave.waiting <= 1000);
            if time_ns % 777 == 0 {
                weave.write_full(&mut writer).unwrap();
            }
        }
        weave.write_rest(&mut writer).unwrap();
        let bytes = writer
            .finish(Ending::Complete, LiveTotals::default())
            .unwrap();
        let tape = Tape::open(bytes).unwrap();
        let sizes: Vec<_> = tape
            .merged()
            .map(|m| m.unwrap().event.kind.size().unwrap())
            .collect();
        assert_eq!(sizes, (0..10_000).collect::<Vec<_>>());
    }
}
