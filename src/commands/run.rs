//! `heaptape run`: a program live under an allocator, measured from outside.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Result, bail};
use replayer::AllocatorName;
use replayer::measure::{machine, median, ratio};
use replayer::results::{LiveRun, Results};
use trace_recorder::units::{bytes, counted, grouped, nanoseconds};

use super::measure::{interruption, worker, write_results};
use super::replay::print;
use crate::live::{LiveRuns, Plan, find, live_runs};
use crate::table::Names;
use crate::{json, limits, table};

/// Run a program live under allocators and print what each took
///
/// The program is started with the allocator's shared object preloaded: ours comes with heaptape, jemalloc, mimalloc, snmalloc and
/// rpmalloc are looked for where the loader looks, any other is given by preload:PATH. Repetitions take turns over the allocators,
/// after one run that is thrown away. The program's standard input is empty, its standard output goes nowhere unless
/// --show-output is given.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  heaptape run -a system,fancy -- ./server --its args
  heaptape run -a system,jemalloc,preload:/opt/libmine.so -n 10 -- gcc -O2 -c big.c
  heaptape run -a fancy --json live.json -- sort big.txt

Exit codes: 0 every run ended with status 0, 1 one did not, 2 wrong usage.")]
pub struct RunArgs {
    /// Allocators, separated by commas; `heaptape allocators` lists them
    #[arg(
        short,
        long,
        value_name = "NAMES",
        value_delimiter = ',',
        required = true
    )]
    allocators: Vec<AllocatorName>,

    /// Repetitions of each run
    #[arg(short = 'n', long, value_name = "REPS", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    repetitions: u32,

    /// After this time a run counts as hung and is stopped: seconds, or 30s, 10m, 2h
    #[arg(long, value_name = "TIME", default_value = "600", value_parser = limits::time)]
    timeout: Duration,

    /// Let the program write to standard output
    #[arg(long)]
    show_output: bool,

    /// Write the results here as well; `-` is standard output, in place of the table
    #[arg(long, value_name = "OUT")]
    json: Option<PathBuf>,

    /// The program, with its arguments
    #[arg(last = true, required = true, value_name = "PROGRAM")]
    program: Vec<OsString>,
}

/// Runs the command.
///
/// # Errors
/// An allocator that is not there, a program that can't be started. Exit code 1 if a run failed.
pub fn run(args: &RunArgs) -> Result<ExitCode> {
    let worker = worker()?;
    let stop = interruption()?;
    let mut allocators = Vec::new();
    for name in &args.allocators {
        if !allocators
            .iter()
            .any(|a: &crate::live::LiveAllocator| a.name == *name)
        {
            allocators.push(find(name, &worker, &stop)?);
        }
    }
    let Some(program) = args.program.first() else {
        bail!("no program is given");
    };
    let file = Path::new(program).file_name().unwrap_or(program);
    let plan = Plan {
        name: file.to_string_lossy().into_owned(),
        command: args.program.clone(),
        repetitions: args.repetitions,
        timeout: args.timeout,
        show_output: args.show_output,
    };
    let live = live_runs(&plan, &allocators, &worker.program, &stop)?;
    let ok = live.faults.is_empty() && !live.interrupted;
    let results = results(live, allocators.into_iter().map(|a| a.info).collect());
    match &args.json {
        Some(path) if path == Path::new("-") => {
            print(&json::text(&results)?)?;
        }
        json => {
            if let Some(path) = json {
                write_results(&results, path)?;
            }
            print(&render(&results, &plan.name))?;
        }
    }
    Ok(if ok {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Live runs in the form of results.json.
fn results(live: LiveRuns, allocators: Vec<replayer::results::AllocatorInfo>) -> Results {
    Results {
        machine: machine(),
        allocators,
        partial: live.interrupted.then(|| {
            format!(
                "interrupted after {}",
                counted(live.runs.len() as u64, "run")
            )
        }),
        live: live.runs,
        faults: live.faults,
        warnings: live.doubts,
        ..Results::default()
    }
}

/// The median of a measure over an allocator's runs.
pub fn middle(runs: &[LiveRun], allocator: &str, of: impl Fn(&LiveRun) -> u64) -> Option<f64> {
    let values: Vec<f64> = runs
        .iter()
        .filter(|run| run.allocator == allocator)
        .map(|run| of(run) as f64)
        .collect();
    median(&values)
}

/// The ratio to `system`, paired by repetition.
pub fn paired(
    runs: &[LiveRun],
    allocator: &str,
    of: impl Fn(&LiveRun) -> u64,
) -> Option<replayer::results::Ratio> {
    ratio(&ratios(runs, allocator, of))
}

/// The ratios to `system`, repetition by repetition.
pub fn ratios(runs: &[LiveRun], allocator: &str, of: impl Fn(&LiveRun) -> u64) -> Vec<f64> {
    runs.iter()
        .filter(|run| run.allocator == allocator)
        .filter_map(|run| {
            let system = runs
                .iter()
                .find(|r| r.allocator == "system" && r.repetition == run.repetition)?;
            let (mine, other) = (of(run), of(system));
            (other > 0).then(|| mine as f64 / other as f64)
        })
        .collect()
}

fn render(results: &Results, program: &str) -> String {
    let mut rows = vec![
        [
            "allocator",
            "elapsed",
            "user",
            "sys",
            "peak RSS",
            "faults",
            "time × system",
            "RSS × system",
        ]
        .map(str::to_owned)
        .to_vec(),
    ];
    let names = Names::of(&results.allocators);
    for allocator in &results.allocators {
        let name = allocator.name.as_str();
        let tell = |of: fn(&LiveRun) -> u64, how: fn(u64) -> String| {
            middle(&results.live, name, of).map_or("-".to_owned(), |v| how(v.round() as u64))
        };
        rows.push(vec![
            names.short(name).to_owned(),
            tell(|r| r.elapsed_ns, nanoseconds),
            tell(|r| r.user_ns, nanoseconds),
            tell(|r| r.sys_ns, nanoseconds),
            tell(|r| r.peak_rss_bytes, bytes),
            tell(|r| r.minor_faults, grouped),
            table::ratio(paired(&results.live, name, |r| r.elapsed_ns)),
            table::ratio(paired(&results.live, name, |r| r.peak_rss_bytes)),
        ]);
    }
    let repetitions = results.live.iter().map(|r| r.repetition).max().unwrap_or(0);
    let mut text = format!("{program}, live: median of {repetitions}\n");
    text.push_str(&table::aligned(&rows));
    for allocator in &results.allocators {
        for note in &allocator.notes {
            let name = names.short(&allocator.name);
            text.push_str(&format!("  note: {name}: {note}\n"));
        }
    }
    for fault in &results.faults {
        let name = names.short(&fault.allocator);
        let (when, why) = (table::when(fault.repetition), &fault.reason);
        text.push_str(&format!("  failed: {name}, {when}: {why}\n"));
    }
    for note in results.warnings.iter().chain(&results.partial) {
        text.push_str(&format!("  note: {note}\n"));
    }
    text
}
