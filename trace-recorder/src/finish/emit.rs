//! Making the tape's events of a window's items, and chunks of them.

use super::found::{Found, FoundCell};
use super::group::{Groups, Thread};
use super::item::{Item, Items};
use super::pairing::Raise;
use super::peak::Delta;
use super::stream::{Raises, Stream, Window};
use crate::runtime::raw::Op;
use rayon::prelude::*;
use std::io::Write;
use std::sync::{Mutex, MutexGuard, PoisonError};
use trace_format::{
    Buffers, ChunkBuilder, ChunkFiller, EncodedChunk, Event, EventKind, LaidOutChunk, TapeError,
    TapeWriter,
};

/// Memory that is kept: so many threads' columns.
const MOST_SPARE: usize = 64;

/// So many chunks wait at most to be packed, and as many to be written.
const PACKED_AT_ONCE: usize = 64;

/// A thread's events that are made and not written.
#[derive(Debug)]
pub(super) struct Waiting {
    builder: ChunkBuilder,
    /// Chunks that are complete and not packed.
    full: Vec<LaidOutChunk>,
}

impl Waiting {
    /// Nothing waits of this thread.
    pub fn new(thread: u32) -> Waiting {
        Waiting {
            builder: ChunkBuilder::new(thread),
            full: Vec::new(),
        }
    }
}

/// Writes what waits.
#[derive(Debug)]
pub(super) struct Emitter {
    /// Most events that may wait, in all.
    most: usize,
    /// Memory of columns for the next thread that needs some.
    pub spare: Mutex<Vec<Buffers>>,
    /// Chunks that are complete, in the order of the tape: first those that are packed.
    packed: Vec<EncodedChunk>,
    laid_out: Vec<LaidOutChunk>,
}

impl Emitter {
    /// Lets `most` events wait in all.
    pub fn new(most: usize) -> Emitter {
        Emitter {
            most,
            spare: Mutex::default(),
            packed: Vec::new(),
            laid_out: Vec::new(),
        }
    }

    /// Packs the chunks that are complete on all cores and writes those that were packed before, while `meanwhile` is done.
    ///
    /// Threads that run at the same time are few, so what is done thread by thread leaves cores idle; packing fills them.
    /// And one core at a time can write.
    pub fn write_while<W: Write>(
        &mut self,
        writer: &mut TapeWriter<W>,
        meanwhile: impl FnOnce() + Send,
    ) -> Result<(), TapeError> {
        let Emitter {
            packed, laid_out, ..
        } = self;
        let mut next = Vec::new();
        let written = rayon::in_place_scope(|scope| {
            scope.spawn(|_| meanwhile());
            scope.spawn(|_| next = pack(laid_out));
            write(packed, writer)
        });
        *packed = next;
        written
    }

    /// Takes all full chunks; and where too many events wait, shorter ones.
    pub fn take_full<W: Write>(
        &mut self,
        groups: &mut Groups<'_>,
        writer: &mut TapeWriter<W>,
    ) -> Result<(), TapeError> {
        self.take(groups, writer, usize::MAX)?;
        let waiting: usize = groups
            .in_order()
            .map(|(_, thread)| thread.waiting.builder.len())
            .sum();
        if waiting > self.most {
            // What threads with less than their share keep is at most half of what may wait.
            let share = self.most / 2 / groups.threads().max(1);
            self.take(groups, writer, share.max(1))?;
        }
        Ok(())
    }

    /// Writes everything.
    pub fn write_rest<W: Write>(
        &mut self,
        groups: &mut Groups<'_>,
        writer: &mut TapeWriter<W>,
    ) -> Result<(), TapeError> {
        self.take(groups, writer, 1)?;
        self.write_while(writer, || ())?;
        self.write_while(writer, || ())
    }

    /// Takes all chunks that are full or have at least `least` events. What is more than may wait is written.
    fn take<W: Write>(
        &mut self,
        groups: &mut Groups<'_>,
        writer: &mut TapeWriter<W>,
        least: usize,
    ) -> Result<(), TapeError> {
        for number in 0..groups.threads() {
            let Waiting { builder, full } = &mut groups.thread_mut(number).waiting;
            self.laid_out.append(full);
            if !builder.is_empty() && builder.len() >= least {
                self.laid_out.push(builder.lay_out()?);
                if let Some(buffers) = builder.take_buffers() {
                    let mut spare = lock(&self.spare);
                    if spare.len() < MOST_SPARE {
                        spare.push(buffers);
                    }
                }
            }
            if self.laid_out.len() >= PACKED_AT_ONCE {
                self.write_while(writer, || ())?;
            }
        }
        Ok(())
    }
}

/// Packs chunks on all cores.
fn pack(chunks: &mut Vec<LaidOutChunk>) -> Vec<EncodedChunk> {
    let chunks = chunks.par_drain(..).with_max_len(1);
    chunks.map(LaidOutChunk::pack).collect()
}

/// Writes chunks in their order.
fn write<W: Write>(
    chunks: &mut Vec<EncodedChunk>,
    writer: &mut TapeWriter<W>,
) -> Result<(), TapeError> {
    chunks
        .drain(..)
        .try_for_each(|chunk| writer.write_encoded(chunk))
}

fn lock(spare: &Mutex<Vec<Buffers>>) -> MutexGuard<'_, Vec<Buffers>> {
    spare.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Thread<'_> {
    /// Makes the thread's events of the window; its changes of live bytes go to `deltas`.
    ///
    /// # Errors
    /// When the events are not what a tape can hold.
    pub fn emit(
        &mut self,
        window: &Window,
        raises: &[Raise],
        spare: &Mutex<Vec<Buffers>>,
        deltas: &mut Vec<Delta>,
    ) -> Result<(), TapeError> {
        let Thread {
            stream,
            slice,
            waiting,
            ..
        } = self;
        let is_last = stream.is_last(slice);
        if slice.items.is_empty() && !is_last {
            return Ok(());
        }
        let of = |raise: &Raise| raise.thread.cmp(&stream.number);
        let from = raises.partition_point(|raise| of(raise).is_lt());
        let to = raises.partition_point(|raise| of(raise).is_le());
        let raises: Vec<(u32, u64)> = raises
            .get(from..to)
            .unwrap_or_default()
            .iter()
            .map(|raise| (raise.at, raise.least_ns))
            .collect();
        if waiting.builder.has_no_buffers()
            && let Some(buffers) = lock(spare).pop()
        {
            waiting.builder.give_buffers(buffers);
        }
        let mut out = Out {
            filler: waiting.builder.fill(),
            full: &mut waiting.full,
            deltas,
            last_ns: stream.time_ns,
            error: None,
        };
        let releases = Releases {
            found: &window.found[slice.found.clone()],
            raises: Raises::new(&raises),
            at: 0,
        };
        out.take(
            stream,
            &window.items,
            window.items.at(&slice.items),
            releases,
            &slice.mark_numbers,
        );
        if is_last {
            out.end(stream);
        }
        let (last_ns, error) = (out.last_ns, out.error.take());
        drop(out);
        stream.pass(slice, last_ns);
        error.map_or(Ok(()), Err)
    }
}

/// What is known of a thread's releases in the window.
struct Releases<'w> {
    found: &'w [FoundCell],
    raises: Raises<'w>,
    at: usize,
}

impl Releases<'_> {
    /// The next one: whose block it was, and its least time.
    #[inline(always)]
    fn next(&mut self) -> (Found, u64) {
        let found = self
            .found
            .get(self.at)
            .map_or(Found::NOTHING, FoundCell::get);
        let least_ns = self.raises.of(self.at as u32);
        self.at += 1;
        (found, least_ns)
    }
}

/// One thread's events while they are made.
struct Out<'w> {
    filler: ChunkFiller<'w>,
    full: &'w mut Vec<LaidOutChunk>,
    deltas: &'w mut Vec<Delta>,
    last_ns: u64,
    error: Option<TapeError>,
}

impl Out<'_> {
    /// Makes events of `some` items.
    fn take(
        &mut self,
        stream: &mut Stream<'_>,
        items: &Items,
        some: &[Item],
        mut releases: Releases<'_>,
        marks: &[u32],
    ) {
        let mut marks = marks.iter();
        let mut carried = stream.carried.take();
        for &item in some {
            let op = item.op();
            self.last_ns = self.last_ns.max(item.time_ns);
            if op != Op::ReallocNew
                && carried.is_some()
                && let Some(old) = carried.take()
            {
                // The second half never came, and the old block counts as freed: now, since the half may be of a window
                // whose live bytes are summed up already.
                self.release(old);
            }
            match op {
                Op::Malloc => {
                    let size = items.size(item);
                    self.make(size, EventKind::Malloc { size });
                }
                Op::Free => {
                    let (found, least_ns) = releases.next();
                    self.last_ns = self.last_ns.max(least_ns);
                    self.release(found);
                }
                Op::Calloc => {
                    let size = items.size(item);
                    self.make(size, EventKind::Calloc { size });
                }
                Op::Aligned => {
                    let (size, align_log2) = (items.size(item), item.align_log2());
                    self.make(size, EventKind::AlignedMalloc { size, align_log2 });
                }
                Op::ReallocOld => {
                    let (found, least_ns) = releases.next();
                    self.last_ns = self.last_ns.max(least_ns);
                    carried = Some(found);
                }
                Op::ReallocNew => self.replace(carried.take(), items.size(item)),
                Op::Failed => self.push(EventKind::Failed {
                    size: items.size(item),
                }),
                Op::ThreadStart => self.push(EventKind::ThreadStart),
                // What the thread still does comes before it.
                Op::ThreadEnd => stream.ended = true,
                Op::Fork => self.push(EventKind::Fork {
                    child_pid: items.size(item),
                }),
                Op::Mark => {
                    if let Some(&name) = marks.next() {
                        self.push(EventKind::Mark { name });
                    }
                }
                Op::Text => {}
            }
        }
        stream.carried = carried;
    }

    /// Nothing comes behind.
    fn end(&mut self, stream: &mut Stream<'_>) {
        if let Some(old) = stream.carried.take() {
            self.release(old);
        }
        if std::mem::take(&mut stream.ended) {
            self.push(EventKind::ThreadEnd);
        }
    }

    #[inline(always)]
    fn push(&mut self, kind: EventKind) {
        if self.filler.is_full() {
            self.next_chunk();
        }
        let time_ns = self.last_ns;
        self.filler.push(&Event { time_ns, kind });
    }

    #[cold]
    fn next_chunk(&mut self) {
        match self.filler.lay_out() {
            Ok(chunk) => self.full.push(chunk),
            Err(error) => self.error = Some(error),
        }
    }

    #[inline(always)]
    fn make(&mut self, size: u64, kind: EventKind) {
        self.deltas.push(Delta::new(self.last_ns, Some(size), None));
        self.push(kind);
    }

    #[inline(always)]
    fn release(&mut self, found: Found) {
        match found.block() {
            Some((block, size)) => {
                self.deltas.push(Delta::new(self.last_ns, None, Some(size)));
                self.push(EventKind::Free { block });
            }
            None => self.push(EventKind::FreeUnknown),
        }
    }

    fn replace(&mut self, old: Option<Found>, size: u64) {
        let old = old.and_then(Found::block);
        let gone = old.map(|(_, size)| size);
        self.deltas.push(Delta::new(self.last_ns, Some(size), gone));
        self.push(match old {
            Some((old, _)) => EventKind::Realloc { old, size },
            None => EventKind::ReallocUnknown { size },
        });
    }
}
