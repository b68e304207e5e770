//! The heap's address space as pixels: a window of cells in reading order, each a number of bytes.
//!
//! A cell that several parts share has the mean of their colours, weighted by their bytes, so a map from afar shows how
//! dense the heap is, and one from close by shows every header.

use std::ops::Range;

use crate::log::Log;
use crate::palette::{Colour, Inks, Mode, Palette};
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
    let inks = Inks::new(palette, mode, log, now);
    let range = window.range();
    let mut canvas = Canvas {
        sums: vec![Sum::default(); window.cells()],
        from: range.start,
        end: range.end,
        cell: window.cell.trailing_zeros(),
    };
    view.walk(range, quick, &mut |part| {
        let end = part.position + part.bytes;
        if part.position >= canvas.end || end <= canvas.from {
            return;
        }
        // A block's and a free chunk's own header is drawn as one.
        let payload = part.payload.clamp(part.position, end);
        canvas.add(inks.header(), part.position, payload);
        canvas.add(inks.of(part), payload, end);
    });
    let sums = canvas.sums;
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

/// A window while it is painted.
struct Canvas {
    sums: Vec<Sum>,
    /// The positions that it shows.
    from: u64,
    end: u64,
    /// The base-2 logarithm of a cell's bytes: a division for every part would take longer than all the rest.
    cell: u32,
}

impl Canvas {
    /// Adds a colour from one position to another.
    #[inline(always)]
    fn add(&mut self, colour: Colour, from: u64, to: u64) {
        let (from, to) = (from.max(self.from), to.min(self.end));
        if from >= to {
            return;
        }
        let first = (from - self.from) >> self.cell;
        let last = (to - 1 - self.from) >> self.cell;
        if first == last {
            self.add_to(first, colour, to - from);
            return;
        }
        let border = |cell: u64| self.from + (cell << self.cell);
        let (head, tail) = (border(first + 1) - from, to - border(last));
        self.add_to(first, colour, head);
        for cell in first + 1..last {
            self.add_to(cell, colour, 1 << self.cell);
        }
        self.add_to(last, colour, tail);
    }

    #[inline(always)]
    fn add_to(&mut self, cell: u64, colour: Colour, bytes: u64) {
        let Some(sum) = self.sums.get_mut(cell as usize) else {
            return;
        };
        sum.bytes += bytes;
        for (sum, channel) in sum.colour.iter_mut().zip(colour) {
            *sum += u64::from(channel) * bytes;
        }
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
