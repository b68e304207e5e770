//! `kill -9` at random moments: every call that had returned is on the tape.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use trace_format::EventKind;

use crate::common::{Place, arg, program, signal};
use crate::workshop::{Read, compile, events, read};

/// The threads of `counter.c`.
const THREADS: u64 = 3;

/// The size of a thread's block number n, as `counter.c` has it.
fn size_of(thread: u64, n: u64) -> u64 {
    16 + (n * 7919 + thread * 104_729) % 5000
}

/// What the program counted: mallocs and frees that returned, by thread.
fn counted(path: &Path) -> Vec<(u64, u64)> {
    let bytes = std::fs::read(path).unwrap_or_default();
    let word = |at: usize| {
        bytes
            .get(at * 8..at * 8 + 8)
            .map_or(0, |word| u64::from_le_bytes(word.try_into().unwrap()))
    };
    (0..THREADS as usize)
        .map(|thread| (word(thread * 16), word(thread * 16 + 1)))
        .collect()
}

/// Finds each thread's calls on the tape: all of them, in order, and at most one more than it had counted.
fn assert_all_there(tape: &Read, counted: &[(u64, u64)]) {
    let mut seen = vec![false; counted.len()];
    for number in 0..tape.threads().len() {
        let events = events(tape, number);
        let sizes: Vec<u64> = events
            .iter()
            .filter_map(|event| match event.kind {
                EventKind::Malloc { size } => Some(size),
                _ => None,
            })
            .collect();
        let frees = events
            .iter()
            .filter(|event| matches!(event.kind, EventKind::Free { .. }))
            .count() as u64;
        for (thread, &(mallocs, freed)) in counted.iter().enumerate() {
            let is_it = |from: usize| {
                sizes.len() >= from + 3
                    && (0..3).all(|n| sizes[from + n as usize] == size_of(thread as u64, n))
            };
            // Before its own, the C library may have made some blocks.
            let Some(from) = (0..16).find(|&from| is_it(from)) else {
                continue;
            };
            let own = &sizes[from..];
            assert!(
                own.len() as u64 >= mallocs,
                "thread {thread}: {} of {mallocs} mallocs",
                own.len()
            );
            assert!(
                own.len() as u64 <= mallocs + 1,
                "thread {thread}: {} mallocs, {mallocs} counted",
                own.len()
            );
            for (n, size) in own.iter().enumerate() {
                assert_eq!(
                    *size,
                    size_of(thread as u64, n as u64),
                    "thread {thread}, malloc {n}"
                );
            }
            assert!(frees >= freed, "thread {thread}: {frees} of {freed} frees");
            seen[thread] = true;
        }
    }
    for (thread, &(mallocs, _)) in counted.iter().enumerate() {
        assert!(seen[thread] || mallocs < 3, "thread {thread} is missing");
    }
    assert_eq!(tape.totals().unknown_frees, 0);
}

/// A pseudo-random number of microseconds.
fn moment(number: u64) -> Duration {
    let mut state = number.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0x1234_5678;
    state ^= state >> 29;
    state = state.wrapping_mul(0xBF58_476D_1CE4_E5B9);
    Duration::from_micros(state % 120_000)
}

/// Kills the program, or with it the recorder, whose folder is then salvaged.
fn kill(place: &Place, counter: &Path, number: u64) {
    let (tape, counts) = (place.path("k.tape"), place.path("counts"));
    let _ = std::fs::remove_file(&counts);
    let salvaged = number % 2 == 1;
    let mut recorder = Command::new(program())
        .args(["record", "-o", arg(&tape), "--", arg(counter), arg(&counts)])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program can be started");
    // Until it counts.
    while counted(&counts).iter().all(|&(mallocs, _)| mallocs == 0) {
        std::thread::sleep(Duration::from_millis(1));
    }
    std::thread::sleep(moment(number));
    let child = child_of(recorder.id());
    if salvaged {
        recorder.kill().expect("the recorder can be killed");
        recorder.wait().expect("the recorder ended");
        signal("KILL", child);
        while Path::new(&format!("/proc/{child}/maps")).exists()
            && std::fs::read_to_string(format!("/proc/{child}/stat"))
                .is_ok_and(|stat| !stat.contains(") Z "))
        {
            std::thread::sleep(Duration::from_millis(1));
        }
        let folder = place.path("k.tape.capture");
        place.succeed(["salvage", arg(&folder), "-o", arg(&tape)]);
        std::fs::remove_dir_all(folder).expect("the folder of the recording");
    } else {
        signal("KILL", child);
        assert_eq!(recorder.wait().expect("the recorder ended").code(), Some(1));
    }
    let read = read(&tape);
    assert!(
        matches!(read.ending(), trace_format::Ending::Died { .. }),
        "{:?}",
        read.ending()
    );
    assert_all_there(&read, &counted(&counts));
}

/// The first child of a process.
fn child_of(pid: u32) -> u32 {
    let path = format!("/proc/{pid}/task/{pid}/children");
    loop {
        let children = std::fs::read_to_string(&path).expect("the kernel lists children");
        if let Some(child) = children.split_whitespace().next() {
            return child.parse().expect("a number");
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn kill_times(times: std::ops::Range<u64>) {
    let place = Place::new();
    let counter = compile(&place, "counter", &[]);
    for number in times {
        kill(&place, &counter, number);
    }
}

#[test]
fn killed_ten_times_at_random_moments() {
    kill_times(0..10);
}

/// Takes minutes: `cargo xtask test --long` runs it.
#[test]
#[ignore = "takes minutes; cargo xtask test --long runs it"]
fn killed_a_hundred_times_at_random_moments() {
    kill_times(100..200);
}
