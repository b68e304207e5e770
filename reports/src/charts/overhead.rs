//! Peak RSS over peak live bytes: what an allocator keeps beyond what the program asked for.

use super::axis::{Quantity, Scale};
use super::rows::{Mark, Panel, Row, Rows};
use super::table::{Table, figure};
use super::{Meta, Titled};
use crate::stats::geometric_mean;
use crate::study::{Cell, Study, Tape};
use crate::units::{bytes, times, times_range_of};

/// The chart of all tapes.
pub fn chart(study: &Study<'_>) -> Titled<Rows> {
    let cells = || {
        study
            .tapes
            .iter()
            .flat_map(|t| &t.cells)
            .filter(|c| !c.is_calibration())
    };
    let values: Vec<f64> = cells()
        .filter_map(|c| c.overhead)
        .flat_map(|o| [o.min, o.max])
        .chain([1.0])
        .collect();
    let scale = Scale::fitting(Quantity::Ratio, &values);
    let axis = format!(
        "peak RSS over peak live bytes{}",
        if scale.is_log() { ", log scale" } else { "" }
    );
    let rows = Rows {
        reference: Some(1.0),
        axis,
        key: vec![
            (Mark::Bar(0.0, 1.0, 0.35), "asked for"),
            (Mark::Bar(0.0, 1.0, 1.0), "kept beyond that"),
            (Mark::Span(0.0, 1.0), "least to most of the repetitions"),
        ],
        panels: study.tapes.iter().map(|t| panel(t, &scale)).collect(),
        scale,
    };
    let meta = Meta::of_tapes(
        study,
        "peak-memory",
        title(study),
        "Peak RSS over peak live bytes of the same run; in brackets the peak RSS.",
        "The pale part is what the program had asked for at its peak, the strong part is what the allocator kept beyond that: \
                  headers, rounding, fragmentation and caches. A bar that ends before the line means that part of what was asked for was never touched.",
    );
    Titled {
        meta,
        data: data(study),
        plot: rows,
    }
}

fn panel(tape: &Tape<'_>, scale: &Scale) -> Panel {
    let cells = || tape.cells.iter().filter(|c| !c.is_calibration());
    let measured = cells().any(|c| c.overhead.is_some());
    let missing = "Peak RSS or peak live bytes were not measured on this tape.";
    let rows = cells().map(|c| row(c, scale)).collect();
    Panel::of(tape, rows, (!measured).then_some(missing))
}

fn row(cell: &Cell<'_>, scale: &Scale) -> Row {
    let Some(overhead) = cell.overhead else {
        return Row::without(cell, "no peak RSS or no live bytes");
    };
    let mut row = Row::of(cell, None);
    let end = overhead.median;
    row.marks.push(Mark::Bar(scale.low(), end.min(1.0), 0.35));
    if end > 1.0 {
        row.marks.push(Mark::Bar(1.0, end, 1.0));
    }
    if overhead.count > 1 {
        row.marks.push(Mark::Span(overhead.min, overhead.max));
    }
    row.short = times(end);
    row.value = match cell.rss {
        Some(rss) => format!("{} ({})", times(end), bytes(rss.median)),
        None => row.short.clone(),
    };
    row
}

fn title(study: &Study<'_>) -> String {
    // An allocator's mean over the tapes, of those that were measured on all.
    let mut means: Vec<(f64, &str, Vec<f64>)> = Vec::new();
    for (i, allocator) in study.allocators.iter().enumerate() {
        let cells: Vec<&Cell<'_>> = study.tapes.iter().map(|t| &t.cells[i]).collect();
        let all: Option<Vec<f64>> = cells
            .iter()
            .map(|c| c.is_contender().then_some(c.overhead?.median))
            .collect();
        if let Some(all) = all
            && let Some(mean) = geometric_mean(&all)
        {
            means.push((mean, allocator.name, all));
        }
    }
    means.sort_by(|a, b| a.0.total_cmp(&b.0));
    match &means[..] {
        [] => "Peak memory over live bytes was not measured for any allocator on every tape"
            .to_owned(),
        [(_, name, all)] => format!(
            "{name} keeps {} the live bytes at the peak",
            times_range_of(all.iter().copied())
        ),
        [(a, first, of_first), .., (b, last, of_last)] => {
            // Medians within 2 % of each other are not worth a claim.
            if b / a < 1.02 {
                return format!(
                    "All allocators keep about the same at the peak: {} the live bytes",
                    times_range_of(of_first.iter().copied())
                );
            }
            format!(
                "{first} keeps the least at the peak, {} the live bytes; {last} the most, {}",
                times_range_of(of_first.iter().copied()),
                times_range_of(of_last.iter().copied())
            )
        }
    }
}

fn data(study: &Study<'_>) -> Table {
    let mut table = Table::new(&[
        "tape",
        "allocator",
        "peak_rss_over_live",
        "least",
        "most",
        "peak_rss_bytes_median",
        "peak_live_bytes_median",
    ]);
    for tape in &study.tapes {
        for cell in tape.cells.iter().filter(|c| !c.is_calibration()) {
            table.rows.push(vec![
                tape.name.to_owned(),
                cell.id.to_owned(),
                figure(cell.overhead.map(|o| o.median)),
                figure(cell.overhead.map(|o| o.min)),
                figure(cell.overhead.map(|o| o.max)),
                figure(cell.rss.map(|r| r.median)),
                figure(cell.live.map(|l| l.median)),
            ]);
        }
    }
    table
}
