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
    let (mut left_out, mut wrong) = (Vec::new(), Vec::new());
    for case in CASES {
        if let Some(missing) = case.needs.iter().find(|program| !is_there(program)) {
            left_out.push(format!(
                "{}: there is no `{missing}`: apt-get install {}",
                case.name, case.package
            ));
        } else if let Err(reason) = compare(case) {
            println!("{:<8} FAILED", case.name);
            wrong.push(format!("{}: {reason}", case.name));
        }
    }
    for line in &left_out {
        println!("*** NOT RUN: {line}");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(left_out.len() < CASES.len(), "nothing was run");
}

/// Runs a case without fancy and with it in all settings.
fn compare(case: &Case) -> Result<(), String> {
    let plain = perform(case, &[]);
    if !plain.status.success() || plain.out.is_empty() {
        return Err(format!("fails without fancy: {plain:#?}"));
    }
    for (name, variables) in SETTINGS {
        let library = object().display().to_string();
        let preload = [&[("LD_PRELOAD", library.as_str())], variables].concat();
        let began = Instant::now();
        let ended = perform(case, &preload);
        if !ended.status.success() || ended.err.contains("fancy: ") {
            return Err(format!("fails under {name}: {ended:#?}"));
        }
        if ended.out != plain.out {
            return Err(format!(
                "says under {name}\n{}\nwhere it says without\n{}\n{}",
                ended.out, plain.out, ended.err
            ));
        }
        let seconds = began.elapsed().as_secs_f64();
        println!(
            "{:<8} says under {name} what it says without; {seconds:.1} s",
            case.name
        );
    }
    Ok(())
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
