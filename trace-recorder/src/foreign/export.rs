//! Writing a tape in a foreign format.

use super::csv::Rows;
use super::error::ForeignError;
use super::format::ExportFormat;
use super::parquet::Columns;
use super::perfetto::Trace;
use super::replayable::{Calls, Style};
use super::sink::{Live, Sink};
use super::tally::Tally;
use std::collections::BTreeMap;
use std::io::{BufWriter, Write};
use trace_format::{LiveTracker, ReadAt, Tape, TapeError};

/// What an export came to.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Exported {
    /// Events of the tape.
    pub events: u64,
    /// Bytes written.
    pub bytes: u64,
    /// What the format can't hold, in the plural, and how many of it the tape has.
    pub left_out: BTreeMap<&'static str, u64>,
    /// Sentences on what the format says in another way than the tape.
    pub notes: Vec<&'static str>,
}

/// Events between two calls of `progress`.
const STEP: u64 = 1 << 16;

/// Writes all events of a tape in causal order. `progress` hears how many are done.
///
/// Memory is bounded by the blocks that live at once and one chunk of each thread.
///
/// # Errors
/// [`ForeignError::Tape`] when the tape can't be read, [`ForeignError::Write`] when `out` refuses,
/// [`ForeignError::CannotHold`].
pub fn export<S: ReadAt>(
    tape: &Tape<S>,
    format: ExportFormat,
    out: &mut (dyn Write + Send),
    progress: &dyn Fn(u64),
) -> Result<Exported, ForeignError> {
    let mut tally = Tally::new(out);
    let mut exported = Exported {
        notes: notes(format),
        ..Exported::default()
    };
    {
        let buffered = BufWriter::with_capacity(1 << 18, &mut tally);
        let mut sink = sink(tape, format, buffered)?;
        let mut live = LiveTracker::new();
        for merged in tape.merged() {
            let merged = merged?;
            match live.apply(&merged) {
                Err(error @ TapeError::NotCausal { .. }) if tape.is_whole() => {
                    return Err(error.into());
                }
                _ => {}
            }
            let now = Live {
                bytes: live.live_bytes(),
                blocks: live.live_blocks(),
            };
            if let Some(what) = sink.event(&merged, now)? {
                *exported.left_out.entry(what).or_default() += 1;
            }
            exported.events += 1;
            if exported.events.is_multiple_of(STEP) {
                progress(exported.events);
            }
        }
        sink.end()?;
    }
    progress(exported.events);
    exported.bytes = tally.bytes();
    Ok(exported)
}

fn sink<'t, S: ReadAt, W: Write + Send + 't>(
    tape: &'t Tape<S>,
    format: ExportFormat,
    out: W,
) -> Result<Box<dyn Sink + 't>, ForeignError> {
    let calls = |style, out| {
        Ok::<Box<dyn Sink + 't>, ForeignError>(Box::new(Calls::new(tape, style, out)?))
    };
    match format {
        ExportFormat::Logalloc => calls(Style::Logalloc, out),
        ExportFormat::LogallocMunged => calls(Style::Munged, out),
        ExportFormat::Android => calls(Style::Android, out),
        ExportFormat::Mtrace => calls(Style::Mtrace, out),
        ExportFormat::Ops => calls(Style::Ops, out),
        ExportFormat::Perfetto => Ok(Box::new(Trace::new(tape, out)?)),
        ExportFormat::Csv => Ok(Box::new(Rows::new(tape.marks(), out)?)),
        ExportFormat::Parquet => Ok(Box::new(Columns::new(tape, out)?)),
    }
}

/// What a reader of the format should know.
fn notes(format: ExportFormat) -> Vec<&'static str> {
    const ADDRESSES: &str = "addresses are made up: a tape names blocks, not places";
    match format {
        ExportFormat::Logalloc => vec![
            ADDRESSES,
            "times are not written",
            "calloc is written with a count of 1",
        ],
        ExportFormat::LogallocMunged => vec![
            "times are not written",
            "calloc is written with a count of 1",
        ],
        ExportFormat::Android => vec![ADDRESSES, "calloc is written with a count of 1"],
        ExportFormat::Mtrace => vec![ADDRESSES, "threads and times are not written"],
        ExportFormat::Ops => vec!["times are not written"],
        ExportFormat::Perfetto => vec![
            "single requests are not written; live bytes and blocks are sampled, with every peak",
        ],
        ExportFormat::Csv | ExportFormat::Parquet => vec![],
    }
}
