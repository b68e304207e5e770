//! Taking a foreign trace in.

use super::error::ForeignError;
use super::imported::{ImportOptions, Imported};
use super::input;
use super::parse::{parse_piece, parser};
use super::pieces::{Piece, Pieces};
use super::reader::{Out, Reader};
use super::request::Said;
use super::statement::header;
use super::tally::Tally;
use rayon::prelude::*;
use std::io::{BufWriter, ErrorKind, Read, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use trace_format::TapeWriter;

/// Takes a trace in and writes its tape. `progress` hears how many bytes of the source are read.
///
/// The source may be packed with gzip or Zstandard. Memory is bounded by the blocks that live at once, and about 300 MiB
/// for what is being read and written.
///
/// # Errors
/// [`ForeignError`]; a bad line is one unless they are to be skipped.
pub fn import(
    source: impl Read,
    out: &mut dyn Write,
    options: &ImportOptions,
    progress: &dyn Fn(u64),
) -> Result<Imported, ForeignError> {
    let read = AtomicU64::new(0);
    let error = |source| ForeignError::Read {
        bytes: read.load(Ordering::Relaxed),
        source,
    };
    let source = input::open(source, &read).map_err(error)?;
    let (unit, parse) = parser(options.format);
    let mut pieces = Pieces::new(source, unit);
    let mut reader = Reader::new(options, unit);
    let mut writer: Option<TapeWriter<Out>> = None;
    let mut out = Some(BufWriter::with_capacity(1 << 18, Tally::new(out)));
    loop {
        let batch = batch(
            &mut pieces,
            options.skip_bad_lines,
            &mut reader.imported.cut,
        )
        .map_err(error)?;
        let parsed: Vec<Vec<(u32, Said)>> = batch
            .par_iter()
            .map(|piece| parse_piece(piece, unit, parse))
            .collect();
        let writer = match (&mut writer, out.take()) {
            (Some(writer), _) => writer,
            (none, Some(out)) => {
                let facts = reader.begin(&batch, &parsed)?;
                let header = header(options.format, &facts, &options.name);
                reader.imported.notes = header.notes.clone();
                none.insert(TapeWriter::new(out, &header)?)
            }
            (None, None) => break,
        };
        for (piece, said) in batch.iter().zip(parsed) {
            reader.take(piece, said, writer)?;
        }
        reader.follow.weave.write_full(writer)?;
        progress(read.load(Ordering::Relaxed));
        if batch.is_empty() {
            break;
        }
    }
    match writer {
        Some(writer) => reader.finish(writer),
        None => Err(ForeignError::Empty),
    }
}

/// The next pieces, a few for each core; none at the end.
fn batch<R: Read>(
    pieces: &mut Pieces<R>,
    skip: bool,
    cut: &mut bool,
) -> std::io::Result<Vec<Piece>> {
    let most = 2 * rayon::current_num_threads();
    let mut batch = Vec::with_capacity(most);
    while batch.len() < most && !*cut {
        match pieces.next() {
            Ok(Some(piece)) => batch.push(piece),
            Ok(None) => break,
            // A packed file whose writer died.
            Err(error) if skip && error.kind() == ErrorKind::UnexpectedEof => *cut = true,
            Err(error) => return Err(error),
        }
    }
    Ok(batch)
}
