//! Ways to end, and what the tape says of them.

use trace_format::Ending;

use crate::common::{Place, arg};
use crate::workshop::{all_events, assert_tidy, compile, made, read, record};

/// Ways to end: exit code of heaptape, and a part of what the tape or heaptape says.
const ENDINGS: [(&str, i32, &str); 10] = [
    ("return", 0, "exited with status 0"),
    ("status", 1, "exited with status 3"),
    ("_exit", 1, "exited with status 7"),
    ("quick_exit", 1, "exited with status 9"),
    ("syscall", 1, "exited with status 8"),
    ("unjoined", 0, "exited with status 0"),
    ("closed", 0, "exited with status 0"),
    ("abort", 1, "killed by signal 6 (SIGABRT)"),
    ("crash", 1, "killed by signal 11 (SIGSEGV)"),
    ("kill", 1, "killed by signal 9 (SIGKILL)"),
];

#[test]
fn every_ending_leaves_a_whole_tape_that_says_so() {
    let place = Place::new();
    let program = compile(&place, "ends", &[]);
    for (how, code, said) in ENDINGS {
        let ended = record(&place, how, &[], &[arg(&program), how]);
        assert_eq!(ended.code, code, "{how}: {}", ended.err);
        assert!(ended.err.contains(said), "{how}: {}", ended.err);
        assert_tidy(&place, how);
        let tape = read(&place.path(&format!("{how}.tape")));
        let kinds = all_events(&tape);
        assert_eq!(made(&kinds, 777), 1000, "{how}");
        assert_eq!(
            made(&kinds, 778),
            if how == "closed" { 200_000 } else { 0 },
            "{how}"
        );
        match tape.ending() {
            Ending::Died { reason } => assert!(
                said.starts_with("killed") && reason.starts_with(said),
                "{how}: {reason}"
            ),
            Ending::Complete => assert!(said.starts_with("exited"), "{how}"),
            other => panic!("{how}: {other:?}"),
        }
    }
}

#[test]
fn a_program_that_is_not_there() {
    let place = Place::new();
    let ended = record(&place, "x", &[], &["./no-such-program"]);
    assert_eq!(ended.code, 1);
    assert!(ended.err.contains("./no-such-program"), "{}", ended.err);
    assert_tidy(&place, "x");
    assert!(!place.path("x.tape").exists());
}

/// Its end is known, but not what it asked for.
#[test]
fn a_program_that_becomes_a_static_one_says_so() {
    let place = Place::new();
    let program = compile(&place, "ends", &["-static"]);
    let become_it = format!("echo; exec {} return", arg(&program));
    let ended = record(&place, "t", &[], &["bash", "-c", &become_it]);
    let tape = read(&place.path("t.tape"));
    let notes = tape.header().notes.join(" ");
    assert!(
        notes.contains("could not be recorded (exec)"),
        "{notes}\n{}",
        ended.err
    );
}

#[test]
fn a_static_program_is_named_as_such() {
    let place = Place::new();
    let program = compile(&place, "ends", &["-static"]);
    let ended = record(&place, "x", &[], &[arg(&program), "return"]);
    assert_eq!(ended.code, 1);
    assert!(ended.err.contains("statically linked"), "{}", ended.err);
    assert_tidy(&place, "x");
}

#[test]
fn an_unfinished_recording_is_not_overwritten() {
    let place = Place::new();
    std::fs::create_dir(place.path("x.tape.capture")).unwrap();
    let asked = place.run(["info", arg(&place.path("x.tape"))]);
    assert_eq!(asked.code, 1);
    assert!(asked.err.contains("heaptape salvage"), "{}", asked.err);
    let ended = record(&place, "x", &[], &["true"]);
    assert_eq!(ended.code, 1);
    assert!(ended.err.contains("salvage"), "{}", ended.err);
    assert!(place.path("x.tape.capture").exists());
}
