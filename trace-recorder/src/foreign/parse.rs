//! A piece of a source into what its lines say.

use super::format::ImportFormat;
use super::pieces::{Piece, Unit, lines};
use super::request::{Parsed, Said};
use super::{android, heaptrack, logalloc, mtrace, ops};

/// Bytes of a bad line that are shown.
const SHOWN_BYTES: usize = 100;

/// A parser of one line or record.
pub(super) type Parse = fn(&[u8]) -> Parsed;

pub(super) fn parser(format: ImportFormat) -> (Unit, Parse) {
    match format {
        ImportFormat::Logalloc => (Unit::Line, logalloc::parse),
        ImportFormat::Android => (Unit::Line, android::parse),
        ImportFormat::Mtrace => (Unit::Line, mtrace::parse),
        ImportFormat::Heaptrack => (Unit::Line, heaptrack::parse),
        ImportFormat::Ops => (Unit::Record(ops::RECORD), ops::parse),
    }
}

/// Units of a piece with their numbers in it; those that say nothing are left out.
pub(super) fn parse_piece(piece: &Piece, unit: Unit, parse: Parse) -> Vec<(u32, Said)> {
    if piece.broken {
        let what = match unit {
            Unit::Line => "the line is longer than 4 MiB",
            Unit::Record(_) => "the file ends within it",
        };
        return vec![(0, Said::Bad(what))];
    }
    let one = |bytes: &[u8]| parse(bytes).unwrap_or_else(Said::Bad);
    let mut said = Vec::with_capacity(piece.bytes.len() / 32);
    let mut add = |number: u32, it: Said| {
        if it != Said::Nothing {
            said.push((number, it));
        }
    };
    match unit {
        Unit::Line => (0u32..)
            .zip(lines(&piece.bytes))
            .for_each(|(n, line)| add(n, one(line))),
        Unit::Record(len) => {
            (0u32..)
                .zip(piece.bytes.chunks(len))
                .for_each(|(n, record)| add(n, one(record)));
        }
    }
    said
}

/// How many units a piece has.
pub(super) fn units(piece: &Piece, unit: Unit) -> u64 {
    match unit {
        _ if piece.broken => 1,
        Unit::Line => lines(&piece.bytes).count() as u64,
        Unit::Record(len) => piece.bytes.len().div_ceil(len) as u64,
    }
}

/// The beginning of unit number `number` of a piece.
pub(super) fn shown(piece: &Piece, unit: Unit, number: u32) -> String {
    let bytes = match unit {
        Unit::Line if !piece.broken => lines(&piece.bytes).nth(number as usize).unwrap_or_default(),
        Unit::Line => &piece.bytes,
        // Bytes are no text.
        Unit::Record(_) => return String::new(),
    };
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(SHOWN_BYTES)]);
    let mut shown: String = text.chars().flat_map(char::escape_debug).collect();
    if bytes.len() > SHOWN_BYTES {
        shown.push('…');
    }
    shown
}

/// Another format that has such a line.
pub(super) fn like(
    piece: &Piece,
    unit: Unit,
    number: u32,
    format: ImportFormat,
) -> Option<&'static str> {
    if unit != Unit::Line || piece.broken {
        return None;
    }
    let line = lines(&piece.bytes).nth(number as usize)?;
    let others = ImportFormat::ALL
        .into_iter()
        .filter(|&other| other != format);
    others
        .map(|other| (other, parser(other)))
        .find(|(other, (unit, parse))| {
            *unit == Unit::Line
                && (parse(line).is_ok_and(|said| matches!(said, Said::Request(_)))
                    || starts(*other, line))
        })
        .map(|(other, _)| other.name())
}

/// Whether a trace of the format begins with such a line.
fn starts(format: ImportFormat, line: &[u8]) -> bool {
    match format {
        ImportFormat::Mtrace => line == b"= Start",
        ImportFormat::Heaptrack => line.starts_with(b"v ") && heaptrack::parse(line).is_ok(),
        _ => false,
    }
}
