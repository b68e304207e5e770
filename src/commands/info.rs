//! `heaptape info`: what is on a tape.

use std::io::{ErrorKind, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use trace_format::{FileSource, Tape};
use trace_recorder::info::info_with_progress;
use trace_recorder::runtime::CaptureFolder;

/// Columns where standard output is no terminal.
const DEFAULT_WIDTH: usize = 100;

/// Tell what is on a tape: threads, events, sizes, lifetimes, peak
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  heaptape info my.tape
  heaptape info my.tape --json | jq .peak_live_bytes
  heaptape record -o - --scenario basic | heaptape info -")]
pub struct InfoArgs {
    /// The tape; `-` is standard input
    file: PathBuf,

    /// Print JSON: times in nanoseconds, sizes in bytes
    #[arg(long)]
    json: bool,
}

/// Runs the command.
///
/// # Errors
/// When the file is no sound tape.
pub fn run(args: &InfoArgs) -> Result<ExitCode> {
    let name = shown(&args.file);
    let source = open_source(&args.file)?;
    let tape = Tape::open(source).with_context(|| name.clone())?;
    let bar = crate::progress::bar(tape.totals().events, "reading the tape");
    let info = info_with_progress(&tape, &|done, _| bar.set_position(done));
    bar.finish_and_clear();
    let info = info.with_context(|| name)?;
    let text = if args.json {
        serde_json::to_string_pretty(&info)? + "\n"
    } else {
        info.render(width())
    };
    print(&text)?;
    Ok(ExitCode::SUCCESS)
}

/// The tape's bytes: a file, or all of standard input or of another pipe, kept in a file that has no name.
pub(super) fn open_source(path: &Path) -> Result<FileSource> {
    let name = shown(path);
    let opened = || format!("cannot open {name}{}", unfinished(path));
    let mut pipe: Box<dyn Read> = if path == Path::new("-") {
        Box::new(std::io::stdin().lock())
    } else {
        let kind = std::fs::metadata(path).with_context(opened)?;
        if kind.is_file() || kind.is_dir() {
            return FileSource::open(path).with_context(opened);
        }
        Box::new(std::fs::File::open(path).with_context(opened)?)
    };
    let mut kept = tempfile::NamedTempFile::new()
        .with_context(|| format!("cannot keep {name} in a temporary file"))?;
    std::io::copy(&mut pipe, &mut kept)
        .with_context(|| format!("cannot keep {name} in a temporary file"))?;
    FileSource::open(kept.path()).with_context(opened)
}

/// Where there is no tape, but a recording of one that was never finished: what to do about it.
fn unfinished(path: &Path) -> String {
    let capture = CaptureFolder::beside(path);
    if path.exists() || !capture.is_dir() {
        return String::new();
    }
    let folder = capture.display();
    format!(
        ": its recording was not finished; `heaptape salvage {folder} -o {}` makes the tape",
        path.display()
    )
}

/// What messages call the input.
pub(super) fn shown(path: &Path) -> String {
    if path == Path::new("-") {
        "standard input".to_owned()
    } else {
        path.display().to_string()
    }
}

/// Writes to standard output. A reader that has gone away is no error.
pub(super) fn print(text: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        other => other.context("writing to standard output"),
    }
}

fn width() -> usize {
    let stdout = console::Term::stdout();
    if std::io::stdout().is_terminal() {
        stdout
            .size_checked()
            .map_or(DEFAULT_WIDTH, |(_, columns)| usize::from(columns))
    } else {
        DEFAULT_WIDTH
    }
}
