//! Charts of rows: a name at the left, marks on a common scale, the figure at the right. Names stand in the rows, so there is
//! no legend to look up and nothing that can overlap, however many rows there are.

use super::Body;
use super::axis::Scale;
pub use super::row::{Mark, Panel, Row, Rows};
use super::sheet::{Point, Sheet, Type};
use crate::theme::{Colour, GRID, INK, MUTED, REFERENCE, WARN};
use plotters::prelude::{DrawResult, DrawingBackend};

const ROW: f64 = 22.0;
const HEADING: f64 = 26.0;
const TICKS: f64 = 20.0;
const GAP: f64 = 14.0;
const FOOT: f64 = 20.0;
const KEY: f64 = 26.0;
const NAME: Type = Type::new(12.5, INK);
const VALUE: Type = Type::new(12.5, INK);
const SMALL: Type = Type::new(11.0, MUTED);
const PANEL: Type = Type::new(13.0, INK).bold();

/// Below this width the short form of the values is used.
const NARROW: f64 = 560.0;

impl Body for Rows {
    fn height(&self, _width: f64) -> f64 {
        let panels: f64 = self.panels.iter().map(|p| panel_height(p) + GAP).sum();
        self.key_height() + panels + if self.is_empty() { 0.0 } else { FOOT }
    }

    fn draw<B: DrawingBackend>(&self, sheet: &Sheet<'_, B>) -> DrawResult<(), B> {
        let columns = Columns::new(self, sheet.width());
        if !self.is_empty() {
            self.draw_key(sheet)?;
        }
        let mut y = self.key_height();
        for panel in &self.panels {
            self.draw_panel(sheet, panel, &columns, y)?;
            y += panel_height(panel) + GAP;
        }
        let axis = SMALL.fit(&self.axis, sheet.width());
        if self.is_empty() {
            return Ok(());
        }
        // Centred under the plot, or as near to that as it fits.
        let half = SMALL.width(&axis) / 2.0;
        let x = f64::midpoint(columns.left, columns.right)
            .min(sheet.width() - half)
            .max(half);
        sheet.text((x, y), &axis, SMALL.centre())
    }
}

impl Rows {
    /// Whether no panel has rows, so that neither key nor axis means anything.
    fn is_empty(&self) -> bool {
        self.panels.iter().all(|p| p.missing.is_some())
    }

    fn key_height(&self) -> f64 {
        if self.is_empty() { 0.0 } else { KEY }
    }

    fn draw_key<B: DrawingBackend>(&self, sheet: &Sheet<'_, B>) -> DrawResult<(), B> {
        let mut x = 0.0;
        for (mark, meaning) in &self.key {
            let width = SMALL.width(meaning);
            if x + 24.0 + width > sheet.width() {
                break;
            }
            // In the key a mark spans 0 to 1 of a small box.
            let at = |part: f64| x + 2.0 + part * 16.0;
            draw_mark(sheet, *mark, MUTED, &at, 9.0)?;
            sheet.text((x + 24.0, 9.0), meaning, SMALL)?;
            x += 24.0 + width + 14.0;
        }
        Ok(())
    }

    fn draw_panel<B: DrawingBackend>(
        &self,
        sheet: &Sheet<'_, B>,
        panel: &Panel,
        columns: &Columns,
        top: f64,
    ) -> DrawResult<(), B> {
        let heading = PANEL.fit(&panel.heading, sheet.width());
        sheet.text((0.0, top + HEADING / 2.0 - 2.0), &heading, PANEL)?;
        let room = sheet.width() - PANEL.width(&heading) - 12.0;
        if SMALL.width(&panel.note) <= room {
            sheet.text(
                (PANEL.width(&heading) + 12.0, top + HEADING / 2.0 - 2.0),
                &panel.note,
                SMALL,
            )?;
        }
        let y0 = top + HEADING;
        if let Some(missing) = &panel.missing {
            return sheet.text(
                (0.0, y0 + ROW / 2.0),
                &NAME.fit(missing, sheet.width()),
                Type {
                    colour: MUTED,
                    ..NAME
                },
            );
        }
        let y1 = y0 + panel.rows.len() as f64 * ROW;
        let scale = panel.scale.as_ref().unwrap_or(&self.scale);
        self.draw_grid(sheet, columns, scale, y0, y1)?;
        for (i, row) in panel.rows.iter().enumerate() {
            self.draw_row(sheet, row, columns, scale, y0 + (i as f64 + 0.5) * ROW)?;
        }
        Ok(())
    }

    fn draw_grid<B: DrawingBackend>(
        &self,
        sheet: &Sheet<'_, B>,
        columns: &Columns,
        scale: &Scale,
        y0: f64,
        y1: f64,
    ) -> DrawResult<(), B> {
        let at = |v: f64| columns.at(scale.part(v));
        let mut free_from = 0.0;
        for tick in scale.ticks(((columns.right - columns.left) / 56.0) as usize) {
            let label = scale.format(tick);
            let half = SMALL.width(&label) / 2.0;
            sheet.line(&[(at(tick), y0), (at(tick), y1)], GRID, 1.0, 1.0)?;
            let x = at(tick).clamp(half, sheet.width() - half);
            if x - half >= free_from {
                sheet.text((x, y1 + TICKS / 2.0 + 1.0), &label, SMALL.centre())?;
                free_from = x + half + 8.0;
            }
        }
        if let Some(reference) = self.reference {
            sheet.line(
                &[(at(reference), y0), (at(reference), y1)],
                REFERENCE,
                1.0,
                1.5,
            )?;
        }
        Ok(())
    }

    fn draw_row<B: DrawingBackend>(
        &self,
        sheet: &Sheet<'_, B>,
        row: &Row,
        columns: &Columns,
        scale: &Scale,
        y: f64,
    ) -> DrawResult<(), B> {
        sheet.text((0.0, y), &NAME.fit(&row.name, columns.left - 12.0), NAME)?;
        if let Some(missing) = &row.missing {
            return sheet.text(
                (columns.left, y),
                &SMALL.fit(missing, sheet.width() - columns.left),
                SMALL,
            );
        }
        let at = |v: f64| columns.at(scale.part(v));
        for mark in &row.marks {
            draw_mark(sheet, *mark, row.colour, &at, y)?;
        }
        let value = if columns.narrow {
            &row.short
        } else {
            &row.value
        };
        let (value, look) = match &row.reservation {
            Some(reservation) => (
                reservation,
                Type {
                    colour: WARN,
                    ..VALUE
                },
            ),
            None => (value, VALUE),
        };
        let room = sheet.width() - columns.right - 12.0;
        sheet.text((sheet.width(), y), &look.fit(value, room), look.right())
    }
}

fn panel_height(panel: &Panel) -> f64 {
    match panel.missing {
        Some(_) => HEADING + ROW,
        None => HEADING + panel.rows.len() as f64 * ROW + TICKS,
    }
}

struct Columns {
    left: f64,
    right: f64,
    narrow: bool,
}

impl Columns {
    fn new(rows: &Rows, width: f64) -> Columns {
        let narrow = width < NARROW;
        let all = || rows.panels.iter().flat_map(|p| &p.rows);
        let widest =
            |widths: &mut dyn Iterator<Item = f64>, most: f64| widths.fold(0.0, f64::max).min(most);
        let names = widest(&mut all().map(|r| NAME.width(&r.name)), width * 0.3);
        let value = |r: &Row| {
            VALUE.width(
                r.reservation
                    .as_ref()
                    .unwrap_or(if narrow { &r.short } else { &r.value }),
            )
        };
        let values = widest(
            &mut all().filter(|r| r.missing.is_none()).map(value),
            width * 0.34,
        );
        Columns {
            left: names + 14.0,
            right: width - values - 14.0,
            narrow,
        }
    }

    fn at(&self, part: f64) -> f64 {
        // Marks at either end keep clear of the columns beside the plot.
        self.left + 6.0 + part * (self.right - self.left - 12.0).max(1.0)
    }
}

fn draw_mark<B: DrawingBackend>(
    sheet: &Sheet<'_, B>,
    mark: Mark,
    colour: Colour,
    at: &dyn Fn(f64) -> f64,
    y: f64,
) -> DrawResult<(), B> {
    let p = |v: f64| -> Point { (at(v), y) };
    match mark {
        Mark::Bar(from, to, alpha) => {
            sheet.rect((at(from), y - 6.0), (at(to), y + 6.0), colour, alpha)
        }
        Mark::Part(from, to, own, alpha) => {
            sheet.rect((at(from), y - 6.0), (at(to), y + 6.0), own, alpha)
        }
        Mark::Span(from, to) => sheet.line(&[p(from), p(to)], colour, 1.0, 2.0),
        Mark::Dot(v, radius, alpha) => sheet.dot(p(v), radius, colour, alpha),
        Mark::Ring(v, radius) => sheet
            .dot(p(v), radius, crate::theme::PAPER, 1.0)
            .and_then(|()| sheet.ring(p(v), radius, colour, 1.5)),
        Mark::Below => {
            let x = at(f64::NEG_INFINITY);
            sheet.area(
                &[(x - 5.0, y), (x + 4.0, y - 5.0), (x + 4.0, y + 5.0)],
                colour,
                1.0,
            )
        }
        Mark::Tick(v) => sheet.line(&[(at(v), y - 6.0), (at(v), y + 6.0)], colour, 1.0, 2.0),
    }
}
