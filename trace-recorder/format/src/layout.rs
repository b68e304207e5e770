//! What frames come in which order: the start of a tape, its end, and the lists between the chunks and the footer.

use crate::chunk::read_frame;
use crate::decode::Scratch;
use crate::error::TapeError;
use crate::frame::{FRAME_HEADER_LEN, FrameHeader, FrameKind};
use crate::header::{Header, PRELUDE_LEN, check_prelude};
use crate::index::{ChunkInfo, Footer, LIST_ENTRIES, TRAILER_LEN, ThreadInfo, Trailer};
use crate::source::ReadAt;
use crate::{MAX_MARKS, MAX_NAME_LEN, MAX_THREADS, payload};

/// Checks the prelude alone.
pub(crate) fn read_prelude<S: ReadAt + ?Sized>(source: &S) -> Result<(), TapeError> {
    let mut bytes = [0; PRELUDE_LEN];
    // A file that is cut within the prelude is called a cut tape as long as its bytes are those of one.
    let there = source.len().min(PRELUDE_LEN as u64) as usize;
    source.read_at(0, &mut bytes[..there])?;
    if there < PRELUDE_LEN {
        let whole = crate::header::prelude();
        if there == 0 || bytes[..there] != whole[..there] {
            return Err(TapeError::NotATape);
        }
        return Err(TapeError::NoFooter { len: there as u64 });
    }
    check_prelude(&bytes)
}

/// Reads the header frame that follows the prelude, and says where it ends.
pub(crate) fn read_header<S: ReadAt + ?Sized>(
    source: &S,
    scratch: &mut Scratch,
) -> Result<(Header, u64), TapeError> {
    let at = PRELUDE_LEN as u64;
    let (frame, header) = read_plain(source, FrameKind::Header, at, source.len(), scratch)?;
    if frame.entries != 0 {
        return Err(TapeError::damaged(at, "the tape's header counts entries"));
    }
    Ok((header, at + frame.frame_len()))
}

/// The end of a tape.
#[derive(Debug)]
pub(crate) struct End {
    pub trailer: Trailer,
    pub footer: Footer,
}

/// Reads the trailer, and the footer that it locates.
pub(crate) fn read_end<S: ReadAt + ?Sized>(
    source: &S,
    scratch: &mut Scratch,
) -> Result<End, TapeError> {
    let len = source.len();
    let least = PRELUDE_LEN as u64 + FRAME_HEADER_LEN as u64;
    let Some(at) = len
        .checked_sub(TRAILER_LEN as u64)
        .filter(|&at| at >= least)
    else {
        return Err(TapeError::NoFooter { len });
    };
    let mut bytes = [0; TRAILER_LEN];
    source.read_at(at, &mut bytes)?;
    let Some(trailer) = Trailer::parse(&bytes, at)? else {
        return Err(TapeError::NoFooter { len });
    };
    if trailer.sections > trailer.footer || trailer.footer > at {
        return Err(TapeError::damaged(at, "the trailer points behind itself"));
    }
    let (frame, footer) =
        read_plain::<Footer, S>(source, FrameKind::Footer, trailer.footer, at, scratch)?;
    if frame.entries != 0 || trailer.footer + frame.frame_len() != at {
        return Err(TapeError::damaged(
            trailer.footer,
            "the footer does not end where the trailer begins",
        ));
    }
    if footer.threads > MAX_THREADS || footer.marks > MAX_MARKS {
        return Err(TapeError::damaged(
            trailer.footer,
            "the footer counts more threads or marks than a tape holds",
        ));
    }
    Ok(End { trailer, footer })
}

/// A piece of one of the lists behind the chunks.
pub(crate) enum List {
    Threads(Vec<ThreadInfo>),
    Marks(Vec<String>),
    Index(Vec<ChunkInfo>),
}

/// Reads the lists between the chunks and the footer from front to back and hands each piece on. They must fill the
/// room, come in order (threads, marks, index), and be as long as the footer says.
pub(crate) fn read_lists<S: ReadAt + ?Sized>(
    source: &S,
    end: &End,
    scratch: &mut Scratch,
    mut visit: impl FnMut(List) -> Result<(), TapeError>,
) -> Result<(), TapeError> {
    let (mut threads, mut marks, mut chunks) = (0u64, 0u64, 0u64);
    let mut at = end.trailer.sections;
    let mut least = FrameKind::Threads;
    while at < end.trailer.footer {
        let frame = read_frame(source, at, end.trailer.footer, scratch)?;
        let entries = u64::from(frame.entries);
        let wrong = |what: &'static str| TapeError::damaged(at, what);
        if (frame.kind as u8) < least as u8 {
            return Err(wrong("a list stands where another one must be"));
        }
        least = frame.kind;
        let list = match frame.kind {
            FrameKind::Threads => {
                threads += entries;
                let list: Vec<ThreadInfo> = list_of(&frame, scratch).map_err(wrong)?;
                if list.iter().any(|thread| thread.name.len() > MAX_NAME_LEN) {
                    return Err(wrong("a thread's name is longer than the format allows"));
                }
                List::Threads(list)
            }
            FrameKind::Marks => {
                marks += entries;
                let list: Vec<String> = list_of(&frame, scratch).map_err(wrong)?;
                if list.iter().any(|name| name.len() > MAX_NAME_LEN) {
                    return Err(wrong("a mark's name is longer than the format allows"));
                }
                List::Marks(list)
            }
            FrameKind::Index => {
                chunks += entries;
                List::Index(list_of(&frame, scratch).map_err(wrong)?)
            }
            FrameKind::Header | FrameKind::Chunk | FrameKind::Footer => {
                return Err(wrong(
                    "a frame of this kind does not stand between the chunks and the footer",
                ));
            }
        };
        visit(list)?;
        at += frame.frame_len();
    }
    let footer = &end.footer;
    if (threads, marks, chunks)
        != (
            u64::from(footer.threads),
            u64::from(footer.marks),
            footer.chunks,
        )
    {
        return Err(TapeError::damaged(
            end.trailer.footer,
            "the footer's counts are not those of the lists before it",
        ));
    }
    Ok(())
}

fn list_of<T: bincode::Decode<()>>(
    frame: &FrameHeader,
    scratch: &Scratch,
) -> Result<Vec<T>, &'static str> {
    let list: Vec<T> = checked_payload(frame, scratch)?;
    if list.is_empty() || list.len() != frame.entries as usize || list.len() > LIST_ENTRIES {
        return Err("a list is not as long as its header says, or longer than the format allows");
    }
    Ok(list)
}

fn read_plain<T: bincode::Decode<()>, S: ReadAt + ?Sized>(
    source: &S,
    kind: FrameKind,
    at: u64,
    end: u64,
    scratch: &mut Scratch,
) -> Result<(FrameHeader, T), TapeError> {
    let frame = read_frame(source, at, end, scratch)?;
    if frame.kind != kind {
        return Err(TapeError::damaged(
            at,
            format!("a frame of kind {kind:?} must stand here"),
        ));
    }
    let content = checked_payload(&frame, scratch).map_err(|what| TapeError::damaged(at, what))?;
    Ok((frame, content))
}

/// The payload of a plain frame that stands in `scratch.frame`.
fn checked_payload<T: bincode::Decode<()>>(
    frame: &FrameHeader,
    scratch: &Scratch,
) -> Result<T, &'static str> {
    let stored = scratch.frame.get(FRAME_HEADER_LEN..).unwrap_or_default();
    if crc32c::crc32c(stored) != frame.payload_crc {
        return Err("checksum does not match");
    }
    payload::decode(stored)
}
