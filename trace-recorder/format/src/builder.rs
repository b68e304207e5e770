//! Making chunks: events go into columns, columns into a payload, and the payload is packed.

use crate::chunk::EncodedChunk;
use crate::codec::{self, Codec};
use crate::columns::Columns;
use crate::encode::{Builder, Encoded, Stage};
use crate::error::TapeError;
use crate::event::{Event, ThreadIndex};
use crate::frame::{FrameHeader, FrameKind};
use crate::{MAX_CHUNK_EVENTS, MAX_THREADS};

/// Puts the events of one thread into chunks, as they come.
///
/// ```
/// use trace_format::{ChunkBuilder, Event, EventKind};
/// # fn main() -> Result<(), trace_format::TapeError> {
/// let mut builder = ChunkBuilder::new(0);
/// let mut filler = builder.fill();
/// assert!(!filler.is_full());
/// filler.push(&Event { time_ns: 10, kind: EventKind::Malloc { size: 100 } });
/// drop(filler);
/// let chunk = builder.lay_out()?.pack();
/// assert_eq!(chunk.events(), 1);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct ChunkBuilder {
    thread: ThreadIndex,
    first_allocation: u64,
    first_event: u64,
    columns: Builder,
    /// What is wrong with the first event that could not be appended.
    bad: Option<TapeError>,
}

/// Appends events to a chunk. They are in it when this is dropped.
pub struct ChunkFiller<'b> {
    builder: &'b mut ChunkBuilder,
    stage: Stage,
}

impl std::fmt::Debug for ChunkFiller<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ChunkFiller")
            .field("builder", &self.builder)
            .finish_non_exhaustive()
    }
}

impl ChunkFiller<'_> {
    /// Whether the chunk has as many events as one may have: it must be laid out then.
    #[inline(always)]
    pub fn is_full(&self) -> bool {
        self.stage.is_full()
    }

    /// Appends the thread's next event. One that no chunk can hold is told of when the chunk is laid out: its time is
    /// before the one before, it releases an own block that is not made yet, or the chunk is full.
    #[inline(always)]
    pub fn push(&mut self, event: &Event) {
        let pushed = if self.is_full() {
            Err("the chunk has no room for it")
        } else {
            self.stage.push(&mut self.builder.columns, event)
        };
        if let Err(what) = pushed {
            self.refuse(what);
        }
    }

    #[cold]
    fn refuse(&mut self, what: &str) {
        let ChunkBuilder {
            thread,
            first_event,
            columns,
            bad,
            ..
        } = &mut *self.builder;
        let before = columns.len() + self.stage.len();
        bad.get_or_insert_with(|| TapeError::BadEvent {
            thread: *thread,
            event: first_event.saturating_add(before as u64),
            what: what.to_owned(),
        });
    }

    /// As [`ChunkBuilder::lay_out`].
    ///
    /// # Errors
    /// As [`ChunkBuilder::lay_out`].
    pub fn lay_out(&mut self) -> Result<LaidOutChunk, TapeError> {
        self.stage.flush(&mut self.builder.columns);
        let chunk = self.builder.lay_out();
        self.stage = Stage::new(&self.builder.columns);
        chunk
    }
}

impl Drop for ChunkFiller<'_> {
    fn drop(&mut self) {
        self.stage.flush(&mut self.builder.columns);
    }
}

/// Empty columns with their memory: for the next thread that needs some, since fresh memory costs more than what is
/// written to it.
#[derive(Debug, Default)]
pub struct Buffers(Columns);

impl ChunkBuilder {
    /// The first chunk of a thread, empty.
    pub fn new(thread: ThreadIndex) -> ChunkBuilder {
        ChunkBuilder::after(thread, 0, 0)
    }

    /// An empty chunk of a thread that has made `first_allocation` blocks and has `first_event` events before.
    fn after(thread: ThreadIndex, first_allocation: u64, first_event: u64) -> ChunkBuilder {
        ChunkBuilder {
            thread,
            first_allocation,
            first_event,
            columns: Builder::new(thread, first_allocation),
            bad: None,
        }
    }

    /// Events in the chunk so far.
    pub fn len(&self) -> usize {
        self.columns.len()
    }

    /// Whether the chunk has no event.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Begins to append events.
    pub fn fill(&mut self) -> ChunkFiller<'_> {
        ChunkFiller {
            stage: Stage::new(&self.columns),
            builder: self,
        }
    }

    /// The chunk, laid out; the thread's next one begins.
    ///
    /// # Errors
    /// [`TapeError::BadEvent`] when an event could not be appended; [`TapeError::BadChunk`] when there is none, or numbers are
    /// out of range. The builder must not be used any more.
    pub fn lay_out(&mut self) -> Result<LaidOutChunk, TapeError> {
        let bad = |what: String| TapeError::BadChunk {
            thread: self.thread,
            what,
        };
        if let Some(bad) = self.bad.take() {
            return Err(bad);
        }
        if self.is_empty() {
            return Err(bad(format!(
                "it has no events, a chunk holds 1 to {MAX_CHUNK_EVENTS}"
            )));
        }
        if self.thread >= MAX_THREADS {
            return Err(bad(format!("a tape holds at most {MAX_THREADS} threads")));
        }
        let (first_allocation, first_event) = (self.first_allocation, self.first_event);
        if first_allocation > first_event || first_event > u64::MAX - u64::from(MAX_CHUNK_EVENTS) {
            return Err(bad(format!(
                "{first_allocation} allocations do not fit into {first_event} events"
            )));
        }
        let (start_ns, end_ns) = (self.columns.start_ns, self.columns.end_ns);
        let entries = self.len() as u32;
        let encoded = self.columns.encode()?;
        self.first_allocation = self.columns.allocations;
        self.first_event += u64::from(entries);
        let header = FrameHeader {
            kind: FrameKind::Chunk,
            codec: Codec::Plain,
            thread: self.thread,
            entries,
            first_event,
            first_allocation,
            start_ns,
            end_ns,
            stored_len: 0,
            len: encoded.payload.len() as u32,
            payload_crc: 0,
        };
        Ok(LaidOutChunk { header, encoded })
    }

    /// Takes the memory of the columns, which must be empty: not while the chunk has events.
    pub fn take_buffers(&mut self) -> Option<Buffers> {
        (self.is_empty() && self.columns.out.opcodes.capacity() > 0)
            .then(|| Buffers(std::mem::take(&mut self.columns.out)))
    }

    /// Gives memory for the columns to a chunk that has no event yet.
    pub fn give_buffers(&mut self, buffers: Buffers) {
        if self.is_empty() {
            self.columns.out = buffers.0;
        }
    }

    /// Whether it has no memory for columns.
    pub fn has_no_buffers(&self) -> bool {
        self.columns.out.opcodes.capacity() == 0
    }
}

/// A chunk in columns, not packed yet.
pub struct LaidOutChunk {
    header: FrameHeader,
    encoded: Encoded,
}

impl std::fmt::Debug for LaidOutChunk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LaidOutChunk")
            .field("header", &self.header)
            .finish_non_exhaustive()
    }
}

impl LaidOutChunk {
    /// Packs the payload; one that packing would not shorten stays plain.
    pub fn pack(self) -> EncodedChunk {
        self.pack_with(Codec::Zstd)
    }

    fn pack_with(self, codec: Codec) -> EncodedChunk {
        let Encoded {
            payload,
            cuts,
            counts,
        } = self.encoded;
        let packed = match codec {
            Codec::Plain => None,
            Codec::Zstd => {
                codec::pack(&payload, &cuts).filter(|packed| packed.len() < payload.len())
            }
        };
        let (codec, stored) = match packed {
            Some(packed) => (Codec::Zstd, packed),
            None => (Codec::Plain, payload),
        };
        let header = FrameHeader {
            codec,
            stored_len: stored.len() as u32,
            payload_crc: crc32c::crc32c(&stored),
            ..self.header
        };
        EncodedChunk {
            header,
            stored,
            counts,
        }
    }
}

/// Encodes events of one thread as a chunk, packed. Chunks are independent: encode many at once.
///
/// `first_allocation` is how many blocks the thread has made before, `first_event` how many events it has before.
///
/// # Errors
/// [`TapeError::BadChunk`] without events, with more than [`MAX_CHUNK_EVENTS`], or with numbers out of range;
/// [`TapeError::BadEvent`] when the times descend or an own block is released that is not made yet.
pub fn encode_chunk(
    thread: ThreadIndex,
    first_allocation: u64,
    first_event: u64,
    events: &[Event],
) -> Result<EncodedChunk, TapeError> {
    encode_chunk_with(Codec::Zstd, thread, first_allocation, first_event, events)
}

/// [`encode_chunk`] with a choice of how the payload is packed. A payload that packing would not shorten stays plain.
///
/// # Errors
/// As [`encode_chunk`].
pub fn encode_chunk_with(
    codec: Codec,
    thread: ThreadIndex,
    first_allocation: u64,
    first_event: u64,
    events: &[Event],
) -> Result<EncodedChunk, TapeError> {
    if events.len() > MAX_CHUNK_EVENTS as usize {
        return Err(TapeError::BadChunk {
            thread,
            what: format!(
                "it has {} events, a chunk holds 1 to {MAX_CHUNK_EVENTS}",
                events.len()
            ),
        });
    }
    let mut builder = ChunkBuilder::after(thread, first_allocation, first_event);
    builder.columns.reserve(events.len());
    let mut filler = builder.fill();
    events.iter().for_each(|event| filler.push(event));
    drop(filler);
    Ok(builder.lay_out()?.pack_with(codec))
}

#[cfg(test)]
mod tests;
