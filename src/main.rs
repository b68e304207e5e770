//! heaptape: records what a program asks of its allocator, replays the tape against any allocator, shows the difference.
//!
//! This package is the command line: arguments, progress, tables, exit codes. The work is in the libraries.

/// As std's, which panics where nobody reads standard error any more: a terminal that was closed, `2>&1 | head`.
macro_rules! eprintln {
    ($($what:tt)*) => {{
        use std::io::Write as _;
        let _ = writeln!(std::io::stderr(), $($what)*);
    }};
}

/// As [`eprintln`], without an end of line.
macro_rules! eprint {
    ($($what:tt)*) => {{
        use std::io::Write as _;
        let _ = write!(std::io::stderr(), $($what)*);
    }};
}

mod commands;
mod elf;
mod json;
mod limits;
mod live;
mod progress;
mod server;
mod shared_objects;
mod table;

use std::io;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use commands::{
    allocators, compare, export, import, info, live_worker, record, replay, report, run, salvage,
    validate, verify, view, worker,
};

/// Records what a program asks of its allocator, replays the tape against any allocator on real cores, and shows the
/// difference in charts and in a browser where you walk through the heap
#[derive(Debug, Parser)]
#[command(
    name = "heaptape",
    version,
    after_help = "Examples:
  heaptape                                              the main job: record the three scenarios, replay, report
  heaptape record -o my.tape --scenario ephemeral       make a tape
  heaptape info my.tape                                 what is on it
  heaptape compare my.tape -o report                    replay it under five allocators, draw the report
  heaptape view my.tape                                 walk through the heap in the browser

Exit codes: 0 success, 1 the thing asked about is bad or the run failed, 2 wrong usage.
Without a command, heaptape does what `heaptape compare` does with its defaults."
)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    Record(record::RecordArgs),
    Info(info::InfoArgs),
    Verify(verify::VerifyArgs),
    Salvage(salvage::SalvageArgs),
    Import(import::ImportArgs),
    Export(export::ExportArgs),
    Replay(replay::ReplayArgs),
    Compare(compare::CompareArgs),
    Report(report::ReportArgs),
    View(view::ViewArgs),
    Run(run::RunArgs),
    Validate(validate::ValidateArgs),
    Allocators(allocators::AllocatorsArgs),
    #[command(name = "__replay-worker", hide = true)]
    Worker(worker::WorkerArgs),
    #[command(name = "__live-worker", hide = true)]
    LiveWorker(live_worker::LiveWorkerArgs),
    #[command(name = "__scenario", hide = true)]
    Scenario(live_worker::ScenarioArgs),
}

fn main() -> ExitCode {
    // Without a command: as if the main job had been asked for by name.
    let command = Arguments::parse()
        .command
        .or_else(|| Arguments::parse_from(["heaptape", "compare"]).command);
    let Some(command) = command else {
        return ExitCode::from(2);
    };
    let done = match &command {
        Command::Record(args) => record::run(args),
        Command::Info(args) => info::run(args),
        Command::Verify(args) => verify::run(args),
        Command::Salvage(args) => salvage::run(args),
        Command::Import(args) => import::run(args),
        Command::Export(args) => export::run(args),
        Command::Replay(args) => replay::run(args),
        Command::Compare(args) => compare::run(args),
        Command::Report(args) => report::run(args),
        Command::View(args) => view::run(args),
        Command::Run(args) => run::run(args),
        Command::Validate(args) => validate::run(args),
        Command::Allocators(args) => allocators::run(args),
        Command::Worker(args) => worker::run(args),
        Command::LiveWorker(args) => live_worker::run(args),
        Command::Scenario(args) => live_worker::run_plain(args),
    };
    match done {
        Ok(code) => code,
        Err(error) if is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("heaptape: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Whether whoever reads our output has seen enough (`heaptape info … | head`), which is no failure.
fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .any(|e| e.kind() == io::ErrorKind::BrokenPipe)
}
