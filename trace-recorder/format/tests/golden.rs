//! Tapes of every version that was ever published decode to what they did then.
//!
//! `golden/vN-native.tape` was packed by the C library of Zstandard, `golden/vN-rust.tape` by the pure-Rust one, and
//! `golden/vN.txt` lists what both hold. Never make them anew for a version that is out: add files for the next.

mod common;

use common::{small_events, write};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use trace_format::{Codec, Tape, totals_of, verify};

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(name)
}

/// All that a tape says, besides where its bytes lie.
fn listing(tape: &Tape<Vec<u8>>) -> String {
    let mut text = String::new();
    let mut line = |what: std::fmt::Arguments| writeln!(text, "{what}").unwrap();
    line(format_args!("{:?}", tape.header()));
    line(format_args!("{:?}", tape.ending()));
    line(format_args!("{:?}", tape.totals()));
    line(format_args!("{:?}", tape.marks()));
    for (number, thread) in tape.threads().iter().enumerate() {
        line(format_args!("thread {number}: {thread:?}"));
    }
    for number in 0..tape.chunks().len() {
        let chunk = tape.decode(number).unwrap();
        let info = chunk.info;
        line(format_args!(
            "chunk {number}: thread {}, events from {}, allocations from {}, {} to {} ns, {} bytes",
            info.thread,
            info.first_event,
            info.first_allocation,
            info.start_ns,
            info.end_ns,
            info.len
        ));
        for event in chunk.events {
            line(format_args!("  {} {:?}", event.time_ns, event.kind));
        }
    }
    text
}

#[test]
fn golden_tapes_decode_to_their_listings() {
    let mut found = 0;
    for version in 1..=trace_format::FORMAT_VERSION {
        let wanted = std::fs::read_to_string(golden(&format!("v{version}.txt"))).unwrap();
        for packer in ["native", "rust"] {
            let bytes = std::fs::read(golden(&format!("v{version}-{packer}.tape"))).unwrap();
            let report = verify(&bytes);
            assert!(report.sound, "version {version}, {packer}: {report}");
            let tape = Tape::open(bytes).unwrap();
            assert_eq!(totals_of(&tape, |_, _| {}).unwrap(), *tape.totals());
            assert!(
                listing(&tape) == wanted,
                "version {version}, {packer}: the listing differs"
            );
            found += 1;
        }
    }
    assert_eq!(found, 2 * trace_format::FORMAT_VERSION);
}

#[test]
fn the_golden_tapes_have_chunks_of_both_codecs() {
    let bytes = std::fs::read(golden("v1-native.tape")).unwrap();
    let codecs: Vec<u8> = common::frames(&bytes)
        .iter()
        .map(|at| bytes[at + 5])
        .collect();
    assert!(
        codecs[1..].contains(&(Codec::Zstd as u8)) && codecs[1..].contains(&(Codec::Plain as u8))
    );
}

/// Makes the golden files of this version: once with feature `native`, once without.
#[test]
#[ignore = "writes files that are kept in git"]
fn make_golden_files() {
    let bytes = write(&small_events(), 60, 2);
    let version = trace_format::FORMAT_VERSION;
    let packer = if cfg!(feature = "native") {
        "native"
    } else {
        "rust"
    };
    std::fs::write(golden(&format!("v{version}-{packer}.tape")), &bytes).unwrap();
    std::fs::write(
        golden(&format!("v{version}.txt")),
        listing(&Tape::open(bytes).unwrap()),
    )
    .unwrap();
}
