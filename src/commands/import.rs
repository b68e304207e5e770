//! `heaptape import`: makes a tape of another tool's trace.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{IsTerminal, Read};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use trace_recorder::foreign::{ForeignError, ImportFormat, ImportOptions, Imported, import};
use trace_recorder::units::{bytes, counted, grouped};

use super::export::{keep, open_output, shown_output};
use super::info::{print, shown};

/// Make a tape of another tool's trace
///
/// Says what the source could not tell (times, threads, alignment), and writes it into the tape's notes. What is out of
/// order in the source is put right and counted.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Formats:
  logalloc    Firefox logalloc, raw or munged
  android     Android's allocation records (memory_replay)
  mtrace      glibc's mtrace
  heaptrack   heaptrack's raw form: heaptrack --raw PROGRAM
  ops         WebKit MallocBench's .ops

A trace that is packed with gzip or Zstandard is unpacked on the way.

Examples:
  heaptape import --from mtrace malloc.trace -o my.tape
  heaptape import --from heaptrack heaptrack.server.4711.raw.zst -o server.tape
  adb shell cat /data/local/tmp/record_allocs.txt | heaptape import --from android - -o app.tape
  heaptape import --from logalloc firefox.log.gz --pid 4711 --skip-bad-lines -o tab.tape")]
pub struct ImportArgs {
    /// What the trace is: logalloc, android, mtrace, heaptrack or ops
    #[arg(long, value_name = "FORMAT")]
    from: ImportFormat,

    /// The trace; `-` is standard input
    #[arg(value_name = "IN")]
    input: PathBuf,

    /// The tape to write; `-` is standard output
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,

    /// Leave out lines that can't be read, and count them
    #[arg(long)]
    skip_bad_lines: bool,

    /// The process to take, where a log has several (logalloc); else that of the first line
    #[arg(long, value_name = "PID")]
    pid: Option<u64>,

    /// The tape's name; else that of the file
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
}

/// Runs the command.
///
/// # Errors
/// When the trace can't be read or the tape can't be written.
pub fn run(args: &ImportArgs) -> Result<ExitCode> {
    if args.pid.is_some() && args.from != ImportFormat::Logalloc {
        eprintln!("error: --pid: only logalloc traces tell processes apart");
        return Ok(ExitCode::from(2));
    }
    let to_stdout = args.output == Path::new("-");
    if to_stdout && std::io::stdout().is_terminal() {
        eprintln!(
            "error: -o -: a tape is not for a terminal; give a file, or pipe it: … -o - | heaptape info -"
        );
        return Ok(ExitCode::from(2));
    }
    let (source, len) = open(&args.input)?;
    let options = ImportOptions {
        format: args.from,
        name: args.name.clone().unwrap_or_else(|| name(&args.input)),
        skip_bad_lines: args.skip_bad_lines,
        process: args.pid,
    };
    let mut output = open_output(&args.output)?;
    let bar = crate::progress::bytes(len, "reading the trace");
    let imported = import(source, output.writer(), &options, &|done| {
        bar.set_position(done)
    });
    bar.finish_and_clear();
    let imported = imported.map_err(|error| place(error, args))?;
    keep(output)?;
    let text = told(args, &imported);
    if to_stdout {
        eprint!("{text}");
    } else {
        print(&text)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The source, and how long it is; 0 when that is not known.
fn open(path: &Path) -> Result<(Box<dyn Read>, u64)> {
    if path == Path::new("-") {
        return Ok((Box::new(std::io::stdin().lock()), 0));
    }
    let cannot = || format!("cannot open {}", path.display());
    let file = File::open(path).with_context(cannot)?;
    let kind = file.metadata().with_context(cannot)?;
    if kind.is_dir() {
        return Err(std::io::Error::from(std::io::ErrorKind::IsADirectory)).with_context(cannot);
    }
    let len = if kind.is_file() { kind.len() } else { 0 };
    Ok((Box::new(file), len))
}

/// The file's name without folder.
fn name(path: &Path) -> String {
    match path.file_name() {
        Some(name) if path != Path::new("-") => name.to_string_lossy().into_owned(),
        _ => "imported trace".to_owned(),
    }
}

/// An error with the file that it is about.
fn place(error: ForeignError, args: &ImportArgs) -> anyhow::Error {
    let file = match error {
        ForeignError::Write(_) => shown_output(&args.output),
        _ => shown(&args.input),
    };
    anyhow::Error::new(error).context(file)
}

/// What the import came to, in sentences.
fn told(args: &ImportArgs, it: &Imported) -> String {
    let output = shown_output(&args.output);
    let mut text = format!(
        "{output}: {} of {} from {}, {}; peak live {}\n",
        counted(it.events, "event"),
        counted(it.threads.into(), "thread"),
        counted(it.units, it.unit),
        bytes(it.bytes),
        bytes(it.live.peak_live_bytes),
    );
    for note in &it.notes {
        let _ = writeln!(text, "  {note}");
    }
    let mut count = |number: u64, what: &str| {
        if number > 0 {
            let _ = writeln!(text, "  {what}: {}", grouped(number));
        }
    };
    let odd = &it.oddities;
    count(
        odd.lost_frees,
        "frees that are missing, since the address was given out again; each was put right before",
    );
    count(
        odd.late_reallocs,
        "reallocs told of late, which stand as a free and a malloc",
    );
    count(
        odd.unknown_releases,
        "frees and reallocs of blocks older than the trace",
    );
    count(
        odd.null_frees,
        "frees of null, which do nothing and are left out",
    );
    count(odd.raised_times, "times that ran back and were raised");
    for (process, lines) in &it.other_processes {
        count(
            *lines,
            &format!("lines of process {process} (--pid {process} takes those)"),
        );
    }
    count(it.further_processes, "lines of still other processes");
    count(
        it.bad,
        &format!("{}s that could not be read and are left out", it.unit),
    );
    for bad in &it.first_bad {
        let _ = writeln!(
            text,
            "    {} {}: {}: `{}`",
            it.unit, bad.number, bad.what, bad.text
        );
    }
    if it.bad as usize > it.first_bad.len() {
        let _ = writeln!(text, "    …");
    }
    if it.cut {
        let _ = writeln!(text, "  The packed trace ends in its middle.");
    }
    text
}
