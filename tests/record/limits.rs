//! Full disks and small limits: the program goes on, the tape says where recording stopped.

use std::process::Command;

use trace_format::Ending;

use crate::common::{Place, arg, program};
use crate::workshop::{all_events, compile, made, read, record};

/// 200,000 blocks, of which `tape` has the first so many at least, and not all; and its reason names `why`.
fn assert_cut(tape: &std::path::Path, least: usize, why: &str) {
    let tape = read(tape);
    let kinds = all_events(&tape);
    let there = made(&kinds, 778);
    assert!((least..200_000).contains(&there), "{there}");
    assert_eq!(made(&kinds, 777), 1000);
    match tape.ending() {
        Ending::Salvaged { reason } => {
            assert!(reason.contains(why), "{reason}");
            assert!(
                reason.contains(&(200_000 - there).to_string()),
                "{there}: {reason}"
            );
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_bound_on_the_capture() {
    let place = Place::new();
    let ends = compile(&place, "ends", &[]);
    let ended = record(
        &place,
        "b",
        &["--max-capture", "600K"],
        &[arg(&ends), "closed"],
    );
    assert_eq!(ended.code, 1, "{}", ended.err);
    assert!(ended.err.contains("exited with status 0"), "{}", ended.err);
    assert_cut(
        &place.path("b.tape"),
        30_000,
        "the disk space that it may take",
    );
}

#[test]
fn a_limit_on_the_size_of_files() {
    let place = Place::new();
    let ends = compile(&place, "ends", &[]);
    let tape = place.path("f.tape");
    // In blocks of 512 or 1,024 bytes, whichever the shell has.
    let output = Command::new("sh")
        .args(["-c", "ulimit -f 1200 && exec \"$@\"", "sh"])
        .arg(program())
        .args(["record", "-o", arg(&tape), "--", arg(&ends), "closed"])
        .output()
        .expect("a shell");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("exited with status 0"), "{said}");
    assert_cut(&tape, 30_000, "largest size that is allowed");
}

/// Records `ends closed` on a disk of this size, where this user may mount one, and copies what became of it.
fn on_a_disk(place: &Place, size: &str) -> Option<std::process::Output> {
    const SCRIPT: &str = r#"
        mount -t tmpfs -o size=$1 heaptape-test "$2" || exit 99
        "$3" record -o "$2/d.tape" -- "$4" closed
        code=$?
        cp "$2/d.tape" "$5" || "$3" salvage "$2/d.tape.capture" -o "$5" || code=98
        ls -A "$2"
        exit $code"#;
    let disk = place.path("disk");
    std::fs::create_dir_all(&disk).unwrap();
    let ends = compile(place, "ends", &[]);
    // In a name space of its own, so that nothing is left mounted.
    let output = Command::new("unshare")
        .args(["-m", "--map-root-user", "sh", "-c", SCRIPT, "sh", size])
        .args([&disk, &program(), &ends, &place.path("d.tape")])
        .output()
        .ok()?;
    if !output.status.success() && output.status.code().is_none_or(|code| code == 99 || output.stderr.starts_with(b"unshare")) {
        eprintln!("NOT TESTED: this user may not mount a file system, so no disk was filled");
        return None;
    }
    Some(output)
}

/// What fits is recorded, down to a disk of a few pages, and the tape has room beside its capture.
#[test]
fn a_full_disk() {
    for (size, least) in [("120k", 1_500), ("900k", 30_000), ("2m", 90_000)] {
        let place = Place::new();
        let Some(output) = on_a_disk(&place, size) else {
            return;
        };
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let left = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(output.status.code(), Some(1), "{size}: {said}");
        assert!(said.contains("exited with status 0"), "{size}: {said}");
        assert_eq!(left.trim(), "d.tape", "{size}: {said}");
        assert_cut(&place.path("d.tape"), least, "the disk");
    }
}

/// A disk that is full from the start: heaptape says so, and the program is not begun in vain.
#[test]
fn no_room_at_all() {
    let place = Place::new();
    let Some(output) = on_a_disk(&place, "8k") else {
        return;
    };
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(98), "{said}");
    assert!(said.contains("d.tape"), "{said}");
}
