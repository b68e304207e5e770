//! Where the tape's bytes come from: read in blocks when they are wanted, and the last few kept.

use std::cell::RefCell;
use std::sync::Arc;

use trace_format::{ReadAt, ReadError, Tape};

/// Bytes of a tape, wherever they are.
pub type Source = Arc<dyn ReadAt>;

/// A tape over such bytes.
pub type OpenTape = Tape<Source>;

/// Bytes that are read at a time.
const BLOCK: u64 = 1 << 20;

/// Blocks that are kept: chunks of many threads lie side by side.
const KEPT: usize = 32;

/// Reads a source in blocks of a mebibyte, so that each small read is not a request of its own.
pub struct Blocks<S> {
    source: S,
    /// Number of the block, and its bytes; the one that was used last stands last.
    kept: RefCell<Vec<(u64, Vec<u8>)>>,
}

impl<S: ReadAt> Blocks<S> {
    /// Blocks of `source`; none is read yet.
    pub fn new(source: S) -> Blocks<S> {
        Blocks {
            source,
            kept: RefCell::new(Vec::new()),
        }
    }

    /// Makes the block the last one that was used.
    fn fetch(&self, number: u64) -> Result<(), ReadError> {
        let mut kept = self.kept.borrow_mut();
        if let Some(at) = kept.iter().position(|(kept, _)| *kept == number) {
            let block = kept.remove(at);
            kept.push(block);
            return Ok(());
        }
        let from = number * BLOCK;
        let bytes = BLOCK.min(self.source.len().saturating_sub(from));
        let mut block = if kept.len() == KEPT {
            kept.remove(0).1
        } else {
            Vec::new()
        };
        block.resize(bytes as usize, 0);
        self.source.read_at(from, &mut block)?;
        kept.push((number, block));
        Ok(())
    }
}

impl<S: ReadAt> ReadAt for Blocks<S> {
    fn len(&self) -> u64 {
        self.source.len()
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<(), ReadError> {
        let wanted = buf.len() as u64;
        if offset
            .checked_add(wanted)
            .is_none_or(|end| end > self.len())
        {
            return Err(ReadError::OutOfBounds {
                offset,
                wanted,
                len: self.len(),
            });
        }
        let (mut at, mut rest) = (offset, buf);
        while !rest.is_empty() {
            self.fetch(at / BLOCK)?;
            let kept = self.kept.borrow();
            let block = kept.last().map_or(&[][..], |(_, block)| block);
            let some = block.get((at % BLOCK) as usize..).unwrap_or_default();
            let count = some.len().min(rest.len());
            if count == 0 {
                return Err(ReadError::OutOfBounds {
                    offset: at,
                    wanted,
                    len: self.len(),
                });
            }
            let (now, later) = rest.split_at_mut(count);
            now.copy_from_slice(&some[..count]);
            (at, rest) = (at + count as u64, later);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_stretch_is_as_in_the_source() -> Result<(), ReadError> {
        let bytes: Vec<u8> = (0..3 * BLOCK + 77)
            .map(|at| (at * 7 + at / 999) as u8)
            .collect();
        let blocks = Blocks::new(bytes.clone());
        let len = blocks.len();
        for (from, count) in [
            (0, 10),
            (BLOCK - 3, 7),
            (5, 3 * BLOCK),
            (len - 1, 1),
            (0, len),
            (len, 0),
            (BLOCK, BLOCK),
        ] {
            let mut got = vec![0; count as usize];
            blocks.read_at(from, &mut got)?;
            assert!(got[..] == bytes[from as usize..(from + count) as usize]);
        }
        assert!(blocks.read_at(len, &mut [0]).is_err());
        assert!(blocks.read_at(u64::MAX, &mut [0]).is_err());
        Ok(())
    }
}
