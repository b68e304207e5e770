//! Counting what is written.

use std::io::{Result, Write};

/// A writer that knows how many bytes went through it.
#[derive(Debug)]
pub(super) struct Tally<'w, W: ?Sized> {
    inner: &'w mut W,
    bytes: u64,
}

impl<'w, W: Write + ?Sized> Tally<'w, W> {
    pub fn new(inner: &'w mut W) -> Self {
        Tally { inner, bytes: 0 }
    }

    /// Bytes written.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }
}

impl<W: Write + ?Sized> Write for Tally<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        let written = self.inner.write(bytes)?;
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> Result<()> {
        self.inner.flush()
    }
}
