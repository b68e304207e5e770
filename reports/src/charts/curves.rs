//! One plot: a grid with its ticks, and areas and lines over a common horizontal axis.

use super::axis::Scale;
use super::plot_box::PlotBox;
use super::sheet::{Point, Sheet, Type};
use crate::theme::{Colour, GRID, MUTED};
use plotters::prelude::{DrawResult, DrawingBackend};

/// The type of ticks.
pub const TICK: Type = Type::new(11.0, MUTED);
/// The height of the row of ticks below a plot; CSS pixels.
pub const TICKS: f64 = 20.0;

/// How a curve is drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Look {
    /// Filled down to the axis, with this opacity.
    Area(f64),
    /// A line of this width in CSS pixels.
    Line(f64),
}

/// A quantity over the horizontal axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Curve {
    /// Its colour.
    pub colour: Colour,
    /// Area or line.
    pub look: Look,
    /// From left to right, in the units of the two scales.
    pub points: Vec<(f64, f64)>,
}

impl Curve {
    /// Draws it; what lies beyond a scale stands at its end.
    pub fn draw<B: DrawingBackend>(
        &self,
        sheet: &Sheet<'_, B>,
        frame: &PlotBox,
        across: &Scale,
        up: &Scale,
    ) -> DrawResult<(), B> {
        let mut points: Vec<Point> = self
            .points
            .iter()
            .map(|(x, y)| (frame.x(across.part(*x)), frame.y(up.part(*y))))
            .collect();
        match self.look {
            Look::Line(width) => sheet.line(&points, self.colour, 1.0, width),
            Look::Area(alpha) => {
                if let (Some(first), Some(last)) = (points.first().copied(), points.last().copied())
                {
                    points.extend([(last.0, frame.y1), (first.0, frame.y1)]);
                }
                sheet.area(&points, self.colour, alpha)
            }
        }
    }
}

/// How wide the column of a vertical scale's ticks is, with its gap; CSS pixels.
pub fn gutter(up: &Scale, most: usize) -> f64 {
    up.ticks(most)
        .iter()
        .map(|t| TICK.width(&up.format(*t)))
        .fold(0.0, f64::max)
        + 10.0
}

/// Horizontal grid lines, with their figures at the left where asked.
pub fn rows<B: DrawingBackend>(
    sheet: &Sheet<'_, B>,
    frame: &PlotBox,
    up: &Scale,
    most: usize,
    figures: bool,
) -> DrawResult<(), B> {
    for tick in up.ticks(most) {
        let y = frame.y(up.part(tick));
        sheet.line(&[(frame.x0, y), (frame.x1, y)], GRID, 1.0, 1.0)?;
        if figures {
            sheet.text((frame.x0 - 8.0, y), &up.format(tick), TICK.right())?;
        }
    }
    Ok(())
}

/// The figures of the horizontal scale below the plot, those that fit; `lines` draws their grid lines too.
pub fn columns<B: DrawingBackend>(
    sheet: &Sheet<'_, B>,
    frame: &PlotBox,
    across: &Scale,
    lines: bool,
) -> DrawResult<(), B> {
    let widest = across
        .ticks(8)
        .iter()
        .map(|t| TICK.width(&across.format(*t)))
        .fold(40.0, f64::max);
    let mut free_from = frame.x0 - 30.0;
    for tick in across.ticks(((frame.x1 - frame.x0) / (widest + 24.0)) as usize) {
        let at = frame.x(across.part(tick));
        if lines {
            sheet.line(&[(at, frame.y0), (at, frame.y1)], GRID, 1.0, 1.0)?;
        }
        let label = if tick == 0.0 {
            "0".to_owned()
        } else {
            across.format(tick)
        };
        let half = TICK.width(&label) / 2.0;
        // The last figure keeps inside the plot, or it would run into the next one's.
        let x = at.min(frame.x1 - half).max(half);
        if x - half >= free_from {
            sheet.text((x, frame.y1 + TICKS / 2.0 + 1.0), &label, TICK.centre())?;
            free_from = x + half + 8.0;
        }
    }
    Ok(())
}

/// What curves mean, in one row from the point on; those that do not fit are left out.
pub fn key<'k, B: DrawingBackend>(
    sheet: &Sheet<'_, B>,
    (mut x, y): Point,
    items: impl Iterator<Item = (Look, Colour, &'k str)>,
) -> DrawResult<(), B> {
    for (look, colour, words) in items {
        let width = TICK.width(words);
        if x + 22.0 + width > sheet.width() {
            break;
        }
        match look {
            Look::Area(alpha) => sheet.rect((x, y - 5.0), (x + 16.0, y + 5.0), colour, alpha),
            Look::Line(line) => sheet.line(&[(x, y), (x + 16.0, y)], colour, 1.0, line),
        }?;
        sheet.text((x + 22.0, y), words, TICK)?;
        x += 22.0 + width + 16.0;
    }
    Ok(())
}
