//! What the columns of a tape take.

use rayon::prelude::*;
use serde::Serialize;
use trace_format::{COLUMNS, FRAMING, ReadAt, Scratch, Tape, TapeError, Weight};

/// So many chunks are weighed; of a longer tape, one of each so-manieth part of it.
const CHUNKS: usize = 1024;

/// What a column takes.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Column {
    /// The column's name, as `docs/tape-format.md` has it; `framing` is what belongs to no column.
    pub name: &'static str,
    /// Bytes an event, unpacked.
    pub plain_bytes_per_event: f64,
    /// Bytes an event in the file.
    pub stored_bytes_per_event: f64,
}

/// Weighs the columns; with it, how many chunks were weighed.
pub(super) fn weigh<S: ReadAt + Sync>(tape: &Tape<S>) -> Result<(Vec<Column>, usize), TapeError> {
    let all = tape.chunks().len();
    let chosen: Vec<usize> = if all <= CHUNKS {
        (0..all).collect()
    } else {
        (0..CHUNKS).map(|part| within(part, all)).collect()
    };
    let weights = chosen
        .par_iter()
        .map_init(Scratch::default, |scratch, &chunk| {
            tape.weigh(chunk, scratch)
        })
        .collect::<Result<Vec<_>, TapeError>>()?;
    let events: u64 = chosen
        .iter()
        .map(|&chunk| u64::from(tape.chunks()[chunk].events))
        .sum();
    if events == 0 {
        return Ok((Vec::new(), 0));
    }
    let names = COLUMNS.iter().map(|(name, _)| *name).chain([FRAMING]);
    let columns = names
        .enumerate()
        .map(|(at, name)| {
            let of = || weights.iter().map(|chunk| chunk[at]);
            let each = |bytes: f64| bytes / events as f64;
            Column {
                name,
                plain_bytes_per_event: each(of().map(|it: Weight| it.plain as f64).sum()),
                stored_bytes_per_event: each(of().map(|it: Weight| it.stored).sum()),
            }
        })
        .collect();
    Ok((columns, chosen.len()))
}

/// A chunk of part number `part` of [`CHUNKS`] parts, anywhere in it: chunks of several threads may take turns, and a fixed
/// step would always meet the same thread.
fn within(part: usize, all: usize) -> usize {
    let (from, to) = (part * all / CHUNKS, (part + 1) * all / CHUNKS);
    // The golden ratio's bits: any odd constant with bits well spread would do.
    let draw = (part as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
    from + draw as usize % (to - from).max(1)
}
