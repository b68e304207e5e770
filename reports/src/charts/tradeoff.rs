//! Time against peak RSS on one tape, with the Pareto front: those that no other beats in both.

use super::axis::{Quantity, Scale};
use super::place::{self, Placed};
use super::plot_box::PlotBox;
use super::sheet::{Point, Sheet, Type};
use super::table::{Table, figure};
use super::{Body, Meta, Titled};
use crate::stats::Spread;
use crate::study::{Estimate, Ranked, Tape, list};
use crate::theme::{Colour, GRID, INK, MUTED, PAPER, REFERENCE};
use plotters::prelude::{DrawResult, DrawingBackend};

const HEIGHT: f64 = 330.0;
const FOOT: f64 = 40.0;
const HEAD: f64 = 24.0;
const RADIUS: f64 = 5.5;
const NAME: Type = Type::new(12.5, INK);
const SMALL: Type = Type::new(11.0, MUTED);

struct Spot<'r> {
    name: &'r str,
    colour: Colour,
    time: Spread,
    /// Elapsed time over `system`'s, which the noise of the machine moves less.
    ratio: Option<Estimate>,
    rss: Spread,
    /// On the front: no contender is both faster and smaller.
    front: bool,
    /// Drawn open, and no part of the front.
    reserved: bool,
}

impl Spot<'_> {
    /// Whether it is faster beyond noise: by the intervals of the ratios where both have one, else by the reach of the repetitions.
    fn is_faster_than(&self, other: &Spot<'_>) -> bool {
        match (self.ratio, other.ratio) {
            (Some(a), Some(b)) if a.repeated && b.repeated => a.high < b.low,
            _ => self
                .ranked(self.time)
                .is_less_than(&other.ranked(other.time)),
        }
    }

    /// Whether it is smaller beyond noise.
    fn is_smaller_than(&self, other: &Spot<'_>) -> bool {
        self.ranked(self.rss).is_less_than(&other.ranked(other.rss))
    }

    fn ranked(&self, figure: Spread) -> Ranked<'_> {
        Ranked {
            name: self.name,
            figure,
        }
    }
}

/// The plot.
pub struct Tradeoff<'r> {
    spots: Vec<Spot<'r>>,
    time: Scale,
    rss: Scale,
}

/// The chart of one tape.
pub fn chart<'r>(tape: &Tape<'r>) -> Titled<Tradeoff<'r>> {
    let mut spots: Vec<Spot<'r>> = tape
        .shown()
        .filter_map(|c| {
            Some(Spot {
                name: c.name,
                colour: c.colour,
                time: c.elapsed?,
                ratio: c.time,
                rss: c.rss?,
                front: false,
                reserved: !c.is_contender(),
            })
        })
        .collect();
    let medians: Vec<(f64, f64)> = spots
        .iter()
        .filter(|s| !s.reserved)
        .map(|s| (s.time.median, s.rss.median))
        .collect();
    for spot in &mut spots {
        let beaten = |(t, m): &(f64, f64)| {
            *t <= spot.time.median
                && *m <= spot.rss.median
                && (*t < spot.time.median || *m < spot.rss.median)
        };
        spot.front = !spot.reserved && !medians.iter().any(beaten);
    }
    let values = |of: fn(&Spot<'_>) -> Spread| {
        spots
            .iter()
            .flat_map(|s| [of(s).min, of(s).max])
            .collect::<Vec<f64>>()
    };
    let (time, rss) = (
        Scale::fitting(Quantity::Time, &values(|s| s.time)),
        Scale::fitting(Quantity::Bytes, &values(|s| s.rss)),
    );
    let meta = Meta::of_tape(
        tape,
        "time-memory",
        title(tape.name, &spots),
        "Median elapsed time against median peak RSS.",
        "Nearer to the lower left corner is better in both. The stepped line is the Pareto front: whoever is on it is beaten by nobody in both time and \
                  memory; for whoever is off it there is one that is no worse in either. Crosses reach from the least to the most of the repetitions. Open points refused requests or failed.",
    );
    Titled {
        meta,
        data: data(tape, &spots),
        plot: Tradeoff { spots, time, rss },
    }
}

impl Tradeoff<'_> {
    fn frame(&self, width: f64) -> PlotBox {
        let gutter = self
            .rss
            .ticks(5)
            .iter()
            .map(|t| SMALL.width(&self.rss.format(*t)))
            .fold(0.0, f64::max)
            + 10.0;
        PlotBox {
            x0: gutter,
            x1: width - 8.0,
            y0: HEAD,
            y1: HEIGHT - FOOT,
        }
    }

    fn draw_axes<B: DrawingBackend>(&self, sheet: &Sheet<'_, B>, f: &PlotBox) -> DrawResult<(), B> {
        for tick in self.rss.ticks(5) {
            let y = f.y(self.rss.part(tick));
            sheet.line(&[(f.x0, y), (f.x1, y)], GRID, 1.0, 1.0)?;
            sheet.text((f.x0 - 10.0, y), &self.rss.format(tick), SMALL.right())?;
        }
        let mut free_from = 0.0;
        for tick in self.time.ticks(((f.x1 - f.x0) / 80.0) as usize) {
            let x = f.x(self.time.part(tick));
            sheet.line(&[(x, f.y0), (x, f.y1)], GRID, 1.0, 1.0)?;
            let label = self.time.format(tick);
            let half = SMALL.width(&label) / 2.0;
            let x = x.min(sheet.width() - half);
            if x - half >= free_from {
                sheet.text((x, f.y1 + 12.0), &label, SMALL.centre())?;
                free_from = x + half + 8.0;
            }
        }
        let log = |scale: &Scale| if scale.is_log() { ", log scale" } else { "" };
        sheet.text((0.0, 7.0), &format!("↑ peak RSS{}", log(&self.rss)), SMALL)?;
        sheet.text(
            (f.x1, f.y1 + 30.0),
            &format!("elapsed time{} →", log(&self.time)),
            SMALL.right(),
        )
    }

    fn at(&self, f: &PlotBox, s: &Spot<'_>) -> Point {
        (
            f.x(self.time.part(s.time.median)),
            f.y(self.rss.part(s.rss.median)),
        )
    }

    /// The corners of the stepped line; empty where nobody is on the front.
    fn front(&self, f: &PlotBox) -> Vec<Point> {
        let mut front: Vec<Point> = self
            .spots
            .iter()
            .filter(|s| s.front)
            .map(|s| self.at(f, s))
            .collect();
        front.sort_by(|a, b| a.0.total_cmp(&b.0));
        let (Some(first), Some(last)) = (front.first().copied(), front.last().copied()) else {
            return Vec::new();
        };
        let mut steps = vec![(first.0, f.y0)];
        for pair in front.windows(2) {
            steps.extend([pair[0], (pair[1].0, pair[0].1)]);
        }
        steps.extend([last, (f.x1, last.1)]);
        steps
    }

    /// The cross of a spot: its time's and its memory's reach.
    fn cross(&self, f: &PlotBox, s: &Spot<'_>) -> [[Point; 2]; 2] {
        let (x, y) = self.at(f, s);
        let (time, rss) = (|v| f.x(self.time.part(v)), |v| f.y(self.rss.part(v)));
        [
            [(time(s.time.min), y), (time(s.time.max), y)],
            [(x, rss(s.rss.max)), (x, rss(s.rss.min))],
        ]
    }
}

/// The box around a line, one pixel wide at least.
fn bounds(a: Point, b: Point) -> place::Box4 {
    (
        a.0.min(b.0) - 1.0,
        a.1.min(b.1) - 1.0,
        a.0.max(b.0) + 1.0,
        a.1.max(b.1) + 1.0,
    )
}

fn title(tape: &str, spots: &[Spot<'_>]) -> String {
    let mut front: Vec<&Spot<'_>> = spots.iter().filter(|s| s.front).collect();
    front.sort_by(|a, b| a.time.median.total_cmp(&b.time.median));
    let others = spots.iter().filter(|s| !s.reserved).count();
    let reserve = if front.iter().all(|s| s.time.count > 1) {
        ""
    } else {
        "in one repetition "
    };
    match &front[..] {
        [] => format!("Time and peak RSS were not both measured on {tape}"),
        _ if others == 1 => format!(
            "Only {} was measured on {tape}: nothing to trade",
            front[0].name
        ),
        [one] => format!(
            "By the medians nothing beats {} on {tape}, in time or in memory",
            one.name
        ),
        [fast, between @ .., small] => {
            let (faster, smaller) = (fast.is_faster_than(small), small.is_smaller_than(fast));
            let between: Vec<&str> = between.iter().map(|s| s.name).collect();
            let with = if between.is_empty() {
                String::new()
            } else {
                format!(", with {} between", list(&between))
            };
            match (faster, smaller) {
                (true, true) => format!(
                    "On {tape} {reserve}the choice is {} for time or {} for memory{with}",
                    fast.name, small.name
                ),
                (true, false) => format!(
                    "On {tape} {reserve}{} is the fastest, and none is smaller beyond noise",
                    fast.name
                ),
                (false, true) => format!(
                    "On {tape} {reserve}{} is the smallest, and none is faster beyond noise",
                    small.name
                ),
                (false, false) => format!(
                    "On {tape} there is nothing to choose beyond noise between {} and {}",
                    fast.name, small.name
                ),
            }
        }
    }
}

fn data(tape: &Tape<'_>, spots: &[Spot<'_>]) -> Table {
    let mut table = Table::new(&[
        "tape",
        "allocator",
        "elapsed_ns_median",
        "elapsed_ns_least",
        "elapsed_ns_most",
        "peak_rss_bytes_median",
        "peak_rss_bytes_least",
        "peak_rss_bytes_most",
        "pareto_front",
    ]);
    for s in spots {
        let mut row = vec![tape.name.to_owned(), s.name.to_owned()];
        for spread in [s.time, s.rss] {
            row.extend([spread.median, spread.min, spread.max].map(|v| figure(Some(v))));
        }
        row.push(s.front.to_string());
        table.rows.push(row);
    }
    table
}

impl Body for Tradeoff<'_> {
    fn height(&self, _width: f64) -> f64 {
        if self.spots.is_empty() { 24.0 } else { HEIGHT }
    }

    fn draw<B: DrawingBackend>(&self, sheet: &Sheet<'_, B>) -> DrawResult<(), B> {
        if self.spots.is_empty() {
            return sheet
                .instead("No allocator has both an elapsed time and a peak RSS on this tape.");
        }
        let f = self.frame(sheet.width());
        self.draw_axes(sheet, &f)?;
        let front = self.front(&f);
        if !front.is_empty() {
            sheet.line(&front, REFERENCE, 0.8, 1.5)?;
        }
        let mut lines: Vec<place::Box4> = front.windows(2).map(|w| bounds(w[0], w[1])).collect();
        for s in &self.spots {
            for line in self.cross(&f, s) {
                sheet.line(&line, s.colour, 0.5, 1.5)?;
                lines.push(bounds(line[0], line[1]));
            }
        }
        let most = ((f.x1 - f.x0) * 0.25).clamp(90.0, 170.0);
        let look = |s: &Spot<'_>| if s.front { NAME.bold() } else { NAME };
        let names: Vec<String> = self
            .spots
            .iter()
            .map(|s| look(s).fit(s.name, most))
            .collect();
        let points: Vec<(Point, f64)> = self
            .spots
            .iter()
            .zip(&names)
            .map(|(s, n)| (self.at(&f, s), look(s).width(n)))
            .collect();
        let places = place::place(&points, RADIUS, &lines, (f.x0, f.y0, f.x1, f.y1));
        for ((spot, name), place) in self.spots.iter().zip(&names).zip(places) {
            let at = self.at(&f, spot);
            if let Some(place) = place {
                let (width, Placed { x, y, .. }) = (look(spot).width(name), place);
                if place.ring > 0 {
                    let side = y + (at.1 - y).clamp(-7.0, 7.0);
                    sheet.line(&[at, (at.0.clamp(x, x + width), side)], MUTED, 0.6, 1.0)?;
                }
                if place.crossed {
                    let [from, to] = place.room(width);
                    sheet.rect(from, to, PAPER, 0.85)?;
                }
                sheet.text((x, y), name, look(spot))?;
            }
            if spot.reserved {
                sheet.ring(at, RADIUS, spot.colour, 2.0)?
            } else {
                sheet.dot(at, RADIUS, spot.colour, 1.0)?
            }
        }
        Ok(())
    }
}
