//! From events to a chunk's payload.

use crate::columns::{Columns, Numbers, WIDE, zigzag};
use crate::counts::ChunkCounts;
use crate::error::TapeError;
use crate::event::{BlockId, Event, EventKind, ThreadIndex};
use crate::histogram::histogram;
use crate::opcode;
use crate::{MAX_CHUNK_EVENTS, MAX_MARKS, MAX_THREADS};
use std::collections::HashMap;

/// A chunk's events in columns.
pub(crate) struct Encoded {
    pub payload: Vec<u8>,
    /// Where in the payload a column ends and one of another nature begins.
    pub cuts: Vec<usize>,
    pub counts: ChunkCounts,
}

/// The columns of one thread's chunks, as they are filled: one chunk after the other.
#[derive(Debug)]
pub(crate) struct Builder {
    thread: ThreadIndex,
    /// Blocks the thread has made so far.
    pub allocations: u64,
    /// Times of the chunk's first event and of its last one so far.
    pub start_ns: u64,
    pub end_ns: u64,
    pub out: Columns,
    /// The number in `owners` of a thread.
    ordinals: HashMap<ThreadIndex, u32>,
    /// For each of `owners` the index of its block that was released last.
    last_index: Vec<u64>,
}

/// Events that are laid out before they go to the columns together.
const STAGE: usize = 256;

/// The newest numbers of a column: they cost a store each, and no look at the column's room.
struct Fresh {
    low: [u8; STAGE],
    high: [u8; STAGE],
    len: usize,
}

impl Fresh {
    const NONE: Fresh = Fresh {
        low: [0; STAGE],
        high: [0; STAGE],
        len: 0,
    };

    #[inline(always)]
    fn push(&mut self, number: u64, column: &mut Numbers) {
        let at = self.len % STAGE;
        self.len += 1;
        let high = number >> 8;
        self.low[at] = number as u8;
        self.high[at] = if high < u64::from(WIDE) {
            high as u8
        } else {
            column.wide.push(high);
            WIDE
        };
    }

    fn flush(&mut self, column: &mut Numbers) {
        column.low.extend_from_slice(&self.low[..self.len]);
        column.high.extend_from_slice(&self.high[..self.len]);
        self.len = 0;
    }
}

/// The newest events of a builder, on their way to its columns.
pub(crate) struct Stage {
    opcodes: [u8; STAGE],
    len: usize,
    /// How many may be here before they must go on; 0 when the chunk is full.
    most: usize,
    times: Fresh,
    sizes: Fresh,
    ages: Fresh,
}

impl Builder {
    /// An empty chunk of `thread`, which has made `allocations` blocks before.
    pub fn new(thread: ThreadIndex, allocations: u64) -> Builder {
        Builder {
            thread,
            allocations,
            start_ns: 0,
            end_ns: 0,
            out: Columns::default(),
            ordinals: HashMap::new(),
            last_index: Vec::new(),
        }
    }

    /// Events in the chunk.
    pub fn len(&self) -> usize {
        self.out.opcodes.len()
    }

    /// Makes room for `events` events.
    pub fn reserve(&mut self, events: usize) {
        self.out.opcodes.reserve_exact(events);
        self.out.times.low.reserve_exact(events);
        self.out.times.high.reserve_exact(events);
    }

    /// Encodes the chunk, and begins the thread's next one.
    pub fn encode(&mut self) -> Result<Encoded, TapeError> {
        let cuts = self.out.ends();
        // Behind the last cut stands a list that mostly is empty.
        let len = cuts.last().map_or(0, |end| end + 16);
        let payload = crate::payload::encode(&self.out, len, "the payload of a chunk")?;
        let counts = histogram(&self.out.opcodes);
        let mut known = [0u64; opcode::COUNT];
        known.copy_from_slice(&counts[..opcode::COUNT]);
        self.out.clear();
        self.ordinals.clear();
        self.last_index.clear();
        Ok(Encoded {
            payload,
            cuts,
            counts: ChunkCounts::of(&known),
        })
    }

    #[cold]
    fn release_of_another(&mut self, block: BlockId) -> Result<(), &'static str> {
        if block.thread >= MAX_THREADS {
            return Err("it releases a block of a thread whose number is out of range");
        }
        let next = self.out.owners.len() as u32;
        let ordinal = *self.ordinals.entry(block.thread).or_insert(next);
        if ordinal == next {
            self.out.owners.push(block.thread);
            self.last_index.push(0);
        }
        let last = &mut self.last_index[ordinal as usize];
        self.out.remote_owners.push(u64::from(ordinal));
        self.out.remote_indices.push(zigzag(*last, block.index));
        *last = block.index;
        Ok(())
    }
}

impl Stage {
    /// Empty, on the way to `into`.
    pub fn new(into: &Builder) -> Stage {
        let mut stage = Stage {
            opcodes: [0; STAGE],
            len: 0,
            most: 0,
            times: Fresh::NONE,
            sizes: Fresh::NONE,
            ages: Fresh::NONE,
        };
        stage.look_at_room(into);
        stage
    }

    fn look_at_room(&mut self, into: &Builder) {
        self.most = STAGE.min((MAX_CHUNK_EVENTS as usize).saturating_sub(into.len()));
    }

    /// Whether the chunk has as many events as one may have.
    #[inline(always)]
    pub fn is_full(&self) -> bool {
        self.most == 0
    }

    /// Events here.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Appends an event to a chunk that is not full. If it is refused, the chunk must not be used any more.
    #[inline(always)]
    pub fn push(&mut self, into: &mut Builder, event: &Event) -> Result<(), &'static str> {
        if self.len == 0 && into.out.opcodes.is_empty() {
            (into.start_ns, into.end_ns) = (event.time_ns, event.time_ns);
        }
        let delta = event
            .time_ns
            .checked_sub(into.end_ns)
            .ok_or("its time is before that of the event before")?;
        into.end_ns = event.time_ns;
        let code = self.push_kind(into, &event.kind)?;
        self.times.push(delta, &mut into.out.times);
        self.opcodes[self.len % STAGE] = code;
        self.len += 1;
        if self.len >= self.most {
            self.flush(into);
        }
        Ok(())
    }

    /// Moves all to the columns.
    #[inline(never)]
    pub fn flush(&mut self, into: &mut Builder) {
        let out = &mut into.out;
        out.opcodes.extend_from_slice(&self.opcodes[..self.len]);
        self.times.flush(&mut out.times);
        self.sizes.flush(&mut out.sizes);
        self.ages.flush(&mut out.ages);
        self.len = 0;
        self.look_at_room(into);
    }

    /// Appends what the event says besides its time, and returns its opcode.
    #[inline(always)]
    fn push_kind(&mut self, into: &mut Builder, kind: &EventKind) -> Result<u8, &'static str> {
        Ok(match *kind {
            EventKind::Malloc { size } => {
                self.make(into, size);
                opcode::MALLOC
            }
            EventKind::Free { block } => {
                if self.release(into, block)? {
                    opcode::FREE_OWN
                } else {
                    opcode::FREE_REMOTE
                }
            }
            EventKind::Calloc { size } => {
                self.make(into, size);
                opcode::CALLOC
            }
            EventKind::AlignedMalloc { size, align_log2 } => {
                if align_log2 > 63 {
                    return Err("its alignment is above 2^63");
                }
                into.out.aligns.push(align_log2);
                self.make(into, size);
                opcode::ALIGNED_MALLOC
            }
            EventKind::Realloc { old, size } => {
                let own = self.release(into, old)?;
                self.make(into, size);
                if own {
                    opcode::REALLOC_OWN
                } else {
                    opcode::REALLOC_REMOTE
                }
            }
            EventKind::ReallocUnknown { size } => {
                self.make(into, size);
                opcode::REALLOC_UNKNOWN
            }
            EventKind::FreeUnknown => opcode::FREE_UNKNOWN,
            EventKind::Failed { size } => {
                self.sizes.push(size, &mut into.out.sizes);
                opcode::FAILED
            }
            EventKind::ThreadStart => opcode::THREAD_START,
            EventKind::ThreadEnd => opcode::THREAD_END,
            EventKind::Fork { child_pid } => {
                into.out.extras.push(child_pid);
                opcode::FORK
            }
            EventKind::Mark { name } => {
                if name >= MAX_MARKS {
                    return Err("its mark's number is out of range");
                }
                into.out.extras.push(u64::from(name));
                opcode::MARK
            }
        })
    }

    #[inline(always)]
    fn make(&mut self, into: &mut Builder, size: u64) {
        self.sizes.push(size, &mut into.out.sizes);
        into.allocations += 1;
    }

    /// Appends which block is released; true when it is an own one.
    #[inline(always)]
    fn release(&mut self, into: &mut Builder, block: BlockId) -> Result<bool, &'static str> {
        if block.thread != into.thread {
            return into.release_of_another(block).map(|()| false);
        }
        if block.index >= into.allocations {
            return Err("it releases a block that this thread has not made yet");
        }
        let age = into.allocations - block.index;
        self.ages.push(age, &mut into.out.ages);
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encode(events: &[Event]) -> Result<Encoded, &'static str> {
        let mut builder = Builder::new(0, 0);
        let mut stage = Stage::new(&builder);
        events
            .iter()
            .try_for_each(|event| stage.push(&mut builder, event))?;
        stage.flush(&mut builder);
        builder.encode().map_err(|_| "too large")
    }

    #[test]
    fn the_columns_end_where_they_say() {
        let events: Vec<_> = (0u64..700)
            .map(|at| {
                let block = BlockId {
                    thread: 1 + at as u32 % 400,
                    index: at * at * at,
                };
                Event {
                    time_ns: at * at * 9,
                    kind: EventKind::Realloc {
                        old: block,
                        size: at << (at % 50),
                    },
                }
            })
            .collect();
        let encoded = encode(&events).unwrap();
        let ends = &encoded.cuts;
        // Behind the last column that `ends` knows there is only the empty list of extras.
        assert_eq!(ends.last(), Some(&(encoded.payload.len() - 1)));
        assert!(ends.is_sorted());
    }

    #[test]
    fn events_that_no_tape_can_hold_are_refused() {
        let at = |time_ns, kind| Event { time_ns, kind };
        let own = BlockId {
            thread: 0,
            index: 0,
        };
        let far = BlockId {
            thread: MAX_THREADS,
            index: 0,
        };
        let bad = [
            vec![at(5, EventKind::FreeUnknown), at(4, EventKind::FreeUnknown)],
            vec![at(5, EventKind::Free { block: own })],
            vec![at(5, EventKind::Realloc { old: own, size: 8 })],
            vec![at(5, EventKind::Free { block: far })],
            vec![at(
                5,
                EventKind::AlignedMalloc {
                    size: 8,
                    align_log2: 64,
                },
            )],
            vec![at(5, EventKind::Mark { name: MAX_MARKS })],
        ];
        for events in bad {
            assert!(encode(&events).is_err(), "{events:?}");
        }
    }
}
