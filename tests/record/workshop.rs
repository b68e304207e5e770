//! Compiling the programs, recording them, reading the tapes.

use std::path::{Path, PathBuf};
use std::process::Command;

use trace_format::{Event, EventKind, FileSource, Tape, totals_of, verify};

use crate::common::{Ended, Place, arg};

/// A tape that was read.
pub type Read = Tape<FileSource>;

/// Compiles `trace-recorder/preload/tests/programs/NAME.c` as it is written: no call may be left out.
pub fn compile(place: &Place, name: &str, more: &[&str]) -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("trace-recorder/preload/tests/programs")
        .join(format!("{name}.c"));
    let program = place.path(name);
    let compiler = std::env::var_os("CC").unwrap_or_else(|| "cc".into());
    let compiled = Command::new(compiler)
        .args([
            "-O0",
            "-fno-builtin",
            "-Wall",
            "-Wextra",
            "-Werror",
            "-pthread",
            "-o",
        ])
        .arg(&program)
        .arg(source)
        .args(more)
        .arg("-ldl")
        .output()
        .expect("a C compiler");
    assert!(
        compiled.status.success(),
        "{}",
        String::from_utf8_lossy(&compiled.stderr)
    );
    program
}

/// Records a program; the tape is `NAME.tape`.
pub fn record(place: &Place, name: &str, flags: &[&str], program: &[&str]) -> Ended {
    let tape = place.path(&format!("{name}.tape"));
    let mut args = vec!["record", "-o", arg(&tape)];
    args.extend_from_slice(flags);
    args.push("--");
    args.extend_from_slice(program);
    place.run(args)
}

/// Opens a tape that must be sound and causal.
pub fn read(path: &Path) -> Read {
    let source =
        FileSource::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let report = verify(&source);
    assert!(report.sound, "{}: {report}", path.display());
    let tape = Tape::open(source).expect("a sound tape opens");
    let totals = totals_of(&tape, |_, _| ()).expect("a tape is causal");
    assert_eq!(totals, *tape.totals(), "{}", path.display());
    tape
}

/// All events of a thread.
pub fn events(tape: &Read, thread: usize) -> Vec<Event> {
    let chunks = tape.chunks_of(thread as u32);
    chunks
        .iter()
        .flat_map(|&chunk| tape.decode(chunk).expect("a sound chunk").events)
        .collect()
}

/// All events, thread by thread.
pub fn all_events(tape: &Read) -> Vec<EventKind> {
    (0..tape.threads().len())
        .flat_map(|thread| events(tape, thread))
        .map(|event| event.kind)
        .collect()
}

/// How many events `which` picks.
pub fn count(kinds: &[EventKind], which: impl Fn(&EventKind) -> bool) -> usize {
    kinds.iter().filter(|kind| which(kind)).count()
}

/// How many blocks of `size` bytes were made, however.
pub fn made(kinds: &[EventKind], size: u64) -> usize {
    count(kinds, |kind| {
        kind.makes_block() && kind.size() == Some(size)
    })
}

/// The tapes beside `NAME.tape`: those of children.
pub fn children(place: &Place, name: &str) -> Vec<PathBuf> {
    let mut tapes: Vec<PathBuf> = std::fs::read_dir(place.path("."))
        .expect("the folder")
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| {
            let file = path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            file.starts_with(&format!("{name}."))
                && file.ends_with(".tape")
                && file != format!("{name}.tape")
        })
        .collect();
    tapes.sort();
    tapes
}

/// Whether the folder of the recording is gone, as it must be when the tape is made.
pub fn assert_tidy(place: &Place, name: &str) {
    assert!(!place.path(&format!("{name}.tape.capture")).exists());
}
