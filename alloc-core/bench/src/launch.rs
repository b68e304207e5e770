//! A workload in a process of its own, measured from outside.
//!
//! Whoever starts a process leaves it a trace: on Linux the peak memory of a child is at least what its parent had when it
//! started it. So the measured process is started by this small program and by nothing larger.

use std::fmt;
use std::io::Read;
use std::process::{Command, Stdio};
use std::time::Instant;

/// A process after it ended.
pub struct Measured {
    /// From the start of the process to its end, as seen from outside, in nanoseconds.
    pub wall_nanoseconds: u64,
    /// Processor time in the program, in microseconds.
    pub user_microseconds: u64,
    /// Processor time in the kernel, in microseconds.
    pub system_microseconds: u64,
    /// The kernel's `ru_maxrss`: the most memory the process had resident, in KiB.
    pub peak_rss_kib: u64,
    /// Pages that were brought in without reading a disk.
    pub minor_faults: u64,
    /// What the program wrote: one JSON object.
    pub said: String,
}

/// One JSON object in a line.
impl fmt::Display for Measured {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "{{\"wall_nanoseconds\":{},\"user_microseconds\":{},\"system_microseconds\":{},\"peak_rss_kib\":{},\
             \"minor_faults\":{},\"said\":{}}}",
            self.wall_nanoseconds,
            self.user_microseconds,
            self.system_microseconds,
            self.peak_rss_kib,
            self.minor_faults,
            self.said
        )
    }
}

/// Runs this program with `arguments`, `LD_PRELOAD` set to `preload` or not at all, and waits for its end.
///
/// # Errors
/// A sentence, when it can't be started or does not end with success.
pub fn measure(arguments: &[String], preload: Option<&str>) -> Result<Measured, String> {
    let program = std::env::current_exe()
        .map_err(|error| format!("this program's own file is unknown: {error}"))?;
    let mut command = Command::new(program);
    command
        .arg("run")
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .env_remove("LD_PRELOAD");
    if let Some(object) = preload {
        command.env("LD_PRELOAD", object);
    }
    let started = Instant::now();
    let mut child = command
        .spawn()
        .map_err(|error| format!("the workload cannot be started: {error}"))?;
    let mut status = 0;
    let mut usage = std::mem::MaybeUninit::<libc::rusage>::zeroed();
    loop {
        // SAFETY: wait4 writes to the two places it is given; the process is our child, and nobody else waits for it.
        let ended = unsafe {
            libc::wait4(
                child.id() as libc::pid_t,
                &mut status,
                0,
                usage.as_mut_ptr(),
            )
        };
        if ended > 0 {
            break;
        }
        let error = std::io::Error::last_os_error();
        if error.kind() != std::io::ErrorKind::Interrupted {
            return Err(format!("the workload cannot be waited for: {error}"));
        }
    }
    let wall = started.elapsed();
    // SAFETY: wait4 has filled it; zeroes would be valid too.
    let usage = unsafe { usage.assume_init() };
    // One line, which the pipe has held meanwhile.
    let mut said = String::new();
    if let Some(mut pipe) = child.stdout.take() {
        pipe.read_to_string(&mut said)
            .map_err(|error| format!("what the workload wrote cannot be read: {error}"))?;
    }
    if libc::WIFSIGNALED(status) {
        return Err(format!(
            "the workload was ended by signal {}",
            libc::WTERMSIG(status)
        ));
    }
    if libc::WEXITSTATUS(status) != 0 {
        return Err(format!(
            "the workload ended with code {}: {}",
            libc::WEXITSTATUS(status),
            said.trim()
        ));
    }
    Ok(Measured {
        wall_nanoseconds: wall.as_nanos() as u64,
        user_microseconds: microseconds(usage.ru_utime),
        system_microseconds: microseconds(usage.ru_stime),
        peak_rss_kib: usage.ru_maxrss as u64,
        minor_faults: usage.ru_minflt as u64,
        said: said.trim().to_owned(),
    })
}

fn microseconds(time: libc::timeval) -> u64 {
    time.tv_sec as u64 * 1_000_000 + time.tv_usec as u64
}
