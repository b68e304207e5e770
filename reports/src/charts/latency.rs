//! Latency of one tape: p50, p90, p99, p99.9 and the slowest, by kind of request and allocator, on a log scale.

use super::axis::{Quantity, Scale};
use super::rows::{Mark, Panel, Row, Rows};
use super::table::Table;
use super::{Meta, Titled};
use crate::stats::Spread;
use crate::study::{Cell, Ranking, Tape};
use crate::units::{nanos, times};
use replayer::results::{Latencies, Percentiles, Run};

/// A kind of request: what it is called, and where its latency stands.
type Kind = (&'static str, fn(&Latencies) -> Option<Percentiles>);
const KINDS: [Kind; 3] = [
    ("malloc", |l| l.malloc),
    ("free", |l| l.free),
    ("realloc", |l| l.realloc),
];

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
            "No latency was sampled on this tape.",
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

/// Whose tail is the shortest, of the first kind that was sampled, and what that is over `system`'s.
fn title(tape: &Tape<'_>) -> String {
    let name = tape.name;
    for kind in KINDS {
        let tail = |c: &Cell<'_>| {
            Spread::of(
                c.runs
                    .iter()
                    .filter_map(|r| of(kind)(r))
                    .map(|p| p.p999 as f64),
            )
        };
        let ranking = Ranking::of(tape, tail);
        let Some((first, _)) = ranking.ends() else {
            continue;
        };
        let at = format!("p99.9 of {} on {name}", kind.0);
        let shortest = nanos(first.figure.median);
        let leads = || format!("{}{} has the shortest tail", ranking.reserve(), first.name);
        let level = ranking.level_phrase();
        return match ranking.get("system") {
            Some(system) if first.name == system.name => {
                format!("No allocator has a shorter tail than system: {at} is {shortest}")
            }
            Some(system) if !first.is_less_than(&system) => format!(
                "No shorter tail than system’s beyond noise: {at} is {shortest} with {}, {} with system",
                first.name,
                nanos(system.figure.median)
            ),
            Some(system) => format!(
                "{}{level}: {at} is {shortest}, {} system’s {}",
                leads(),
                times(first.figure.median / system.figure.median),
                nanos(system.figure.median)
            ),
            None => format!("{}{level}: {at} is {shortest}", leads()),
        };
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
