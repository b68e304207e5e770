//! The program as it runs: signals to it, and what is left of it afterwards.

use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use replayer::results::Results;

use crate::common::{Place, program, signal};

/// The variable that tells the processes of one call from all others.
const MARK: &str = "HEAPTAPE_TEST_MARK";

/// No step of a test takes so long on any machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// A call of the program that goes on.
pub struct Started {
    child: Child,
    mark: String,
}

impl Started {
    /// Starts the program in the place's folder.
    pub fn new(place: &Place, args: &[&str]) -> Started {
        let mark = format!("{MARK}={}", place.path("").display());
        let (name, value) = mark.split_once('=').expect("a name and a value");
        let child = Command::new(program())
            .args(args)
            .current_dir(place.path(""))
            .env(name, value)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program can be started");
        Started { child, mark }
    }

    /// Sends a signal, by its name.
    pub fn signal(&self, name: &str) {
        signal(name, self.child.id());
    }

    /// Nobody reads its output from here on.
    pub fn close_output(&mut self) {
        drop(self.child.stdout.take());
        drop(self.child.stderr.take());
    }

    /// Waits until one of its processes has this name, or this first argument.
    pub fn until_there_is(&self, argument: &str) {
        until(&format!("a process with {argument}"), || {
            processes(&self.mark).any(|pid| {
                let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
                line.split(|&byte| byte == 0)
                    .take(2)
                    .any(|part| part == argument.as_bytes())
            })
        });
    }

    /// Waits for its end, and for that of all that it started. What it wrote to standard output and standard error.
    pub fn end(mut self) -> (ExitStatus, String, String) {
        let began = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("a child of ours") {
                break status;
            }
            assert!(began.elapsed() < PATIENCE, "it does not end");
            std::thread::sleep(Duration::from_millis(5));
        };
        until("no process that stayed behind", || {
            processes(&self.mark).next().is_none()
        });
        let (mut out, mut err) = (String::new(), String::new());
        if let Some(mut pipe) = self.child.stdout.take() {
            pipe.read_to_string(&mut out).expect("text");
        }
        if let Some(mut pipe) = self.child.stderr.take() {
            pipe.read_to_string(&mut err).expect("text");
        }
        (status, out, err)
    }
}

/// A test that fails leaves nothing running.
impl Drop for Started {
    fn drop(&mut self) {
        // Both fail where it has ended and was waited for.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Processes that bear the mark and have not ended.
fn processes(mark: &str) -> impl Iterator<Item = u32> {
    let all = std::fs::read_dir("/proc").expect("/proc").flatten();
    all.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok())
        .filter(move |pid| {
            let variables = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            variables
                .split(|&byte| byte == 0)
                .any(|variable| variable == mark.as_bytes())
        })
}

/// Waits until it is so.
pub fn until(what: &str, so: impl Fn() -> bool) {
    let began = Instant::now();
    while !so() {
        assert!(began.elapsed() < PATIENCE, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Reads results.
pub fn results(path: &Path) -> Results {
    let text = std::fs::read_to_string(path).expect("results are there");
    serde_json::from_str(&text).expect("results")
}
