//! Making the tape's events of raw ones, and chunks of them.

use super::pairing::Raise;
use super::peak::Delta;
use super::stream::{Raises, Slice, Stream, is_event};
use crate::runtime::raw::Op;
use rayon::prelude::*;
use std::io::Write;
use std::sync::{Mutex, MutexGuard, PoisonError};
use trace_format::{
    EncodedChunk, Event, EventKind, MAX_CHUNK_EVENTS, TapeError, TapeWriter, encode_chunk,
};

/// Events that wait until they fill a chunk.
#[derive(Debug)]
pub(super) struct Emitter {
    waiting: Vec<Waiting>,
    most: usize,
    spare: Mutex<Vec<Vec<Event>>>,
}

/// Buffers that are kept for the next thread that needs one: fresh memory costs more than what is written to it.
const MOST_SPARE: usize = 64;

#[derive(Default, Debug)]
struct Waiting {
    events: Vec<Event>,
    /// Blocks made and events before those that wait.
    first_allocation: u64,
    first_event: u64,
}

impl Emitter {
    /// For `threads` threads, which may have `most` events waiting in all.
    pub fn new(threads: usize, most: usize) -> Emitter {
        Emitter {
            waiting: (0..threads).map(|_| Waiting::default()).collect(),
            most,
            spare: Mutex::default(),
        }
    }

    /// Makes the events of a window; the streams pass on to its end. What comes back are the changes of live bytes, by thread.
    pub fn emit(
        &mut self,
        streams: &mut [Stream<'_>],
        slices: &[Slice],
        raises: Vec<Raise>,
    ) -> Vec<Vec<Delta>> {
        let spare = &self.spare;
        streams
            .par_iter_mut()
            .zip(slices)
            .zip(&mut self.waiting)
            .map(|((stream, slice), waiting)| {
                let from = raises.partition_point(|r| r.thread < stream.number);
                let to = raises.partition_point(|r| r.thread <= stream.number);
                let raises: Vec<(u32, u64)> = raises[from..to]
                    .iter()
                    .map(|r| (r.at, r.least_ns))
                    .collect();
                if waiting.events.capacity() == 0 && slice.from != slice.to.position {
                    waiting.events = lock(spare).pop().unwrap_or_default();
                }
                emit_thread(stream, slice, &raises, &mut waiting.events)
            })
            .collect()
    }

    /// Writes all full chunks; and where too many events wait, shorter ones.
    pub fn write_full<W: Write>(&mut self, writer: &mut TapeWriter<W>) -> Result<(), TapeError> {
        self.write(writer, MAX_CHUNK_EVENTS as usize)?;
        if self.waiting.iter().map(|w| w.events.len()).sum::<usize>() > self.most {
            // What threads with less than their share keep is at most half of what may wait.
            self.write(writer, (self.most / 2 / self.waiting.len().max(1)).max(1))?;
        }
        Ok(())
    }

    /// Writes everything.
    pub fn write_rest<W: Write>(&mut self, writer: &mut TapeWriter<W>) -> Result<(), TapeError> {
        self.write(writer, 1)
    }

    /// Writes as many chunks of at least `least` events as there are, some threads at a time so that few encoded chunks wait.
    fn write<W: Write>(
        &mut self,
        writer: &mut TapeWriter<W>,
        least: usize,
    ) -> Result<(), TapeError> {
        let spare = &self.spare;
        for (first, some) in (0..).step_by(64).zip(self.waiting.chunks_mut(64)) {
            let chunks: Vec<Vec<EncodedChunk>> = some
                .par_iter_mut()
                .enumerate()
                .map(|(n, waiting)| waiting.encode(first + n as u32, least, spare))
                .collect::<Result<_, _>>()?;
            for chunk in chunks.into_iter().flatten() {
                writer.write_encoded(chunk)?;
            }
        }
        Ok(())
    }
}

impl Waiting {
    fn encode(
        &mut self,
        thread: u32,
        least: usize,
        spare: &Mutex<Vec<Vec<Event>>>,
    ) -> Result<Vec<EncodedChunk>, TapeError> {
        let mut chunks = Vec::new();
        let mut rest = self.events.as_slice();
        while !rest.is_empty() && rest.len() >= least {
            let (events, after) = rest.split_at(rest.len().min(MAX_CHUNK_EVENTS as usize));
            let chunk = encode_chunk(thread, self.first_allocation, self.first_event, events)?;
            self.first_allocation += chunk.counts().allocations;
            self.first_event += events.len() as u64;
            chunks.push(chunk);
            rest = after;
        }
        let done = self.events.len() - rest.len();
        if done == self.events.len() {
            let mut empty = std::mem::take(&mut self.events);
            let mut spare = lock(spare);
            if empty.capacity() > 0 && spare.len() < MOST_SPARE {
                empty.clear();
                spare.push(empty);
            }
        } else {
            self.events.drain(..done);
        }
        Ok(chunks)
    }
}

fn lock(spare: &Mutex<Vec<Vec<Event>>>) -> MutexGuard<'_, Vec<Vec<Event>>> {
    spare.lock().unwrap_or_else(PoisonError::into_inner)
}

fn emit_thread(
    stream: &mut Stream<'_>,
    slice: &Slice,
    raises: &[(u32, u64)],
    out: &mut Vec<Event>,
) -> Vec<Delta> {
    let mut deltas = Vec::with_capacity(slice.makes as usize + slice.found.len());
    let mut raises = Raises::new(raises);
    let mut found = (0u32..).zip(&slice.found);
    let mut marks = slice.mark_numbers.iter();
    let mut last_ns = stream.time_ns;
    let (mut carried, mut ended) = (stream.carried.take(), stream.ended);
    stream.walk(slice.to.position, |after, raw, stamped_ns| {
        if raw.op == Op::Text {
            return true;
        }
        let mut time_ns = last_ns.max(stamped_ns);
        let mut push = |time_ns, kind| out.push(Event { time_ns, kind });
        if let (Some(old), true) = (&carried, raw.op != Op::ReallocNew) {
            // The second half never came: the program died within realloc, and its old block counts as freed.
            push(last_ns, free(old.block().map(|(block, _)| block)));
            deltas.push(Delta::released(last_ns, old.block()));
            carried = None;
        }
        let mut released = None;
        if raw.op.releases()
            && let Some((number, cell)) = found.next()
        {
            time_ns = time_ns.max(raises.of(number));
            released = Some(cell.get());
        }
        last_ns = time_ns;
        let size = raw.size;
        let kind = match raw.op {
            Op::Malloc => EventKind::Malloc { size },
            Op::Calloc => EventKind::Calloc { size },
            Op::Aligned => EventKind::AlignedMalloc {
                size,
                align_log2: raw.align_log2,
            },
            Op::Free => free(released.and_then(|r| r.block()).map(|(block, _)| block)),
            Op::ReallocOld => {
                carried = released;
                EventKind::FreeUnknown
            }
            Op::ReallocNew => {
                released = carried.take();
                match released.and_then(|r| r.block()) {
                    Some((old, _)) => EventKind::Realloc { old, size },
                    None => EventKind::ReallocUnknown { size },
                }
            }
            Op::Failed => EventKind::Failed { size },
            Op::ThreadStart => EventKind::ThreadStart,
            Op::ThreadEnd => EventKind::ThreadEnd,
            Op::Fork => EventKind::Fork { child_pid: size },
            Op::Mark => match marks.next() {
                Some(&name) => EventKind::Mark { name },
                None => return true,
            },
            Op::Text => return true,
        };
        if raw.op == Op::ThreadEnd && !stream.is_last(after.position) {
            ended = true;
            return true;
        }
        if !is_event(raw.op) {
            return true;
        }
        push(time_ns, kind);
        let made = raw.op.makes().then_some(size);
        let gone = released.and_then(|r| r.block());
        if made.is_some() || gone.is_some() {
            deltas.push(Delta::new(time_ns, made, gone.map(|(_, size)| size)));
        }
        true
    });
    if stream.is_last(slice.to.position) {
        if let Some(old) = carried.take() {
            out.push(Event {
                time_ns: last_ns,
                kind: free(old.block().map(|(block, _)| block)),
            });
            deltas.push(Delta::released(last_ns, old.block()));
        }
        if std::mem::take(&mut ended) {
            out.push(Event {
                time_ns: last_ns,
                kind: EventKind::ThreadEnd,
            });
        }
    }
    stream.carried = carried;
    stream.ended = ended;
    stream.pass(slice, last_ns);
    deltas
}

fn free(block: Option<trace_format::BlockId>) -> EventKind {
    block.map_or(EventKind::FreeUnknown, |block| EventKind::Free { block })
}
