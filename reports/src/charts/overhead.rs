//! Peak RSS over peak live bytes: what an allocator keeps beyond what the program asked for.

use super::axis::{Quantity, Scale};
use super::rows::{Mark, Panel, Row, Rows};
use super::{Chart, Meta, Sheet};
use crate::stats::geometric_mean;
use crate::study::{Cell, Study, Tape, list};
use crate::units::{UNKNOWN, bytes, times, times_range};
use plotters::prelude::{DrawResult, DrawingBackend};

/// The chart.
pub struct OverheadChart {
    meta: Meta,
    rows: Rows,
}

impl OverheadChart {
    /// Of all tapes.
    pub fn new(study: &Study<'_>) -> OverheadChart {
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
        let names: Vec<&str> = study.tapes.iter().map(|t| t.name).collect();
        let meta = Meta {
            id: "peak-memory".to_owned(),
            title: title(study),
            subtitle: format!("Peak RSS over peak live bytes of the same run; in brackets the peak RSS. {} {}.", if names.len() == 1 { "Tape" } else { "Tapes" }, list(&names)),
            caption: "The pale part is what the program had asked for at its peak, the strong part is what the allocator kept beyond that: \
                      headers, rounding, fragmentation and caches. A bar that ends before the line means that part of what was asked for was never touched."
                .to_owned(),
        };
        OverheadChart { meta, rows }
    }
}

fn panel(tape: &Tape<'_>, scale: &Scale) -> Panel {
    let measured = tape.cells.iter().any(|c| c.overhead.is_some());
    Panel {
        heading: tape.name.to_owned(),
        note: tape.facts(),
        rows: tape
            .cells
            .iter()
            .filter(|c| !c.is_calibration())
            .map(|c| row(c, scale))
            .collect(),
        missing: (!measured)
            .then(|| "Peak RSS or peak live bytes were not measured on this tape.".to_owned()),
    }
}

fn row(cell: &Cell<'_>, scale: &Scale) -> Row {
    let mut row = Row {
        name: cell.name.to_owned(),
        colour: cell.colour,
        marks: Vec::new(),
        value: UNKNOWN.to_owned(),
        short: UNKNOWN.to_owned(),
        missing: None,
        reservation: cell.reservation(),
    };
    let Some(overhead) = cell.overhead else {
        row.missing = Some(row.reservation.take().unwrap_or_else(|| {
            if cell.runs.is_empty() {
                "not measured".into()
            } else {
                "no peak RSS or no live bytes".into()
            }
        }));
        return row;
    };
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
    let range = |of: &[f64]| {
        times_range(
            of.iter().copied().fold(f64::INFINITY, f64::min),
            of.iter().copied().fold(0.0, f64::max),
        )
    };
    match &means[..] {
        [] => "Peak memory over live bytes was not measured for any allocator on every tape"
            .to_owned(),
        [(_, name, all)] => format!("{name} keeps {} the live bytes at the peak", range(all)),
        [(a, first, of_first), .., (b, last, of_last)] => {
            // Medians within 2 % of each other are not worth a claim.
            if b / a < 1.02 {
                return format!(
                    "All allocators keep about the same at the peak: {} the live bytes",
                    range(of_first)
                );
            }
            format!(
                "{first} keeps the least at the peak, {} the live bytes; {last} the most, {}",
                range(of_first),
                range(of_last)
            )
        }
    }
}

impl<B: DrawingBackend> Chart<B> for OverheadChart {
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
