//! A whole tape of what is left of a damaged one.
//!
//! What a chunk that is lost said of blocks is lost too: blocks that were made in it have no name on the new tape, so
//! releases of them become releases of unknown blocks, and the blocks of their thread that come later move up. The
//! events are read in their order over all threads, and each release is looked up among what lives.

use crate::RecordError;
use crate::finish::{Phase, Progress, Repairs};
use crate::harvest::{Counted, Recorded};
use std::collections::HashMap;
use std::io::Write;
use trace_format::{
    BlockId, Damage, Event, EventKind, LiveTracker, MAX_CHUNK_EVENTS, MergedEvent, ReadAt, Tape,
    TapeError, TapeWriter, encode_chunk,
};

/// Events of all threads that wait for their chunk to be full.
const MOST_WAITING: usize = 4 << 20;

/// How often progress is told, in events.
const EVERY: u64 = 1 << 16;

/// What came of a damaged tape.
#[derive(Debug)]
pub struct Salvaged {
    /// What is on the new tape.
    pub recorded: Recorded,
    /// What was wrong with the old one.
    pub damages: Vec<Damage>,
}

/// Writes everything readable of the tape in `source` to `out`, as a whole tape.
///
/// # Errors
/// When `source` is no tape at all, or `out` refuses.
pub fn salvage<S: ReadAt>(
    source: S,
    out: &mut dyn Write,
    progress: Progress<'_>,
) -> Result<Salvaged, RecordError> {
    let (tape, damages) = Tape::scan(source)?;
    let mut header = tape.header().clone();
    if !damages.is_empty() {
        header.notes.push(
            "This tape was made of the readable parts of a damaged one by heaptape salvage."
                .to_owned(),
        );
    }
    let mut counted = Counted::new(out);
    let mut writer = TapeWriter::new(&mut counted, &header)?;
    for (number, thread) in (0u32..).zip(tape.threads()) {
        writer.thread(number, thread.os_tid, &thread.name);
    }
    let marks = tape.marks().iter().map(|name| writer.mark(name)).collect();
    let mut copy = Copy::new(tape.threads().len(), marks);
    let total = tape.totals().events;
    for merged in tape.merged() {
        copy.add(&merged?);
        if copy.waiting >= MOST_WAITING || copy.is_full {
            copy.write(&mut writer, MAX_CHUNK_EVENTS as usize)?;
        }
        if copy.events.is_multiple_of(EVERY) {
            progress(Phase::Finish, copy.events, total);
        }
    }
    copy.write(&mut writer, 1)?;
    let live = copy.live.totals();
    writer
        .finish(tape.ending().clone(), live)?
        .flush()
        .map_err(TapeError::from)?;
    Ok(Salvaged {
        recorded: Recorded {
            events: copy.events,
            threads: tape.threads().len() as u32,
            bytes: counted.bytes,
            peak_live_bytes: live.peak_live_bytes,
            peak_live_ns: live.peak_live_ns,
            live_blocks_at_end: live.live_blocks_at_end,
            lost: 0,
            repairs: Repairs {
                unknown_releases: copy.unknown,
                ..Repairs::default()
            },
            ending: tape.ending().clone(),
        },
        damages,
    })
}

/// The new tape's events while they are put together.
struct Copy {
    threads: Vec<Waiting>,
    marks: Vec<u32>,
    /// What lives: its name on the old tape and on the new.
    names: HashMap<BlockId, BlockId>,
    live: LiveTracker,
    events: u64,
    /// Releases whose block is lost.
    unknown: u64,
    waiting: usize,
    is_full: bool,
}

#[derive(Default)]
struct Waiting {
    events: Vec<Event>,
    /// Blocks made so far, and of those and of the events what is written.
    made: u64,
    written_made: u64,
    written: u64,
}

impl Copy {
    fn new(threads: usize, marks: Vec<u32>) -> Copy {
        Copy {
            threads: (0..threads).map(|_| Waiting::default()).collect(),
            marks,
            names: HashMap::new(),
            live: LiveTracker::new(),
            events: 0,
            unknown: 0,
            waiting: 0,
            is_full: false,
        }
    }

    fn add(&mut self, merged: &MergedEvent) {
        let time_ns = merged.event.time_ns;
        let gone = merged
            .event
            .kind
            .releases()
            .and_then(|old| self.names.remove(&old));
        if let Some(gone) = gone {
            self.live.release(gone);
        }
        let kind = match (merged.event.kind, gone) {
            (EventKind::Free { .. }, Some(block)) => EventKind::Free { block },
            (EventKind::Realloc { size, .. }, Some(old)) => EventKind::Realloc { old, size },
            (EventKind::Free { .. }, None) => {
                self.unknown += 1;
                EventKind::FreeUnknown
            }
            (EventKind::Realloc { size, .. }, None) => {
                self.unknown += 1;
                EventKind::ReallocUnknown { size }
            }
            (EventKind::Mark { name }, _) => match self.marks.get(name as usize) {
                Some(&name) => EventKind::Mark { name },
                None => return,
            },
            (other, _) => other,
        };
        let Some(thread) = self.threads.get_mut(merged.thread as usize) else {
            return;
        };
        if let Some(old) = merged.made {
            let new = BlockId {
                thread: merged.thread,
                index: thread.made,
            };
            thread.made += 1;
            self.names.insert(old, new);
            self.live.make(new, kind.size().unwrap_or(0), time_ns);
        }
        thread.events.push(Event { time_ns, kind });
        self.is_full = thread.events.len() >= MAX_CHUNK_EVENTS as usize;
        self.events += 1;
        self.waiting += 1;
    }

    /// Writes all chunks of at least `least` events; and where too many events wait, shorter ones.
    fn write<W: Write>(
        &mut self,
        writer: &mut TapeWriter<W>,
        least: usize,
    ) -> Result<(), TapeError> {
        let share = MOST_WAITING / 2 / self.threads.len().max(1);
        let least = if self.waiting >= MOST_WAITING {
            least.min(share).max(1)
        } else {
            least
        };
        for (number, thread) in (0u32..).zip(&mut self.threads) {
            let mut done = 0;
            while thread.events.len() - done >= least && done < thread.events.len() {
                let end = thread.events.len().min(done + MAX_CHUNK_EVENTS as usize);
                let chunk = encode_chunk(
                    number,
                    thread.written_made,
                    thread.written,
                    &thread.events[done..end],
                )?;
                thread.written_made += chunk.counts().allocations;
                thread.written += (end - done) as u64;
                writer.write_encoded(chunk)?;
                done = end;
            }
            self.waiting -= done;
            thread.events.drain(..done);
        }
        self.is_full = false;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
