//! What the tests of the command line share: the program, a folder to work in, and how a call ended.

#![allow(dead_code, reason = "each test file uses its part")]

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

/// The program under test: `HEAPTAPE_BIN` where that is set (the released one), else the one that cargo built beside the test.
pub fn program() -> PathBuf {
    match std::env::var_os("HEAPTAPE_BIN") {
        Some(path) => PathBuf::from(path),
        None => PathBuf::from(env!("CARGO_BIN_EXE_heaptape")),
    }
}

/// A folder for one test, removed when it ends.
pub struct Place {
    dir: TempDir,
}

/// How a call of the program ended.
pub struct Ended {
    /// The exit code; a death by a signal fails the test before.
    pub code: i32,
    /// What it wrote to its standard output.
    pub out: String,
    /// What it wrote to its standard error.
    pub err: String,
}

impl Place {
    /// An empty folder.
    pub fn new() -> Self {
        Place {
            dir: TempDir::new().expect("a temporary folder"),
        }
    }

    /// The path of `name` in the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Writes a file and gives its path.
    pub fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, bytes).expect("a file can be written");
        path
    }

    /// Runs the program with the folder as its current one.
    pub fn run<I, S>(&self, args: I) -> Ended
    where
        I: IntoIterator<Item = S>,
        S: AsRef<OsStr>,
    {
        let mut command = Command::new(program());
        command.args(args);
        ended(command.current_dir(self.dir.path()))
    }

    /// Runs the program with at most `bytes` of writable memory, as the kernel counts it.
    pub fn run_within(&self, bytes: u64, args: &[&str]) -> Ended {
        let mut command = Command::new("sh");
        command
            .arg("-c")
            .arg(format!("ulimit -d {} && exec \"$@\"", bytes / 1024))
            .arg("sh")
            .arg(program())
            .args(args);
        ended(command.current_dir(self.dir.path()))
    }

    /// Runs the program and expects it to succeed.
    pub fn succeed<I, S>(&self, args: I) -> Ended
    where
        I: IntoIterator<Item = S>,
        S: AsRef<OsStr>,
    {
        let ended = self.run(args);
        assert_eq!(
            ended.code, 0,
            "stdout:\n{}\nstderr:\n{}",
            ended.out, ended.err
        );
        ended
    }

    /// Records a scenario and gives the tape's path.
    pub fn record(&self, scenario: &str, more: &[&str]) -> PathBuf {
        let tape = self.path(&format!("{scenario}.tape"));
        let name = tape.to_str().expect("a path in UTF-8");
        let args = [
            "record",
            "-o",
            name,
            "--scenario",
            scenario,
            "--scale",
            "small",
        ];
        self.succeed(args.iter().chain(more));
        assert!(tape.is_file(), "record leaves a tape");
        tape
    }
}

fn ended(command: &mut Command) -> Ended {
    let Output {
        status,
        stdout,
        stderr,
    } = command
        .stdin(Stdio::null())
        .env_remove("NO_COLOR")
        .output()
        .expect("the program can be started");
    let err = String::from_utf8_lossy(&stderr).into_owned();
    Ended {
        code: status.code().unwrap_or_else(|| panic!("{status}: {err}")),
        out: String::from_utf8_lossy(&stdout).into_owned(),
        err,
    }
}

/// A path as an argument.
pub fn arg(path: &Path) -> &str {
    path.to_str().expect("a path in UTF-8")
}

/// Sends a signal, by its name.
pub fn signal(name: &str, pid: u32) {
    let sent = Command::new("kill")
        .args([&format!("-{name}"), &pid.to_string()])
        .status();
    assert!(
        sent.is_ok_and(|status| status.success()),
        "kill -{name} {pid}"
    );
}
