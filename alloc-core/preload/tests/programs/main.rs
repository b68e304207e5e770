//! Programs that everybody has, under libfancy.so: their output is what it is without.
//!
//! Each runs three times: alone, under the object, and under it with a reclaimer that looks every 50 ms. A program that
//! this machine does not have is left out, and that is said with the package to install. `cargo xtask test --long` runs it.

mod cases;
#[path = "../common/mod.rs"]
mod common;

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use cases::{CASES, Case};
use common::{Ended, object, run};

/// What a program's environment has beside the usual.
const SETTINGS: [(&str, &[(&str, &str)]); 2] = [
    ("fancy", &[]),
    (
        "fancy with its reclaimer",
        &[("FANCY_RECLAIM", "on"), ("FANCY_RECLAIM_INTERVAL_MS", "50")],
    ),
];
/// A case takes a few seconds; on a busy machine some more.
const SECONDS: u64 = 300;

#[test]
#[ignore = "long: cargo xtask test --long"]
fn programs_say_under_fancy_what_they_say_without() {
    let mut left_out = Vec::new();
    for case in CASES {
        if let Some(missing) = case.needs.iter().find(|program| !is_there(program)) {
            left_out.push(format!(
                "{}: there is no `{missing}`: apt-get install {}",
                case.name, case.package
            ));
            continue;
        }
        let plain = perform(case, &[]);
        assert!(
            plain.status.success(),
            "{} without fancy: {plain:#?}",
            case.name
        );
        assert!(
            !plain.out.is_empty(),
            "{} says nothing: {plain:#?}",
            case.name
        );
        for (name, variables) in SETTINGS {
            let library = object().display().to_string();
            let preload = [&[("LD_PRELOAD", library.as_str())], variables].concat();
            let began = Instant::now();
            let ended = perform(case, &preload);
            assert!(
                ended.status.success(),
                "{} under {name}: {ended:#?}",
                case.name
            );
            assert_eq!(
                ended.out, plain.out,
                "{} under {name} says otherwise; on stderr: {}",
                case.name, ended.err
            );
            assert!(
                !ended.err.contains("fancy: "),
                "{} under {name}: {}",
                case.name,
                ended.err
            );
            println!(
                "{:<12} under {name}: as without, in {:.1} s",
                case.name,
                began.elapsed().as_secs_f64()
            );
        }
    }
    for line in &left_out {
        println!("*** NOT RUN: {line}");
    }
    assert!(left_out.len() < CASES.len(), "nothing was run");
}

fn is_there(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// Runs a case's script in an empty folder, whose name is the same each time.
fn perform(case: &Case, variables: &[(&str, &str)]) -> Ended {
    let folder = tempfile::tempdir().expect("a folder");
    let work = folder.path().join("work");
    std::fs::create_dir(&work).expect("a folder");
    std::fs::write(folder.path().join("script"), case.script).expect("a script");
    let mut call = Command::new("sh");
    call.arg("../script").current_dir(&work);
    call.env("HOME", &work).env("LC_ALL", "C").env("TZ", "UTC");
    for (name, value) in variables {
        call.env(name, value);
    }
    let ended = run(call, SECONDS);
    let hidden = |text: &str| text.replace(&path(folder.path()), "FOLDER");
    Ended {
        out: hidden(&ended.out),
        err: hidden(&ended.err),
        ..ended
    }
}

fn path(path: &Path) -> String {
    path.display().to_string()
}
