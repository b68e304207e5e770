//! Reclamation: what a burst took is given back, also what threads keep aside that sleep since.

use std::path::Path;

use crate::common::{compile, run, under};

/// Milliseconds.
const INTERVAL: u32 = 500;
/// Two are aimed at; twice as many is what a busy machine may need.
const MOST_INTERVALS: f64 = 4.0;

/// What `tests/c/burst.c` prints.
#[derive(Debug)]
struct Resident {
    start: u64,
    peak: u64,
    rest: u64,
    intervals: f64,
}

fn burst(program: &Path, size: &str, threads: &str, reclaim: &str) -> Resident {
    let mut call = under(program, &[size, threads, &INTERVAL.to_string()]);
    call.env("FANCY_RECLAIM", reclaim);
    call.env("FANCY_RECLAIM_INTERVAL_MS", INTERVAL.to_string());
    let ended = run(call, 120);
    assert!(ended.status.success() && ended.err.is_empty(), "{ended:#?}");
    let words: Vec<&str> = ended.out.split_whitespace().collect();
    let [start, peak, rest, intervals] = words[..] else {
        panic!("{ended:#?}");
    };
    let bytes = |word: &str| word.parse().expect("bytes");
    let resident = Resident {
        start: bytes(start),
        peak: bytes(peak),
        rest: bytes(rest),
        intervals: intervals.parse().expect("a number"),
    };
    println!("blocks of {size}, {threads} threads, reclamation {reclaim}: {resident:?}");
    resident
}

#[test]
fn a_burst_of_a_gibibyte_is_given_back() {
    let program = compile("cc", "burst.c", "burst", &["-pthread"]);
    // Small, kept, of all sizes, large; one thread, and several that sleep with what they keep.
    for (size, threads) in [("100", "4"), ("3000", "8"), ("0", "1"), ("1000000", "2")] {
        let resident = burst(&program, size, threads, "on");
        // What several threads free is never there at once.
        assert!(resident.peak > resident.start + (512 << 20), "{resident:?}");
        assert!(
            resident.rest <= resident.start + resident.start / 20,
            "{resident:?}"
        );
        assert!(resident.intervals <= MOST_INTERVALS, "{resident:?}");
    }
}

#[test]
fn without_reclamation_small_blocks_stay() {
    // Or the test above says nothing.
    let program = compile("cc", "burst.c", "burst-off", &["-pthread"]);
    let resident = burst(&program, "100", "1", "off");
    assert!(resident.rest > resident.start + (512 << 20), "{resident:?}");
}
