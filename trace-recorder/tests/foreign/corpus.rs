//! The fuzzers' corpus, and every file of it with parts changed: the part of fuzzing that needs no fuzzer.

use super::hostile::survives;
use std::fs;
use std::path::PathBuf;
use trace_format::{Tape, verify};
use trace_recorder::foreign::ImportFormat;

/// The files of a fuzz target's corpus, by name.
fn corpus(target: &str) -> Vec<(String, Vec<u8>)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../fuzz/corpus")
        .join(target);
    let mut files: Vec<(String, Vec<u8>)> = fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.display().to_string(), fs::read(&path).unwrap()))
        .collect();
    files.sort();
    assert!(
        files.len() >= 3,
        "the corpus of {target} has {} files",
        files.len()
    );
    files
}

/// A row of numbers without a pattern (Marsaglia's xorshift), the same in each run.
struct Draws(u64);

impl Draws {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound.max(1) as u64) as usize
    }
}

/// A copy with some parts changed, repeated, cut out or exchanged for parts of another file.
fn changed(bytes: &[u8], other: &[u8], draws: &mut Draws) -> Vec<u8> {
    let mut out = bytes.to_vec();
    for _ in 0..=draws.below(4) {
        let from = draws.below(out.len() + 1);
        let to = (from + draws.below(40)).min(out.len());
        match draws.below(5) {
            0 if from < out.len() => out[from] ^= 1 << draws.below(8),
            1 => drop(out.drain(from..to)),
            2 => {
                let part = out[from..to].to_vec();
                let at = draws.below(out.len() + 1);
                out.splice(at..at, part);
            }
            3 => {
                let start = draws.below(other.len() + 1);
                let end = (start + draws.below(40)).min(other.len());
                out.splice(from..to, other[start..end].iter().copied());
            }
            _ => out.truncate(from),
        }
    }
    out
}

/// Runs `check` over a corpus and over `times` changed copies of each of its files.
fn run(target: &str, times: usize, check: impl Fn(&[u8])) {
    let files = corpus(target);
    let mut draws = Draws(0x9E37_79B9_7F4A_7C15);
    for (name, bytes) in &files {
        println!("{name}");
        check(bytes);
        for _ in 0..times {
            let (_, other) = &files[draws.below(files.len())];
            check(&changed(bytes, other, &mut draws));
        }
    }
}

/// Changed copies of each file: a sixteenth of the cases of a property; more where the property tests are to take longer too.
fn times() -> usize {
    let cases = std::env::var("PROPTEST_CASES")
        .ok()
        .and_then(|cases| cases.parse::<usize>().ok());
    cases.unwrap_or(256) / 16
}

#[test]
fn logalloc() {
    run("logalloc", times(), |bytes| {
        survives(ImportFormat::Logalloc, bytes)
    });
}

#[test]
fn android() {
    run("android", times(), |bytes| {
        survives(ImportFormat::Android, bytes)
    });
}

#[test]
fn mtrace() {
    run("mtrace", times(), |bytes| {
        survives(ImportFormat::Mtrace, bytes)
    });
}

#[test]
fn heaptrack() {
    run("heaptrack", times(), |bytes| {
        survives(ImportFormat::Heaptrack, bytes)
    });
}

#[test]
fn ops() {
    run("ops", times(), |bytes| survives(ImportFormat::Ops, bytes));
}

#[test]
fn tape() {
    run("tape", 4 * times(), |bytes| {
        let report = verify(bytes);
        let opened = Tape::open(bytes.to_vec());
        assert!(!report.sound || opened.is_ok());
        if let Ok(tape) = opened {
            // An opened tape may have damaged chunks; going through it says so, and info does as well.
            let events = tape.merged().take_while(Result::is_ok).count() as u64;
            assert!(!report.sound || events <= tape.totals().events);
            let _ = trace_recorder::info(&tape);
        }
        let _ = Tape::scan(bytes.to_vec());
    });
}
