//! Sound tapes to test with, and a walk over frames that knows only the document's byte offsets.
#![allow(dead_code)]

use proptest::prelude::*;
use trace_format::{
    BlockId, Clock, Codec, Ending, Event, EventKind, Header, LiveTotals, Tape, TapeWriter,
    encode_chunk_with, totals_of,
};

pub fn header() -> Header {
    Header {
        recorder: "heaptape test".into(),
        name: "made up".into(),
        command: vec!["prog".into(), "--flag".into()],
        pid: 4711,
        started_unix_ns: 1_700_000_000_000_000_000,
        clock: Clock::Monotonic,
        page_size: 4096,
        pointer_width: 64,
        notes: vec!["Nothing of this happened.".into()],
    }
}

/// What one step of a made-up program does.
#[derive(Clone, Debug)]
pub struct Step {
    pub thread: u8,
    pub kind: u8,
    pub pick: u16,
    pub size: u64,
    pub wait_ns: u64,
}

pub fn steps(most: usize) -> impl Strategy<Value = Vec<Step>> {
    let size = prop_oneof![4 => 0u64..600, 2 => 0u64..300_000, 1 => any::<u64>().prop_map(|size| size >> 8)];
    let wait = prop_oneof![3 => Just(0u64), 5 => 1u64..900, 1 => 0u64..100_000_000];
    let step = (any::<u8>(), any::<u8>(), any::<u16>(), size, wait).prop_map(
        |(thread, kind, pick, size, wait_ns)| Step {
            thread,
            kind,
            pick,
            size,
            wait_ns,
        },
    );
    prop::collection::vec(step, 0..most)
}

/// Runs the steps; the events of each thread. Every release is of a living block, made before or at the same time.
pub fn run(steps: &[Step], threads: u8) -> Vec<Vec<Event>> {
    let mut events = vec![Vec::new(); usize::from(threads)];
    let mut made = vec![0u64; usize::from(threads)];
    let mut live: Vec<BlockId> = Vec::new();
    let mut time_ns = 5;
    for step in steps {
        time_ns += step.wait_ns;
        let thread = u32::from(step.thread % threads);
        let at = thread as usize;
        let size = step.size;
        let mut kind = match step.kind % 24 {
            0..=5 => EventKind::Malloc { size },
            6 => EventKind::Calloc { size },
            7 => EventKind::AlignedMalloc {
                size,
                align_log2: (step.pick % 64) as u8,
            },
            8 => EventKind::ReallocUnknown { size },
            9 => EventKind::FreeUnknown,
            10 => EventKind::Failed { size },
            11 => EventKind::ThreadStart,
            12 => EventKind::ThreadEnd,
            13 => EventKind::Fork { child_pid: size },
            14 => EventKind::Mark {
                name: u32::from(step.pick % 3),
            },
            _ => EventKind::Malloc { size: 16 },
        };
        if step.kind % 24 > 14 && !live.is_empty() {
            let block = live.swap_remove(usize::from(step.pick) % live.len());
            kind = if step.kind % 24 < 21 {
                EventKind::Free { block }
            } else {
                EventKind::Realloc { old: block, size }
            };
        }
        if kind.makes_block() {
            live.push(BlockId {
                thread,
                index: made[at],
            });
            made[at] += 1;
        }
        events[at].push(Event { time_ns, kind });
    }
    events
}

/// Writes a tape of the threads' events in chunks of `chunk` events, every `plain`-th of them not packed.
pub fn write(threads: &[Vec<Event>], chunk: usize, plain: usize) -> Vec<u8> {
    let bytes = write_with(threads, chunk, plain, LiveTotals::default());
    let tape = Tape::open(bytes).unwrap();
    let totals = totals_of(&tape, |_, _| {}).unwrap();
    write_with(threads, chunk, plain, totals.live())
}

fn write_with(threads: &[Vec<Event>], chunk: usize, plain: usize, live: LiveTotals) -> Vec<u8> {
    let mut writer = TapeWriter::new(Vec::new(), &header()).unwrap();
    for mark in ["begin", "middle", "end"] {
        writer.mark(mark);
    }
    let mut lists: Vec<_> = threads
        .iter()
        .map(|events| (events.chunks(chunk), 0u64, 0u64))
        .collect();
    let mut number = 0;
    // Threads take turns, as they do in a recording.
    let rounds = lists
        .iter()
        .map(|(chunks, ..)| chunks.len())
        .max()
        .unwrap_or(0);
    for _ in 0..rounds {
        for (thread, (chunks, allocations, before)) in (0u32..).zip(&mut lists) {
            let Some(events) = chunks.next() else {
                continue;
            };
            let codec = if number % plain == 0 {
                Codec::Plain
            } else {
                Codec::Zstd
            };
            let encoded = encode_chunk_with(codec, thread, *allocations, *before, events).unwrap();
            *allocations += encoded.counts().allocations;
            *before += events.len() as u64;
            writer.write_encoded(encoded).unwrap();
            number += 1;
        }
    }
    for thread in 0..threads.len() as u32 {
        writer.thread(
            thread,
            1000 + u64::from(thread),
            &format!("worker {thread}"),
        );
    }
    writer.finish(Ending::Complete, live).unwrap()
}

/// A small tape of several threads with plain and packed chunks, and with every kind of event.
pub fn small_tape() -> Vec<u8> {
    write(&small_events(), 40, 2)
}

/// A program of three threads, made by a fixed rule.
pub fn small_events() -> Vec<Vec<Event>> {
    let steps: Vec<Step> = (0u64..300)
        .map(|at| Step {
            thread: (at * at % 7) as u8,
            kind: (at % 24) as u8,
            pick: (at * 31 % 1009) as u16,
            size: at * at * 13 % 90_000,
            wait_ns: if at % 3 == 0 { 0 } else { at * 57 },
        })
        .collect();
    run(&steps, 3)
}

/// All of a tape's events, thread by thread.
pub fn events_of(tape: &Tape<Vec<u8>>) -> Vec<Vec<Event>> {
    let mut threads = vec![Vec::new(); tape.threads().len()];
    for number in 0..tape.chunks().len() {
        let chunk = tape.decode(number).unwrap();
        threads[chunk.info.thread as usize].extend(chunk.events);
    }
    threads
}

/// The places of the frames' headers in a whole tape.
pub fn frames(bytes: &[u8]) -> Vec<usize> {
    let mut at = 16;
    let mut frames = Vec::new();
    while bytes[at..].starts_with(b"HTFR") {
        frames.push(at);
        at += 64 + word(bytes, at + 48) as usize;
    }
    frames
}

pub fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())
}

/// Makes the sums of the frame at `at` right again.
pub fn seal(bytes: &mut [u8], at: usize) {
    let stored = word(bytes, at + 48) as usize;
    if let Some(payload) = bytes.get(at + 64..(at + 64).saturating_add(stored)) {
        let crc = crc32c::crc32c(payload).to_le_bytes();
        bytes[at + 56..at + 60].copy_from_slice(&crc);
    }
    let crc = crc32c::crc32c(&bytes[at..at + 60]).to_le_bytes();
    bytes[at + 60..at + 64].copy_from_slice(&crc);
}
