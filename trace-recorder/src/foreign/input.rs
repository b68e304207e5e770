//! The source's bytes: plain, or packed by gzip or Zstandard, which is seen from the first bytes.

use flate2::bufread::MultiGzDecoder;
use std::io::{BufRead, BufReader, Read, Result};
use std::sync::atomic::{AtomicU64, Ordering};

/// Largest window that a Zstandard stream may ask for, as a base-2 logarithm of bytes: 128 MiB, the tool's own default.
const WINDOW_LOG: u32 = 27;

/// Counts the bytes that are read, packed as they are.
pub(super) struct Counting<'c, R> {
    inner: R,
    count: &'c AtomicU64,
}

impl<R: Read> Read for Counting<'_, R> {
    fn read(&mut self, buf: &mut [u8]) -> Result<usize> {
        let got = self.inner.read(buf)?;
        self.count.fetch_add(got as u64, Ordering::Relaxed);
        Ok(got)
    }
}

/// Unpacks `source` if it is packed; `count` follows how much of it was read.
pub(super) fn open<'a>(source: impl Read + 'a, count: &'a AtomicU64) -> Result<Box<dyn Read + 'a>> {
    let mut buffered = BufReader::with_capacity(
        1 << 18,
        Counting {
            inner: source,
            count,
        },
    );
    let start = buffered.fill_buf()?;
    if start.starts_with(&[0x1F, 0x8B]) {
        return Ok(Box::new(MultiGzDecoder::new(buffered)));
    }
    if start.starts_with(&[0x28, 0xB5, 0x2F, 0xFD]) {
        let mut decoder = zstd::stream::read::Decoder::with_buffer(buffered)?;
        decoder.window_log_max(WINDOW_LOG)?;
        return Ok(Box::new(decoder));
    }
    Ok(Box::new(buffered))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn read(bytes: &[u8]) -> Vec<u8> {
        let count = AtomicU64::new(0);
        let mut out = Vec::new();
        open(bytes, &count).unwrap().read_to_end(&mut out).unwrap();
        assert_eq!(count.load(Ordering::Relaxed), bytes.len() as u64);
        out
    }

    #[test]
    fn packed_or_not_the_bytes_are_the_same() {
        let text = b"1 malloc(3)=0x10\n".repeat(10_000);
        assert_eq!(read(&text), text);
        assert_eq!(read(b""), b"");
        let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gz.write_all(&text).unwrap();
        assert_eq!(read(&gz.finish().unwrap()), text);
        assert_eq!(read(&zstd::encode_all(&text[..], 1).unwrap()), text);
    }

    #[test]
    fn a_cut_packed_stream_is_an_error() {
        let packed = zstd::encode_all(&b"1 malloc(3)=0x10\n".repeat(1000)[..], 1).unwrap();
        let count = AtomicU64::new(0);
        let mut out = Vec::new();
        let mut reader = open(&packed[..packed.len() - 3], &count).unwrap();
        assert!(reader.read_to_end(&mut out).is_err());
    }
}
