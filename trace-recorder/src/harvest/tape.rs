//! From a capture to the bytes of a tape.

use crate::RecordError;
use crate::finish::{Progress, Repairs, Settings, finish};
use crate::runtime::reserve::page_size;
use crate::runtime::{Capture, clock};
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
#[derive(Copy, Clone, PartialEq, Debug)]
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
}

/// Writes the tape of `capture` to `out`, whose recording began at `started_unix_ns` on the wall clock.
pub(crate) fn write_tape(
    capture: &Capture<'_>,
    started_unix_ns: u64,
    options: &RecordingOptions,
    out: &mut dyn Write,
    progress: Progress<'_>,
) -> Result<Recorded, RecordError> {
    let header = Header {
        recorder: concat!("heaptape ", env!("CARGO_PKG_VERSION")).to_owned(),
        name: options.name.clone(),
        command: options.command.clone(),
        pid: u64::from(std::process::id()),
        started_unix_ns,
        clock: clock::CLOCK,
        page_size: page_size() as u32,
        pointer_width: usize::BITS as u8,
        notes: options.notes.clone(),
    };
    let mut counted = Counted {
        inner: std::io::BufWriter::with_capacity(1 << 18, out),
        bytes: 0,
    };
    let mut writer = TapeWriter::new(&mut counted, &header)?;
    let finished = finish(capture, &mut writer, &Settings::default(), progress)?;
    let events = writer.events();
    let ending = match capture.lost {
        0 => Ending::Complete,
        lost => Ending::Salvaged {
            reason: format!("the capture buffers were full; {lost} events are missing"),
        },
    };
    writer
        .finish(ending, finished.live)?
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
    })
}

/// Counts what is written.
struct Counted<W> {
    inner: W,
    bytes: u64,
}

impl<W: Write> Write for Counted<W> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.inner.flush()
    }
}
