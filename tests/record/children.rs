//! Forks, execs, spawns.

use trace_format::EventKind;

use crate::common::{Place, arg};
use crate::workshop::{all_events, assert_tidy, children, compile, count, made, read, record};

/// Sizes of which each child makes 100 blocks.
const CHILDREN: [u64; 7] = [4001, 4002, 4003, 4004, 4005, 4006, 4007];

#[test]
fn each_child_has_a_tape() {
    let place = Place::new();
    let program = compile(&place, "children", &[]);
    let ended = record(&place, "c", &[], &[arg(&program)]);
    assert_eq!(ended.code, 0, "{}", ended.err);
    assert_tidy(&place, "c");

    let first = read(&place.path("c.tape"));
    let kinds = all_events(&first);
    assert_eq!(made(&kinds, 4000), 200);
    assert_eq!(
        made(&kinds, 4008),
        100,
        "the program that it became is on the same tape"
    );
    let forks = count(&kinds, |kind| matches!(kind, EventKind::Fork { .. }));
    assert_eq!(
        forks, 5,
        "four forks and a spawn by name; the bare system call, vfork and system(3) are not seen"
    );
    for size in CHILDREN {
        assert_eq!(made(&kinds, size), 0);
    }
    assert!(
        first
            .header()
            .notes
            .iter()
            .any(|note| note.contains("exec")),
        "{:?}",
        first.header()
    );

    let mut seen = Vec::new();
    for path in children(&place, "c") {
        let tape = read(&path);
        let kinds = all_events(&tape);
        for size in CHILDREN {
            match made(&kinds, size) {
                0 => {}
                100 => seen.push(size),
                other => panic!("{other} blocks of {size} bytes on {}", path.display()),
            }
        }
        if made(&kinds, 4001) > 0 {
            assert_eq!(
                tape.totals().unknown_frees,
                1,
                "the copy of the parent's block"
            );
        }
        assert_eq!(*tape.ending(), trace_format::Ending::Complete);
    }
    seen.sort_unstable();
    assert_eq!(seen, CHILDREN);
}

#[test]
fn all_children_on_one_tape() {
    let place = Place::new();
    let program = compile(&place, "children", &[]);
    let ended = record(&place, "m", &["--follow", "merge"], &[arg(&program)]);
    assert_eq!(ended.code, 0, "{}", ended.err);
    assert!(children(&place, "m").is_empty());
    let tape = read(&place.path("m.tape"));
    let kinds = all_events(&tape);
    for size in CHILDREN {
        assert_eq!(made(&kinds, size), 100, "{size}");
    }
    assert_eq!(made(&kinds, 4999), 1);
    assert_eq!(
        tape.totals().unknown_frees,
        1,
        "a child's free of its copy is not a free of the parent's block"
    );
}

#[test]
fn children_can_be_left_out() {
    let place = Place::new();
    let program = compile(&place, "children", &[]);
    let ended = record(&place, "n", &["--follow", "none"], &[arg(&program)]);
    assert_eq!(ended.code, 0, "{}", ended.err);
    assert!(children(&place, "n").is_empty());
    let kinds = all_events(&read(&place.path("n.tape")));
    assert_eq!(made(&kinds, 4000), 200);
    assert_eq!(made(&kinds, 4001), 0);
    assert_eq!(made(&kinds, 4008), 100);
}

/// A program that goes to the background: what its child still does is told of as missing, or waited for.
#[test]
fn a_child_that_outlives_its_parent() {
    let place = Place::new();
    let program = compile(&place, "lingers", &[]);
    let ended = record(&place, "l", &[], &[arg(&program)]);
    assert_eq!(ended.code, 0, "{}", ended.err);
    assert!(
        ended.err.contains("1 process of lingers still runs") && ended.err.contains("--wait"),
        "{}",
        ended.err
    );
    assert_tidy(&place, "l");
    assert_eq!(made(&all_events(&read(&place.path("l.tape"))), 4320), 1);

    let ended = record(&place, "w", &["--wait"], &[arg(&program)]);
    assert_eq!(ended.code, 0, "{}", ended.err);
    assert_tidy(&place, "w");
    let tapes = children(&place, "w");
    assert_eq!(tapes.len(), 1, "{}", ended.err);
    let tape = read(&tapes[0]);
    assert_eq!(made(&all_events(&tape), 4321), 100);
    assert_eq!(*tape.ending(), trace_format::Ending::Complete);
}

#[test]
fn a_pipeline_of_a_shell() {
    let place = Place::new();
    let ended = record(
        &place,
        "p",
        &["--follow", "merge"],
        &["sh", "-c", "seq 1 20000 | sort -r | uniq | wc -l"],
    );
    assert_eq!(
        (ended.code, ended.out.trim()),
        (0, "20000"),
        "{}",
        ended.err
    );
    let tape = read(&place.path("p.tape"));
    for name in ["seq", "sort", "uniq", "wc"] {
        let there = tape
            .threads()
            .iter()
            .any(|thread| thread.name.starts_with(name));
        assert!(there, "{name}: {:?}", tape.threads());
    }
}
