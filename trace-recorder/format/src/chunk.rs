//! A chunk: up to 65,536 events of one thread, encoded and decoded on its own.

use crate::codec::{self, Codec};
use crate::counts::ChunkCounts;
use crate::decode::{Bounds, Scratch};
use crate::encode::{Encoded, encode};
use crate::error::TapeError;
use crate::event::{Event, ThreadIndex};
use crate::frame::{FRAME_HEADER_LEN, FrameHeader, FrameKind};
use crate::index::ChunkInfo;
use crate::source::ReadAt;
use crate::{MAX_CHUNK_EVENTS, MAX_THREADS};

/// A decoded chunk.
#[derive(Clone, PartialEq, Debug)]
pub struct Chunk {
    /// Where it lies and what it covers.
    pub info: ChunkInfo,
    /// Its events, in time order.
    pub events: Vec<Event>,
}

/// A chunk that is ready to be written: see [`TapeWriter::write_encoded`](crate::TapeWriter::write_encoded).
#[derive(Clone, Debug)]
pub struct EncodedChunk {
    pub(crate) header: FrameHeader,
    pub(crate) stored: Vec<u8>,
    pub(crate) counts: ChunkCounts,
}

impl EncodedChunk {
    /// The thread whose events these are.
    pub fn thread(&self) -> ThreadIndex {
        self.header.thread
    }

    /// How many events.
    pub fn events(&self) -> u32 {
        self.header.entries
    }

    /// What the events add up to; `counts().allocations` is what the thread's next chunk starts after.
    pub fn counts(&self) -> &ChunkCounts {
        &self.counts
    }

    /// Bytes that the chunk takes in the file.
    pub fn frame_len(&self) -> u64 {
        self.header.frame_len()
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
    let bad = |what: String| TapeError::BadChunk { thread, what };
    let count = u32::try_from(events.len())
        .ok()
        .filter(|count| (1..=MAX_CHUNK_EVENTS).contains(count));
    let (Some(count), [first, ..], [.., last]) = (count, events, events) else {
        return Err(bad(format!(
            "it has {} events, a chunk holds 1 to {MAX_CHUNK_EVENTS}",
            events.len()
        )));
    };
    if thread >= MAX_THREADS {
        return Err(bad(format!("a tape holds at most {MAX_THREADS} threads")));
    }
    if first_allocation > first_event || first_event > u64::MAX - u64::from(MAX_CHUNK_EVENTS) {
        return Err(bad(format!(
            "{first_allocation} allocations do not fit into {first_event} events"
        )));
    }
    let Encoded {
        payload,
        cuts,
        counts,
    } = encode(thread, first_allocation, first_event, events)?;
    let len = payload.len() as u32;
    let packed = match codec {
        Codec::Plain => None,
        Codec::Zstd => codec::pack(&payload, &cuts).filter(|packed| packed.len() < payload.len()),
    };
    let (codec, stored) = match packed {
        Some(packed) => (Codec::Zstd, packed),
        None => (Codec::Plain, payload),
    };
    let header = FrameHeader {
        kind: FrameKind::Chunk,
        codec,
        thread,
        entries: count,
        first_event,
        first_allocation,
        start_ns: first.time_ns,
        end_ns: last.time_ns,
        stored_len: stored.len() as u32,
        len,
        payload_crc: crc32c::crc32c(&stored),
    };
    Ok(EncodedChunk {
        header,
        stored,
        counts,
    })
}

/// Reads the frame at `offset` into `scratch.frame` and its header; `end` is where frames end at the latest.
pub(crate) fn read_frame<S: ReadAt + ?Sized>(
    source: &S,
    offset: u64,
    end: u64,
    scratch: &mut Scratch,
) -> Result<FrameHeader, TapeError> {
    let room = end.saturating_sub(offset);
    if room < FRAME_HEADER_LEN as u64 {
        return Err(TapeError::damaged(
            offset,
            "the file ends within a frame's header",
        ));
    }
    let mut bytes = [0; FRAME_HEADER_LEN];
    source.read_at(offset, &mut bytes)?;
    let header = FrameHeader::parse(&bytes).map_err(|what| TapeError::damaged(offset, what))?;
    if header.frame_len() > room {
        return Err(TapeError::damaged(
            offset,
            "the file ends within this frame",
        ));
    }
    scratch.frame.clear();
    scratch
        .frame
        .resize(FRAME_HEADER_LEN + header.stored_len as usize, 0);
    scratch.frame[..FRAME_HEADER_LEN].copy_from_slice(&bytes);
    source.read_at(
        offset + FRAME_HEADER_LEN as u64,
        &mut scratch.frame[FRAME_HEADER_LEN..],
    )?;
    Ok(header)
}

/// Decodes the chunk whose frame stands in `scratch.frame`, in pieces, and gives each piece to `sink`.
pub(crate) fn decode_pieces(
    header: &FrameHeader,
    bounds: Bounds,
    scratch: &mut Scratch,
    mut sink: impl FnMut(&[Event]),
) -> Result<ChunkCounts, &'static str> {
    const PIECE: usize = 1024;
    let (columns, mut walk, counts) = scratch.columns(header, bounds)?;
    let mut events = Vec::with_capacity(PIECE);
    while walk.left() > 0 {
        events.clear();
        walk.take(&columns, PIECE, &mut events)?;
        sink(&events);
    }
    Ok(counts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{BlockId, EventKind};

    fn decode(chunk: &EncodedChunk, bounds: Bounds) -> Result<Vec<Event>, &'static str> {
        let mut scratch = Scratch::default();
        scratch.frame.extend_from_slice(&chunk.header.to_bytes());
        scratch.frame.extend_from_slice(&chunk.stored);
        let mut events = Vec::new();
        decode_pieces(&chunk.header, bounds, &mut scratch, |piece| {
            events.extend_from_slice(piece)
        })?;
        Ok(events)
    }

    fn every_kind() -> Vec<Event> {
        let own = |index| BlockId { thread: 2, index };
        let other = |thread, index| BlockId { thread, index };
        let kinds = [
            EventKind::ThreadStart,
            EventKind::Malloc { size: 0 },
            EventKind::Calloc { size: 255 },
            EventKind::AlignedMalloc {
                size: 65_279,
                align_log2: 63,
            },
            EventKind::Malloc { size: 65_280 },
            EventKind::Malloc { size: u64::MAX },
            EventKind::Realloc {
                old: own(103),
                size: 256,
            },
            EventKind::Realloc {
                old: other(0, u64::MAX),
                size: 1,
            },
            EventKind::Realloc {
                old: other(7, 12),
                size: 1,
            },
            EventKind::ReallocUnknown { size: 70_000 },
            EventKind::Free { block: own(0) },
            EventKind::Free { block: own(108) },
            EventKind::Free {
                block: other(7, 11),
            },
            EventKind::Free { block: other(0, 0) },
            EventKind::FreeUnknown,
            EventKind::Failed { size: 1 << 60 },
            EventKind::Fork {
                child_pid: u64::MAX,
            },
            EventKind::Mark { name: 3 },
            EventKind::ThreadEnd,
        ];
        let mut time_ns = u64::MAX - (1 << 52);
        let mut step = 0;
        kinds
            .into_iter()
            .map(|kind| {
                let event = Event { time_ns, kind };
                time_ns += step;
                step = step * 7 + 1;
                event
            })
            .collect()
    }

    #[test]
    fn every_kind_comes_back_at_the_limits_of_its_numbers() {
        let events = every_kind();
        for codec in [Codec::Plain, Codec::Zstd] {
            let chunk = encode_chunk_with(codec, 2, 100, 1000, &events).unwrap();
            assert_eq!(decode(&chunk, Bounds::FORMAT).unwrap(), events);
            assert_eq!(chunk.counts().allocations, 9);
            assert_eq!(chunk.counts().remote_frees, 2);
        }
        let chunk = encode_chunk(2, 100, 1000, &events).unwrap();
        assert!(
            decode(
                &chunk,
                Bounds {
                    threads: 7,
                    marks: 4
                }
            )
            .is_err()
        );
        assert!(
            decode(
                &chunk,
                Bounds {
                    threads: 8,
                    marks: 3
                }
            )
            .is_err()
        );
        assert!(
            decode(
                &chunk,
                Bounds {
                    threads: 8,
                    marks: 4
                }
            )
            .is_ok()
        );
    }

    #[test]
    fn headers_that_do_not_fit_the_payload_are_refused() {
        let chunk = encode_chunk(2, 100, 1000, &every_kind()).unwrap();
        let lies: [fn(&mut FrameHeader); 7] = [
            |h| h.start_ns += 1,
            |h| h.end_ns -= 1,
            |h| h.start_ns = u64::MAX,
            |h| h.entries -= 1,
            |h| h.len -= 1,
            |h| h.first_allocation = 0,
            |h| h.thread = 7,
        ];
        for (at, lie) in lies.iter().enumerate() {
            let mut chunk = chunk.clone();
            lie(&mut chunk.header);
            if at != 4 || chunk.header.codec == Codec::Zstd {
                assert!(decode(&chunk, Bounds::FORMAT).is_err(), "lie {at}");
            }
        }
    }

    #[test]
    fn a_chunk_has_events_but_not_too_many() {
        let event = Event {
            time_ns: 0,
            kind: EventKind::FreeUnknown,
        };
        assert!(encode_chunk(0, 0, 0, &[]).is_err());
        assert!(encode_chunk(0, 0, 0, &vec![event; MAX_CHUNK_EVENTS as usize]).is_ok());
        assert!(encode_chunk(0, 0, 0, &vec![event; MAX_CHUNK_EVENTS as usize + 1]).is_err());
        assert!(encode_chunk(MAX_THREADS, 0, 0, &[event]).is_err());
        assert!(encode_chunk(0, 1, 0, &[event]).is_err());
    }

    #[test]
    fn the_largest_chunk_fits_into_a_frame() {
        let events: Vec<Event> = (0..u64::from(MAX_CHUNK_EVENTS))
            .map(|at| Event {
                time_ns: at << 47,
                kind: EventKind::Realloc {
                    old: BlockId {
                        thread: MAX_THREADS - 1 - at as u32,
                        index: 1 << 62 | at,
                    },
                    size: u64::MAX - at,
                },
            })
            .collect();
        let chunk = encode_chunk_with(Codec::Plain, 0, 0, 0, &events).unwrap();
        assert_eq!(decode(&chunk, Bounds::FORMAT).unwrap(), events);
    }
}
