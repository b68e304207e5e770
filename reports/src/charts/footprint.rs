//! Live bytes and RSS over time: a small plot an allocator, all on the same axes.

use super::axis::{Quantity, Scale};
use super::curves::{Curve, Look};
use super::multiples::{Multiples, Small};
use super::span::Span;
use super::table::Table;
use super::thin::thin;
use super::{Meta, Titled};
use crate::stats::Spread;
use crate::study::{Cell, Ranking, Tape};
use crate::theme::{Colour, INK, LIVE, REFERENCE};
use crate::units::{bytes, nanos, times};
use replayer::results::{FootprintSample, Run};

/// On a logarithmic scale the least peak stands this many times above the low end.
const ROOM: f64 = 16.0;

/// The chart of one tape.
pub fn chart(tape: &Tape<'_>) -> Titled<Multiples> {
    let shown = || tape.shown();
    let series: Vec<Series> = shown().map(Series::of).collect();
    let span = Span::of(&series.iter().map(Series::length).collect::<Vec<f64>>());
    let system = shown().zip(&series).find(|(c, _)| c.is_baseline());
    let behind = system
        .filter(|(_, s)| !s.0.is_empty())
        .map(|(_, s)| s.curve(&span, REFERENCE, Look::Line(1.0), |s| s.rss_bytes));
    let plots = shown()
        .zip(&series)
        .map(|(cell, s)| small(cell, s, &span, behind.as_ref()))
        .collect();
    let up = memory(&series);
    let scale = if up.is_log() {
        " The scale of memory is logarithmic, since the peaks differ so much: a step up is a factor."
    } else {
        ""
    };
    let meta = Meta::of_tape(
        tape,
        "footprint",
        title(tape),
        "Live bytes and resident memory (RSS) since the run began, in the run of median time; peak RSS and time at its head.",
        &format!(
            "The area is what the program had asked for, the line above it is what was resident: the room between them is the allocator’s. \
             The thin line is system’s RSS. {}{scale}",
            span.words()
        ),
    );
    let plots = Multiples {
        plots,
        across: span.scale,
        axis: format!(
            "{}{}",
            span.axis(),
            if up.is_log() {
                " · ↑ memory, log scale"
            } else {
                ""
            }
        ),
        up,
        key: vec![
            (Look::Area(0.8), LIVE, "live bytes"),
            (Look::Line(2.25), INK, "RSS"),
            (Look::Line(1.0), REFERENCE, "system’s RSS"),
        ],
        missing: "No run of this tape has samples of live bytes and RSS.",
    };
    Titled {
        meta,
        data: data(tape),
        plot: plots,
    }
}

/// The run that is drawn.
fn sampled<'r>(cell: &Cell<'r>) -> Option<&'r Run> {
    cell.typical_run(|r| !r.footprint.is_empty())
}

/// The samples of the run that is drawn, as many as a plot can show.
struct Series(Vec<FootprintSample>);

impl Series {
    fn of(cell: &Cell<'_>) -> Series {
        Series(sampled(cell).map_or_else(Vec::new, |r| thin(&r.footprint)))
    }

    /// Nanoseconds.
    fn length(&self) -> f64 {
        self.0.last().map_or(0.0, |s| s.t_ns as f64)
    }

    fn curve(
        &self,
        span: &Span,
        colour: Colour,
        look: Look,
        of: fn(&FootprintSample) -> u64,
    ) -> Curve {
        let place = |s: &FootprintSample| {
            let x = span.place(s.t_ns as f64, self.length());
            (x, of(s) as f64)
        };
        Curve {
            colour,
            look,
            points: self.0.iter().map(place).collect(),
        }
    }
}

/// The scale of memory: from zero, or logarithmic where the least peak would be flat beside the most.
fn memory(series: &[Series]) -> Scale {
    let of = |s: &FootprintSample| s.live_bytes.max(s.rss_bytes);
    let peaks: Vec<f64> = series
        .iter()
        .filter_map(|s| s.0.iter().map(of).max())
        .map(|peak| peak as f64)
        .collect();
    let fitting = Scale::fitting(Quantity::Bytes, &peaks);
    if !fitting.is_log() {
        return fitting;
    }
    let least = peaks
        .iter()
        .copied()
        .filter(|p| *p > 0.0)
        .fold(f64::INFINITY, f64::min);
    Scale::log(Quantity::Bytes, peaks.into_iter().chain([least / ROOM]))
}

fn small(cell: &Cell<'_>, series: &Series, span: &Span, behind: Option<&Curve>) -> Small {
    let figures = sampled(cell).and_then(|r| {
        let peak = bytes(peak(r)? as f64);
        Some([format!("{peak} · {}", nanos(r.elapsed_ns as f64)), peak])
    });
    let mut curves = Vec::new();
    if !series.0.is_empty() {
        curves.push(series.curve(span, LIVE, Look::Area(0.8), |s| s.live_bytes));
        curves.extend(behind.filter(|_| !cell.is_baseline()).cloned());
        curves.push(series.curve(span, cell.colour, Look::Line(2.25), |s| s.rss_bytes));
    }
    Small {
        name: cell.name.to_owned(),
        figures: figures.unwrap_or_default(),
        curves,
    }
}

/// The peak RSS as the kernel has it, else the highest sample.
fn peak(run: &Run) -> Option<u64> {
    run.peak_rss_bytes
        .or_else(|| run.footprint.iter().map(|s| s.rss_bytes).max())
}

/// Whose peak is the lowest and whose the highest.
fn title(tape: &Tape<'_>) -> String {
    let name = tape.name;
    let sampled = |c: &Cell<'_>| c.runs.iter().any(|r| !r.footprint.is_empty());
    if !tape.cells.iter().any(sampled) {
        return format!("Memory over time was not sampled on {name}");
    }
    let peaks = |c: &Cell<'_>| Spread::of(c.runs.iter().filter_map(|r| peak(r)).map(|p| p as f64));
    let ranking = Ranking::of(tape, peaks);
    let reserve = ranking.reserve();
    match ranking.ends() {
        None => format!("No peak RSS was measured without fault on {name}"),
        Some((one, None)) => {
            format!(
                "{} peaks at {} of RSS on {name}",
                one.name,
                bytes(one.figure.median)
            )
        }
        Some((first, Some(last))) if first.is_less_than(&last) => format!(
            "{reserve}{} peaks lowest on {name}, at {}{}; {} at {}, {} as much",
            first.name,
            bytes(first.figure.median),
            ranking.level_phrase(),
            last.name,
            bytes(last.figure.median),
            times(last.figure.median / first.figure.median)
        ),
        Some((first, Some(last))) => format!(
            "No difference beyond noise in peak RSS on {name}: {} to {}",
            bytes(first.figure.median),
            bytes(last.figure.median)
        ),
    }
}

fn data(tape: &Tape<'_>) -> Table {
    let mut table = Table::new(&["tape", "allocator", "t_ns", "live_bytes", "rss_bytes"]);
    for cell in tape.shown() {
        for s in sampled(cell).iter().flat_map(|r| thin(&r.footprint)) {
            table.rows.push(vec![
                tape.name.to_owned(),
                cell.id.to_owned(),
                s.t_ns.to_string(),
                s.live_bytes.to_string(),
                s.rss_bytes.to_string(),
            ]);
        }
    }
    table
}
