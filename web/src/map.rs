//! The heap's address space as pixels: a window of cells in reading order, each a number of bytes.
//!
//! A cell that several parts share has the mean of their colours, weighted by their bytes, so a map from afar shows how
//! dense the heap is, and one from close by shows every header.

use std::ops::Range;

use crate::replay::{Part, Replay, State};

/// A colour: red, green, blue, 0 to 255 each.
pub type Colour = [u8; 3];

/// Which part of the address space is drawn, and how finely.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Position of the first cell's first byte, counted from the heap's base.
    pub from: u64,
    /// Bytes of a cell; at least 1.
    pub cell: u64,
    /// Cells in a row.
    pub columns: u32,
    /// Rows.
    pub rows: u32,
}

impl Window {
    fn cells(&self) -> usize {
        self.columns as usize * self.rows as usize
    }
}

/// The colours of the states.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Palette {
    /// Blocks of the program.
    pub in_use: Colour,
    /// Small blocks that wait in the cache.
    pub cached: Colour,
    /// Small blocks that wait in their run.
    pub home: Colour,
    /// Free chunks.
    pub free: Colour,
    /// Memory that was never handed out.
    pub fresh: Colour,
    /// Headers of arenas, chunks, runs and blocks.
    pub header: Colour,
}

impl Palette {
    /// Reads six colours of three bytes each, in the order of the fields; `None` when it is not 18 bytes.
    pub fn from_bytes(bytes: &[u8]) -> Option<Palette> {
        let bytes: &[u8; 18] = bytes.try_into().ok()?;
        let colour = |at: usize| [bytes[at * 3], bytes[at * 3 + 1], bytes[at * 3 + 2]];
        Some(Palette {
            in_use: colour(0),
            cached: colour(1),
            home: colour(2),
            free: colour(3),
            fresh: colour(4),
            header: colour(5),
        })
    }

    /// The colour of a part. Blocks in use come in four close shades, by their place, so that neighbours can be told
    /// apart and a block keeps its shade.
    fn shade(&self, part: &Part) -> Colour {
        match part.state {
            State::InUse => {
                // The upper bits of a product with 2^64 divided by the golden ratio: they differ for neighbours.
                let shade = ((part.payload / 8).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 62) as u16;
                self.in_use
                    .map(|channel| (u16::from(channel) * (100 - 7 * shade) / 100) as u8)
            }
            State::Cached => self.cached,
            State::Home => self.home,
            State::Free => self.free,
            State::Fresh => self.fresh,
            State::Header => self.header,
        }
    }
}

/// Sums over a cell's parts. `u64` holds 255 times more bytes than any heap has.
#[derive(Clone, Copy, Default)]
struct Sum {
    colour: [u64; 3],
    bytes: u64,
}

/// Draws the window as red, green, blue, opacity for each cell. Cells without memory are transparent.
pub fn paint(replay: &Replay, window: Window, palette: &Palette) -> Vec<u8> {
    let mut sums = vec![Sum::default(); window.cells()];
    replay.walk(&mut |part| {
        // A block's and a free chunk's own header is drawn as one.
        let payload = part
            .payload
            .clamp(part.position, part.position + part.bytes);
        add(&mut sums, window, palette.header, part.position..payload);
        add(
            &mut sums,
            window,
            palette.shade(&part),
            payload..part.position + part.bytes,
        );
    });
    let mut pixels = Vec::with_capacity(sums.len() * 4);
    for sum in &sums {
        let mean = |channel: usize| (sum.colour[channel] / sum.bytes.max(1)) as u8;
        // A cell that memory fills only in part is as transparent as it is empty, but never invisible.
        let full = sum.bytes.min(window.cell) * 255 / window.cell;
        let opacity = if sum.bytes == 0 {
            0
        } else {
            full.max(64) as u8
        };
        pixels.extend_from_slice(&[mean(0), mean(1), mean(2), opacity]);
    }
    pixels
}

fn add(sums: &mut [Sum], window: Window, colour: Colour, range: Range<u64>) {
    let end = window
        .from
        .saturating_add((sums.len() as u64).saturating_mul(window.cell));
    let (from, to) = (range.start.max(window.from), range.end.min(end));
    let colour = colour.map(u64::from);
    let mut at = from;
    while at < to {
        let index = (at - window.from) / window.cell;
        let next = (window.from + (index + 1) * window.cell).min(to);
        let Some(sum) = sums.get_mut(index as usize) else {
            return;
        };
        let bytes = next - at;
        sum.bytes += bytes;
        for (sum, channel) in sum.colour.iter_mut().zip(colour) {
            *sum += channel * bytes;
        }
        at = next;
    }
}

/// The part that holds the byte at `position`.
pub fn part_at(replay: &Replay, position: u64) -> Option<Part> {
    let mut found = None;
    replay.walk(&mut |part| {
        if (part.position..part.position + part.bytes).contains(&position) {
            found = Some(part);
        }
    });
    found
}
