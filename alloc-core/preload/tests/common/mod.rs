//! The built object, C and C++ programs compiled for a test, and programs run with an end to their time.

#![allow(dead_code, reason = "each test target uses a part of it")]

use std::ffi::OsStr;
use std::io::Read;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

/// libfancy.so as users have it, with the features that this test has. Built once.
pub fn object() -> &'static Path {
    static OBJECT: OnceLock<PathBuf> = OnceLock::new();
    OBJECT.get_or_init(|| {
        let name = if cfg!(feature = "hardened") {
            "object-hardened"
        } else {
            "object"
        };
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["build", "--profile", "object", "--lib"]);
        cargo.args(["--package", "fancy-preload"]);
        cargo.current_dir(env!("CARGO_MANIFEST_DIR"));
        if cfg!(feature = "hardened") {
            cargo.args(["--features", "hardened"]);
        }
        let built = cargo.arg("--target-dir").arg(&target).output();
        let built = built.expect("cargo runs");
        assert!(
            built.status.success(),
            "libfancy.so could not be built:\n{}",
            String::from_utf8_lossy(&built.stderr)
        );
        target.join("object/libfancy.so")
    })
}

/// A file of `tests/c`.
pub fn source(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/c")
        .join(name)
}

/// Compiles a file of `tests/c` to a program (or with `-shared` an object) of the name `output`.
pub fn compile(compiler: &str, name: &str, output: &str, flags: &[&str]) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("programs");
    std::fs::create_dir_all(&folder).expect("a folder for programs");
    let path = folder.join(output);
    // Another run may just be using the old one: it keeps its file.
    let output = folder.join(format!("{output}.{}", std::process::id()));
    let mut call = Command::new(compiler);
    // What is tested must not be optimised away, and is no fault of the test's.
    call.args([
        "-O0",
        "-g",
        "-w",
        "-fno-builtin",
        "-pthread",
        "-Wl,-z,now",
        "-o",
    ]);
    call.arg(&output).arg(source(name)).args(flags);
    let done = call.output().unwrap_or_else(|error| {
        panic!("`{compiler}` does not run ({error}): apt-get install build-essential")
    });
    assert!(
        done.status.success(),
        "{name} does not compile:\n{}",
        String::from_utf8_lossy(&done.stderr)
    );
    std::fs::rename(&output, &path).expect("a program to rename");
    path
}

/// How a program ended.
#[derive(Debug)]
pub struct Ended {
    pub status: ExitStatus,
    pub out: String,
    pub err: String,
}

impl Ended {
    /// Fails unless the program ended well and its last line is `done`.
    #[track_caller]
    pub fn is_done(&self) {
        let said = self.out.lines().last() == Some("done");
        assert!(self.status.success() && said, "{self:#?}");
    }

    /// The signal that ended it.
    pub fn signal(&self) -> Option<i32> {
        self.status.signal()
    }
}

/// A program to run under the object.
pub fn under(program: impl AsRef<OsStr>, args: &[&str]) -> Command {
    let mut call = Command::new(program);
    call.args(args).env("LD_PRELOAD", object());
    call
}

/// Runs it; one that takes longer than `seconds` is ended, and the test fails.
#[track_caller]
pub fn run(mut call: Command, seconds: u64) -> Ended {
    let end = Instant::now() + Duration::from_secs(seconds);
    let mut child = call
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{call:?} does not start: {error}"));
    let out = reader(child.stdout.take());
    let err = reader(child.stderr.take());
    let status = loop {
        match child.try_wait().expect("a child to wait for") {
            Some(status) => break status,
            None if Instant::now() > end => {
                let _ = child.kill();
                let _ = child.wait();
                panic!("{call:?} hangs: ended after {seconds} s");
            }
            None => thread::sleep(Duration::from_millis(2)),
        }
    };
    let text = |bytes: thread::JoinHandle<Vec<u8>>| {
        String::from_utf8_lossy(&bytes.join().expect("a reader")).into_owned()
    };
    Ended {
        status,
        out: text(out),
        err: text(err),
    }
}

fn reader(pipe: Option<impl Read + Send + 'static>) -> thread::JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut pipe) = pipe {
            let _ = pipe.read_to_end(&mut bytes);
        }
        bytes
    })
}
