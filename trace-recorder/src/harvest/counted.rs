//! A writer that counts.

use std::io::{BufWriter, Result, Write};

/// Counts what is written, behind a buffer.
pub(crate) struct Counted<W: Write> {
    inner: BufWriter<W>,
    /// Bytes so far.
    pub bytes: u64,
}

impl<W: Write> Counted<W> {
    /// Nothing is written yet.
    pub fn new(inner: W) -> Counted<W> {
        Counted {
            inner: BufWriter::with_capacity(1 << 18, inner),
            bytes: 0,
        }
    }
}

impl<W: Write> Write for Counted<W> {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        let written = self.inner.write(bytes)?;
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> Result<()> {
        self.inner.flush()
    }
}
