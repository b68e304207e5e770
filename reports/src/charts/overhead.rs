//! Peak RSS over peak live bytes: what an allocator keeps beyond what the program asked for.

use super::axis::{Quantity, Scale};
use super::rows::{Mark, Panel, Row, Rows};
use super::table::{Table, figure};
use super::{Meta, Titled};
use crate::stats::geometric_mean;
use crate::study::{Allocator, Cell, Ranked, Study, Tape, list};
use crate::units::{bytes, times, times_range_of};

/// The chart of all tapes.
pub fn chart(study: &Study<'_>) -> Titled<Rows> {
    let cells = || study.tapes.iter().flat_map(Tape::shown);
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
    let rows = tape.shown().map(|c| row(c, scale)).collect();
    let otherwise = "Peak RSS or peak live bytes were not measured on this tape.";
    Panel::of(tape, rows, otherwise)
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

/// An allocator that was measured on every tape without fault.
struct Contender<'s> {
    name: &'s str,
    /// One a tape.
    tapes: Vec<Ranked<'s>>,
    mean: f64,
}

impl Contender<'_> {
    /// Whether any tape tells the two apart.
    fn is_less_than(&self, other: &Contender<'_>) -> bool {
        let mut tapes = self.tapes.iter().zip(&other.tapes);
        tapes.any(|(a, b)| a.is_less_than(b))
    }

    fn range(&self) -> String {
        times_range_of(self.tapes.iter().map(|t| t.figure.median))
    }
}

fn contenders<'s>(study: &'s Study<'_>) -> Vec<Contender<'s>> {
    let of = |(i, allocator): (usize, &Allocator<'s>)| {
        let figure = |t: &'s Tape<'_>| {
            let cell = &t.cells[i];
            let figure = cell.overhead.filter(|_| cell.is_contender())?;
            Some(Ranked {
                name: allocator.name,
                figure,
            })
        };
        let tapes: Vec<Ranked<'s>> = study.tapes.iter().map(figure).collect::<Option<_>>()?;
        let medians: Vec<f64> = tapes.iter().map(|t| t.figure.median).collect();
        Some(Contender {
            name: allocator.name,
            mean: geometric_mean(&medians)?,
            tapes,
        })
    };
    let mut all: Vec<Contender<'s>> = study.allocators.iter().enumerate().filter_map(of).collect();
    all.sort_by(|a, b| a.mean.total_cmp(&b.mean));
    all
}

/// Who keeps the least and who the most, by the mean over the tapes.
fn title(study: &Study<'_>) -> String {
    let all = contenders(study);
    let repeated = all
        .iter()
        .flat_map(|c| &c.tapes)
        .all(|t| t.figure.count > 1);
    let reserve = if repeated { "" } else { "In one repetition " };
    match &all[..] {
        [] => "Peak memory over live bytes was not measured for any allocator on every tape"
            .to_owned(),
        [one] => format!(
            "{} keeps {} the live bytes at the peak",
            one.name,
            one.range()
        ),
        [first, rest @ .., last] if first.is_less_than(last) => {
            let level: Vec<&str> = rest
                .iter()
                .filter(|c| !first.is_less_than(c))
                .map(|c| c.name)
                .collect();
            let level = match &level[..] {
                [] => String::new(),
                level => format!(" ({} within noise of it)", list(level)),
            };
            format!(
                "{reserve}{} keeps the least at the peak, {} the live bytes{level}; {} the most, {}",
                first.name,
                first.range(),
                last.name,
                last.range()
            )
        }
        [first, ..] => format!(
            "No difference beyond noise in what the allocators keep at the peak: {} the live bytes with {}",
            first.range(),
            first.name
        ),
    }
}

fn data(study: &Study<'_>) -> Table {
    let columns = [
        "peak_rss_over_live",
        "least",
        "most",
        "peak_rss_bytes_median",
        "peak_live_bytes_median",
    ];
    Table::of_cells(study, Tape::shown, &columns, |cell| {
        vec![
            figure(cell.overhead.map(|o| o.median)),
            figure(cell.overhead.map(|o| o.min)),
            figure(cell.overhead.map(|o| o.max)),
            figure(cell.rss.map(|r| r.median)),
            figure(cell.live.map(|l| l.median)),
        ]
    })
}
