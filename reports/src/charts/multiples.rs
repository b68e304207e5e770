//! Charts of small plots: one an allocator, all on the same axes, so that they can be compared by eye and none covers another.

use super::Body;
use super::axis::Scale;
use super::curves::{self, Curve, Look, TICK, TICKS};
use super::plot_box::PlotBox;
use super::sheet::{Sheet, Type};
use crate::theme::{Colour, INK};
use plotters::prelude::{DrawResult, DrawingBackend};

const KEY: f64 = 26.0;
const HEAD: f64 = 22.0;
const PLOT: f64 = 112.0;
const GAP: f64 = 12.0;
const FOOT: f64 = 16.0;
const NAME: Type = Type::new(12.5, INK).bold();
/// The narrowest that a small plot may be, and the most that stand in a row.
const NARROWEST: f64 = 150.0;
const MOST_COLUMNS: usize = 4;
/// Lines of the grid of a small plot.
const GRID_LINES: usize = 3;

/// One small plot.
#[derive(Clone, Debug, PartialEq)]
pub struct Small {
    /// The allocator.
    pub name: String,
    /// What stands at the right of its head, in words: the longer form where there is room.
    pub figures: [String; 2],
    /// From back to front; a plot without any says that nothing was sampled.
    pub curves: Vec<Curve>,
}

/// All of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Multiples {
    /// From left to right, from top to bottom.
    pub plots: Vec<Small>,
    /// The horizontal scale of all.
    pub across: Scale,
    /// The vertical scale of all.
    pub up: Scale,
    /// What the curves mean.
    pub key: Vec<(Look, Colour, &'static str)>,
    /// What the horizontal axis measures.
    pub axis: String,
    /// What stands in place of all where nothing was sampled.
    pub missing: &'static str,
}

/// Where a small plot stands in the grid.
struct Place {
    at: PlotBox,
    first_column: bool,
    /// No plot stands below it.
    last_row: bool,
}

impl Body for Multiples {
    fn height(&self, width: f64) -> f64 {
        if self.is_empty() {
            return 24.0;
        }
        let rows = self.plots.len().div_ceil(self.columns(width)) as f64;
        KEY + rows * (HEAD + PLOT) + (rows - 1.0) * GAP + TICKS + FOOT
    }

    fn draw<B: DrawingBackend>(&self, sheet: &Sheet<'_, B>) -> DrawResult<(), B> {
        if self.is_empty() {
            return sheet.instead(self.missing);
        }
        let key = self
            .key
            .iter()
            .map(|(look, colour, words)| (*look, *colour, *words));
        curves::key(sheet, (0.0, 8.0), key)?;
        let gutter = self.gutter();
        let columns = self.columns(sheet.width());
        let width = (sheet.width() - gutter - GAP * (columns as f64 - 1.0)) / columns as f64;
        for (i, plot) in self.plots.iter().enumerate() {
            let x0 = gutter + (i % columns) as f64 * (width + GAP);
            let y0 = KEY + (i / columns) as f64 * (HEAD + PLOT + GAP) + HEAD;
            let place = Place {
                at: PlotBox {
                    x0,
                    x1: x0 + width,
                    y0,
                    y1: y0 + PLOT,
                },
                first_column: i % columns == 0,
                last_row: i + columns >= self.plots.len(),
            };
            self.draw_plot(sheet, plot, &place)?;
        }
        let at = (
            f64::midpoint(gutter, sheet.width()),
            sheet.height() - FOOT / 2.0,
        );
        sheet.text(
            at,
            &TICK.fit(&self.axis, sheet.width() - gutter),
            TICK.centre(),
        )
    }
}

impl Multiples {
    fn is_empty(&self) -> bool {
        self.plots.iter().all(|p| p.curves.is_empty())
    }

    fn gutter(&self) -> f64 {
        curves::gutter(&self.up, GRID_LINES)
    }

    fn columns(&self, width: f64) -> usize {
        let fit = ((width - self.gutter() + GAP) / (NARROWEST + GAP))
            .floor()
            .max(1.0) as usize;
        let most = fit.min(MOST_COLUMNS).min(self.plots.len()).max(1);
        // Even rows look better than a full row and a rest.
        self.plots
            .len()
            .div_ceil(self.plots.len().div_ceil(most).max(1))
            .max(1)
    }

    fn draw_plot<B: DrawingBackend>(
        &self,
        sheet: &Sheet<'_, B>,
        plot: &Small,
        place: &Place,
    ) -> DrawResult<(), B> {
        let frame = &place.at;
        let &PlotBox { x0, x1, y0, y1 } = frame;
        let fits =
            |figures: &&String| NAME.width(&plot.name) + 10.0 + TICK.width(figures) <= x1 - x0;
        let figures = plot.figures.iter().find(fits).unwrap_or(&plot.figures[1]);
        let room = x1 - x0 - TICK.width(figures) - 10.0;
        sheet.text((x0, y0 - HEAD / 2.0), &NAME.fit(&plot.name, room), NAME)?;
        sheet.text((x1, y0 - HEAD / 2.0), figures, TICK.right())?;
        curves::rows(sheet, frame, &self.up, GRID_LINES, place.first_column)?;
        if place.last_row {
            curves::columns(sheet, frame, &self.across, false)?;
        }
        if plot.curves.is_empty() {
            let centre = (f64::midpoint(x0, x1), f64::midpoint(y0, y1));
            return sheet.text(centre, "not sampled", TICK.centre());
        }
        for curve in &plot.curves {
            curve.draw(sheet, frame, &self.across, &self.up)?;
        }
        Ok(())
    }
}
