//! How fast a capture becomes a tape, how fast a tape is decoded, and how near its columns come to their entropy.
//!
//! `cargo run --release -p trace-recorder --example throughput [THREADS] [OPERATIONS] [ROUNDS]`
//!
//! Records the scenario `ephemeral` with so many threads and operations of each (64 and 200,000: 25.6 million events), and
//! works on all cores, so many times (5). Told are medians, slowest and fastest. A virtual machine may run slower than it
//! says: the speed that the processors really had is told beside.
//!
//! The entropy of a column is that of its bytes, each drawn by itself: what a Huffman code of its own could reach at best.

use std::error::Error;
use std::hint::black_box;
use std::path::Path;
use std::sync::Mutex;
use std::time::Instant;

use rayon::prelude::*;
use trace_format::{Event, EventKind, FileSource, Scratch, Tape, encode_chunk, verify};
use trace_recorder::harvest::{Harvest, Outcome, RecordingOptions};
use trace_recorder::runtime::CaptureFolder;
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
    let number = |at: usize, usual| numbers.get(at).copied().unwrap_or(usual);
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("ephemeral.tape");
    let options = ScenarioOptions {
        threads: Some(number(0, 64) as u32),
        ops: Some(number(1, 200_000)),
        scale: Scale::Default,
        ..ScenarioOptions::default()
    };
    // The capture is gone when the tape is there: it is kept under a second name.
    let kept = folder.path().join("kept");
    let keeping: Mutex<Option<std::io::Result<()>>> = Mutex::new(None);
    let recorded = record_scenario(Scenario::Ephemeral, &options, &path, &|phase, _, _| {
        if phase == Phase::Finish
            && let Ok(mut keeping) = keeping.lock()
        {
            keeping.get_or_insert_with(|| keep(&CaptureFolder::beside(&path), &kept));
        }
    })?;
    keeping.into_inner()?.ok_or("nothing was finished")??;
    println!(
        "{} events of {} threads, {} cores",
        recorded.events,
        recorded.threads,
        rayon::current_num_threads()
    );
    let rounds = number(2, 5).max(1) as usize;
    measure("finishing", recorded.events, rounds, LEAST_FINISHED, || {
        let harvest = Harvest::open(&kept)?;
        let process = harvest.processes().first().ok_or("nothing was kept")?;
        let mut out = tempfile::tempfile_in(folder.path())?;
        let options = RecordingOptions::default();
        harvest.write_process(
            process,
            &Outcome::Unknown,
            &options,
            &mut out,
            &|_, _, _| (),
        )?;
        Ok(())
    })?;
    let tape = Tape::open(FileSource::open(&path)?)?;
    measure("decoding", recorded.events, rounds, LEAST_DECODED, || {
        decode(&tape)?;
        Ok(())
    })?;
    measure("whole", recorded.events, rounds, LEAST_DECODED, || {
        decode_whole(&tape)?;
        Ok(())
    })?;
    let report = verify(tape.source());
    println!("verify     {report}");
    sizes(&tape)?;
    Ok(())
}

/// Gives the files of a folder second names in a new one.
fn keep(folder: &Path, kept: &Path) -> std::io::Result<()> {
    std::fs::create_dir(kept)?;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        std::fs::hard_link(entry.path(), kept.join(entry.file_name()))?;
    }
    Ok(())
}

/// Does `work` on `events` events once in vain and `rounds` times on the clock, and tells how fast it was.
fn measure(
    what: &str,
    events: u64,
    rounds: usize,
    wanted: f64,
    mut work: impl FnMut() -> Result<(), Box<dyn Error>>,
) -> Result<(), Box<dyn Error>> {
    work()?;
    let (mut wall, mut busy, mut speeds) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds {
        let before = speed();
        let (start, ran) = (Instant::now(), processor_seconds());
        work()?;
        let seconds = start.elapsed().as_secs_f64();
        let ran = processor_seconds() - ran;
        speeds.push((before + speed()) / 2.0);
        wall.push(events as f64 / seconds / 1e6);
        busy.push(events as f64 / ran * 2.0 / 1e6);
    }
    for list in [&mut wall, &mut busy, &mut speeds] {
        list.sort_by(f64::total_cmp);
    }
    let middle = |list: &[f64]| list[list.len() / 2];
    println!(
        "{what:<10} {:.1} million events a second ({:.1} to {:.1}; wanted: {wanted}); {:.1} by the time of two processors, which ran at {:.2} GHz",
        middle(&wall),
        wall[0],
        wall[wall.len() - 1],
        middle(&busy),
        middle(&speeds)
    );
    Ok(())
}

/// Seconds that all threads have run.
fn processor_seconds() -> f64 {
    // SAFETY: rusage is plain numbers, valid as zeros, and getrusage fills it.
    let usage = unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        libc::getrusage(libc::RUSAGE_SELF, &mut usage);
        usage
    };
    let seconds = |time: libc::timeval| time.tv_sec as f64 + time.tv_usec as f64 / 1e6;
    seconds(usage.ru_utime) + seconds(usage.ru_stime)
}

/// The speed of the cores in GHz, all of them busy: each step is three operations, one after the other, of a cycle each.
fn speed() -> f64 {
    const STEPS: u64 = 10_000_000;
    let speeds = rayon::broadcast(|_| {
        let start = Instant::now();
        let mut state = black_box(1u64);
        for _ in 0..STEPS {
            state = (state ^ (state >> 7)).wrapping_add(1);
        }
        black_box(state);
        (3 * STEPS) as f64 / start.elapsed().as_nanos() as f64
    });
    speeds.iter().sum::<f64>() / speeds.len() as f64
}

/// Decodes all chunks on all cores, as who looks at each event once.
fn decode(tape: &Tape<FileSource>) -> Result<u64, trace_format::TapeError> {
    (0..tape.chunks().len())
        .into_par_iter()
        .map_init(Scratch::default, |scratch, chunk| {
            let mut sum = 0u64;
            tape.decode_pieces(chunk, scratch, |events| {
                let times = events.iter().map(|event| event.time_ns);
                sum = times.fold(sum, u64::wrapping_add);
            })?;
            Ok(black_box(sum))
        })
        .try_reduce(|| 0, |a, b| Ok(a ^ b))
}

/// Decodes all chunks on all cores, each into one list of all its events.
fn decode_whole(tape: &Tape<FileSource>) -> Result<u64, trace_format::TapeError> {
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
