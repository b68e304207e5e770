//! `heaptape record`: makes a tape.

use std::ffi::OsString;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Mutex;

use anyhow::{Context, Result, bail};
use indicatif::ProgressBar;
use trace_recorder::units::{bytes, grouped, nanoseconds};
use trace_recorder::{
    Phase, RecordError, Recorded, Scale, Scenario, ScenarioOptions, record_scenario,
    record_scenario_to,
};

/// Record what a program asks of its allocator
///
/// The program is one of the scenarios that come with heaptape. Each is a real multi-threaded program; the same seed
/// gives each of its threads the same requests.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Scenarios:
  basic             threads exchange blocks through one shared array
  ephemeral         short-lived blocks in 512 threads
  ephemeral-visits  the original rule, by which hardly any block dies; needs very much memory
  large             sizes from 16 bytes to 256 KiB, frees by other threads, threads that come and go

Examples:
  heaptape record -o basic.tape --scenario basic
  heaptape record -o small.tape --scenario large --scale small --seed 7
  heaptape record -o short.tape --scenario ephemeral --threads 16 --ops 50000 --ttl 10..500
  heaptape record -o - --scenario basic | heaptape info -")]
pub struct RecordArgs {
    /// The tape to write; `-` is standard output
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,

    /// What to record: basic, ephemeral, ephemeral-visits or large
    #[arg(long, value_name = "NAME", required_unless_present = "program")]
    scenario: Option<Scenario>,

    /// Threads that run at once
    #[arg(long, value_name = "N")]
    threads: Option<u32>,

    /// Operations of each thread
    #[arg(long, value_name = "N")]
    ops: Option<u64>,

    /// Slots: of the shared array (basic), of each thread's timing wheel (ephemeral), ring (ephemeral-visits) or table (large)
    #[arg(long, value_name = "N")]
    ring: Option<u64>,

    /// Seed of the random generators
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,

    /// How much to do where nothing else is said: small, default or paper
    #[arg(long, value_name = "SCALE", default_value_t = Scale::Default)]
    scale: Scale,

    /// Shortest and longest time to live of a block, in operations of its thread (ephemeral) or visits of its slot (ephemeral-visits)
    #[arg(long, value_name = "MIN..MAX", value_parser = ttl)]
    ttl: Option<(u64, u64)>,

    /// A program to record, with its arguments (not in this version)
    #[arg(last = true, value_name = "PROGRAM", conflicts_with = "scenario")]
    program: Vec<OsString>,
}

fn ttl(text: &str) -> Result<(u64, u64), String> {
    let range = text
        .split_once("..")
        .and_then(|(least, most)| Some((least.parse().ok()?, most.parse().ok()?)));
    range.ok_or_else(|| "a range is MIN..MAX in whole numbers, for example 50..2000".to_owned())
}

/// Runs the command.
///
/// # Errors
/// What keeps the tape from being made.
pub fn run(args: &RecordArgs) -> Result<ExitCode> {
    let Some(scenario) = args.scenario else {
        eprintln!(
            "error: recording other programs is not in this version; record a scenario: heaptape record -o {} --scenario basic",
            args.output.display()
        );
        return Ok(ExitCode::from(2));
    };
    let options = ScenarioOptions {
        threads: args.threads,
        ops: args.ops,
        ring: args.ring,
        seed: args.seed,
        scale: args.scale,
        ttl: args.ttl,
    };
    let to_stdout = args.output == Path::new("-");
    if to_stdout && std::io::stdout().is_terminal() {
        eprintln!(
            "error: -o -: a tape is not for a terminal; give a file, or pipe it: … -o - | heaptape info -"
        );
        return Ok(ExitCode::from(2));
    }
    let bars = Bars::default();
    let progress = |phase, done, total| bars.tell(phase, done, total);
    let recorded = if to_stdout {
        record_scenario_to(scenario, &options, &mut std::io::stdout().lock(), &progress)
    } else {
        record_scenario(scenario, &options, &args.output, &progress)
    };
    bars.clear();
    let recorded = match recorded {
        Err(error @ RecordError::Option { .. }) => {
            eprintln!("error: {error}");
            return Ok(ExitCode::from(2));
        }
        other => other.with_context(|| format!("recording scenario {scenario}"))?,
    };
    if !to_stdout {
        let mut out = std::io::stdout().lock();
        writeln!(out, "{}", summary(&args.output, &recorded))
            .context("writing to standard output")?;
    }
    if recorded.lost > 0 {
        bail!(
            "the capture buffers were full: {} events are not on the tape",
            grouped(recorded.lost)
        );
    }
    Ok(ExitCode::SUCCESS)
}

fn summary(path: &Path, recorded: &Recorded) -> String {
    format!(
        "{}: {} events of {} threads, {}; peak live {} after {}",
        path.display(),
        grouped(recorded.events),
        grouped(u64::from(recorded.threads)),
        bytes(recorded.bytes),
        bytes(recorded.peak_live_bytes),
        nanoseconds(recorded.peak_live_ns)
    )
}

/// A bar for the phase that is going on.
#[derive(Default)]
struct Bars {
    current: Mutex<Option<(Phase, ProgressBar)>>,
}

impl Bars {
    fn tell(&self, phase: Phase, done: u64, total: u64) {
        // A bar that another thread holds is moved by that one; nobody waits for a picture.
        let Ok(mut current) = self.current.try_lock() else {
            return;
        };
        match &*current {
            Some((shown, bar)) if *shown == phase => bar.set_position(done),
            _ => {
                if let Some((_, bar)) = current.take() {
                    bar.finish_and_clear();
                }
                let message = match phase {
                    Phase::Run => "running the scenario",
                    Phase::Finish => "making the tape",
                };
                *current = Some((phase, crate::progress::bar(total, message)));
            }
        }
    }

    fn clear(&self) {
        if let Ok(mut current) = self.current.lock()
            && let Some((_, bar)) = current.take()
        {
            bar.finish_and_clear();
        }
    }
}
