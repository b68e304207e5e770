//! What recording costs: the same loops with and without the recorder, side by side, and a threaded program under
//! heaptrack, where that is installed.
//!
//! `cargo run --release -p trace-recorder --example overhead [ROUNDS]`
//!
//! Each loop runs in a process of its own, with and without the recorder in turns; what is told is the median over the
//! rounds of the difference per event, in the loop's processor time, which other programs change little, and in the time that
//! passed. Beside it stands what reading the clock alone takes, once an event as the recorder reads it, in a loop of its own in
//! the same rounds: that is the machine's share, two to three times as much on some virtual machines as on others, and the rest
//! is the recorder's. In `sizes`, whose blocks are seldom in the cache, half of the rest is the fence of a making's stamp: it waits
//! for what the allocator still reads, where the program alone would go on (without the fence 4 ns less there, 1 ns in `deep`; but
//! a stamp from before the allocator has read the block's state may be one from before another thread freed it). A fifth is
//! the system making room: zeros written ahead, 256 KiB at a time. Exits with 1 when an event costs more than 25 ns of processor time.

use std::error::Error;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::atomic::Ordering;
use std::time::Instant;

use trace_capture::clock;
use trace_recorder::runtime::{CaptureFolder, SessionInfo, clock as clocks};

/// What an event may cost, in nanoseconds.
const MOST_NS: f64 = 25.0;

/// Loops: name, threads, operations of each thread (a malloc and a free each).
const LOOPS: [(&str, usize, u64); 4] = [
    ("pair", 1, 20_000_000),
    ("deep", 1, 20_000_000),
    ("deep", 2, 10_000_000),
    ("sizes", 2, 5_000_000),
];

/// The loop that reads the clock as for a block's making and its release, and does nothing else.
const CLOCK: &str = "clock";

/// The threaded program that heaptrack records as well; smaller, since that takes its time.
const THREADED: (&str, usize, u64) = ("sizes", 4, 1_000_000);

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let result = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["--loop", name, threads, operations] => {
            work(
                name,
                threads.parse().unwrap_or(1),
                operations.parse().unwrap_or(1),
            );
            Ok(true)
        }
        [] => compare(7),
        [rounds] => compare(rounds.parse().unwrap_or(7)),
        _ => Err("usage: overhead [ROUNDS]".into()),
    };
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("overhead: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Runs all loops, and says whether each is within the bound.
fn compare(rounds: usize) -> Result<bool, Box<dyn Error>> {
    let recorder = build_recorder()?;
    let mut within = true;
    println!(
        "loop    threads   alone   recorded   an event costs   reading the clock   the rest   by the clock   (ns of processor time, medians of {rounds} rounds)"
    );
    for (name, threads, operations) in LOOPS {
        let (mut alone, mut recorded) = (Vec::new(), Vec::new());
        let (mut cost, mut by_clock) = (Vec::new(), Vec::new());
        let (mut reading, mut rest) = (Vec::new(), Vec::new());
        for _ in 0..rounds {
            let a = run(name, threads, operations, None)?;
            let b = run(name, threads, operations, Some(&recorder))?;
            alone.push(a.busy);
            recorded.push(b.busy);
            let clock = run(CLOCK, threads, operations, None)?;
            cost.push(b.busy - a.busy);
            reading.push(clock.busy);
            rest.push(b.busy - a.busy - clock.busy);
            by_clock.push(b.wall - a.wall);
        }
        let cost = median(&mut cost);
        within &= cost <= MOST_NS;
        println!(
            "{name:<7} {threads:>7} {:>7.1} {:>10.1} {cost:>16.1} {:>19.1} {:>10.1} {:>14.1}{}",
            median(&mut alone),
            median(&mut recorded),
            median(&mut reading),
            median(&mut rest),
            median(&mut by_clock),
            if cost <= MOST_NS {
                ""
            } else {
                "   above the bound of 25"
            }
        );
    }
    heaptrack(&recorder)?;
    Ok(within)
}

/// The threaded program alone, recorded, and under heaptrack.
fn heaptrack(recorder: &Path) -> Result<(), Box<dyn Error>> {
    let (name, threads, operations) = THREADED;
    if Command::new("heaptrack").arg("--version").output().is_err() {
        println!("heaptrack is not installed (apt-get install heaptrack): not compared with it");
        return Ok(());
    }
    let folder = temporary()?;
    let own = std::env::current_exe()?;
    let (mut alone, mut recorded, mut tracked) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..3 {
        alone.push(run(name, threads, operations, None)?);
        recorded.push(run(name, threads, operations, Some(recorder))?);
        let output = Command::new("heaptrack")
            .arg("-o")
            .arg(folder.join("trace"))
            .arg(&own)
            .args([
                "--loop",
                name,
                &threads.to_string(),
                &operations.to_string(),
            ])
            .output()?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        tracked.push(told(&text).ok_or("heaptrack's program told no time")?);
    }
    std::fs::remove_dir_all(&folder)?;
    for (what, of) in [
        (
            "processor time",
            (|cost: &Cost| cost.busy) as fn(&Cost) -> f64,
        ),
        ("by the clock", |cost: &Cost| cost.wall),
    ] {
        let of = |costs: &[Cost]| median(&mut costs.iter().map(of).collect::<Vec<f64>>());
        let (alone, recorded, tracked) = (of(&alone), of(&recorded), of(&tracked));
        println!(
            "{threads} threads, ns an event, {what}: alone {alone:.1}, heaptape {recorded:.1} ({:.2} times as long), heaptrack {tracked:.1} ({:.2} times as long)",
            recorded / alone,
            tracked / alone
        );
        println!(
            "  heaptrack adds {:.0} ns an event, heaptape {:.1}: {:.1} times less",
            tracked - alone,
            recorded - alone,
            (tracked - alone) / (recorded - alone).max(0.1)
        );
    }
    Ok(())
}

/// What an event of a loop takes, in nanoseconds.
#[derive(Copy, Clone, Debug)]
struct Cost {
    /// Processor time of the loop's process, also within the system.
    busy: f64,
    /// Time that passed, of as many threads as run at once.
    wall: f64,
}

/// What an event of a loop takes, in a new process.
fn run(
    name: &str,
    threads: usize,
    operations: u64,
    recorder: Option<&Path>,
) -> Result<Cost, Box<dyn Error>> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args([
        "--loop",
        name,
        &threads.to_string(),
        &operations.to_string(),
    ]);
    let folder = match recorder {
        Some(recorder) => {
            let folder =
                CaptureFolder::create(&CaptureFolder::temporary(), &SessionInfo::default())?;
            folder.set_limit(u64::MAX);
            folder.control().on.store(1, Ordering::Relaxed);
            command
                .env("LD_PRELOAD", recorder)
                .env("HEAPTAPE_CAPTURE", folder.path());
            Some(folder)
        }
        None => None,
    };
    let output = command.output()?;
    if let Some(folder) = &folder {
        let events = 2 * operations * threads as u64;
        let caught = folder.control().used.load(Ordering::Relaxed) / 8;
        if caught < events {
            return Err(format!("{caught} of {events} events were caught").into());
        }
    }
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    Ok(told(&text).ok_or("the loop told no time")?)
}

fn told(text: &str) -> Option<Cost> {
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("ns an event: "))?;
    let (busy, wall) = line.trim().split_once(' ')?;
    Some(Cost {
        busy: busy.parse().ok()?,
        wall: wall.parse().ok()?,
    })
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}

fn temporary() -> Result<PathBuf, Box<dyn Error>> {
    let folder = CaptureFolder::temporary();
    std::fs::create_dir(&folder)?;
    Ok(folder)
}

/// Builds `libheaptape.so` beside this program and says where it is.
fn build_recorder() -> Result<PathBuf, Box<dyn Error>> {
    let own = std::env::current_exe()?;
    let profile = own
        .ancestors()
        .nth(2)
        .ok_or("this program is not in a target folder")?;
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let built = Command::new(cargo)
        .args(["build", "--release", "--quiet", "-p", "heaptape-preload"])
        .arg("--target-dir")
        .arg(
            profile
                .parent()
                .ok_or("this program is not in a target folder")?,
        )
        .status()?;
    if !built.success() {
        return Err("libheaptape.so could not be built".into());
    }
    Ok(profile.join("libheaptape.so"))
}

/// The loop itself: tells what an event takes.
fn work(name: &str, threads: usize, operations: u64) {
    clocks::chosen();
    // The first requests set everything up.
    for _ in 0..1000 {
        // SAFETY: a block is freed once.
        unsafe { libc::free(black_box(libc::malloc(100))) };
    }
    let (start, ran) = (Instant::now(), processor_ns());
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(move || match name {
                CLOCK => read_clock(operations),
                "pair" => pair(operations),
                "deep" => deep(operations, |_| 64),
                _ => deep(operations, |random| 16 + random % 2000),
            });
        }
    });
    // What a thread needs: as many as there are processors run at once.
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let wall = start.elapsed().as_nanos() as f64 * threads.min(cores) as f64;
    let busy = processor_ns() - ran;
    let events = (operations * 2 * threads as u64) as f64;
    println!("ns an event: {:.2} {:.2}", busy / events, wall / events);
}

/// Nanoseconds that this process's threads have run.
fn processor_ns() -> f64 {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: `time` is a valid timespec to write to, and every Linux has this clock.
    unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &mut time) };
    time.tv_sec as f64 * 1e9 + time.tv_nsec as f64
}

fn read_clock(operations: u64) {
    for _ in 0..operations {
        black_box((clock::after(), clock::before()));
    }
}

fn pair(operations: u64) {
    for _ in 0..operations {
        // SAFETY: each block is freed once, and not used.
        unsafe { libc::free(black_box(libc::malloc(64))) };
    }
}

/// A thousand blocks live; a random one is replaced.
fn deep(operations: u64, size: impl Fn(usize) -> usize) {
    let mut blocks = [std::ptr::null_mut(); 1024];
    let mut random = 0x9E37_79B9_7F4A_7C15u64;
    for _ in 0..operations {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let place = &mut blocks[random as usize % 1024];
        // SAFETY: each block is freed once, when it leaves its place; null may be freed.
        unsafe {
            libc::free(*place);
            *place = black_box(libc::malloc(size((random >> 32) as usize)));
        }
    }
    for block in blocks {
        // SAFETY: as above.
        unsafe { libc::free(block) };
    }
}
