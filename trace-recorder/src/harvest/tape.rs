//! From a capture to the bytes of a tape.

use super::counted::Counted;
use crate::RecordError;
use crate::finish::{Progress, Repairs, Settings, finish};
use crate::runtime::Capture;
use std::io::Write;
use trace_format::{Ending, Header, TapeWriter};

/// What the tape's header shall say.
#[derive(Clone, Debug, Default)]
pub struct RecordingOptions {
    /// The program's or the scenario's name.
    pub name: String,
    /// The command line that leads to the same recording.
    pub command: Vec<String>,
    /// Sentences for the reader of the tape.
    pub notes: Vec<String>,
}

/// What a recording came to.
#[derive(Clone, PartialEq, Debug)]
pub struct Recorded {
    /// Events on the tape.
    pub events: u64,
    /// Threads on the tape.
    pub threads: u32,
    /// Bytes of the tape.
    pub bytes: u64,
    /// Largest sum of the sizes of living blocks, in bytes as requested.
    pub peak_live_bytes: u64,
    /// When that was, in nanoseconds since the tape's start.
    pub peak_live_ns: u64,
    /// Blocks that live at the end.
    pub live_blocks_at_end: u64,
    /// Events that found no room while recording; they are not on the tape, and its ending says so.
    pub lost: u64,
    /// What was out of order.
    pub repairs: Repairs,
    /// How the tape says that it ended.
    pub ending: Ending,
}

/// Writes the tape of `capture` to `out`.
pub(super) fn write_tape(
    capture: &Capture<'_>,
    header: &Header,
    ending: Ending,
    out: &mut dyn Write,
    progress: Progress<'_>,
) -> Result<Recorded, RecordError> {
    let mut counted = Counted::new(out);
    let mut writer = TapeWriter::new(&mut counted, header)?;
    let finished = finish(capture, &mut writer, &Settings::default(), progress)?;
    let events = writer.events();
    writer
        .finish(ending.clone(), finished.live)?
        .flush()
        .map_err(trace_format::TapeError::from)?;
    Ok(Recorded {
        events,
        threads: capture.threads.len() as u32,
        bytes: counted.bytes,
        peak_live_bytes: finished.live.peak_live_bytes,
        peak_live_ns: finished.live.peak_live_ns,
        live_blocks_at_end: finished.live.live_blocks_at_end,
        lost: capture.lost,
        repairs: finished.repairs,
        ending,
    })
}
