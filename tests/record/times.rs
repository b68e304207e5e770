//! Recording for a while, marks, and the signal that switches recording off and on.

use std::process::{Command, Stdio};
use std::time::Duration;

use trace_format::EventKind;

use crate::common::{Place, arg, program, signal};
use crate::workshop::{all_events, compile, count, made, read, record};

#[test]
fn phases_have_names() {
    let place = Place::new();
    let plain = compile(&place, "phases", &[]);
    assert!(
        Command::new(&plain)
            .status()
            .is_ok_and(|status| status.success()),
        "a program with marks runs without the recorder"
    );
    for (name, flags) in [("pie", &[][..]), ("nopie", &["-no-pie", "-fno-pie"])] {
        let phases = compile(&place, "phases", flags);
        let ended = record(&place, name, &[], &[arg(&phases)]);
        assert_eq!(ended.code, 0, "{}", ended.err);
        let tape = read(&place.path(&format!("{name}.tape")));
        assert_eq!(
            tape.marks(),
            ["loading", "a rather long name of a phase, with ümläuts"]
        );
        let marks: Vec<EventKind> = all_events(&tape)
            .into_iter()
            .filter(|kind| matches!(kind, EventKind::Mark { .. }))
            .collect();
        assert_eq!(marks, [0, 1, 0].map(|name| EventKind::Mark { name }));
    }
}

/// A server that goes on starts programs, and none of them is a part of the recording any more.
#[test]
fn programs_that_begin_afterwards_are_not_bothered() {
    let place = Place::new();
    let late = "sleep 0.1; sleep 2; env sleep 0; env | grep CAPTURE";
    let ended = record(&place, "t", &["--duration", "0.5"], &["bash", "-c", late]);
    assert_eq!(ended.code, 0, "{}", ended.err);
    assert!(ended.err.contains("runs on"), "{}", ended.err);
    assert!(!ended.err.contains("is not recorded"), "{}", ended.err);
    assert!(ended.out.contains("HEAPTAPE_CAPTURE=\n"), "{}", ended.out);
}

#[test]
fn a_part_of_the_time() {
    let place = Place::new();
    let phases = compile(&place, "phases", &[]);
    // Two seconds, of which half a second is recorded.
    let ended = record(
        &place,
        "t",
        &["--start-after", "0.5", "--duration", "0.5"],
        &[arg(&phases), "20"],
    );
    assert_eq!(ended.code, 0, "{}", ended.err);
    assert!(ended.err.contains("runs on"), "{}", ended.err);
    let tape = read(&place.path("t.tape"));
    let kinds = all_events(&tape);
    assert!(
        (20..1500).contains(&made(&kinds, 5001)),
        "{}",
        made(&kinds, 5001)
    );
    assert_eq!(made(&kinds, 5000), 0, "that was before");
    assert!(tape.totals().duration_ns < 1_500_000_000);
    assert!(
        !tape.threads()[0].started,
        "the thread is older than the recording"
    );
}

#[test]
fn a_signal_switches_recording() {
    let place = Place::new();
    let phases = compile(&place, "phases", &[]);
    let tape = place.path("s.tape");
    let mut recorder = Command::new(program())
        .args(["record", "-o", arg(&tape), "--", arg(&phases), "15"])
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program can be started");
    std::thread::sleep(Duration::from_millis(400));
    signal("USR1", recorder.id());
    std::thread::sleep(Duration::from_millis(400));
    signal("USR1", recorder.id());
    assert_eq!(recorder.wait().expect("the recorder ended").code(), Some(0));
    let tape = read(&tape);
    let kinds = all_events(&tape);
    assert_eq!(
        count(&kinds, |kind| matches!(kind, EventKind::Mark { .. })),
        3
    );
    let there = made(&kinds, 5001);
    assert!((100..1500).contains(&there), "{there}");
    assert!(
        tape.header()
            .notes
            .iter()
            .any(|note| note.contains("off once")),
        "{:?}",
        tape.header().notes
    );
}
