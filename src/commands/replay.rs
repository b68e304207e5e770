//! `heaptape replay`: tapes against allocators, figures only.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use replayer::results::Results;
use replayer::{AllocatorName, Progress, Settings, Touch, Worker, run_matrix};

use crate::{progress, table};

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
  heaptape replay my.tape -a null --touch none          what the harness itself costs")]
pub struct ReplayArgs {
    /// The tapes
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,

    #[command(flatten)]
    how: MeasureArgs,

    /// Write the results here as well; `-` is standard output, in place of the table
    #[arg(long, value_name = "OUT")]
    json: Option<PathBuf>,
}

/// What `replay` and `compare` have in common.
#[derive(Debug, clap::Args)]
pub struct MeasureArgs {
    /// Allocators, separated by commas; `heaptape allocators` lists them
    #[arg(short, long, value_name = "NAMES", value_delimiter = ',', default_values_t = AllocatorName::DEFAULT)]
    allocators: Vec<AllocatorName>,

    /// Repetitions of each run
    #[arg(short = 'n', long, value_name = "REPS", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    repetitions: u32,

    /// What is written into new blocks: none, ends (first and last byte), pages (a byte in every page as well) or all
    #[arg(long, value_name = "HOW", default_value_t)]
    touch: Touch,

    /// Seconds after which a run counts as hung and is stopped
    #[arg(long, value_name = "SECONDS", default_value_t = 600, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    timeout: u64,
}

/// Runs the command.
///
/// # Errors
/// A tape that can't be replayed, or a file that can't be written. Exit code 1 if a run failed.
pub fn run(args: &ReplayArgs) -> Result<ExitCode> {
    let results = measure(&args.files, &args.how)?;
    match &args.json {
        Some(path) if path == Path::new("-") => {
            print(&(serde_json::to_string_pretty(&results)? + "\n"))?;
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

/// Measures, with a bar.
pub fn measure(files: &[PathBuf], how: &MeasureArgs) -> Result<Results> {
    let program = std::env::current_exe()
        .context("where this program lies, to start it again for each run")?;
    let settings = Settings {
        touch: how.touch,
        timeout: Duration::from_secs(how.timeout),
        ..Settings::default()
    };
    let mut allocators = how.allocators.clone();
    let mut seen = Vec::new();
    allocators.retain(|name| {
        !seen.contains(name) && {
            seen.push(*name);
            true
        }
    });

    let bar = progress::bar(0, "planning");
    let outcome = run_matrix(
        files,
        &allocators,
        how.repetitions,
        &settings,
        &Worker::new(program),
        &|step| match step {
            Progress::Planning { tape } => bar.set_message(format!("{tape}: planning")),
            Progress::Running {
                tape,
                allocator,
                repetition,
                done,
                total,
            } => {
                bar.set_length(total);
                bar.set_position(done);
                let what = if repetition == 0 {
                    "warm-up".to_owned()
                } else {
                    format!("run {repetition} of {}", how.repetitions)
                };
                bar.set_message(format!("{tape}: {allocator}, {what}"));
            }
        },
    );
    bar.finish_and_clear();
    Ok(outcome?)
}

/// Writes `results.json`.
pub fn write_results(results: &Results, path: &Path) -> Result<()> {
    let text = serde_json::to_string_pretty(results)? + "\n";
    std::fs::write(path, text).with_context(|| format!("{}: cannot be written", path.display()))
}

/// Prints to standard output.
pub fn print(text: &str) -> Result<()> {
    std::io::stdout()
        .lock()
        .write_all(text.as_bytes())
        .context("writing to standard output")
}

/// 1 if a run gave no measurement.
pub fn verdict(results: &Results) -> ExitCode {
    if results.faults.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
