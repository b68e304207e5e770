//! From events to a chunk's payload.

use crate::columns::{Columns, zigzag};
use crate::counts::ChunkCounts;
use crate::error::TapeError;
use crate::event::{BlockId, Event, EventKind, ThreadIndex};
use crate::opcode;
use crate::{MAX_MARKS, MAX_THREADS};
use std::collections::HashMap;

/// Lays the events of one thread out in columns and encodes them.
pub(crate) fn encode(
    thread: ThreadIndex,
    first_allocation: u64,
    first_event: u64,
    events: &[Event],
) -> Result<Encoded, TapeError> {
    let mut columns = Builder {
        thread,
        allocations: first_allocation,
        out: Columns::default(),
        ordinals: HashMap::new(),
        last_index: Vec::new(),
    };
    columns.out.opcodes.reserve_exact(events.len());
    columns.out.times.low.reserve_exact(events.len());
    columns.out.times.high.reserve_exact(events.len());
    let mut before = events.first().map_or(0, |event| event.time_ns);
    let mut counts = [0u64; opcode::COUNT];
    for (at, event) in events.iter().enumerate() {
        let bad = |what: &str| TapeError::BadEvent {
            thread,
            event: first_event.saturating_add(at as u64),
            what: what.to_string(),
        };
        let delta = event
            .time_ns
            .checked_sub(before)
            .ok_or_else(|| bad("its time is before that of the event before"))?;
        before = event.time_ns;
        let code = columns.push(&event.kind).map_err(bad)?;
        columns.out.times.push(delta);
        columns.out.opcodes.push(code);
        counts[usize::from(code)] += 1;
    }
    let payload = crate::payload::encode(&columns.out, "the payload of a chunk")?;
    let cuts = columns.out.ends();
    Ok(Encoded {
        payload,
        cuts,
        counts: ChunkCounts::of(&counts),
    })
}

/// A chunk's events in columns.
pub(crate) struct Encoded {
    pub payload: Vec<u8>,
    /// Where in the payload a column ends and one of another nature begins.
    pub cuts: Vec<usize>,
    pub counts: ChunkCounts,
}

struct Builder {
    thread: ThreadIndex,
    /// Blocks the thread has made so far.
    allocations: u64,
    out: Columns,
    /// The number in `owners` of a thread.
    ordinals: HashMap<ThreadIndex, u32>,
    /// For each of `owners` the index of its block that was released last.
    last_index: Vec<u64>,
}

impl Builder {
    /// Appends what the event says besides its time, and returns its opcode.
    #[inline]
    fn push(&mut self, kind: &EventKind) -> Result<u8, &'static str> {
        if let Some(size) = kind.size() {
            self.out.sizes.push(size);
        }
        let code = match *kind {
            EventKind::Malloc { .. } => opcode::MALLOC,
            EventKind::Calloc { .. } => opcode::CALLOC,
            EventKind::AlignedMalloc { align_log2, .. } => {
                if align_log2 > 63 {
                    return Err("its alignment is above 2^63");
                }
                self.out.aligns.push(align_log2);
                opcode::ALIGNED_MALLOC
            }
            EventKind::Realloc { old, .. } => {
                if self.release(old)? {
                    opcode::REALLOC_OWN
                } else {
                    opcode::REALLOC_REMOTE
                }
            }
            EventKind::ReallocUnknown { .. } => opcode::REALLOC_UNKNOWN,
            EventKind::Free { block } => {
                if self.release(block)? {
                    opcode::FREE_OWN
                } else {
                    opcode::FREE_REMOTE
                }
            }
            EventKind::FreeUnknown => opcode::FREE_UNKNOWN,
            EventKind::Failed { .. } => opcode::FAILED,
            EventKind::ThreadStart => opcode::THREAD_START,
            EventKind::ThreadEnd => opcode::THREAD_END,
            EventKind::Fork { child_pid } => {
                self.out.extras.push(child_pid);
                opcode::FORK
            }
            EventKind::Mark { name } => {
                if name >= MAX_MARKS {
                    return Err("its mark's number is out of range");
                }
                self.out.extras.push(u64::from(name));
                opcode::MARK
            }
        };
        if kind.makes_block() {
            self.allocations += 1;
        }
        Ok(code)
    }

    /// Appends which block is released; true when it is an own one.
    #[inline]
    fn release(&mut self, block: BlockId) -> Result<bool, &'static str> {
        if block.thread == self.thread {
            if block.index >= self.allocations {
                return Err("it releases a block that this thread has not made yet");
            }
            self.out.ages.push(self.allocations - block.index);
            return Ok(true);
        }
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
        Ok(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let encoded = encode(0, 0, 0, &events).unwrap();
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
            assert!(
                matches!(encode(0, 0, 0, &events), Err(TapeError::BadEvent { .. })),
                "{events:?}"
            );
        }
    }
}
