//! The worker of a replay on its own, as the tests start it. `heaptape` has the same as a hidden command.

use std::ffi::OsString;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().skip(2).collect();
    replayer::worker_main(&arguments)
}
