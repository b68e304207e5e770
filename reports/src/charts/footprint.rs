//! Live bytes and RSS over time: a small plot an allocator, all on the same axes.

use super::axis::{Quantity, Scale};
use super::plot_box::PlotBox;
use super::sheet::{Point, Sheet, Type};
use super::thin::thin;
use super::{Chart, Meta};
use crate::study::{Cell, Tape};
use crate::theme::{Colour, GRID, INK, LIVE, MUTED, REFERENCE};
use crate::units::{bytes, nanos, times};
use plotters::prelude::{DrawResult, DrawingBackend};
use replayer::results::{FootprintSample, Run};

const KEY: f64 = 26.0;
const HEAD: f64 = 22.0;
const PLOT: f64 = 112.0;
const TICKS: f64 = 20.0;
const GAP: f64 = 12.0;
const FOOT: f64 = 16.0;
const NAME: Type = Type::new(12.5, INK).bold();
const SMALL: Type = Type::new(11.0, MUTED);
/// The narrowest that a small plot may be, and the most that stand in a row.
const NARROWEST: f64 = 150.0;
const MOST_COLUMNS: usize = 4;

struct Plot<'r> {
    name: &'r str,
    colour: Colour,
    baseline: bool,
    /// Peak RSS and elapsed time of the run drawn, in words; the longer form where there is room.
    figures: [String; 2],
    /// Empty where nothing was sampled.
    samples: Vec<FootprintSample>,
}

/// The chart.
pub struct FootprintChart<'r> {
    meta: Meta,
    plots: Vec<Plot<'r>>,
    /// System's, drawn behind all others.
    behind: Vec<FootprintSample>,
    time: Scale,
    memory: Scale,
}

impl<'r> FootprintChart<'r> {
    /// Of one tape.
    pub fn new(tape: &Tape<'r>) -> FootprintChart<'r> {
        let plots: Vec<Plot<'r>> = tape
            .cells
            .iter()
            .filter(|c| !c.is_calibration())
            .map(plot)
            .collect();
        let all = || plots.iter().flat_map(|p| &p.samples);
        let time = Scale::from_zero(Quantity::Time, all().map(|s| s.t_ns as f64));
        let memory = Scale::from_zero(
            Quantity::Bytes,
            all()
                .flat_map(|s| [s.live_bytes, s.rss_bytes])
                .map(|b| b as f64),
        );
        let behind = plots
            .iter()
            .find(|p| p.baseline)
            .map_or_else(Vec::new, |p| p.samples.clone());
        let meta = Meta {
            id: format!("footprint-{}", tape.slug),
            title: title(tape),
            subtitle: format!("Live bytes and resident memory (RSS) since the run began, in the run of median time; peak RSS and time at its head. Tape {}.", tape.name),
            caption: "The area is what the program had asked for, the line above it is what was resident: the room between them is the allocator’s. \
                      All plots have the same axes, so a plot that ends earlier was faster. The thin line is system’s RSS."
                .to_owned(),
        };
        FootprintChart {
            meta,
            plots,
            behind,
            time,
            memory,
        }
    }

    fn gutter(&self) -> f64 {
        self.memory
            .ticks(3)
            .iter()
            .map(|t| SMALL.width(&self.memory.format(*t)))
            .fold(0.0, f64::max)
            + 8.0
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

    fn is_empty(&self) -> bool {
        self.plots.iter().all(|p| p.samples.is_empty())
    }

    fn draw_key<B: DrawingBackend>(&self, sheet: &Sheet<'_, B>) -> DrawResult<(), B> {
        let y = 8.0;
        let mut x = 0.0;
        for (i, meaning) in ["live bytes", "RSS", "system’s RSS"]
            .into_iter()
            .enumerate()
        {
            match i {
                0 => sheet.rect((x, y - 5.0), (x + 16.0, y + 5.0), LIVE, 0.8)?,
                1 => sheet.line(&[(x, y), (x + 16.0, y)], INK, 1.0, 2.25)?,
                _ => sheet.line(&[(x, y), (x + 16.0, y)], REFERENCE, 1.0, 1.0)?,
            }
            sheet.text((x + 22.0, y), meaning, SMALL)?;
            x += 22.0 + SMALL.width(meaning) + 16.0;
        }
        Ok(())
    }

    fn draw_plot<B: DrawingBackend>(
        &self,
        sheet: &Sheet<'_, B>,
        plot: &Plot<'_>,
        place: &Place,
    ) -> DrawResult<(), B> {
        let frame = &place.at;
        let &PlotBox { x0, x1, y0, y1 } = frame;
        let fits =
            |figures: &&String| NAME.width(plot.name) + 10.0 + SMALL.width(figures) <= x1 - x0;
        let peak = plot.figures.iter().find(fits).unwrap_or(&plot.figures[1]);
        let room = x1 - x0 - SMALL.width(peak) - 10.0;
        sheet.text((x0, y0 - HEAD / 2.0), &NAME.fit(plot.name, room), NAME)?;
        sheet.text((x1, y0 - HEAD / 2.0), peak, SMALL.right())?;
        for tick in self.memory.ticks(3) {
            let y = frame.y(self.memory.part(tick));
            sheet.line(&[(x0, y), (x1, y)], GRID, 1.0, 1.0)?;
            if place.first_column {
                sheet.text((x0 - 8.0, y), &self.memory.format(tick), SMALL.right())?;
            }
        }
        if place.last_row {
            self.draw_time_ticks(sheet, &place.at)?;
        }
        if plot.samples.is_empty() {
            return sheet.text(
                ((x0 + x1) / 2.0, f64::midpoint(y0, y1)),
                "not sampled",
                SMALL.centre(),
            );
        }
        let line = |samples: &[FootprintSample], of: fn(&FootprintSample) -> u64| -> Vec<Point> {
            samples
                .iter()
                .map(|s| {
                    (
                        frame.x(self.time.part(s.t_ns as f64)),
                        frame.y(self.memory.part(of(s) as f64)),
                    )
                })
                .collect()
        };
        let mut live = line(&plot.samples, |s| s.live_bytes);
        if let (Some(first), Some(last)) = (live.first().copied(), live.last().copied()) {
            live.extend([(last.0, y1), (first.0, y1)]);
        }
        sheet.area(&live, LIVE, 0.8)?;
        if !plot.baseline && !self.behind.is_empty() {
            sheet.line(&line(&self.behind, |s| s.rss_bytes), REFERENCE, 1.0, 1.0)?;
        }
        sheet.line(
            &line(&plot.samples, |s| s.rss_bytes),
            plot.colour,
            1.0,
            2.25,
        )
    }

    fn draw_time_ticks<B: DrawingBackend>(
        &self,
        sheet: &Sheet<'_, B>,
        frame: &PlotBox,
    ) -> DrawResult<(), B> {
        let mut free_from = frame.x0 - 20.0;
        for tick in self.time.ticks(((frame.x1 - frame.x0) / 64.0) as usize) {
            let label = if tick == 0.0 {
                "0".to_owned()
            } else {
                self.time.format(tick)
            };
            let half = SMALL.width(&label) / 2.0;
            let x = frame.x(self.time.part(tick)).min(frame.x1 - half);
            if x - half >= free_from {
                sheet.text((x, frame.y1 + TICKS / 2.0 + 1.0), &label, SMALL.centre())?;
                free_from = x + half + 8.0;
            }
        }
        Ok(())
    }
}

/// Where a small plot stands in the grid.
struct Place {
    at: PlotBox,
    first_column: bool,
    /// No plot stands below it.
    last_row: bool,
}

fn plot<'r>(cell: &Cell<'r>) -> Plot<'r> {
    let run = cell.typical_run(|r| !r.footprint.is_empty());
    let figures = run.and_then(|r| {
        let peak = bytes(peak(r)? as f64);
        Some([format!("{peak} · {}", nanos(r.elapsed_ns as f64)), peak])
    });
    Plot {
        name: cell.name,
        colour: cell.colour,
        baseline: cell.is_baseline(),
        figures: figures.unwrap_or_default(),
        samples: run.map_or_else(Vec::new, |r| thin(&r.footprint)),
    }
}

/// The peak RSS as the kernel has it, else the highest sample.
fn peak(run: &Run) -> Option<u64> {
    run.peak_rss_bytes
        .or_else(|| run.footprint.iter().map(|s| s.rss_bytes).max())
}

/// Whose peak is the lowest and whose the highest, with the least ratio worth a word.
fn title(tape: &Tape<'_>) -> String {
    let name = tape.name;
    let mut peaks: Vec<(f64, &str)> = tape
        .contenders()
        .filter_map(|c| {
            Some((
                crate::stats::Spread::of(c.runs.iter().filter_map(|r| peak(r)).map(|p| p as f64))?
                    .median,
                c.name,
            ))
        })
        .collect();
    peaks.sort_by(|a, b| a.0.total_cmp(&b.0));
    let seen = tape
        .cells
        .iter()
        .flat_map(|c| &c.runs)
        .any(|r| !r.footprint.is_empty());
    match &peaks[..] {
        _ if !seen => format!("Memory over time was not sampled on {name}"),
        [] => format!("No peak RSS was measured without fault on {name}"),
        [(p, one)] => format!("{one} peaks at {} of RSS on {name}", bytes(*p)),
        [(least, first), .., (most, last)] if *least > 0.0 && most / least >= 1.02 => {
            format!(
                "{first} peaks lowest on {name}, at {}; {last} at {}, {} as much",
                bytes(*least),
                bytes(*most),
                times(most / least)
            )
        }
        [(least, _), ..] => format!(
            "All allocators peak at about the same RSS on {name}: {}",
            bytes(*least)
        ),
    }
}

impl<B: DrawingBackend> Chart<B> for FootprintChart<'_> {
    fn meta(&self) -> &Meta {
        &self.meta
    }

    fn height(&self, width: f64) -> f64 {
        if self.is_empty() {
            return 24.0;
        }
        let rows = self.plots.len().div_ceil(self.columns(width)) as f64;
        KEY + rows * (HEAD + PLOT) + (rows - 1.0) * GAP + TICKS + FOOT
    }

    fn draw(&self, sheet: &Sheet<'_, B>) -> DrawResult<(), B> {
        if self.is_empty() {
            return sheet.text(
                (0.0, 12.0),
                &NAME.fit(
                    "No run of this tape has samples of live bytes and RSS.",
                    sheet.width(),
                ),
                Type::new(12.5, MUTED),
            );
        }
        self.draw_key(sheet)?;
        let gutter = self.gutter();
        let columns = self.columns(sheet.width());
        let width = (sheet.width() - gutter - GAP * (columns as f64 - 1.0)) / columns as f64;
        for (i, plot) in self.plots.iter().enumerate() {
            let (column, row) = ((i % columns) as f64, (i / columns) as f64);
            let x0 = gutter + column * (width + GAP);
            let y0 = KEY + row * (HEAD + PLOT + GAP) + HEAD;
            let at = PlotBox {
                x0,
                x1: x0 + width,
                y0,
                y1: y0 + PLOT,
            };
            let place = Place {
                at,
                first_column: i % columns == 0,
                last_row: i + columns >= self.plots.len(),
            };
            self.draw_plot(sheet, plot, &place)?;
        }
        let look = SMALL.centre();
        sheet.text(
            (
                f64::midpoint(gutter, sheet.width()),
                sheet.height() - FOOT / 2.0,
            ),
            "time since the run began",
            look,
        )
    }
}
