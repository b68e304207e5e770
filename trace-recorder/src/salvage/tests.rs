//! Damaged tapes and what is made of them.

use super::*;
use crate::{Scale, Scenario, ScenarioOptions, record_scenario_to};
use trace_format::{totals_of, verify};

fn tape() -> Vec<u8> {
    let options = ScenarioOptions {
        scale: Scale::Small,
        ..ScenarioOptions::default()
    };
    let mut bytes = Vec::new();
    record_scenario_to(Scenario::Large, &options, &mut bytes, &|_, _, _| ()).unwrap();
    bytes
}

fn salvaged(bytes: Vec<u8>) -> (Tape<Vec<u8>>, Salvaged) {
    let mut out = Vec::new();
    let salvaged = salvage(bytes, &mut out, &|_, _, _| ()).unwrap();
    assert_eq!(salvaged.recorded.bytes, out.len() as u64);
    let report = verify(&out);
    assert!(report.sound, "{report}");
    let tape = Tape::open(out).unwrap();
    assert_eq!(totals_of(&tape, |_, _| ()).unwrap(), *tape.totals());
    assert_eq!(tape.totals().events, salvaged.recorded.events);
    (tape, salvaged)
}

#[test]
fn a_sound_tape_comes_back() {
    let bytes = tape();
    let before = Tape::open(bytes.clone()).unwrap();
    let (after, salvaged) = salvaged(bytes);
    assert!(salvaged.damages.is_empty());
    assert_eq!(before.totals(), after.totals());
    assert_eq!(before.threads(), after.threads());
}

#[test]
fn what_is_before_a_cut_is_kept() {
    let bytes = tape();
    let whole = Tape::open(bytes.clone()).unwrap();
    let middle = whole.chunks()[whole.chunks().len() / 2].offset as usize + 10;
    let expected: u64 = whole
        .chunks()
        .iter()
        .filter(|chunk| (chunk.offset as usize) < middle - 10)
        .map(|chunk| u64::from(chunk.events))
        .sum();
    let (after, salvaged) = salvaged(bytes[..middle].to_vec());
    assert_eq!(after.totals().events, expected);
    assert!(!salvaged.damages.is_empty());
    assert!(matches!(
        after.ending(),
        trace_format::Ending::Salvaged { .. }
    ));
}

#[test]
fn a_hole_costs_its_own_events_only() {
    let bytes = tape();
    let whole = Tape::open(bytes.clone()).unwrap();
    let first = whole.chunks()[0];
    let mut damaged = bytes;
    damaged[first.offset as usize + 100] ^= 0x55;
    let (after, salvaged) = salvaged(damaged);
    assert_eq!(
        after.totals().events,
        whole.totals().events - u64::from(first.events)
    );
    assert_eq!(salvaged.damages.len(), 1);
}
