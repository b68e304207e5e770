//! The outer frame: 64 bytes of fixed layout before every payload, which need no bincode to skip.
//!
//! | bytes | field |
//! | --- | --- |
//! | 0–3 | the mark `HTFR` |
//! | 4 | kind |
//! | 5 | codec |
//! | 6–7 | zero |
//! | 8–11 | thread |
//! | 12–15 | events (of a chunk) or entries (of a list) |
//! | 16–23 | first event |
//! | 24–31 | first allocation |
//! | 32–39 | time of the first event |
//! | 40–47 | time of the last event |
//! | 48–51 | stored length: bytes of payload that follow |
//! | 52–55 | length of the payload when it is unpacked |
//! | 56–59 | CRC-32C of the payload as stored |
//! | 60–63 | CRC-32C of bytes 0–59 |
//!
//! The header has a checksum of its own, so that a damaged payload can be stepped over, and it holds the payload's,
//! so that the two belong together.

use crate::codec::Codec;
use crate::error::EventSpan;
use crate::event::ThreadIndex;
use crate::index::ChunkInfo;
use crate::{MAX_CHUNK_EVENTS, MAX_FRAME_LEN, MAX_THREADS};

/// Length in bytes of a frame's header.
pub const FRAME_HEADER_LEN: usize = 64;

/// The first four bytes of every frame.
pub(crate) const FRAME_MARK: [u8; 4] = *b"HTFR";

/// What a frame holds. Kinds are only ever appended: their numbers are on tapes.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
#[repr(u8)]
pub(crate) enum FrameKind {
    /// [`Header`](crate::Header).
    Header = 1,
    /// Events of one thread.
    Chunk = 2,
    /// A list of [`ThreadInfo`](crate::ThreadInfo).
    Threads = 3,
    /// A list of names.
    Marks = 4,
    /// A list of [`ChunkInfo`].
    Index = 5,
    /// [`Footer`](crate::index::Footer).
    Footer = 6,
}

impl FrameKind {
    fn from_byte(byte: u8) -> Option<FrameKind> {
        use FrameKind::{Chunk, Footer, Header, Index, Marks, Threads};
        [Header, Chunk, Threads, Marks, Index, Footer]
            .into_iter()
            .find(|kind| *kind as u8 == byte)
    }
}

/// A frame's header, decoded.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub(crate) struct FrameHeader {
    pub kind: FrameKind,
    pub codec: Codec,
    pub thread: ThreadIndex,
    /// Events of a chunk, entries of a list, else 0.
    pub entries: u32,
    pub first_event: u64,
    pub first_allocation: u64,
    pub start_ns: u64,
    pub end_ns: u64,
    pub stored_len: u32,
    pub len: u32,
    pub payload_crc: u32,
}

impl FrameHeader {
    /// The header of a frame that holds no chunk: its payload is stored plain.
    pub fn plain(kind: FrameKind, entries: u32, payload: &[u8]) -> FrameHeader {
        // `payload::encode` has bounded the length.
        let len = payload.len() as u32;
        FrameHeader {
            kind,
            codec: Codec::Plain,
            thread: 0,
            entries,
            first_event: 0,
            first_allocation: 0,
            start_ns: 0,
            end_ns: 0,
            stored_len: len,
            len,
            payload_crc: crc32c::crc32c(payload),
        }
    }

    pub fn to_bytes(self) -> [u8; FRAME_HEADER_LEN] {
        let mut bytes = [0; FRAME_HEADER_LEN];
        bytes[..4].copy_from_slice(&FRAME_MARK);
        bytes[4] = self.kind as u8;
        bytes[5] = self.codec as u8;
        bytes[8..12].copy_from_slice(&self.thread.to_le_bytes());
        bytes[12..16].copy_from_slice(&self.entries.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.first_event.to_le_bytes());
        bytes[24..32].copy_from_slice(&self.first_allocation.to_le_bytes());
        bytes[32..40].copy_from_slice(&self.start_ns.to_le_bytes());
        bytes[40..48].copy_from_slice(&self.end_ns.to_le_bytes());
        bytes[48..52].copy_from_slice(&self.stored_len.to_le_bytes());
        bytes[52..56].copy_from_slice(&self.len.to_le_bytes());
        bytes[56..60].copy_from_slice(&self.payload_crc.to_le_bytes());
        let crc = crc32c::crc32c(&bytes[..60]);
        bytes[60..].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// Reads a header. The error says what is wrong; the caller knows where.
    pub fn parse(bytes: &[u8; FRAME_HEADER_LEN]) -> Result<FrameHeader, &'static str> {
        let half = |from: usize| {
            u32::from_le_bytes([
                bytes[from],
                bytes[from + 1],
                bytes[from + 2],
                bytes[from + 3],
            ])
        };
        let word = |from: usize| u64::from(half(from)) | u64::from(half(from + 4)) << 32;
        if bytes[..4] != FRAME_MARK {
            return Err("no frame begins here");
        }
        if half(60) != crc32c::crc32c(&bytes[..60]) {
            return Err("checksum of the frame's header does not match");
        }
        let header = FrameHeader {
            kind: FrameKind::from_byte(bytes[4])
                .ok_or("the frame is of a kind that this version does not know")?,
            codec: Codec::from_byte(bytes[5])
                .ok_or("the frame is packed in a way that this version does not know")?,
            thread: half(8),
            entries: half(12),
            first_event: word(16),
            first_allocation: word(24),
            start_ns: word(32),
            end_ns: word(40),
            stored_len: half(48),
            len: half(52),
            payload_crc: half(56),
        };
        if bytes[6..8] != [0, 0] {
            return Err("bytes 6 and 7 of the frame's header are not zero");
        }
        header.check()?;
        Ok(header)
    }

    fn check(&self) -> Result<(), &'static str> {
        if self.stored_len > MAX_FRAME_LEN || self.len > MAX_FRAME_LEN {
            return Err("the frame is larger than the format allows");
        }
        if self.codec == Codec::Plain && self.stored_len != self.len {
            return Err("a plain frame's two lengths differ");
        }
        if self.kind == FrameKind::Chunk {
            if self.entries == 0 || self.entries > MAX_CHUNK_EVENTS {
                return Err("a chunk's count of events is out of range");
            }
            if self.thread >= MAX_THREADS {
                return Err("a chunk's thread number is out of range");
            }
            if self.start_ns > self.end_ns {
                return Err("a chunk ends before it starts");
            }
            // A thread makes at most one block an event, so a larger count can only be a lie, and sums stay in range.
            if self.first_allocation > self.first_event
                || self.first_event > u64::MAX - u64::from(MAX_CHUNK_EVENTS)
            {
                return Err("a chunk's first event and first allocation do not fit together");
            }
        } else {
            if self.codec != Codec::Plain {
                return Err("only chunks may be packed");
            }
            let unused = [
                self.first_event,
                self.first_allocation,
                self.start_ns,
                self.end_ns,
                u64::from(self.thread),
            ];
            if unused != [0; 5] {
                return Err("a field that only chunks use is not zero");
            }
        }
        Ok(())
    }

    /// Bytes of the whole frame.
    pub fn frame_len(&self) -> u64 {
        FRAME_HEADER_LEN as u64 + u64::from(self.stored_len)
    }

    /// What a chunk's header says of it, when its frame begins at `offset`.
    pub fn chunk_info(&self, offset: u64) -> ChunkInfo {
        ChunkInfo {
            thread: self.thread,
            events: self.entries,
            first_allocation: self.first_allocation,
            first_event: self.first_event,
            start_ns: self.start_ns,
            end_ns: self.end_ns,
            offset,
            stored_len: self.stored_len,
            len: self.len,
        }
    }

    /// The events of a chunk.
    pub fn span(&self) -> EventSpan {
        EventSpan {
            thread: self.thread,
            first: self.first_event,
            events: u64::from(self.entries),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> FrameHeader {
        FrameHeader {
            kind: FrameKind::Chunk,
            codec: Codec::Zstd,
            thread: 3,
            entries: 64,
            first_event: 1200,
            first_allocation: 700,
            start_ns: 1,
            end_ns: 2,
            stored_len: 100,
            len: 300,
            payload_crc: 0xDEAD_BEEF,
        }
    }

    #[test]
    fn a_header_comes_back_and_any_flip_is_seen() {
        let bytes = header().to_bytes();
        assert_eq!(FrameHeader::parse(&bytes), Ok(header()));
        for at in 0..FRAME_HEADER_LEN {
            for bit in 0..8 {
                let mut flipped = bytes;
                flipped[at] ^= 1 << bit;
                assert!(FrameHeader::parse(&flipped).is_err(), "byte {at} bit {bit}");
            }
        }
    }

    #[test]
    fn lies_with_a_good_checksum_are_refused() {
        let lies: [fn(&mut FrameHeader); 8] = [
            |h| h.entries = 0,
            |h| h.entries = MAX_CHUNK_EVENTS + 1,
            |h| h.thread = MAX_THREADS,
            |h| h.start_ns = 3,
            |h| h.first_allocation = 1201,
            |h| h.first_event = u64::MAX,
            |h| h.len = MAX_FRAME_LEN + 1,
            |h| h.codec = Codec::Plain,
        ];
        for (at, lie) in lies.iter().enumerate() {
            let mut header = header();
            lie(&mut header);
            assert!(FrameHeader::parse(&header.to_bytes()).is_err(), "lie {at}");
        }
        let mut list = FrameHeader::plain(FrameKind::Threads, 1, b"x");
        assert!(FrameHeader::parse(&list.to_bytes()).is_ok());
        list.thread = 1;
        assert!(FrameHeader::parse(&list.to_bytes()).is_err());
    }
}
