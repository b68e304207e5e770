//! `heaptape compare`, the main job: records the scenarios (or takes tapes), replays them, draws the report.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;

use anyhow::{Context, Result, bail};
use indicatif::ProgressBar;
use replayer::results::{ProfileCell, Results, TapeProfile};
use trace_format::{FileSource, Tape};
use trace_recorder::info::info_with_progress;
use trace_recorder::units::counted;
use trace_recorder::{Phase, Scale, Scenario, ScenarioOptions, record_scenario};

use super::measure::{MeasureArgs, Tapes, interruption, measure, write_results};
use super::record::abort;
use super::replay::{print, verdict};
use crate::{progress, table};

/// Compare allocators on tapes and draw a report (the default command)
///
/// Without a tape it records the three scenarios first: basic, ephemeral and large. Prints a table, and writes into DIR:
/// index.html, results.json, every chart as PNG and SVG, and the tapes it recorded.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  heaptape                                            = heaptape compare: scenarios, default allocators, folder `report`
  heaptape compare my.tape                            one tape of yours
  heaptape compare my.tape -a system,fancy -n 10 -o mine
  heaptape compare --scale small                      the scenarios in a few seconds
  heaptape compare my.tape --threads 1,2,4            how each scales: the threads folded onto 1, 2 and 4 workers
  heaptape compare my.tape --budget 10m               repeat until the ratios are known, 10 minutes at most
  heaptape compare my.tape --resume                   make the runs that Ctrl-C kept from being made")]
pub struct CompareArgs {
    /// The tapes, `-` is standard input; without any the scenarios are recorded
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,

    #[command(flatten)]
    how: MeasureArgs,

    /// Folder for the report; made if it is not there
    #[arg(short, long, value_name = "DIR", default_value = "report")]
    output: PathBuf,

    /// How much the recorded scenarios do: small, default or paper
    #[arg(long, value_name = "SCALE", default_value_t = Scale::Default, conflicts_with = "files")]
    scale: Scale,
}

/// What is recorded when no tape is given.
const SCENARIOS: [Scenario; 3] = [Scenario::Basic, Scenario::Ephemeral, Scenario::Large];

/// Runs the command.
///
/// # Errors
/// A scenario that can't be recorded, a tape that can't be replayed, a file that can't be written. Exit code 1 if a run failed.
pub fn run(args: &CompareArgs) -> Result<ExitCode> {
    std::fs::create_dir_all(&args.output)
        .with_context(|| format!("{}: cannot be made", args.output.display()))?;
    let stop = interruption()?;
    let recorded;
    let files = if args.files.is_empty() {
        let folder = args.output.join("tapes");
        recorded = record(args.scale, &folder, args.how.resume, &stop)?;
        &recorded
    } else {
        &args.files
    };
    let file = args.output.join("results.json");
    let tapes = Tapes::gather(files)?;
    let mut results = measure(tapes.paths(), &args.how, Some(&file), &stop)?;
    if results.partial.is_none() {
        profile(&mut results, tapes.paths());
    }
    write_results(&results, &file)?;
    // The report is made even if nobody reads the table any more.
    let told = print(&table::render(&results));
    let written = reports::write_report(&results, &args.output)?;
    told?;
    print(&format!("Report: {}\n", written.index.display()))?;
    Ok(verdict(&results))
}

/// Adds to the tapes what their blocks are like. A tape that can't be read again is told of: the measurement stands without it.
fn profile(results: &mut Results, files: &[PathBuf]) {
    if files.len() != results.tapes.len() {
        return;
    }
    let mut doubts = Vec::new();
    for (tape, file) in results.tapes.iter_mut().zip(files) {
        match blocks(file) {
            Ok(found) => tape.profile = Some(found),
            Err(why) => doubts.push(format!(
                "the sizes and lifetimes of the blocks of {} are not known: {why:#}",
                tape.name
            )),
        }
    }
    results.warnings.extend(doubts);
}

/// The blocks of a tape by size and lifetime.
fn blocks(file: &Path) -> Result<TapeProfile> {
    let tape = Tape::open(FileSource::open(file)?)?;
    let bar = progress::bar(tape.totals().events, "sizes and lifetimes");
    let info = info_with_progress(&tape, &|done, _| bar.set_position(done));
    bar.finish_and_clear();
    let info = info?;
    let cells = info.blocks.cells().into_iter();
    Ok(TapeProfile {
        timed: matches!(info.clock, "monotonic" | "cycle counter"),
        cells: cells.map(|c| ProfileCell(c.0, c.1, c.2, c.3)).collect(),
    })
}

/// Records the scenarios into `dir`. With `keep`, tapes that lie there are taken as they are.
fn record(scale: Scale, dir: &Path, keep: bool, stop: &AtomicBool) -> Result<Vec<PathBuf>> {
    std::fs::create_dir_all(dir).with_context(|| format!("{}: cannot be made", dir.display()))?;
    let options = ScenarioOptions {
        scale,
        ..ScenarioOptions::default()
    };
    let record_one = |scenario: Scenario| {
        let path = dir.join(format!("{scenario}.tape"));
        if keep && path.is_file() {
            return Ok(path);
        }
        let bar = Mutex::new(Bar {
            shown: None,
            bar: progress::bar(0, "recording"),
        });
        let outcome = record_scenario(scenario, &options, &path, &|phase, done, total| {
            show(&bar, scenario, phase, done, total);
            abort::if_asked(stop);
        });
        if let Ok(bar) = bar.lock() {
            bar.bar.finish_and_clear();
        }
        let recorded = outcome.with_context(|| format!("recording scenario {scenario}"))?;
        if recorded.lost > 0 {
            bail!(
                "recording scenario {scenario}: the capture buffers were full, the tape lacks {}",
                counted(recorded.lost, "event")
            );
        }
        Ok(path)
    };
    SCENARIOS.into_iter().map(record_one).collect()
}

struct Bar {
    shown: Option<Phase>,
    bar: ProgressBar,
}

fn show(bar: &Mutex<Bar>, scenario: Scenario, phase: Phase, done: u64, total: u64) {
    // A bar that another thread holds is moved by that one.
    let Ok(mut bar) = bar.try_lock() else { return };
    if bar.shown != Some(phase) {
        bar.shown = Some(phase);
        let what = match phase {
            Phase::Run => "recording",
            Phase::Finish => "making the tape",
        };
        bar.bar.set_message(format!("{scenario}: {what}"));
        bar.bar.set_length(total);
    }
    bar.bar.set_position(done);
}
