//! `heaptape __live-worker` and `heaptape __scenario`: processes of live runs. Not for people.

use std::ffi::OsString;
use std::process::ExitCode;

use anyhow::{Context, Result};
use trace_recorder::{Scale, Scenario, ScenarioOptions, run_scenario};

/// Runs a program and measures it; started by `run` and `validate`
#[derive(Debug, clap::Args)]
#[command(hide = true)]
pub struct LiveWorkerArgs {
    #[arg(num_args = 0.., trailing_var_arg = true, allow_hyphen_values = true)]
    job: Vec<OsString>,
}

/// Runs the job.
///
/// # Errors
/// Never: what goes wrong is in the report.
pub fn run(args: &LiveWorkerArgs) -> Result<ExitCode> {
    Ok(replayer::measure::live_worker_main(&args.job))
}

/// Runs a scenario that nobody records, under the process's own malloc; started by `validate`
#[derive(Debug, clap::Args)]
#[command(hide = true)]
pub struct ScenarioArgs {
    name: Scenario,

    #[arg(long, default_value_t = Scale::Default)]
    scale: Scale,

    #[arg(long)]
    threads: Option<u32>,

    #[arg(long)]
    ops: Option<u64>,
}

/// Runs the scenario.
///
/// # Errors
/// What keeps the scenario from being run.
pub fn run_plain(args: &ScenarioArgs) -> Result<ExitCode> {
    let options = ScenarioOptions {
        scale: args.scale,
        threads: args.threads,
        ops: args.ops,
        ..ScenarioOptions::default()
    };
    run_scenario(args.name, &options).with_context(|| format!("running scenario {}", args.name))?;
    Ok(ExitCode::SUCCESS)
}
