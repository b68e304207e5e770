//! Allocators that misbehave: each is a result with its reason, and the others go on.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::common::{Ended, Place, arg};
use crate::started::results;
use replayer::results::Results;

/// An allocator that does well for some thousand requests, and then what it was compiled for.
const SOURCE: &str = r#"
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

void *__libc_malloc(size_t);
void *__libc_calloc(size_t, size_t);
void *__libc_realloc(void *, size_t);
void *__libc_memalign(size_t, size_t);
void __libc_free(void *);

static long requests;

void *malloc(size_t size) {
    long request = __atomic_add_fetch(&requests, 1, __ATOMIC_RELAXED);
    if (request > 5000) {
#ifdef CRASH
        *(volatile int *)8 = 1;
#endif
#ifdef HANG
        for (;;) pause();
#endif
#ifdef HOG
        /* Shared memory is not what RLIMIT_DATA counts. */
        void *more = mmap(0, 1 << 20, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (more != MAP_FAILED) memset(more, 1, 1 << 20);
#endif
#ifdef REFUSE
        /* And well again: what comes after the run is the harness's own. */
        if (request <= 10000) return 0;
#endif
#ifdef EXIT
        _exit(7);
#endif
    }
    return __libc_malloc(size);
}
void *calloc(size_t count, size_t size) { return __libc_calloc(count, size); }
void *realloc(void *block, size_t size) { return __libc_realloc(block, size); }
void *aligned_alloc(size_t align, size_t size) { return __libc_memalign(align, size); }
void free(void *block) { __libc_free(block); }
"#;

/// Compiles an object.
fn object(place: &Place, name: &str, source: &str, flag: &str) -> PathBuf {
    let from = place.write(&format!("{name}.c"), source.as_bytes());
    let object = place.path(&format!("lib{name}.so"));
    let compiler = std::env::var_os("CC").unwrap_or_else(|| "cc".into());
    let compiled = Command::new(compiler)
        .args(["-O1", "-fno-builtin", "-shared", "-fPIC", flag, "-o"])
        .args([&object, &from])
        .output()
        .expect("a C compiler");
    let said = String::from_utf8_lossy(&compiled.stderr).into_owned();
    assert!(compiled.status.success(), "{said}");
    object
}

fn preload(object: &Path) -> String {
    format!("preload:{}", arg(object))
}

/// Replays a tape once under each of these allocators, and reads what was measured.
fn replayed(place: &Place, tape: &Path, names: &str) -> (Ended, Results) {
    let once = ["-n", "1", "--json", "r.json"];
    let ended = place.succeed([&["replay", arg(tape), "-a", names][..], &once].concat());
    (ended, results(&place.path("r.json")))
}

#[test]
fn an_allocator_that_fails_is_a_result_with_its_reason() {
    let place = Place::new();
    let tape = place.record("basic", &["--threads", "2", "--ops", "20000"]);
    for (flag, kind, told) in [
        ("-DCRASH", "crash", "SIGSEGV"),
        ("-DHANG", "hang", "did not end within 2 s"),
        ("-DHOG", "memory", "`--memory` allows 64 MiB"),
        ("-DEXIT", "other", "exit code 7"),
    ] {
        let object = object(&place, "bad", SOURCE, flag);
        let names = format!("{},system", preload(&object));
        let ended = place.run([
            "replay",
            arg(&tape),
            "-a",
            &names,
            "-n",
            "2",
            "--timeout",
            "2",
            "--memory",
            "64M",
            "--json",
            "r.json",
        ]);
        assert_eq!(ended.code, 1, "{flag}: {}{}", ended.out, ended.err);
        assert!(ended.out.contains("failed: libbad.so"), "{}", ended.out);
        assert!(!ended.out.contains(arg(&place.path(""))), "{}", ended.out);
        let results = results(&place.path("r.json"));
        let others = results.runs.iter().filter(|run| run.allocator == "system");
        assert_eq!(others.count(), 2, "{flag}");
        // The warm-up and both repetitions.
        assert_eq!(results.faults.len(), 3, "{flag}");
        for fault in &results.faults {
            assert_eq!(fault.kind.as_deref(), Some(kind), "{fault:?}");
            assert!(fault.reason.contains(told), "{fault:?}");
        }
    }
}

#[test]
fn refused_requests_are_counted_and_warned_of() {
    let place = Place::new();
    let tape = place.record("basic", &["--threads", "2", "--ops", "20000"]);
    let object = object(&place, "bad", SOURCE, "-DREFUSE");
    let names = format!("system,{}", preload(&object));
    let (ended, results) = replayed(&place, &tape, &names);
    let of = |name: &str| {
        let run = results.runs.iter().find(|run| run.allocator == name);
        run.expect("a run").failed
    };
    assert_eq!(of("system"), 0);
    assert_eq!(of(&preload(&object)), 5_000);
    assert!(
        ended.out.contains("5,000 requests failed over 1 run"),
        "{}",
        ended.out
    );
}

#[test]
fn objects_that_are_none_are_named() {
    let place = Place::new();
    let tape = place.record("basic", &["--threads", "2", "--ops", "2000"]);
    let missing = preload(&place.path("missing.so"));
    for command in ["replay", "compare"] {
        let ended = place.run([command, arg(&tape), "-a", &missing]);
        assert_eq!(ended.code, 2, "{}", ended.err);
        assert!(
            ended.err.contains("missing.so: No such file"),
            "{}",
            ended.err
        );
    }
    let ended = place.run(["run", "-a", &missing, "--", "true"]);
    assert_eq!(ended.code, 2, "{}", ended.err);

    let empty = object(&place, "empty", "int nothing;", "-g0");
    let text = place.write("text.so", b"no object at all");
    for (object, told) in [(empty, "defines no malloc"), (text, "cannot be loaded")] {
        let names = format!("system,{}", preload(&object));
        let once = ["-n", "1", "--json", "r.json"];
        let ended = place.run([&["replay", arg(&tape), "-a", &names][..], &once].concat());
        assert_eq!(ended.code, 1, "{}{}", ended.out, ended.err);
        assert!(ended.out.contains(told), "{}", ended.out);
        assert_eq!(results(&place.path("r.json")).runs.len(), 1);
        let ended = place.run(["run", "-a", &names, "--", "true"]);
        assert_eq!(ended.code, 1);
        assert!(ended.err.contains(told), "{}", ended.err);
        let ended = place.run(["allocators", &preload(&object)]);
        assert_eq!(ended.code, 1);
        assert!(ended.out.contains(told), "{}", ended.out);
    }
}

#[test]
fn a_table_names_objects_by_their_files_where_that_is_clear() {
    let place = Place::new();
    let tape = place.record("basic", &["--threads", "1", "--ops", "2000"]);
    let one = object(&place, "one", SOURCE, "-g0");
    std::fs::create_dir(place.path("deep")).expect("a folder");
    let other = place.path("deep/libone.so");
    std::fs::copy(&one, &other).expect("a copy");
    let table = |names: &[String]| {
        let names = names.join(",");
        let ended = place.succeed(["replay", arg(&tape), "-a", &names, "-n", "1"]);
        ended.out
    };
    let alone = table(&["system".to_owned(), preload(&one)]);
    assert!(alone.contains("\n  libone.so "), "{alone}");
    assert!(alone.contains(": 1 thread, "), "{alone}");
    let both = table(&[preload(&one), preload(&other)]);
    let called: Vec<&str> = both
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .filter(|cell| cell.ends_with("libone.so"))
        .collect();
    assert!(called.len() == 2 && called[0] != called[1], "{both}");
}

/// What tcmalloc tells of itself, and a run.
#[test]
fn tcmalloc_is_measured_and_tells_of_itself() {
    let place = Place::new();
    let folders = [
        "/usr/lib/x86_64-linux-gnu",
        "/usr/lib/aarch64-linux-gnu",
        "/usr/lib64",
        "/usr/lib",
    ];
    let object = folders
        .iter()
        .map(|folder| Path::new(folder).join("libtcmalloc_minimal.so.4"))
        .find(|path| path.is_file())
        .expect("libtcmalloc_minimal.so.4, which `cargo xtask test --only tools` installs (Debian: libtcmalloc-minimal4)");
    let tape = place.record("basic", &["--threads", "2", "--ops", "2000"]);
    let name = preload(&object);
    let (_, results) = replayed(&place, &tape, &format!("system,{name}"));
    let info = results.allocators.iter().find(|info| info.name == name);
    let info = info.expect("it is among the allocators");
    assert!(
        info.version
            .as_deref()
            .is_some_and(|v| v.contains("gperftools")),
        "{info:?}"
    );
    assert!(!info.settings.is_empty(), "{info:?}");
    assert!(
        results
            .runs
            .iter()
            .any(|run| run.allocator == name && run.failed == 0)
    );
}
