//! `heaptape record`: makes a tape.

pub(super) mod abort;
mod launch;
mod program;
mod survivors;
pub(super) mod tapes;

use std::ffi::OsString;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use trace_recorder::units::counted;
use trace_recorder::{
    RecordError, Scale, Scenario, ScenarioOptions, record_scenario, record_scenario_to,
};

use super::measure::interruption;

/// Record what a program asks of its allocator
///
/// Any dynamically linked program, or one of the scenarios that come with heaptape: each of those is a real
/// multi-threaded program, and the same seed gives each of its threads the same requests.
///
/// A program is recorded with all its threads and children, whatever happens to it. What is caught goes to a folder
/// FILE.capture, which becomes the tape when the program ends; if heaptape itself is killed, `heaptape salvage` makes the
/// tape of that folder.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Scenarios:
  basic             threads exchange blocks through one shared array
  ephemeral         short-lived blocks in 512 threads
  ephemeral-visits  the original rule, by which hardly any block dies; needs very much memory
  large             sizes from 16 bytes to 256 KiB, frees by other threads, threads that come and go

Signals to heaptape while it records a program:
  USR1        switches recording off, and on again
  INT, QUIT   a second one ends the recording, the program goes on (the first goes to the program from the terminal)
  TERM, HUP   are passed on to the program

Examples:
  heaptape record -o my.tape -- ./server --its args
  heaptape record -o gcc.tape --follow merge -- gcc -O2 -c big.c      compiler, assembler and all on one tape
  heaptape record -o my.tape --start-after 30 --duration 10 -- ./server
  heaptape record -o my.tape --wait -- ./server --daemonize           until the server ends that went to the background
  heaptape record -o basic.tape --scenario basic
  heaptape record -o small.tape --scenario large --scale small --seed 7
  heaptape record -o short.tape --scenario ephemeral --threads 16 --ops 50000 --ttl 10..500
  heaptape record -o - --scenario basic | heaptape info -

Exit codes: 0 the tape is whole and the program ended with status 0, 1 one of them is not so, 2 wrong usage.")]
pub struct RecordArgs {
    /// The tape to write; `-` is standard output (scenarios only). Children's tapes have their process number before the
    /// ending: my.1234.tape
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,

    /// What to record: basic, ephemeral, ephemeral-visits or large
    #[arg(long, value_name = "NAME", required_unless_present = "program")]
    scenario: Option<Scenario>,

    /// Threads that run at once
    #[arg(long, value_name = "N", conflicts_with = "program")]
    threads: Option<u32>,

    /// Operations of each thread
    #[arg(long, value_name = "N", conflicts_with = "program")]
    ops: Option<u64>,

    /// Slots: of the shared array (basic), of each thread's timing wheel (ephemeral), ring (ephemeral-visits) or table (large)
    #[arg(long, value_name = "N", conflicts_with = "program")]
    ring: Option<u64>,

    /// Seed of the random generators
    #[arg(
        long,
        value_name = "N",
        default_value_t = 1,
        conflicts_with = "program"
    )]
    seed: u64,

    /// How much to do where nothing else is said: small, default or paper
    #[arg(long, value_name = "SCALE", default_value_t = Scale::Default, conflicts_with = "program")]
    scale: Scale,

    /// Shortest and longest time to live of a block, in operations of its thread (ephemeral) or visits of its slot (ephemeral-visits)
    #[arg(long, value_name = "MIN..MAX", value_parser = ttl, conflicts_with = "program")]
    ttl: Option<(u64, u64)>,

    /// What happens to a program's children: a tape each, all on one tape, or not recorded
    #[arg(long, value_name = "HOW", value_enum, default_value_t = Follow::Separate, conflicts_with = "scenario")]
    follow: Follow,

    /// Begin to record so many seconds after the program began
    #[arg(long, value_name = "SECONDS", value_parser = seconds, conflicts_with = "scenario")]
    start_after: Option<Duration>,

    /// Record for so many seconds; the tape is made then, and the program goes on
    #[arg(long, value_name = "SECONDS", value_parser = seconds, conflicts_with = "scenario")]
    duration: Option<Duration>,

    /// Record until all processes of the program have ended, not only the first: for servers that go to the background
    #[arg(long, conflicts_with = "scenario")]
    wait: bool,

    /// Most bytes that the capture may take on disk; recording stops there [default: what leaves room for the tape and some more]
    #[arg(long, value_name = "BYTES", value_parser = size, conflicts_with = "scenario")]
    max_capture: Option<u64>,

    /// The program to record, with its arguments
    #[arg(last = true, value_name = "PROGRAM", conflicts_with = "scenario")]
    program: Vec<OsString>,
}

/// What happens to a program's children.
#[derive(Copy, Clone, PartialEq, Eq, Debug, clap::ValueEnum)]
pub enum Follow {
    /// Each process has a tape of its own
    Separate,
    /// All processes on one tape
    Merge,
    /// Only the first process is recorded
    None,
}

fn seconds(text: &str) -> Result<Duration, String> {
    text.parse()
        .ok()
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .ok_or_else(|| "seconds are a number of at least 0, for example 2.5".to_owned())
}

fn size(text: &str) -> Result<u64, String> {
    let digits = text.trim_end_matches(['K', 'M', 'G', 'T']);
    let shift = match &text[digits.len()..] {
        "" => 0,
        "K" => 10,
        "M" => 20,
        "G" => 30,
        "T" => 40,
        _ => 64,
    };
    let bytes = digits.parse::<u64>().ok();
    bytes
        .and_then(|bytes| bytes.checked_mul(1u64.checked_shl(shift)?))
        .ok_or_else(|| {
            "a size is a number of bytes, or one with K, M, G or T, for example 20G".to_owned()
        })
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
        if args.output == Path::new("-") {
            eprintln!("error: -o -: standard output is the program's; give a file");
            return Ok(ExitCode::from(2));
        }
        if args.wait && args.follow == Follow::None {
            eprintln!("error: --wait: with --follow none there is only one process to wait for");
            return Ok(ExitCode::from(2));
        }
        return program::run(args);
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
    let stop = interruption()?;
    let bars = tapes::Bars::default();
    let progress = |phase, done, total| {
        bars.tell(phase, done, total);
        abort::if_asked(&stop);
    };
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
        writeln!(out, "{}", tapes::summary(&args.output, &recorded))
            .context("writing to standard output")?;
    }
    if recorded.lost > 0 {
        bail!(
            "the capture buffers were full: the tape lacks {}",
            counted(recorded.lost, "event")
        );
    }
    Ok(ExitCode::SUCCESS)
}
