//! Two histograms and the map of both together, by powers of two: side by side, or one below the other where there is little room.

use super::Body;
use super::axis::{Quantity, Scale};
use super::buckets::{Axis, Buckets, Unit, What, number};
use super::curves::{self, TICK, TICKS};
use super::plot_box::PlotBox;
use super::sheet::{Sheet, Type};
use crate::study::plural;
use crate::theme::{INK, MUTED, TAPE};
use plotters::prelude::{DrawResult, DrawingBackend};
use replayer::results::ProfileCell;

const HEADING: Type = Type::new(13.0, INK).bold();
const HEAD: f64 = 30.0;
const PLOT: f64 = 200.0;
const GAP: f64 = 34.0;
const ROW_GAP: f64 = 18.0;
/// Below this width the three stand one below the other.
const NARROW: f64 = 700.0;
/// The opacity of a cell with the most blocks, and the orders of magnitude over which it fades.
const STRONGEST: f64 = 0.95;
const FADE: f64 = 5.0;

/// The plot.
#[derive(Clone, Debug, PartialEq)]
pub struct Heat {
    /// By size.
    pub sizes: Buckets,
    /// By lifetime.
    pub lifetimes: Buckets,
    /// By both.
    pub cells: Vec<ProfileCell>,
    /// What lifetimes count.
    pub unit: Unit,
}

impl Heat {
    fn is_empty(&self) -> bool {
        self.cells.iter().all(|c| c.2 == 0)
    }

    fn axes(&self) -> (Axis, Axis) {
        (
            Axis::new(&self.sizes, What::Size),
            Axis::new(&self.lifetimes, What::Lifetime(self.unit)),
        )
    }

    /// The width of the column of sizes beside the map.
    fn gutter(&self) -> f64 {
        let (sizes, _) = self.axes();
        let widest = sizes
            .ticks(|_| 16.0 / PLOT)
            .iter()
            .map(|(_, l)| TICK.width(l))
            .fold(0.0, f64::max);
        widest + 10.0
    }

    fn draw_below<B: DrawingBackend>(
        sheet: &Sheet<'_, B>,
        frame: &PlotBox,
        axis: &Axis,
    ) -> DrawResult<(), B> {
        sheet.line(
            &[(frame.x0, frame.y1), (frame.x1, frame.y1)],
            MUTED,
            0.6,
            1.0,
        )?;
        let length = frame.x1 - frame.x0;
        for (at, label) in axis.ticks(|l| (TICK.width(l) + 10.0) / length) {
            let half = TICK.width(&label) / 2.0;
            let place = frame.x(at);
            let x = place.max(frame.x0 - 10.0 + half).min(frame.x1 - half);
            sheet.line(
                &[(place, frame.y1), (place, frame.y1 + 3.0)],
                MUTED,
                0.6,
                1.0,
            )?;
            sheet.text((x, frame.y1 + TICKS / 2.0 + 2.0), &label, TICK.centre())?;
        }
        Ok(())
    }

    fn draw_histogram<B: DrawingBackend>(
        sheet: &Sheet<'_, B>,
        frame: &PlotBox,
        buckets: &Buckets,
        axis: &Axis,
    ) -> DrawResult<(), B> {
        let all: Vec<(Option<u32>, (u64, u64))> = buckets
            .counts
            .iter()
            .map(|(n, c)| (Some(*n), *c))
            .chain(axis.rest.then_some((None, buckets.rest)))
            .collect();
        let total = all
            .iter()
            .fold((0.0, 0.0), |t, (_, c)| (t.0 + c.0 as f64, t.1 + c.1 as f64));
        let share = |c: (u64, u64)| {
            (
                c.0 as f64 / f64::max(total.0, 1.0),
                c.1 as f64 / f64::max(total.1, 1.0),
            )
        };
        let most = all
            .iter()
            .map(|(_, c)| share(*c))
            .fold(0.0f64, |m, s| m.max(s.0).max(s.1))
            .max(1e-9);
        let up = Scale::from_zero(Quantity::Share, [most]);
        curves::rows(sheet, frame, &up, 4, true)?;
        for (alpha, strong) in [(0.35, false), (1.0, true)] {
            for (bucket, counts) in &all {
                let (from, to) = axis.span(*bucket);
                let (x0, x1) = (frame.x(from), frame.x(to));
                let middle = f64::midpoint(x0, x1);
                let (blocks, size) = share(*counts);
                let (x0, x1, part) = if strong {
                    (x0 + 0.5, middle, blocks)
                } else {
                    (middle, x1 - 0.5, size)
                };
                sheet.rect((x0, frame.y(up.part(part))), (x1, frame.y1), TAPE, alpha)?;
            }
        }
        Self::draw_below(sheet, frame, axis)
    }

    fn draw_map<B: DrawingBackend>(
        &self,
        sheet: &Sheet<'_, B>,
        frame: &PlotBox,
    ) -> DrawResult<(), B> {
        let (sizes, lifetimes) = self.axes();
        let most = self.cells.iter().map(|c| c.2).max().unwrap_or(1).max(1) as f64;
        // In 40 strengths, so that cells of about as many blocks are alike, and stand together in the picture's file.
        let strength = |blocks: u64| {
            let fade = 1.0 + (blocks as f64 / most).log10() / FADE;
            (40.0 * fade.clamp(0.06, 1.0)).round() as u32
        };
        let mut cells: Vec<&ProfileCell> = self.cells.iter().filter(|c| c.2 > 0).collect();
        cells.sort_by_key(|c| strength(c.2));
        for ProfileCell(size, lifetime, blocks, _) in cells {
            let (x0, x1) = lifetimes.span(lifetime.map(number));
            let (y0, y1) = sizes.span(Some(number(*size)));
            sheet.rect(
                (frame.x(x0), frame.y(y1)),
                (frame.x(x1), frame.y(y0)),
                TAPE,
                STRONGEST * f64::from(strength(*blocks)) / 40.0,
            )?;
        }
        for (at, label) in sizes.ticks(|_| 16.0 / PLOT) {
            let y = frame.y(at);
            sheet.line(&[(frame.x0 - 3.0, y), (frame.x0, y)], MUTED, 0.6, 1.0)?;
            sheet.text((frame.x0 - 7.0, y), &label, TICK.right())?;
        }
        sheet.line(
            &[(frame.x0, frame.y0), (frame.x0, frame.y1)],
            MUTED,
            0.6,
            1.0,
        )?;
        Self::draw_below(sheet, frame, &lifetimes)
    }

    /// What the strengths mean, at the right of the map's head; where there is room.
    fn draw_ramp<B: DrawingBackend>(
        &self,
        sheet: &Sheet<'_, B>,
        frame: &PlotBox,
        y: f64,
        from: f64,
    ) -> DrawResult<(), B> {
        let most = self.cells.iter().map(|c| c.2).max().unwrap_or(0);
        let words = plural(most as usize, "block");
        let width = TICK.width(&words) + 6.0 + 5.0 * 12.0 + 6.0 + TICK.width("1");
        if from + width > frame.x1 {
            return Ok(());
        }
        sheet.text((frame.x1, y), &words, TICK.right())?;
        let mut x = frame.x1 - TICK.width(&words) - 6.0;
        for step in 0..5 {
            let alpha = STRONGEST * (1.0 - f64::from(step) / FADE);
            sheet.rect((x - 12.0, y - 5.0), (x, y + 5.0), TAPE, alpha)?;
            x -= 12.0;
        }
        Ok(())
    }
}

impl Body for Heat {
    fn height(&self, width: f64) -> f64 {
        if self.is_empty() {
            return 24.0;
        }
        let one = HEAD + PLOT + TICKS;
        if width < NARROW {
            3.0 * one + 2.0 * ROW_GAP
        } else {
            one
        }
    }

    fn draw<B: DrawingBackend>(&self, sheet: &Sheet<'_, B>) -> DrawResult<(), B> {
        if self.is_empty() {
            return sheet
                .instead("These results have no sizes and lifetimes of the tape’s blocks.");
        }
        let (sizes, lifetimes) = self.axes();
        let share = TICK.width("99.9\u{a0}%") + 10.0;
        let narrow = sheet.width() < NARROW;
        let third = (sheet.width() - 2.0 * GAP) / 3.0;
        for i in 0..3 {
            let gutter = if i == 2 { self.gutter() } else { share };
            let (left, width, top) = if narrow {
                (
                    0.0,
                    sheet.width(),
                    f64::from(i) * (HEAD + PLOT + TICKS + ROW_GAP),
                )
            } else {
                (f64::from(i) * (third + GAP), third, 0.0)
            };
            let frame = PlotBox {
                x0: left + gutter,
                x1: left + width - 2.0,
                y0: top + HEAD,
                y1: top + HEAD + PLOT,
            };
            let heading = ["Size", "Lifetime", "Size ↑ lifetime →"][i as usize];
            let y = top + 8.0;
            sheet.text((left, y), heading, HEADING)?;
            let after = left + HEADING.width(heading) + 14.0;
            match i {
                0 => self.draw_shares(sheet, (after, y), frame.x1)?,
                1 => self.draw_shares(sheet, (after, y), frame.x1)?,
                _ => self.draw_ramp(sheet, &frame, y, after)?,
            }
            match i {
                0 => Self::draw_histogram(sheet, &frame, &self.sizes, &sizes)?,
                1 => Self::draw_histogram(sheet, &frame, &self.lifetimes, &lifetimes)?,
                _ => self.draw_map(sheet, &frame)?,
            }
        }
        Ok(())
    }
}

impl Heat {
    /// The key of a histogram, where there is room.
    fn draw_shares<B: DrawingBackend>(
        &self,
        sheet: &Sheet<'_, B>,
        (mut x, y): (f64, f64),
        end: f64,
    ) -> DrawResult<(), B> {
        for (words, alpha) in [("blocks", 1.0), ("bytes", 0.35)] {
            let width = TICK.width(words);
            if x + 14.0 + width > end {
                break;
            }
            sheet.rect((x, y - 5.0), (x + 10.0, y + 5.0), TAPE, alpha)?;
            sheet.text((x + 14.0, y), words, TICK)?;
            x += 14.0 + width + 12.0;
        }
        Ok(())
    }
}
