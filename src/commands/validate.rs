//! `heaptape validate`: what the replay says of a program beside what the program does.

mod compare;
mod table;

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use replayer::AllocatorName;
use replayer::measure::{ask_to_end, wait_unless};
use replayer::results::Results;
use trace_recorder::{Scale, Scenario};

use super::measure::{MeasureArgs, interruption, measure, worker, write_results};
use super::replay::print;
use crate::json;
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

/// A program that is to end has so long before it is made to.
const PATIENCE: Duration = Duration::from_secs(5);

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
        record(args, &worker.program, &tape, &stop)?;
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
    let mut results = measure(std::slice::from_ref(&tape), &args.how, file, &stop)?;
    rename(&mut results, &plan.name);
    if let Some(note) = others(&tape) {
        results.warnings.push(note);
    }
    results.live = live.runs;
    let doubts = live.doubts.into_iter();
    results
        .warnings
        .extend(doubts.map(|doubt| format!("live runs: {doubt}")));
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
        json::text(&results)?
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

/// Calls the tape by the name of what was run: a scenario's tape is that of this very program.
fn rename(results: &mut Results, name: &str) {
    for tape in &mut results.tapes {
        name.clone_into(&mut tape.name);
    }
    let names = results.runs.iter_mut().map(|run| &mut run.tape);
    let names = names.chain(results.summary.iter_mut().map(|summary| &mut summary.tape));
    for tape in names.chain(results.faults.iter_mut().map(|fault| &mut fault.tape)) {
        name.clone_into(tape);
    }
}

/// What is to be said of tapes of other processes beside the first one's.
fn others(tape: &Path) -> Option<String> {
    let stem = format!("{}.", tape.file_stem()?.to_string_lossy());
    let folder = tape.parent().filter(|path| !path.as_os_str().is_empty());
    let count = std::fs::read_dir(folder.unwrap_or(Path::new(".")))
        .ok()?
        .flatten()
        .filter(|entry| {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            let rest = name
                .strip_prefix(&stem)
                .and_then(|r| r.strip_suffix(".tape"));
            rest.is_some_and(|pid| {
                !pid.is_empty() && pid.chars().all(|c| c.is_ascii_digit() || c == '-')
            })
        })
        .count();
    (count > 0).then(|| {
        format!(
            "the program started other processes, {count} of which made requests: the replay is that of the first alone, while the live times are those of all; name the one that matters as the program"
        )
    })
}

/// Records the program with all that it starts, by `heaptape record`; so also a scenario: its tape is that of the whole process, as
/// the live runs are.
fn record(args: &ValidateArgs, own: &Path, tape: &Path, stop: &AtomicBool) -> Result<()> {
    let mut command = Command::new(own);
    command.arg("record").arg("-o").arg(tape).arg("--");
    command.args(command_of(args, own));
    let mut recorder = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        // Ctrl-C is for this process, which passes it on.
        .process_group(0)
        .spawn()
        .context("starting the recorder")?;
    let Some(status) = wait_unless(stop, &mut recorder).context("waiting for the recorder")? else {
        // The recorder passes it on to the program, and leaves nothing half done.
        ask_to_end(&mut recorder, PATIENCE);
        bail!("interrupted while the program was recorded");
    };
    // A program that ends with another status has a tape nevertheless, and the live runs will say so.
    if !tape.is_file() {
        bail!("no tape was recorded ({status}); the recorder's own words stand above");
    }
    Ok(())
}
