//! What each column of a chunk takes in the file.
//!
//! A writer may end a block of the packed payload where a column ends, and then the block's bytes are the column's. A block
//! that holds parts of several columns is shared out among them by their unpacked bytes.

use crate::chunk::read_frame;
use crate::codec::Codec;
use crate::decode::Scratch;
use crate::error::TapeError;
use crate::frame::FRAME_HEADER_LEN;
use crate::source::ReadAt;
use crate::tape::Tape;
use std::ops::Range;

/// The columns of a chunk in their order, each with the parts that it is split into, and at last what is none of them: the
/// frame's header, and what the packer adds.
pub const COLUMNS: [(&str, usize); 9] = [
    ("opcodes", 1),
    ("times", 3),
    ("sizes", 3),
    ("alignments", 1),
    ("ages", 3),
    ("owners", 1),
    ("remote owners", 3),
    ("remote indices", 3),
    ("extras", 1),
];

/// Name of what belongs to no column.
pub const FRAMING: &str = "framing";

/// What one column takes.
#[derive(Copy, Clone, PartialEq, Debug, Default)]
pub struct Weight {
    /// Bytes when it is unpacked.
    pub plain: u64,
    /// Bytes in the file.
    pub stored: f64,
}

impl<S: ReadAt> Tape<S> {
    /// What each of [`COLUMNS`] takes in a chunk, and at last the [`FRAMING`]. All `stored` add up to what the chunk takes in
    /// the file.
    ///
    /// # Errors
    /// As [`Tape::decode`].
    pub fn weigh(&self, chunk: usize, scratch: &mut Scratch) -> Result<[Weight; 10], TapeError> {
        let (columns, _) = self.columns(chunk, scratch)?;
        let info = self
            .chunks()
            .get(chunk)
            .copied()
            .ok_or(TapeError::NoSuchChunk {
                chunk,
                chunks: self.chunks().len(),
            })?;
        let frame_end = info.offset + FRAME_HEADER_LEN as u64 + u64::from(info.stored_len);
        let header = read_frame(self.source(), info.offset, frame_end, scratch)?;
        let stored = scratch.frame.get(FRAME_HEADER_LEN..).unwrap_or_default();
        let blocks = match header.codec {
            Codec::Plain => vec![Block {
                stored: stored.len(),
                unpacked: 0..stored.len(),
            }],
            Codec::Zstd => blocks(stored).ok_or_else(|| {
                self.damaged_chunk(chunk, "the payload is not one sound Zstandard frame")
            })?,
        };
        let mut weights = [Weight::default(); 10];
        let mut ends = columns.ends();
        // `extras` ends with the payload.
        ends.push(header.len as usize);
        let (mut at, mut parts) = (0, ends.into_iter());
        for ((_, count), weight) in COLUMNS.iter().zip(&mut weights) {
            let to = parts.by_ref().take(*count).last().unwrap_or(at);
            weight.plain = (to - at) as u64;
            weight.stored = blocks.iter().map(|block| block.share(&(at..to))).sum();
            at = to;
        }
        let told: f64 = weights.iter().map(|weight| weight.stored).sum();
        let framing = &mut weights[COLUMNS.len()];
        framing.plain = FRAME_HEADER_LEN as u64;
        framing.stored = (FRAME_HEADER_LEN + stored.len()) as f64 - told;
        Ok(weights)
    }
}

/// A block of a packed payload.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Block {
    /// Bytes in the file.
    stored: usize,
    /// What it unpacks to.
    unpacked: Range<usize>,
}

impl Block {
    /// The part of its stored bytes that a stretch of the unpacked ones takes.
    fn share(&self, of: &Range<usize>) -> f64 {
        let common = self
            .unpacked
            .end
            .min(of.end)
            .saturating_sub(self.unpacked.start.max(of.start));
        if common == 0 {
            return 0.0;
        }
        self.stored as f64 * common as f64 / self.unpacked.len() as f64
    }
}

/// The blocks of a Zstandard frame (RFC 8878, 3.1.1.2): unpacks one after the other to see how long each is.
fn blocks(packed: &[u8]) -> Option<Vec<Block>> {
    use zstd::stream::raw::{Decoder, InBuffer, Operation, OutBuffer};
    let mut decoder = Decoder::new().ok()?;
    let mut out = vec![0; BLOCK];
    let (mut at, mut unpacked) = (frame_header_len(packed)?, 0);
    let mut input = InBuffer::around(packed.get(..at)?);
    decoder
        .run(&mut input, &mut OutBuffer::around(&mut out[..]))
        .ok()?;
    let mut blocks = Vec::new();
    loop {
        let [a, b, c] = *packed.get(at..at + 3)?.first_chunk::<3>()?;
        let word = u32::from_le_bytes([a, b, c, 0]);
        // A block of one repeated byte (type 1) has only that byte; its size is what it unpacks to.
        let content = if word >> 1 & 3 == 1 {
            1
        } else {
            (word >> 3) as usize
        };
        let bytes = packed.get(at..at + 3 + content)?;
        let mut input = InBuffer::around(bytes);
        let mut produced = 0;
        // The decoder gives a block out when all of it is there; an empty turn more shows that nothing is left.
        loop {
            let mut output = OutBuffer::around(&mut out[..]);
            decoder.run(&mut input, &mut output).ok()?;
            let got = output.pos();
            produced += got;
            if got == 0 || (input.pos() == bytes.len() && got < BLOCK) {
                break;
            }
        }
        blocks.push(Block {
            stored: bytes.len(),
            unpacked: unpacked..unpacked + produced,
        });
        unpacked += produced;
        at += bytes.len();
        if word & 1 == 1 {
            return Some(blocks);
        }
    }
}

/// Most bytes that a block unpacks to.
const BLOCK: usize = 128 << 10;

/// Length of a Zstandard frame's header; the frame was unpacked before, so it is sound.
fn frame_header_len(packed: &[u8]) -> Option<usize> {
    let descriptor = *packed.get(4)?;
    let single_segment = descriptor & 0x20 != 0;
    let size = match descriptor >> 6 {
        0 => usize::from(single_segment),
        code => 1 << code,
    };
    let dictionary = [0, 1, 2, 4][usize::from(descriptor & 3)];
    Some(5 + usize::from(!single_segment) + dictionary + size)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        BlockId, Clock, Ending, Event, EventKind, Header, LiveTotals, TapeWriter, encode_chunk_with,
    };

    fn tape(codec: Codec) -> Tape<Vec<u8>> {
        let header = Header {
            recorder: "test".into(),
            name: String::new(),
            command: vec![],
            pid: 0,
            started_unix_ns: 0,
            clock: Clock::Monotonic,
            page_size: 0,
            pointer_width: 0,
            notes: vec![],
        };
        let events: Vec<Event> = (0u64..60_000)
            .map(|at| Event {
                time_ns: at * 300 + at * at % 211,
                kind: if at % 2 == 0 {
                    EventKind::Malloc {
                        size: at * at % 5003,
                    }
                } else {
                    EventKind::Free {
                        block: BlockId {
                            thread: 0,
                            index: at / 2,
                        },
                    }
                },
            })
            .collect();
        let mut writer = TapeWriter::new(Vec::new(), &header).unwrap();
        let chunk = encode_chunk_with(codec, 0, 0, 0, &events).unwrap();
        writer.write_encoded(chunk).unwrap();
        Tape::open(
            writer
                .finish(Ending::Complete, LiveTotals::default())
                .unwrap(),
        )
        .unwrap()
    }

    #[test]
    fn the_weights_are_all_of_the_chunk() {
        for codec in [Codec::Plain, Codec::Zstd] {
            let tape = tape(codec);
            let info = tape.chunks()[0];
            let weights = tape.weigh(0, &mut Scratch::default()).unwrap();
            let stored: f64 = weights.iter().map(|weight| weight.stored).sum();
            assert!((stored - f64::from(info.stored_len) - 64.0).abs() < 0.01);
            let plain: u64 = weights[..9].iter().map(|weight| weight.plain).sum();
            assert_eq!(plain, u64::from(info.len));
            // Low bytes and high bytes: two bytes a number, and a few for the lengths.
            assert!((60_000..60_010).contains(&weights[0].plain));
            assert!(
                (120_000..120_020).contains(&weights[1].plain),
                "{weights:?}"
            );
            assert!((60_000..60_020).contains(&weights[2].plain));
            assert!(
                weights[9].stored >= 64.0 && weights[9].stored < 100.0,
                "{weights:?}"
            );
            if codec == Codec::Plain {
                assert_eq!(weights[1].stored, weights[1].plain as f64);
            } else {
                // Alternating opcodes pack to nearly nothing, sizes do not.
                assert!(
                    weights[0].stored < 2000.0 && weights[2].stored > 5000.0,
                    "{weights:?}"
                );
            }
        }
    }
}
