//! Recording, info and verify through the command line, on whole and on damaged tapes.

mod common;

use common::{Place, arg};
use serde_json::Value;

/// A tape of some thousand bytes.
const TINY: [&str; 4] = ["--threads", "3", "--ops", "300"];

#[test]
fn every_scenario_is_recorded_whole() {
    let place = Place::new();
    for (scenario, more) in [
        ("basic", &TINY[..]),
        ("ephemeral", &["--threads", "3", "--ops", "3000"]),
        ("large", &TINY),
    ] {
        let tape = place.record(scenario, more);
        let verified = place.succeed(["verify", arg(&tape)]);
        assert!(
            !verified.out.is_empty(),
            "verify says that the tape is sound"
        );
        let info = place.succeed(["info", arg(&tape)]).out;
        assert!(info.contains(scenario), "{info}");
        let json: Value =
            serde_json::from_str(&place.succeed(["info", arg(&tape), "--json"]).out).unwrap();
        assert!(json.is_object(), "{json}");
    }
}

#[test]
fn a_refused_recording_leaves_no_tape() {
    let place = Place::new();
    let tape = place.path("none.tape");
    let ended = place.run([
        "record",
        "-o",
        "no-such-folder/none.tape",
        "--scenario",
        "basic",
        "--scale",
        "small",
    ]);
    assert_eq!(ended.code, 1, "{}", ended.err);
    assert!(ended.err.contains("none.tape"), "{}", ended.err);
    assert!(!tape.exists());
}

#[test]
fn one_flipped_byte_anywhere_is_found_and_placed() {
    let place = Place::new();
    let sound = std::fs::read(place.record("basic", &TINY)).unwrap();
    // Both ends wholly, where the fixed parts of the format are, and steps between: every byte is flipped in the tests of
    // the package trace-format.
    let ends = (0..40).chain(sound.len() - 40..sound.len());
    let between = (40..sound.len() - 40).step_by(sound.len() / 40 + 1);
    for at in ends.chain(between) {
        let mut flipped = sound.clone();
        flipped[at] ^= 0x10;
        let path = place.write("flipped.tape", &flipped);
        damage_is_found(&place, arg(&path), &format!("byte {at} flipped"));
    }
}

#[test]
fn a_cut_at_any_length_is_found_and_placed() {
    let place = Place::new();
    let sound = std::fs::read(place.record("large", &TINY)).unwrap();
    let lengths = (0..30)
        .chain(sound.len() - 30..sound.len())
        .chain((30..sound.len() - 30).step_by(sound.len() / 40 + 1));
    for length in lengths {
        let path = place.write("cut.tape", &sound[..length]);
        damage_is_found(&place, arg(&path), &format!("cut to {length} bytes"));
    }
}

/// `verify` ends with 1 and says in words where the damage is.
fn damage_is_found(place: &Place, path: &str, how: &str) {
    let ended = place.run(["verify", path]);
    let said = format!("{}{}", ended.out, ended.err);
    assert_eq!(ended.code, 1, "{how}: {said}");
    assert!(!said.contains("panicked"), "{how}: {said}");
    assert!(
        said.chars().any(|c| c.is_ascii_digit()),
        "{how} is not placed: {said}"
    );
}

#[test]
fn verify_needs_less_than_64_mib_whatever_the_file_says() {
    const LIMIT: u64 = 64 << 20;
    let place = Place::new();
    let tape = place.record("ephemeral", &["--threads", "4", "--ops", "200000"]);
    let ended = place.run_within(LIMIT, &["verify", arg(&tape)]);
    assert_eq!(ended.code, 0, "{}{}", ended.out, ended.err);
    // Lengths that promise everything: runs of 0xff laid over the frames.
    let sound = std::fs::read(&tape).unwrap();
    for at in [
        8,
        24,
        64,
        sound.len() / 2,
        sound.len() - 64,
        sound.len() - 24,
    ] {
        let mut broken = sound.clone();
        for byte in broken[at..].iter_mut().take(12) {
            *byte = 0xff;
        }
        let path = place.write("promises.tape", &broken);
        let ended = place.run_within(LIMIT, &["verify", arg(&path)]);
        assert_eq!(ended.code, 1, "0xff at {at}: {}{}", ended.out, ended.err);
    }
}
