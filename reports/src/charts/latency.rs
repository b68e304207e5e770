//! Latency of one tape: p50, p90, p99, p99.9 and the slowest, by kind of request and allocator, on a log scale.

use super::axis::{Quantity, Scale};
use super::rows::{Mark, Panel, Row, Rows};
use super::table::Table;
use super::{Meta, Titled};
use crate::study::{Cell, Tape};
use crate::units::{nanos, times};
use replayer::results::{Latencies, Percentiles, Run};

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

/// The chart of one tape.
pub fn chart(tape: &Tape<'_>) -> Titled<Rows> {
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
            scale: None,
            rows,
            missing: None,
        });
    }
    if panels.is_empty() {
        panels.push(Panel::of(
            tape,
            Vec::new(),
            Some("No latency was sampled on this tape."),
        ));
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
    let meta = Meta::of_tape(
        tape,
        "latency",
        title(tape),
        "Latency of sampled requests, the clock’s own cost included; at the right p50 and p99.9.",
        "Further left is faster. Each row runs from the median (large dot) to the slowest request seen (small dot): \
                  a short row means that requests take about the same time, a long one that some wait. \
                  Percentiles are medians over the repetitions, the slowest is that of all.",
    );
    Titled {
        meta,
        data: data(tape),
        plot: rows,
    }
}

fn row(cell: &Cell<'_>, percentiles: Option<[f64; 5]>, kind: &str) -> Row {
    let Some([p50, p90, p99, p999, max]) = percentiles else {
        return Row::without(cell, &format!("no {kind} was sampled"));
    };
    Row {
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
        ..Row::of(cell, None)
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

fn data(tape: &Tape<'_>) -> Table {
    let mut table = Table::new(&[
        "tape",
        "request",
        "allocator",
        "p50_ns",
        "p90_ns",
        "p99_ns",
        "p999_ns",
        "max_ns",
    ]);
    for kind in KINDS {
        for cell in &tape.cells {
            let Some(percentiles) = cell.percentiles(of(kind)) else {
                continue;
            };
            let mut row = vec![tape.name.to_owned(), kind.0.to_owned(), cell.id.to_owned()];
            row.extend(percentiles.iter().map(f64::to_string));
            table.rows.push(row);
        }
    }
    table
}
