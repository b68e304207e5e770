//! `heaptape export`: writes a tape in another tool's format.

use std::fmt::Write as _;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, anyhow};
use trace_format::Tape;
use trace_recorder::RecordError;
use trace_recorder::foreign::{ExportFormat, Exported, ForeignError, export};
use trace_recorder::recording::output::Output;
use trace_recorder::units::{bytes, counted, grouped};

use super::info::{open_source, print, shown};

/// Write a tape in another tool's format
///
/// Says what the format can't hold.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Formats:
  logalloc         Firefox logalloc
  logalloc-munged  the same, ready for Firefox's logalloc-replay
  android          Android's allocation records, for memory_replay
  mtrace           glibc's mtrace
  ops              WebKit MallocBench's .ops
  perfetto         trace events in JSON, for ui.perfetto.dev and chrome://tracing
  csv              a row for each event
  parquet          the same in columns, for DuckDB, Spark, DataFusion

Examples:
  heaptape export --to perfetto my.tape -o my.json
  heaptape export --to parquet my.tape -o my.parquet
  duckdb -c \"select event, count(*), sum(size) from 'my.parquet' group by event\"
  heaptape export --to csv my.tape -o - | head
  heaptape record -o - --scenario basic | heaptape export --to logalloc-munged - -o basic.log")]
pub struct ExportArgs {
    /// What to write: logalloc, logalloc-munged, android, mtrace, ops, perfetto, csv or parquet
    #[arg(long, value_name = "FORMAT")]
    to: ExportFormat,

    /// The tape; `-` is standard input
    #[arg(value_name = "IN")]
    input: PathBuf,

    /// The file to write; `-` is standard output
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
}

/// Runs the command.
///
/// # Errors
/// When the tape can't be read or the output can't be written.
pub fn run(args: &ExportArgs) -> Result<ExitCode> {
    let to_stdout = args.output == Path::new("-");
    let binary = matches!(args.to, ExportFormat::Parquet | ExportFormat::Ops);
    if to_stdout && binary && std::io::stdout().is_terminal() {
        eprintln!(
            "error: -o -: {} is not for a terminal; give a file, or pipe it",
            args.to
        );
        return Ok(ExitCode::from(2));
    }
    let name = shown(&args.input);
    let tape = Tape::open(open_source(&args.input)?).with_context(|| name.clone())?;
    let mut output = open_output(&args.output)?;
    let bar = crate::progress::bar(tape.totals().events, "writing the export");
    let exported = export(&tape, args.to, output.writer(), &|done| {
        bar.set_position(done)
    });
    bar.finish_and_clear();
    let exported = exported.map_err(|error| {
        let file = match error {
            ForeignError::Tape(_) => name,
            _ => shown_output(&args.output),
        };
        anyhow::Error::new(error).context(file)
    })?;
    keep(output)?;
    let text = told(args, &exported);
    if to_stdout {
        eprint!("{text}");
    } else {
        print(&text)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// What messages call the output.
pub(super) fn shown_output(path: &Path) -> String {
    if path == Path::new("-") {
        "standard output".to_owned()
    } else {
        path.display().to_string()
    }
}

/// What the export came to, in sentences.
fn told(args: &ExportArgs, it: &Exported) -> String {
    let mut text = format!(
        "{}: {}, {}\n",
        shown_output(&args.output),
        counted(it.events, "event"),
        bytes(it.bytes)
    );
    for note in &it.notes {
        let _ = writeln!(text, "  {} says: {note}", args.to);
    }
    for (what, &count) in &it.left_out {
        let _ = writeln!(text, "  not in {}: {} {what}", args.to, grouped(count));
    }
    text
}

/// Where a command writes to.
pub(super) enum Destination {
    /// A file that takes its name when it is whole.
    File(Output),
    Stdout(std::io::Stdout),
}

impl Destination {
    pub(super) fn writer(&mut self) -> &mut (dyn Write + Send) {
        match self {
            Destination::File(output) => output.writer(),
            Destination::Stdout(out) => out,
        }
    }
}

/// Opens a file to be written, or standard output.
pub(super) fn open_output(path: &Path) -> Result<Destination> {
    if path == Path::new("-") {
        return Ok(Destination::Stdout(std::io::stdout()));
    }
    Output::open(path)
        .map(Destination::File)
        .map_err(cannot_write)
}

/// Gives the file its name.
pub(super) fn keep(output: Destination) -> Result<()> {
    match output {
        Destination::File(output) => output.keep().map_err(cannot_write),
        Destination::Stdout(_) => Ok(()),
    }
}

fn cannot_write(error: RecordError) -> anyhow::Error {
    match error {
        RecordError::Output { path, source } => {
            anyhow!(source).context(format!("cannot write {}", path.display()))
        }
        other => other.into(),
    }
}
