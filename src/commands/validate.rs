//! `heaptape validate`: what the replay says of a program beside what the program does.

mod compare;
mod table;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::sync::atomic::Ordering;

use anyhow::{Context, Result, bail};
use replayer::AllocatorName;
use trace_recorder::{Scale, Scenario};

use super::measure::{MeasureArgs, interruption, measure, worker, write_results};
use super::replay::print;
use crate::live::{LiveAllocator, Plan, find, live_runs};

/// Run a program live and replay its tape, under the same allocators, and print both side by side
///
/// Records the program once; runs it live, without the recorder, under each allocator; replays the tape under each. What the replay
/// says is worth something where the two agree: in the ratios of time, in peak memory, and in the order of the allocators.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  heaptape validate --scenario ephemeral
  heaptape validate -a system,fancy,jemalloc -n 5 -- gcc -O2 -c big.c
  heaptape validate --tape kept.tape --json both.json -- ./server --for 10
  heaptape validate --markdown --scenario basic           a table for a document, as those of docs/validity.md

Exit codes: 0 all was measured, whatever it says; 1 a run failed; 2 wrong usage.")]
pub struct ValidateArgs {
    /// A scenario in place of a program: basic, ephemeral, ephemeral-visits or large
    #[arg(long, value_name = "NAME", required_unless_present = "program")]
    scenario: Option<Scenario>,

    /// How much the scenario does: small, default or paper
    #[arg(long, value_name = "SCALE", default_value_t = Scale::Default, conflicts_with = "program")]
    scale: Scale,

    #[command(flatten)]
    how: MeasureArgs,

    /// Keep the tape here; if the file is there already, it is taken as the program's
    #[arg(long, value_name = "FILE")]
    tape: Option<PathBuf>,

    /// Write the results here as well, live runs included; `-` is standard output, in place of the table
    #[arg(long, value_name = "OUT")]
    json: Option<PathBuf>,

    /// Print the table in Markdown
    #[arg(long)]
    markdown: bool,

    /// The program, with its arguments
    #[arg(last = true, value_name = "PROGRAM", conflicts_with = "scenario")]
    program: Vec<OsString>,
}

/// Runs the command.
///
/// # Errors
/// A program that can't be recorded or run, an allocator that is not there.
pub fn run(args: &ValidateArgs) -> Result<ExitCode> {
    let worker = worker()?;
    let stop = interruption()?;
    let names = args.how.allocators();
    if !names.contains(&AllocatorName::System) {
        bail!("ratios are to system; add it: -a system,…");
    }
    let mut allocators: Vec<LiveAllocator> = Vec::new();
    for name in &names {
        allocators.push(find(name, &worker, &stop)?);
    }

    let folder = tempfile::tempdir().context("a folder for the tape")?;
    let tape = match &args.tape {
        Some(path) => path.clone(),
        None => folder.path().join("program.tape"),
    };
    if !tape.is_file() {
        record(args, &worker.program, &tape)?;
    }
    let plan = Plan {
        name: name_of(args),
        command: command_of(args, &worker.program),
        repetitions: args.how.repetitions,
        timeout: args.how.timeout,
        show_output: false,
    };
    let live = live_runs(&plan, &allocators, &worker.program, &stop)?;
    let file = args.json.as_deref().filter(|path| *path != Path::new("-"));
    let mut results = measure(&[tape], &args.how, file, &stop)?;
    results.live = live.runs;
    results.faults.extend(live.faults);
    for (info, allocator) in results.allocators.iter_mut().zip(&allocators) {
        info.notes.extend(allocator.info.notes.iter().cloned());
    }
    if live.interrupted || stop.load(Ordering::Relaxed) {
        results.partial = Some("interrupted".to_owned());
    }
    if let Some(file) = file {
        write_results(&results, file)?;
    }
    let text = if args.json.as_deref() == Some(Path::new("-")) {
        serde_json::to_string_pretty(&results)? + "\n"
    } else {
        let compared = compare::compare(&results, &plan.name);
        table::render(&results, &compared, args.markdown)
    };
    print(&text)?;
    let whole = results.faults.is_empty() && results.partial.is_none();
    Ok(if whole {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn name_of(args: &ValidateArgs) -> String {
    match (&args.scenario, args.program.first()) {
        (Some(scenario), _) => scenario.to_string(),
        (None, Some(program)) => {
            let file = Path::new(program).file_name().unwrap_or(program);
            file.to_string_lossy().into_owned()
        }
        (None, None) => String::new(),
    }
}

/// The program as it is run live. A scenario is run by this very program, without a recorder.
fn command_of(args: &ValidateArgs, own: &Path) -> Vec<OsString> {
    let Some(scenario) = args.scenario else {
        return args.program.clone();
    };
    vec![
        own.into(),
        "__scenario".into(),
        scenario.to_string().into(),
        "--scale".into(),
        args.scale.to_string().into(),
    ]
}

/// Records the program, by `heaptape record`.
fn record(args: &ValidateArgs, own: &Path, tape: &Path) -> Result<()> {
    let mut command = Command::new(own);
    command.arg("record").arg("-o").arg(tape);
    match args.scenario {
        Some(scenario) => {
            let scale = args.scale.to_string();
            command.args(["--scenario", &scenario.to_string(), "--scale", &scale]);
        }
        None => {
            // One process is recorded, so one is what the tape is compared with.
            command.args(["--follow", "none", "--"]).args(&args.program);
        }
    }
    let status = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status()
        .context("starting the recorder")?;
    // A program that ends with another status has a tape nevertheless, and the live runs will say so.
    if !tape.is_file() {
        bail!("no tape was recorded ({status}); the recorder's own words stand above");
    }
    Ok(())
}
