//! A chart that stands alone: title, subtitle, plot, caption and where it was measured.

use super::sheet::{Sheet, Type, line_step};
use super::{Chart, Meta};
use crate::text;
use crate::theme::{INK, MUTED};
use plotters::coord::Shift;
use plotters::prelude::{DrawResult, DrawingArea, DrawingBackend};

const MARGIN: f64 = 24.0;
const TITLE: Type = Type::new(19.0, INK).bold();
const SUBTITLE: Type = Type::new(12.5, MUTED);
const CAPTION: Type = Type::new(11.5, MUTED);
const GAP: f64 = 12.0;

fn lines(words: &str, look: Type, width: f64) -> f64 {
    text::wrap(words, look.size, look.weight, width).len() as f64 * line_step(look.size)
}

fn head(meta: &Meta, inner: f64) -> f64 {
    lines(&meta.title, TITLE, inner) + 2.0 + lines(&meta.subtitle, SUBTITLE, inner) + GAP
}

/// The height of a chart with its words at this width; CSS pixels.
pub fn framed_height<B: DrawingBackend>(chart: &dyn Chart<B>, provenance: &str, width: f64) -> f64 {
    let inner = width - 2.0 * MARGIN;
    let meta = chart.meta();
    let foot = GAP + lines(&meta.caption, CAPTION, inner) + 2.0 + lines(provenance, CAPTION, inner);
    (MARGIN + head(meta, inner) + chart.height(inner) + foot + MARGIN).ceil()
}

/// Draws the chart with its words; the area has `unit` pixels to a CSS pixel and the height of [`framed_height`].
///
/// # Errors
/// What the backend says.
pub fn draw_framed<B: DrawingBackend>(
    chart: &dyn Chart<B>,
    provenance: &str,
    area: &DrawingArea<B, Shift>,
    unit: f64,
) -> DrawResult<(), B> {
    let sheet = Sheet::new(area, unit);
    let inner = sheet.width() - 2.0 * MARGIN;
    let meta = chart.meta();
    let mut y = MARGIN;
    y += sheet.paragraph((MARGIN, y), &meta.title, TITLE, inner)? + 2.0;
    y += sheet.paragraph((MARGIN, y), &meta.subtitle, SUBTITLE, inner)? + GAP;
    let height = chart.height(inner);
    let px = |v: f64| (v * unit).round() as u32;
    let plot = area
        .clone()
        .shrink((px(MARGIN), px(y)), (px(inner), px(height)));
    chart.draw(&Sheet::new(&plot, unit))?;
    y += height + GAP;
    y += sheet.paragraph((MARGIN, y), &meta.caption, CAPTION, inner)? + 2.0;
    sheet.paragraph((MARGIN, y), provenance, CAPTION, inner)?;
    Ok(())
}
