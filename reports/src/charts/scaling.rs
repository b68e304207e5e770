//! Operations a second with more and more workers: who gains from cores, and who stands in a queue.

use super::axis::{Quantity, Scale};
use super::curves::{self, TICK, TICKS};
use super::plot_box::PlotBox;
use super::sheet::{Sheet, Type};
use super::table::{Table, figure};
use super::{Body, Meta, Titled};
use crate::stats::Spread;
use crate::study::{Cell, Tape, Workers, list};
use crate::theme::{Colour, GRID, INK};
use crate::units::{rate, times};
use plotters::prelude::{DrawResult, DrawingBackend};

const HEAD: f64 = 24.0;
const FOOT: f64 = 18.0;
/// The least height of the plot, and the height of a name beside it.
const PLOT: f64 = 250.0;
const LABEL: f64 = 16.0;
const NAME: Type = Type::new(12.5, INK);

/// An allocator's throughput: workers' place on the axis, operations a second.
struct Line<'r> {
    name: &'r str,
    colour: Colour,
    points: Vec<(f64, Spread)>,
}

/// The plot.
pub struct Scaling<'r> {
    lines: Vec<Line<'r>>,
    /// Place on the axis and what stands there.
    ticks: Vec<(f64, String)>,
    up: Scale,
}

/// The chart of one tape; `None` where it was replayed with one number of workers only.
pub fn chart<'r>(tape: &Tape<'r>) -> Option<Titled<Scaling<'r>>> {
    if tape.scaling.len() < 2 {
        return None;
    }
    let places = places(&tape.scaling);
    let cells = tape
        .cells
        .iter()
        .enumerate()
        .filter(|(_, c)| !c.is_calibration());
    let lines: Vec<Line<'r>> = cells
        .map(|(i, cell)| {
            let at = |(place, workers): (&f64, &Workers<'r>)| {
                Some((*place, throughput(workers.cells.get(i)?)?))
            };
            Line {
                name: cell.name,
                colour: cell.colour,
                points: places.iter().zip(&tape.scaling).filter_map(at).collect(),
            }
        })
        .filter(|line| !line.points.is_empty())
        .collect();
    let all: Vec<f64> = lines
        .iter()
        .flat_map(|l| &l.points)
        .flat_map(|(_, s)| [s.min, s.max])
        .collect();
    let label = |w: &Workers<'_>| match w.own {
        true => format!("{} (own)", w.count),
        false => w.count.to_string(),
    };
    let meta = Meta::of_tape(
        tape,
        "scaling",
        title(tape),
        "Operations a second by the number of workers that the tape’s threads were folded onto; “own” gives each thread one of its own.",
        "Higher is faster. A line that doubles from 1 to 2 to 4 workers uses every core that it gets; one that stays level or falls waits for locks, for other threads’ blocks or for a core. \
                  Upright strokes reach from the least to the most of the repetitions. More workers than cores share them.",
    );
    let ticks = places
        .iter()
        .copied()
        .zip(tape.scaling.iter().map(label))
        .collect();
    let plot = Scaling {
        lines,
        ticks,
        up: Scale::fitting(Quantity::Rate, &all),
    };
    Some(Titled {
        meta,
        data: data(tape),
        plot,
    })
}

/// By the logarithm, so that each doubling is a step of the same width; threads of their own keep clear of as many workers.
fn places(scaling: &[Workers<'_>]) -> Vec<f64> {
    let mut places: Vec<f64> = Vec::new();
    for workers in scaling {
        let place = f64::from(workers.count.max(1)).log2();
        let free = places.last().map_or(place, |last| place.max(last + 0.5));
        places.push(free);
    }
    places
}

fn throughput(cell: &Cell<'_>) -> Option<Spread> {
    if !cell.is_contender() {
        return None;
    }
    let runs = cell.runs.iter().filter(|r| r.elapsed_ns > 0 && r.ops > 0);
    Spread::of(runs.map(|r| r.ops as f64 * 1e9 / r.elapsed_ns as f64))
}

/// Who is the fastest with the most workers, and what that is over what it did with the fewest. Those whose repetitions reach
/// into its own share its place.
fn title(tape: &Tape<'_>) -> String {
    let name = tape.name;
    let (Some(few), Some(many)) = (tape.scaling.first(), tape.scaling.last()) else {
        return format!("{name} was replayed with one number of workers");
    };
    let all: Vec<(&str, Spread, f64)> = few
        .cells
        .iter()
        .zip(&many.cells)
        .filter_map(|(a, b)| {
            let (before, after) = (throughput(a)?, throughput(b)?);
            Some((a.name, after, after.median / before.median))
        })
        .collect();
    let Some(best) = all.iter().max_by(|a, b| a.1.median.total_cmp(&b.1.median)) else {
        return format!(
            "No allocator was measured without fault with few and with many workers on {name}"
        );
    };
    let level: Vec<&str> = all
        .iter()
        .filter(|other| other.0 != best.0 && other.1.max >= best.1.min)
        .map(|other| other.0)
        .collect();
    let level = if level.is_empty() {
        String::new()
    } else {
        format!(", with {} within noise of it", list(&level))
    };
    let system = all.iter().find(|g| g.0 == "system" && best.0 != "system");
    let against = system.map_or_else(String::new, |s| format!(", system {}", times(s.2)));
    let with = if all.iter().all(|g| g.1.count > 1) {
        "With"
    } else {
        "In one repetition with"
    };
    format!(
        "{with} {} workers {} is the fastest on {name}{level}: {}, {} what it does with {}{against}",
        many.count,
        best.0,
        rate(best.1.median),
        times(best.2),
        few.count
    )
}

fn data(tape: &Tape<'_>) -> Table {
    let mut table = Table::new(&[
        "tape",
        "allocator",
        "workers",
        "own_threads",
        "ops_per_s_median",
        "ops_per_s_least",
        "ops_per_s_most",
    ]);
    for workers in &tape.scaling {
        for cell in workers.cells.iter().filter(|c| !c.is_calibration()) {
            let ops = throughput(cell);
            table.rows.push(vec![
                tape.name.to_owned(),
                cell.id.to_owned(),
                workers.count.to_string(),
                workers.own.to_string(),
                figure(ops.map(|s| s.median)),
                figure(ops.map(|s| s.min)),
                figure(ops.map(|s| s.max)),
            ]);
        }
    }
    table
}

impl Scaling<'_> {
    fn plot_height(&self) -> f64 {
        PLOT.max(self.lines.len() as f64 * LABEL)
    }

    fn frame(&self, width: f64) -> PlotBox {
        let names = self
            .lines
            .iter()
            .map(|l| NAME.width(l.name))
            .fold(0.0, f64::max)
            .min(width * 0.28);
        PlotBox {
            x0: curves::gutter(&self.up, 5),
            x1: width - names - 26.0,
            y0: HEAD,
            y1: HEAD + self.plot_height(),
        }
    }

    fn x(&self, frame: &PlotBox, place: f64) -> f64 {
        let (first, last) = (
            self.ticks.first().map_or(0.0, |t| t.0),
            self.ticks.last().map_or(1.0, |t| t.0),
        );
        let inner = PlotBox {
            x0: frame.x0 + 14.0,
            x1: frame.x1 - 14.0,
            ..*frame
        };
        inner.x((place - first) / (last - first).max(1e-9))
    }

    fn draw_axis<B: DrawingBackend>(
        &self,
        sheet: &Sheet<'_, B>,
        frame: &PlotBox,
    ) -> DrawResult<(), B> {
        let log = if self.up.is_log() { ", log scale" } else { "" };
        sheet.text((0.0, 8.0), &format!("↑ operations a second{log}"), TICK)?;
        curves::rows(sheet, frame, &self.up, 5, true)?;
        let mut free_from = 0.0;
        for (place, label) in &self.ticks {
            let x = self.x(frame, *place);
            sheet.line(&[(x, frame.y0), (x, frame.y1)], GRID, 1.0, 1.0)?;
            let half = TICK.width(label) / 2.0;
            let at = x.max(half).min(sheet.width() - half);
            if at - half >= free_from {
                sheet.text((at, frame.y1 + TICKS / 2.0), label, TICK.centre())?;
                free_from = at + half + 6.0;
            }
        }
        let middle = f64::midpoint(frame.x0, frame.x1);
        sheet.text(
            (middle, frame.y1 + TICKS + FOOT / 2.0),
            "workers, log scale",
            TICK.centre(),
        )
    }
}

/// Heights for names that want to stand at `wanted`, moved apart so that none is nearer than [`LABEL`] to another and all stay
/// between `top` and `bottom`.
fn spread(wanted: &[f64], top: f64, bottom: f64) -> Vec<f64> {
    let mut order: Vec<usize> = (0..wanted.len()).collect();
    order.sort_by(|a, b| wanted[*a].total_cmp(&wanted[*b]));
    let mut heights = vec![0.0; wanted.len()];
    let mut free = top + LABEL / 2.0;
    for &i in &order {
        heights[i] = wanted[i].max(free);
        free = heights[i] + LABEL;
    }
    let mut free = bottom - LABEL / 2.0;
    for &i in order.iter().rev() {
        heights[i] = heights[i].min(free);
        free = heights[i] - LABEL;
    }
    heights
}

impl Body for Scaling<'_> {
    fn height(&self, _width: f64) -> f64 {
        if self.lines.is_empty() {
            return 24.0;
        }
        HEAD + self.plot_height() + TICKS + FOOT
    }

    fn draw<B: DrawingBackend>(&self, sheet: &Sheet<'_, B>) -> DrawResult<(), B> {
        if self.lines.is_empty() {
            return sheet.instead("No allocator was measured without fault.");
        }
        let frame = self.frame(sheet.width());
        self.draw_axis(sheet, &frame)?;
        let y = |value: f64| frame.y(self.up.part(value));
        for line in &self.lines {
            let at = |(place, s): &(f64, Spread)| (self.x(&frame, *place), y(s.median));
            let points: Vec<_> = line.points.iter().map(at).collect();
            sheet.line(&points, line.colour, 1.0, 2.0)?;
            for ((x, middle), (_, s)) in points.iter().zip(&line.points) {
                sheet.line(&[(*x, y(s.min)), (*x, y(s.max))], line.colour, 0.5, 2.0)?;
                sheet.dot((*x, *middle), 3.5, line.colour, 1.0)?;
            }
        }
        let ends: Vec<(f64, f64)> = self
            .lines
            .iter()
            .filter_map(|l| l.points.last())
            .map(|(place, s)| (self.x(&frame, *place), y(s.median)))
            .collect();
        let wanted: Vec<f64> = ends.iter().map(|e| e.1).collect();
        let heights = spread(&wanted, frame.y0 - LABEL / 2.0, frame.y1 + LABEL / 2.0);
        for ((line, end), height) in self.lines.iter().zip(ends).zip(heights) {
            let left = frame.x1 + 10.0;
            sheet.line(
                &[(end.0 + 5.0, end.1), (left - 3.0, height)],
                line.colour,
                0.6,
                1.0,
            )?;
            sheet.dot((left + 4.0, height), 4.0, line.colour, 1.0)?;
            let room = sheet.width() - left - 12.0;
            sheet.text((left + 12.0, height), &NAME.fit(line.name, room), NAME)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_moved_apart_and_stay_inside() {
        let heights = spread(&[100.0, 100.0, 101.0, 0.0, 199.0], 0.0, 200.0);
        let mut sorted = heights.clone();
        sorted.sort_by(f64::total_cmp);
        assert!(
            sorted.windows(2).all(|w| w[1] - w[0] >= LABEL - 1e-9),
            "{heights:?}"
        );
        assert!(
            sorted[0] >= LABEL / 2.0 && sorted[4] <= 200.0 - LABEL / 2.0,
            "{heights:?}"
        );
    }

    #[test]
    fn as_many_workers_as_threads_stand_beside_threads_of_their_own() {
        let workers = |count, own| Workers {
            count,
            own,
            cells: Vec::new(),
        };
        assert_eq!(
            places(&[workers(1, false), workers(4, false), workers(4, true)]),
            [0.0, 2.0, 2.5]
        );
    }
}
