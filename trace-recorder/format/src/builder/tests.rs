//! Chunks that are made and read again.

use super::*;
use crate::chunk::decode_pieces;
use crate::decode::{Bounds, Scratch};
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
