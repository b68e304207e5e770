//! How fast a capture becomes a tape, how fast a tape is decoded, and how near its columns come to their entropy.
//!
//! `cargo run --release -p trace-recorder --example throughput [THREADS] [OPERATIONS]`
//!
//! Records the scenario `ephemeral` with so many threads and operations of each (64 and 200,000: 25.6 million events),
//! and works on all cores. The entropy of a column is that of its bytes, each drawn by itself: what a Huffman code of its
//! own could reach at best.

use std::error::Error;
use std::sync::Mutex;
use std::time::Instant;

use rayon::prelude::*;
use trace_format::{Event, EventKind, FileSource, Scratch, Tape, encode_chunk, verify};
use trace_recorder::{Phase, Scale, Scenario, ScenarioOptions, record_scenario};

/// A tape shall have so many bytes an event at most, with and without its times.
const MOST_BYTES: [f64; 2] = [3.0, 1.8];

/// Million events a second that finishing and decoding shall reach on two cores.
const LEAST_FINISHED: f64 = 20.0;
const LEAST_DECODED: f64 = 100.0;

fn main() -> Result<(), Box<dyn Error>> {
    let numbers: Vec<u64> = std::env::args()
        .skip(1)
        .map(|text| text.parse())
        .collect::<Result<_, _>>()?;
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("ephemeral.tape");
    let options = ScenarioOptions {
        threads: Some(numbers.first().copied().unwrap_or(64) as u32),
        ops: Some(numbers.get(1).copied().unwrap_or(200_000)),
        scale: Scale::Default,
        ..ScenarioOptions::default()
    };
    let finishing: Mutex<Option<Clocks>> = Mutex::new(None);
    let recorded = record_scenario(Scenario::Ephemeral, &options, &path, &|phase, _, _| {
        if phase == Phase::Finish
            && let Ok(mut start) = finishing.lock()
        {
            start.get_or_insert_with(Clocks::now);
        }
    })?;
    let start = finishing.into_inner()?.ok_or("nothing was finished")?;
    let cores = rayon::current_num_threads();
    println!(
        "{} events of {} threads, {cores} cores",
        recorded.events, recorded.threads
    );
    start.tell("finishing", recorded.events, LEAST_FINISHED);

    let tape = Tape::open(FileSource::open(&path)?)?;
    decode(&tape)?;
    let start = Clocks::now();
    decode(&tape)?;
    start.tell("decoding", recorded.events, LEAST_DECODED);
    let report = verify(tape.source());
    println!("verify     {report}");
    sizes(&tape)?;
    Ok(())
}

/// Wall time and processor time.
struct Clocks {
    wall: Instant,
    /// Seconds that all threads have run.
    busy: f64,
}

impl Clocks {
    fn now() -> Clocks {
        // SAFETY: rusage is plain numbers, valid as zeros, and getrusage fills it.
        let usage = unsafe {
            let mut usage: libc::rusage = std::mem::zeroed();
            libc::getrusage(libc::RUSAGE_SELF, &mut usage);
            usage
        };
        let seconds = |time: libc::timeval| time.tv_sec as f64 + time.tv_usec as f64 / 1e6;
        Clocks {
            wall: Instant::now(),
            busy: seconds(usage.ru_utime) + seconds(usage.ru_stime),
        }
    }

    /// Says how fast `events` were worked through, and how fast two cores would have done it that had nothing else to do.
    fn tell(&self, what: &str, events: u64, wanted: f64) {
        let (wall, busy) = (
            self.wall.elapsed().as_secs_f64(),
            Clocks::now().busy - self.busy,
        );
        println!(
            "{what:<10} {:.1} million events a second of wall time; {:.1} of two cores' processor time (wanted: {wanted})",
            events as f64 / wall / 1e6,
            events as f64 / busy * 2.0 / 1e6
        );
    }
}

/// Decodes all chunks on all cores.
fn decode(tape: &Tape<FileSource>) -> Result<u64, trace_format::TapeError> {
    (0..tape.chunks().len())
        .into_par_iter()
        .map_init(
            || (Scratch::default(), Vec::new()),
            |(scratch, events), chunk| {
                tape.decode_into(chunk, scratch, events)?;
                Ok(events.len() as u64)
            },
        )
        .try_reduce(|| 0, |a, b| Ok(a + b))
}

/// Byte counts of one column's plane.
type Plane = [u64; 256];

/// The planes that are told, in this order.
const PLANES: [&str; 7] = [
    "opcodes",
    "times, low byte",
    "times, high byte",
    "sizes, low byte",
    "sizes, high byte",
    "ages, low byte",
    "ages, high byte",
];

/// Sizes of the tape with and without times, and the entropy of its columns.
fn sizes(tape: &Tape<FileSource>) -> Result<(), trace_format::TapeError> {
    let mut planes = [[0u64; 256]; PLANES.len()];
    let (mut with, mut without, mut events) = (0u64, 0u64, 0u64);
    for thread in 0..tape.threads().len() as u32 {
        let mut made = 0u64;
        for &number in tape.chunks_of(thread) {
            let chunk = tape.decode(number)?;
            let info = chunk.info;
            with += encode_chunk(
                thread,
                info.first_allocation,
                info.first_event,
                &chunk.events,
            )?
            .frame_len();
            let untimed: Vec<Event> = chunk
                .events
                .iter()
                .map(|event| Event {
                    time_ns: 0,
                    ..*event
                })
                .collect();
            without += encode_chunk(thread, info.first_allocation, info.first_event, &untimed)?
                .frame_len();
            events += chunk.events.len() as u64;
            count(&chunk.events, thread, &mut made, &mut planes);
        }
    }
    let bytes = [with as f64 / events as f64, without as f64 / events as f64];
    println!("column              entries an event   bits an entry   bytes an event");
    let (mut all, mut untimed) = (0.0, 0.0);
    for (name, plane) in PLANES.iter().zip(&planes) {
        let entries: u64 = plane.iter().sum();
        let bits = entropy(plane);
        let share = bits * entries as f64 / 8.0 / events as f64;
        all += share;
        if !name.starts_with("times") {
            untimed += share;
        }
        println!(
            "{name:<19} {:>16.3} {bits:>15.2} {share:>16.3}",
            entries as f64 / events as f64
        );
    }
    println!(
        "all columns         {all:>48.3}; the tape {:.3} (wanted: at most {})",
        bytes[0], MOST_BYTES[0]
    );
    println!(
        "without the times   {untimed:>48.3}; the tape {:.3} (wanted: at most {})",
        bytes[1], MOST_BYTES[1]
    );
    Ok(())
}

/// Adds the columns of a chunk; numbers above 65,535 count with their high byte as 255, as on the tape.
fn count(events: &[Event], thread: u32, made: &mut u64, planes: &mut [Plane; PLANES.len()]) {
    let mut add = |plane: usize, number: u64| {
        planes[plane][usize::from(number as u8)] += 1;
        planes[plane + 1][(number >> 8).min(255) as usize] += 1;
    };
    let mut codes = [0u64; 256];
    let mut last = events.first().map_or(0, |event| event.time_ns);
    for event in events {
        add(1, event.time_ns - last);
        last = event.time_ns;
        let code = match event.kind {
            EventKind::Malloc { .. } => 0,
            EventKind::Free { block } if block.thread == thread => {
                add(5, *made - block.index);
                6
            }
            EventKind::Free { .. } => 7,
            EventKind::ThreadStart => 10,
            EventKind::ThreadEnd => 11,
            _ => 3,
        };
        codes[code] += 1;
        if let Some(size) = event.kind.size() {
            add(3, size);
        }
        *made += u64::from(event.kind.makes_block());
    }
    planes[0]
        .iter_mut()
        .zip(codes)
        .for_each(|(sum, new)| *sum += new);
}

/// Bits an entry.
fn entropy(plane: &Plane) -> f64 {
    let all: u64 = plane.iter().sum();
    plane
        .iter()
        .filter(|count| **count > 0)
        .map(|&count| {
            let share = count as f64 / all as f64;
            -share * share.log2()
        })
        .sum()
}
