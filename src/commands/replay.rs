//! `heaptape replay`: tapes against allocators, figures only.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use replayer::results::Results;

use super::measure::{MeasureArgs, interruption, measure, write_results};
use crate::{json, table};

/// Replay tapes against allocators and print what each took
///
/// Every run is a fresh process, with one thread for each thread on the tape; a block that one thread allocates and another frees
/// is freed there, in the recorded order. Repetitions take turns over the allocators. Before them each tape has one run under
/// `null`, which tells the harness's own cost, and one warm-up under the first allocator; neither is in the results.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  heaptape replay my.tape                               the default allocators, three times each
  heaptape replay my.tape -a system,jemalloc -n 10
  heaptape replay a.tape b.tape --json results.json     for programs; `heaptape report` draws it
  heaptape replay my.tape -a null --touch none          what the harness itself costs
  heaptape replay my.tape -a system,preload:./libmine.so
  heaptape replay my.tape --threads 1,2,4               the tape's threads folded onto 1, 2 and 4 workers
  heaptape replay my.tape --budget 10m --json r.json    repeat until the ratios are known; Ctrl-C keeps what there is,
  heaptape replay my.tape --resume --json r.json        and this makes the rest
  heaptape record -o - --scenario basic | heaptape replay -

Exit codes: 0 all runs were made, 1 one failed or was not made, 2 wrong usage.")]
pub struct ReplayArgs {
    /// The tapes; `-` is standard input
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,

    #[command(flatten)]
    how: MeasureArgs,

    /// Write the results here as well; `-` is standard output, in place of the table
    #[arg(long, value_name = "OUT")]
    json: Option<PathBuf>,
}

/// Runs the command.
///
/// # Errors
/// A tape that can't be replayed, or a file that can't be written. Exit code 1 if a run failed.
pub fn run(args: &ReplayArgs) -> Result<ExitCode> {
    let stop = interruption()?;
    let file = args.json.as_deref().filter(|path| *path != Path::new("-"));
    let results = measure(&args.files, &args.how, file, &stop)?;
    match &args.json {
        Some(path) if path == Path::new("-") => {
            print(&json::text(&results)?)?;
        }
        json => {
            if let Some(path) = json {
                write_results(&results, path)?;
            }
            print(&table::render(&results))?;
        }
    }
    Ok(verdict(&results))
}

/// Prints to standard output.
pub fn print(text: &str) -> Result<()> {
    std::io::stdout()
        .lock()
        .write_all(text.as_bytes())
        .context("writing to standard output")
}

/// 1 if a run gave no measurement, or was not made.
pub fn verdict(results: &Results) -> ExitCode {
    if results.faults.is_empty() && results.partial.is_none() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
