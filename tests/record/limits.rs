//! Full disks and small limits: the program goes on, the tape says where recording stopped.

use std::io::Write;
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
            let plain = reason.replace(',', "");
            assert!(
                plain.contains(&(200_000 - there).to_string()),
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

/// Runs a script in a name space of its own, with a disk of `size` at `$1` that is gone when the script ends; `$2` is
/// heaptape, `$3` the program, `$4` a folder beside the disk. `None` where this user may not mount one, which is said.
fn on_a_disk(place: &Place, size: &str, script: &str) -> Option<std::process::Output> {
    let ends = compile(place, "ends", &[]);
    let (disk, beside) = (place.path("disk"), place.path("."));
    std::fs::create_dir_all(&disk).unwrap();
    let run = |script: &str| {
        Command::new("unshare")
            .args(["--mount", "--map-root-user", "sh", "-c", script, "sh"])
            .args([&disk, &program(), &ends, &beside])
            .output()
    };
    let mount = format!("mount -t tmpfs -o size={size} heaptape-test \"$1\"");
    if !run(&mount).is_ok_and(|output| output.status.success()) {
        // Past the test's own capture of what it prints: nobody shall take this for a test that passed.
        let _ = writeln!(
            std::io::stderr(),
            "NOT TESTED: this user may not mount a file system, so no disk was filled"
        );
        return None;
    }
    Some(run(&format!("{mount} && {script}")).expect("unshare"))
}

#[test]
fn a_small_disk() {
    let place = Place::new();
    let script = "\"$2\" record -o \"$1/d.tape\" -- \"$3\" closed; code=$?; cp \"$1/d.tape\" \"$4/copy.tape\"; exit $code";
    let Some(output) = on_a_disk(&place, "900k", script) else {
        return;
    };
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("exited with status 0"), "{said}");
    assert_cut(&place.path("copy.tape"), 10_000, "the disk");
}

/// Another program takes all that is left of the disk while the recording runs. There is no room for the tape either, so the
/// capture stays, and is salvaged to another place, with the disk still full.
#[test]
fn a_full_disk() {
    let place = Place::new();
    let script = "\"$2\" record -o \"$1/d.tape\" -- sh -c 'cat /dev/zero > \"$1/fill\" 2> /dev/null; \"$2\" closed; echo ended $?' sh \"$1\" \"$3\"; \
        code=$?; \"$2\" salvage \"$1/d.tape.capture\" -o \"$4/saved.tape\" || exit 98; exit $code";
    let Some(output) = on_a_disk(&place, "4m", script) else {
        return;
    };
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("No space left on device"), "{said}");
    assert!(said.contains("salvage"), "{said}");
    let program = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(program.contains("ended 0"), "{program}\n{said}");
    assert!(read(&place.path("saved.tape")).totals().events > 10);
}

#[test]
fn a_disk_without_any_room() {
    let place = Place::new();
    let script = "dd if=/dev/zero of=\"$1/fill\" bs=4k count=13 2> /dev/null; \"$2\" record -o \"$1/d.tape\" -- \"$3\" return";
    let Some(output) = on_a_disk(&place, "64k", script) else {
        return;
    };
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("ends exited with status 0"), "{said}");
    assert!(said.contains("no room on the disk"), "{said}");
}
