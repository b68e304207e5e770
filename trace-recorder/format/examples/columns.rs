//! How fast chunks are written and read, and how many bytes an event takes.
//!
//! `cargo run --release -p trace-format --features native --example columns [THREADS] [EVENTS]`
//!
//! The events are those of a program whose blocks live for 50 to 2,000 of a thread's operations: 60 % of the sizes
//! uniform in 16–256 B, 30 % in 512–2,048 B, 10 % in 4,096–32,768 B; an event every 20 to 300 ns.

use std::time::Instant;
use trace_format::{
    BlockId, Clock, Ending, Event, EventKind, Header, LiveTotals, MAX_CHUNK_EVENTS, Scratch, Tape,
    TapeError, TapeWriter, encode_chunk, totals_of, verify,
};

fn main() -> Result<(), TapeError> {
    let mut arguments = std::env::args()
        .skip(1)
        .map(|text| text.parse::<u64>().unwrap_or(0));
    let threads = arguments.next().unwrap_or(8).max(1) as u32;
    let events = arguments.next().unwrap_or(1_000_000).max(1);
    for timed in [true, false] {
        println!("{}", if timed { "with times" } else { "without times" });
        measure(threads, events, timed)?;
    }
    Ok(())
}

fn measure(threads: u32, events: u64, timed: bool) -> Result<(), TapeError> {
    let programs: Vec<Vec<Event>> = (0..threads)
        .map(|thread| program(thread, events, timed))
        .collect();
    let all = f64::from(threads) * events as f64;

    let start = Instant::now();
    let mut writer = TapeWriter::new(Vec::new(), &header())?;
    for (thread, program) in (0..).zip(&programs) {
        let mut allocations = 0;
        for (number, chunk) in (0..).zip(program.chunks(MAX_CHUNK_EVENTS as usize)) {
            let chunk = encode_chunk(
                thread,
                allocations,
                number * u64::from(MAX_CHUNK_EVENTS),
                chunk,
            )?;
            allocations += chunk.counts().allocations;
            writer.write_encoded(chunk)?;
        }
    }
    let bytes = writer.finish(Ending::Complete, LiveTotals::default())?;
    speed("write", all, start);
    println!("  {:.3} bytes an event", bytes.len() as f64 / all);

    let tape = Tape::open(bytes)?;
    let (mut scratch, mut decoded) = (Scratch::default(), Vec::new());
    for _ in 0..2 {
        let start = Instant::now();
        for chunk in 0..tape.chunks().len() {
            tape.decode_into(chunk, &mut scratch, &mut decoded)?;
        }
        speed("decode, one core", all, start);
    }
    let start = Instant::now();
    let report = verify(tape.source());
    speed("verify, one core", all, start);
    let start = Instant::now();
    let totals = totals_of(&tape, |_, _| {})?;
    speed("merge and sum up, one core", all, start);
    println!(
        "  peak {} bytes; verify says: {report}",
        totals.peak_live_bytes
    );
    Ok(())
}

fn speed(what: &str, events: f64, start: Instant) {
    println!(
        "  {what}: {:.1} million events a second",
        events / start.elapsed().as_secs_f64() / 1e6
    );
}

/// One thread's events: a timing wheel, as the `ephemeral` scenario has it.
fn program(thread: u32, events: u64, timed: bool) -> Vec<Event> {
    let mut state = 0x9E37_79B9_7F4A_7C15 ^ u64::from(thread + 1) << 32;
    let mut random = move |below: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.wrapping_mul(0x2545_F491_4F6C_DD1D) % below
    };
    let mut wheel: Vec<Vec<u64>> = vec![Vec::new(); 4096];
    let mut list = Vec::with_capacity(events as usize);
    let mut time_ns = 0;
    let mut index = 0;
    while (list.len() as u64) < events {
        let mut push = |kind, random: &mut dyn FnMut(u64) -> u64| {
            if timed {
                time_ns += 20 + random(280);
            }
            list.push(Event { time_ns, kind });
        };
        for index in std::mem::take(&mut wheel[index as usize % 4096]) {
            push(
                EventKind::Free {
                    block: BlockId { thread, index },
                },
                &mut random,
            );
        }
        let size = match random(10) {
            0..=5 => 16 + random(241),
            6..=8 => 512 + random(1537),
            _ => 4096 + random(28_673),
        };
        push(EventKind::Malloc { size }, &mut random);
        let due = index + 50 + random(1951);
        wheel[due as usize % 4096].push(index);
        index += 1;
    }
    list.truncate(events as usize);
    list
}

fn header() -> Header {
    Header {
        recorder: "columns".into(),
        name: "ephemeral".into(),
        command: Vec::new(),
        pid: 0,
        started_unix_ns: 0,
        clock: Clock::Order,
        page_size: 0,
        pointer_width: 0,
        notes: Vec::new(),
    }
}
