//! The calls of a program, one by one.

use std::process::Command;

use trace_format::EventKind;

use crate::common::{Place, arg, program};
use crate::workshop::{all_events, assert_tidy, compile, count, events, made, read, record};

#[test]
fn every_call_of_the_family_is_on_the_tape() {
    const ALL: usize = 4 * 5000;
    let place = Place::new();
    let program = compile(&place, "family", &[]);
    let ended = record(&place, "a", &[], &[arg(&program)]);
    assert_eq!(
        (ended.code, ended.out.as_str()),
        (0, "done\n"),
        "{}",
        ended.err
    );
    assert!(ended.err.contains("exited with status 0"), "{}", ended.err);
    assert_tidy(&place, "a");

    let tape = read(&place.path("a.tape"));
    let kinds = all_events(&tape);
    let mallocs = |bytes| count(&kinds, |kind| *kind == EventKind::Malloc { size: bytes });
    let reallocs = |bytes| {
        count(
            &kinds,
            |kind| matches!(kind, EventKind::Realloc { size, .. } if *size == bytes),
        )
    };
    let aligned = |bytes, log2| {
        let wanted = EventKind::AlignedMalloc {
            size: bytes,
            align_log2: log2,
        };
        count(&kinds, |kind| *kind == wanted)
    };
    assert_eq!(mallocs(1_000_001), ALL);
    assert_eq!(reallocs(1_000_002), ALL);
    assert_eq!(
        count(&kinds, |kind| *kind
            == EventKind::Calloc { size: 1_003_000 }),
        ALL
    );
    assert_eq!(reallocs(1_004_000), ALL);
    assert_eq!(mallocs(105), ALL, "a realloc of null is a malloc");
    for (bytes, log2) in [(106, 8), (1024, 9), (108, 10), (109, 12), (110, 12)] {
        assert_eq!(aligned(bytes, log2), ALL, "{bytes}");
    }
    assert_eq!(mallocs(111), ALL);
    let failed: Vec<u64> = kinds
        .iter()
        .filter_map(|kind| match kind {
            EventKind::Failed { size } => Some(*size),
            _ => None,
        })
        .collect();
    assert_eq!(failed.len(), 2);
    let totals = tape.totals();
    assert_eq!(totals.unknown_frees, 0);
    assert!(
        totals.remote_frees >= ALL as u64,
        "the main thread frees what others made"
    );
    // What is left is the C library's own.
    assert!(totals.live_bytes_at_end < 20_000, "{totals:?}");
    assert!(tape.header().clock != trace_format::Clock::Unknown);
    let mut names: Vec<&str> = tape.threads().iter().map(|t| t.name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(
        names,
        ["family", "worker 0", "worker 1", "worker 2", "worker 3"]
    );
    for (number, thread) in tape.threads().iter().enumerate() {
        assert!(thread.started, "{thread:?}");
        assert_eq!(thread.ended, thread.name != "family", "{thread:?}");
        assert_eq!(events(&tape, number)[0].kind, EventKind::ThreadStart);
    }
}

/// A handler may interrupt the recorder itself, if only the allocator is up to it. And an allocator may make one call of
/// the family of others: those are no requests of the program.
#[test]
fn signal_handlers_and_allocators_that_call_themselves() {
    let place = Place::new();
    let allocator = compile(&place, "bump", &["-shared", "-fPIC"]);
    let signals = compile(&place, "signals", &[]);
    let tape = place.path("s.tape");
    let output = Command::new(program())
        .args(["record", "-o", arg(&tape), "--", arg(&signals)])
        .env("LD_PRELOAD", &allocator)
        .output()
        .expect("the program can be started");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut numbers = text
        .split_whitespace()
        .map(|word| word.parse::<usize>().unwrap());
    let (done, handled) = (numbers.next().unwrap(), numbers.next().unwrap());
    assert!(handled > 100, "{text}");
    let tape = read(&tape);
    let kinds = all_events(&tape);
    assert_eq!(made(&kinds, 3001), handled * 5);
    assert_eq!(
        count(&kinds, |kind| *kind == EventKind::Calloc { size: 3002 }),
        handled * 5
    );
    assert_eq!(
        made(&kinds, 3002),
        handled * 5,
        "the malloc within the calloc is none"
    );
    assert_eq!(made(&kinds, 3003), done);
    assert_eq!(made(&kinds, 3004), done);
    assert_eq!(tape.totals().reallocs as usize, done);
    assert_eq!(tape.totals().unknown_frees, 0);
    assert!(tape.totals().live_blocks_at_end < 10, "{:?}", tape.totals());
}

#[test]
fn destructors_of_threads_and_short_threads_and_libraries() {
    let place = Place::new();
    let late = compile(&place, "late", &[]);
    let ended = record(&place, "l", &[], &[arg(&late)]);
    assert_eq!(
        (ended.code, ended.out.as_str()),
        (0, "done\n"),
        "{}",
        ended.err
    );
    let tape = read(&place.path("l.tape"));
    let kinds = all_events(&tape);
    assert_eq!(tape.threads().len(), 1 + 50 * 8 + 500 * 8);
    assert!(tape.threads().iter().all(|thread| thread.started));
    assert_eq!(
        tape.threads().iter().filter(|thread| thread.ended).count(),
        50 * 8 + 500 * 8
    );
    assert_eq!(made(&kinds, 2000), 50 * 8 * 8);
    assert_eq!(made(&kinds, 2003), 500 * 8);
    assert_eq!(made(&kinds, 2004), 50);
    assert_eq!(tape.totals().unknown_frees, 0);
    // A thread's end is its last event, whatever its destructors did.
    for thread in 1..tape.threads().len() {
        if let Some(last) = events(&tape, thread).last() {
            assert_eq!(last.kind, EventKind::ThreadEnd);
        }
    }
}
