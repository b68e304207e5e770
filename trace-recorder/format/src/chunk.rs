//! A chunk: up to 65,536 events of one thread, encoded and decoded on its own.

use crate::counts::ChunkCounts;
use crate::decode::{Bounds, PIECE, Scratch};
use crate::error::TapeError;
use crate::event::{Event, ThreadIndex};
use crate::frame::{FRAME_HEADER_LEN, FrameHeader};
use crate::index::ChunkInfo;
use crate::source::ReadAt;

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
    let (columns, mut walk, counts) = scratch.columns(header, bounds)?;
    let mut events = Vec::with_capacity(PIECE);
    while walk.left() > 0 {
        events.clear();
        walk.take(&columns, PIECE, &mut events)?;
        sink(&events);
    }
    Ok(counts)
}
