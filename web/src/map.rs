//! The heap's address space as pixels: a window of cells in reading order, each a number of bytes.
//!
//! A cell that several parts share has the mean of their colours, weighted by their bytes, so a map from afar shows how
//! dense the heap is, and one from close by shows every header.

use std::ops::Range;

use crate::log::Log;
use crate::palette::{Colour, Mode, Palette};
use crate::replay::{Part, Replay};
use crate::view::View;

/// Which part of the address space is drawn, and how finely.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Position of the first cell's first byte, counted from the heap's base.
    pub from: u64,
    /// Bytes of a cell: a power of two.
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

    /// The positions that the window shows.
    pub fn range(&self) -> Range<u64> {
        let bytes = (self.cells() as u64).saturating_mul(self.cell);
        self.from..self.from.saturating_add(bytes)
    }
}

/// Sums over a cell's parts. `u64` holds 255 times more bytes than any heap has.
#[derive(Clone, Copy, Default)]
struct Sum {
    colour: [u64; 3],
    bytes: u64,
}

/// Draws the window as red, green, blue, opacity for each cell. Cells without memory are transparent. `now` is the position
/// on the tape, in events. A `quick` painting looks at no more of the heap than the window shows.
pub fn paint(
    view: &View,
    quick: bool,
    log: &Log,
    now: u32,
    window: Window,
    palette: &Palette,
    mode: Mode,
) -> Vec<u8> {
    let mut sums = vec![Sum::default(); window.cells()];
    let range = window.range();
    view.walk(range.clone(), quick, &mut |part| {
        let end = part.position + part.bytes;
        if part.position >= range.end || end <= range.start {
            return;
        }
        // A block's and a free chunk's own header is drawn as one.
        let payload = part.payload.clamp(part.position, end);
        add(&mut sums, window, palette.header, part.position..payload);
        let colour = palette.of(mode, part, log, now);
        add(&mut sums, window, colour, payload..end);
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

fn add(sums: &mut [Sum], window: Window, colour: Colour, part: Range<u64>) {
    let range = window.range();
    let (from, to) = (part.start.max(range.start), part.end.min(range.end));
    let colour = colour.map(u64::from);
    // A shift: a division for every part takes longer than all the rest.
    let cell = window.cell.trailing_zeros();
    let mut at = from;
    while at < to {
        let index = (at - window.from) >> cell;
        let next = (window.from + ((index + 1) << cell)).min(to);
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
    replay.walk_within(position, position.saturating_add(1), &mut |part| {
        if (part.position..part.position + part.bytes).contains(&position) {
            found = Some(part);
        }
    });
    found
}

/// The block in use that comes next behind `position`, or last before it, in address order.
pub fn neighbour(replay: &Replay, position: u64, forward: bool) -> Option<Part> {
    let mut found: Option<Part> = None;
    replay.walk(&mut |part| {
        if part.maker.is_none() {
            return;
        }
        let beyond = if forward {
            part.payload > position && found.is_none_or(|best| part.payload < best.payload)
        } else {
            part.payload < position && found.is_none_or(|best| part.payload > best.payload)
        };
        if beyond {
            found = Some(part);
        }
    });
    found
}
