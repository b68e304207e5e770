//! `heaptape __replay-worker`: the fresh process of one run. Not for people.

use std::ffi::OsString;
use std::process::ExitCode;

/// One run of a replay, in a process of its own; started by `replay` and `compare`
#[derive(Debug, clap::Args)]
#[command(hide = true)]
pub struct WorkerArgs {
    /// The job, in JSON
    #[arg(required = true, num_args = 1, allow_hyphen_values = true)]
    job: Vec<OsString>,
}

/// Runs the job.
///
/// # Errors
/// Never: what goes wrong is said on standard output, where the process that measures reads it.
pub fn run(args: &WorkerArgs) -> anyhow::Result<ExitCode> {
    Ok(replayer::worker_main(&args.job))
}
