//! The bytes that docs/tape-format.md shows are a tape, and the one that this crate writes.

mod common;

use trace_format::{
    BlockId, Clock, Ending, Event, EventKind, Header, LiveTotals, Tape, TapeWriter, totals_of,
    verify,
};

/// The bytes of the document's block of hex: each line is an offset, bytes, and behind a `|` what they mean.
fn shown() -> Vec<u8> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/tape-format.md");
    let text = std::fs::read_to_string(path).unwrap();
    let block = text
        .split("```hex\n")
        .nth(1)
        .and_then(|rest| rest.split("```").next())
        .unwrap();
    let mut bytes = Vec::new();
    for line in block.lines() {
        let (hex, _) = line.split_once('|').unwrap_or((line, ""));
        let Some((offset, hex)) = hex.trim().split_once(' ') else {
            continue;
        };
        assert_eq!(
            offset.parse::<usize>().unwrap(),
            bytes.len(),
            "offset of the line {line:?}"
        );
        bytes.extend(
            hex.split_whitespace()
                .map(|byte| u8::from_str_radix(byte, 16).unwrap()),
        );
    }
    bytes
}

fn events() -> [Vec<Event>; 2] {
    let at = |time_ns, kind| Event { time_ns, kind };
    let block = |index| BlockId { thread: 0, index };
    [
        vec![
            at(1000, EventKind::Malloc { size: 100 }),
            at(1040, EventKind::Malloc { size: 70_000 }),
            at(1300, EventKind::Free { block: block(0) }),
        ],
        vec![at(1500, EventKind::Free { block: block(1) })],
    ]
}

fn written() -> Vec<u8> {
    let header = Header {
        recorder: "heaptape".into(),
        name: "tiny".into(),
        command: vec![],
        pid: 1,
        started_unix_ns: 0,
        clock: Clock::Monotonic,
        page_size: 4096,
        pointer_width: 64,
        notes: vec![],
    };
    let mut writer = TapeWriter::new(Vec::new(), &header).unwrap();
    for (thread, events) in (0..).zip(events()) {
        writer.write_chunk(thread, &events).unwrap();
    }
    writer.thread(0, 1, "main");
    let live = LiveTotals {
        peak_live_bytes: 70_100,
        peak_live_ns: 1040,
        ..LiveTotals::default()
    };
    writer.finish(Ending::Complete, live).unwrap()
}

#[test]
fn the_document_s_bytes_are_a_sound_tape() {
    let bytes = shown();
    let report = verify(&bytes);
    assert!(report.sound, "{report}");
    let tape = Tape::open(bytes).unwrap();
    assert_eq!(totals_of(&tape, |_, _| {}).unwrap(), *tape.totals());
    assert_eq!(common::events_of(&tape), events());
    assert_eq!(tape.header().name, "tiny");
}

#[test]
fn this_crate_writes_the_document_s_bytes() {
    let written = written();
    let hex = |bytes: &[u8]| {
        bytes
            .iter()
            .map(|byte| format!("{byte:02X} "))
            .collect::<String>()
    };
    assert!(
        written == shown(),
        "the document must show\n{}",
        hex(&written)
    );
}
