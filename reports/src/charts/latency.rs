//! Latency of one tape: p50, p90, p99, p99.9 and the slowest, by kind of request and allocator, on a log scale.

use super::axis::{Quantity, Scale};
use super::rows::{Mark, Panel, Row, Rows};
use super::{Chart, Meta, Sheet};
use crate::study::{Cell, Tape};
use crate::units::{UNKNOWN, nanos, times};
use plotters::prelude::{DrawResult, DrawingBackend};
use replayer::results::{Latencies, Percentiles, Run};

/// The chart.
pub struct LatencyChart {
    meta: Meta,
    rows: Rows,
}

/// A kind of request: what it is called, and where its latency stands.
type Kind = (&'static str, fn(&Latencies) -> Option<Percentiles>);
const KINDS: [Kind; 3] = [
    ("malloc", |l| l.malloc),
    ("free", |l| l.free),
    ("realloc", |l| l.realloc),
];
/// Where p99.9 stands in [`Cell::percentiles`].
const P999: usize = 3;

fn of(kind: Kind) -> impl Fn(&Run) -> Option<Percentiles> {
    move |run| run.latency_ns.as_ref().and_then(kind.1)
}

impl LatencyChart {
    /// Of one tape.
    pub fn new(tape: &Tape<'_>) -> LatencyChart {
        let mut values = Vec::new();
        let mut panels: Vec<Panel> = Vec::new();
        for kind in KINDS {
            let found: Vec<Option<[f64; 5]>> =
                tape.cells.iter().map(|c| c.percentiles(of(kind))).collect();
            if found.iter().all(Option::is_none) {
                continue;
            }
            values.extend(found.iter().flatten().flatten().copied());
            let rows = tape
                .cells
                .iter()
                .zip(&found)
                .map(|(cell, p)| row(cell, *p, kind.0))
                .collect();
            panels.push(Panel {
                heading: kind.0.to_owned(),
                note: String::new(),
                rows,
                missing: None,
            });
        }
        if panels.is_empty() {
            panels.push(Panel {
                heading: tape.name.to_owned(),
                note: String::new(),
                rows: Vec::new(),
                missing: Some("No latency was sampled on this tape.".to_owned()),
            });
        }
        let marks = [
            (Mark::Dot(0.5, 5.0, 1.0), "p50"),
            (Mark::Dot(0.5, 3.5, 0.75), "p90"),
            (Mark::Tick(0.5), "p99"),
            (Mark::Ring(0.5, 4.0), "p99.9"),
            (Mark::Dot(0.5, 2.0, 1.0), "slowest"),
        ];
        let rows = Rows {
            scale: Scale::log(Quantity::Time, values),
            reference: None,
            axis: "time of one request, log scale".to_owned(),
            key: marks.to_vec(),
            panels,
        };
        let meta = Meta {
            id: format!("latency-{}", tape.slug),
            title: title(tape),
            subtitle: format!("Latency of sampled requests, the clock’s own cost included; at the right p50 and p99.9. Tape {}.", tape.name),
            caption: "Further left is faster. Each row runs from the median (large dot) to the slowest request seen (small dot): \
                      a short row means that requests take about the same time, a long one that some wait. \
                      Percentiles are medians over the repetitions, the slowest is that of all."
                .to_owned(),
        };
        LatencyChart { meta, rows }
    }
}

fn row(cell: &Cell<'_>, percentiles: Option<[f64; 5]>, kind: &str) -> Row {
    let Some([p50, p90, p99, p999, max]) = percentiles else {
        let missing = cell.reservation().unwrap_or_else(|| {
            if cell.runs.is_empty() {
                "not measured".to_owned()
            } else {
                format!("no {kind} was sampled")
            }
        });
        return Row {
            name: cell.name.to_owned(),
            colour: cell.colour,
            marks: Vec::new(),
            value: UNKNOWN.to_owned(),
            short: UNKNOWN.to_owned(),
            missing: Some(missing),
            reservation: None,
        };
    };
    Row {
        name: cell.name.to_owned(),
        colour: cell.colour,
        marks: vec![
            Mark::Span(p50, max),
            Mark::Dot(max, 2.0, 1.0),
            Mark::Ring(p999, 4.0),
            Mark::Tick(p99),
            Mark::Dot(p90, 3.5, 0.75),
            Mark::Dot(p50, 5.0, 1.0),
        ],
        value: format!("{} · {}", nanos(p50), nanos(p999)),
        short: nanos(p999),
        missing: None,
        reservation: cell.reservation(),
    }
}

/// Whose tail is the shortest, of the first kind that was sampled. A claim needs that the repetitions' ranges do not overlap.
fn title(tape: &Tape<'_>) -> String {
    let name = tape.name;
    for kind in KINDS {
        let tail = |c: &Cell<'_>| c.percentiles(of(kind)).map(|p| p[P999]);
        let Some((best, best_tail)) = tape
            .contenders()
            .filter_map(|c| Some((c, tail(c)?)))
            .min_by(|a, b| a.1.total_cmp(&b.1))
        else {
            continue;
        };
        let at = format!("p99.9 of {} on {name}", kind.0);
        let Some((system, system_tail)) = tape
            .contenders()
            .find(|c| c.is_baseline())
            .and_then(|c| Some((c, tail(c)?)))
        else {
            return format!(
                "{} has the shortest tail: {at} is {}",
                best.name,
                nanos(best_tail)
            );
        };
        if best.is_baseline() {
            return format!(
                "No allocator has a shorter tail than system: {at} is {}",
                nanos(system_tail)
            );
        }
        let range = |c: &Cell<'_>| {
            let all = || c.runs.iter().filter_map(|r| of(kind)(r)).map(|p| p.p999);
            (all().min().unwrap_or(0), all().max().unwrap_or(0))
        };
        if range(best).1 >= range(system).0 {
            return format!(
                "No shorter tail than system’s beyond noise: {at} is {} with {}, {} with system",
                nanos(best_tail),
                best.name,
                nanos(system_tail)
            );
        }
        return format!(
            "{} has the shortest tail: {at} is {}, {} system’s {}",
            best.name,
            nanos(best_tail),
            times(best_tail / system_tail),
            nanos(system_tail)
        );
    }
    format!("Latency was not sampled on {name}")
}

impl<B: DrawingBackend> Chart<B> for LatencyChart {
    fn meta(&self) -> &Meta {
        &self.meta
    }

    fn height(&self, _width: f64) -> f64 {
        self.rows.height()
    }

    fn draw(&self, sheet: &Sheet<'_, B>) -> DrawResult<(), B> {
        self.rows.draw(sheet)
    }
}
