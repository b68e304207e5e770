//! Cutting a source into pieces that hold whole lines, or whole records, so that many can be parsed at once.

use std::io::{ErrorKind, Read, Result};

/// What a source is made of.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub(super) enum Unit {
    /// Lines that end with LF or CR LF; the last may lack its end.
    Line,
    /// Records of so many bytes.
    Record(usize),
}

impl Unit {
    /// The word for a message.
    pub fn word(self) -> &'static str {
        match self {
            Unit::Line => "line",
            Unit::Record(_) => "record",
        }
    }
}

/// Bytes of a piece, roughly.
const PIECE: usize = 1 << 20;

/// Longest line; a longer one is bad, and is stepped over without being kept.
pub(super) const LONGEST_LINE: usize = 4 << 20;

/// Some whole units.
#[derive(Debug)]
pub(super) struct Piece {
    pub bytes: Vec<u8>,
    /// The piece is the beginning of a single unit that is not whole: too long a line, or a record that the file's end cuts.
    pub broken: bool,
}

/// Reads a source piece by piece.
pub(super) struct Pieces<R> {
    source: R,
    unit: Unit,
    /// The beginning of the next piece.
    carry: Vec<u8>,
    ended: bool,
}

impl<R: Read> Pieces<R> {
    pub fn new(source: R, unit: Unit) -> Self {
        Pieces {
            source,
            unit,
            carry: Vec::new(),
            ended: false,
        }
    }

    /// The next piece; `None` at the end.
    pub fn next(&mut self) -> Result<Option<Piece>> {
        let mut bytes = std::mem::take(&mut self.carry);
        loop {
            let wanted = PIECE.max(bytes.len() + PIECE / 2);
            self.fill(&mut bytes, wanted)?;
            if self.ended {
                return Ok(self.last(bytes));
            }
            if let Some(end) = self.whole(&bytes) {
                self.carry = bytes.split_off(end);
                return Ok(Some(Piece {
                    bytes,
                    broken: false,
                }));
            }
            if bytes.len() > LONGEST_LINE {
                return self.step_over(bytes).map(Some);
            }
        }
    }

    /// Where the last whole unit ends.
    fn whole(&self, bytes: &[u8]) -> Option<usize> {
        match self.unit {
            Unit::Line => bytes
                .iter()
                .rposition(|&byte| byte == b'\n')
                .map(|at| at + 1),
            Unit::Record(len) => Some(bytes.len() - bytes.len() % len).filter(|&end| end > 0),
        }
    }

    fn last(&mut self, mut bytes: Vec<u8>) -> Option<Piece> {
        if bytes.is_empty() {
            return None;
        }
        if let Unit::Record(len) = self.unit {
            let whole = bytes.len() - bytes.len() % len;
            if whole == 0 {
                return Some(Piece {
                    bytes,
                    broken: true,
                });
            }
            self.carry = bytes.split_off(whole);
        }
        Some(Piece {
            bytes,
            broken: false,
        })
    }

    /// Leaves out the rest of a line that is too long.
    fn step_over(&mut self, mut bytes: Vec<u8>) -> Result<Piece> {
        bytes.truncate(256);
        let mut more = Vec::with_capacity(PIECE);
        loop {
            more.clear();
            self.fill(&mut more, PIECE)?;
            if let Some(end) = more.iter().position(|&byte| byte == b'\n') {
                self.carry = more.split_off(end + 1);
                break;
            }
            if self.ended {
                break;
            }
        }
        Ok(Piece {
            bytes,
            broken: true,
        })
    }

    fn fill(&mut self, bytes: &mut Vec<u8>, to: usize) -> Result<()> {
        let mut have = bytes.len();
        bytes.resize(to.max(have), 0);
        while have < bytes.len() && !self.ended {
            match self.source.read(&mut bytes[have..]) {
                Ok(0) => self.ended = true,
                Ok(got) => have += got,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        bytes.truncate(have);
        Ok(())
    }
}

/// The lines of a piece, without their ends.
pub(super) fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let body = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    body.split(|&byte| byte == b'\n')
        .map(|line| line.strip_suffix(b"\r").unwrap_or(line))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives a few bytes at a time.
    struct Drops<'a>(&'a [u8], usize);

    impl Read for Drops<'_> {
        fn read(&mut self, buf: &mut [u8]) -> Result<usize> {
            let take = self.1.min(buf.len()).min(self.0.len());
            buf[..take].copy_from_slice(&self.0[..take]);
            self.0 = &self.0[take..];
            Ok(take)
        }
    }

    fn all(bytes: &[u8], unit: Unit, drop: usize) -> Vec<Piece> {
        let mut pieces = Pieces::new(Drops(bytes, drop), unit);
        std::iter::from_fn(|| pieces.next().unwrap()).collect()
    }

    #[test]
    fn pieces_hold_whole_lines_and_lose_none() {
        let text: Vec<u8> = (0..400_000)
            .flat_map(|n| format!("line {n}\n").into_bytes())
            .collect();
        for drop in [1 << 30, 65_537] {
            let pieces = all(&text, Unit::Line, drop);
            assert!(pieces.len() > 1);
            assert!(
                pieces
                    .iter()
                    .all(|piece| piece.bytes.ends_with(b"\n") && !piece.broken)
            );
            assert_eq!(
                pieces
                    .iter()
                    .flat_map(|p| p.bytes.clone())
                    .collect::<Vec<_>>(),
                text
            );
        }
        let open = all(b"one\ntwo", Unit::Line, 1);
        assert_eq!(lines(&open[0].bytes).collect::<Vec<_>>(), [b"one", b"two"]);
        assert_eq!(
            lines(b"a\r\n\r\n\nb\n").collect::<Vec<_>>(),
            [&b"a"[..], b"", b"", b"b"]
        );
        assert!(all(b"", Unit::Line, 1).is_empty());
    }

    #[test]
    fn a_line_without_end_is_stepped_over_in_bounded_memory() {
        let mut text = b"first\n".to_vec();
        text.extend(std::iter::repeat_n(b'x', 3 * LONGEST_LINE));
        text.extend(b"\nlast\n");
        let pieces = all(&text, Unit::Line, 1 << 20);
        let broken: Vec<_> = pieces.iter().filter(|piece| piece.broken).collect();
        assert_eq!(broken.len(), 1);
        assert!(broken[0].bytes.len() <= 256);
        assert_eq!(pieces.last().unwrap().bytes, b"last\n");
    }

    #[test]
    fn a_cut_record_is_seen() {
        let pieces = all(&[7; 24 * 3 + 5], Unit::Record(24), 10);
        assert_eq!(pieces.len(), 2);
        assert_eq!(pieces[0].bytes.len(), 72);
        assert!(pieces[1].broken && pieces[1].bytes.len() == 5);
        assert_eq!(all(&[7; 48], Unit::Record(24), 100).len(), 1);
    }
}
