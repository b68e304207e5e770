//! Elapsed time over `system`'s, for each tape and allocator, with its interval and each repetition.

use super::axis::{Quantity, Scale};
use super::rows::{Mark, Panel, Row, Rows};
use super::table::{Table, figure};
use super::{Meta, Titled};
use crate::stats::geometric_mean;
use crate::study::{Cell, Study, Tape, Verdict, list, plural, tape_finding};
use crate::units::{times, times_range_of, times_with_interval};

/// The chart of all tapes.
pub fn chart(study: &Study<'_>) -> Titled<Rows> {
    let cells = || study.tapes.iter().flat_map(|t| &t.cells);
    // null would stretch the scale to ten times its length for something that is no allocator.
    let values = cells().filter(|c| !c.is_calibration()).flat_map(|c| {
        c.time
            .iter()
            .flat_map(|t| [t.low, t.high, t.median])
            .chain(c.pairs.iter().copied())
    });
    let key = vec![
        (Mark::Dot(0.5, 5.0, 1.0), "median"),
        (Mark::Span(0.0, 1.0), "95 % interval"),
        (Mark::Dot(0.5, 2.5, 0.45), "one repetition"),
    ];
    let scale = Scale::log(Quantity::Ratio, values.chain([1.0]));
    let rows = Rows {
        reference: Some(1.0),
        axis: "← faster · elapsed time over system’s, log scale · slower →".to_owned(),
        key,
        panels: study.tapes.iter().map(|t| panel(t, &scale)).collect(),
        scale,
    };
    let meta = Meta::of_tapes(
        study,
        "elapsed-ratio",
        title(study),
        "Elapsed time of a replay over system’s in the same repetition.",
        "Left of the line is faster than system, right is slower. An interval that touches the line means: no difference beyond noise. \
                  A step to half weighs as much as a step to double, so the scale is logarithmic. null does nothing: its row shows what the harness itself takes, with a pointer where that lies beyond the scale.",
    );
    Titled {
        meta,
        data: data(study),
        plot: rows,
    }
}

fn panel(tape: &Tape<'_>, scale: &Scale) -> Panel {
    let rows = tape.cells.iter().map(|c| row(c, scale)).collect();
    let otherwise = "No ratio: system was not measured on this tape, or nothing else was.";
    Panel::of(tape, rows, otherwise)
}

fn row(cell: &Cell<'_>, scale: &Scale) -> Row {
    let Some(time) = cell.time else {
        return Row::without(cell, "no ratio to system");
    };
    let mut row = Row::of(cell, None);
    if cell.is_calibration() && !scale.has(time.median) {
        row.marks.push(Mark::Below);
    } else {
        row.marks.push(Mark::Span(time.low, time.high));
        if !cell.is_baseline() {
            row.marks.extend(
                cell.pairs
                    .iter()
                    .filter(|p| p.is_finite())
                    .map(|p| Mark::Dot(*p, 2.5, 0.45)),
            );
        }
        row.marks.push(Mark::Dot(time.median, 5.0, 1.0));
    }
    row.short = times(time.median);
    row.value = match time.verdict() {
        _ if cell.is_baseline() => row.short.clone(),
        Verdict::Single => format!("{} (one run)", row.short),
        _ => times_with_interval(time.median, time.low, time.high),
    };
    row
}

/// The finding over all tapes: one tape in full, several by who is the fastest where. Those within noise of the fastest share its place.
fn title(study: &Study<'_>) -> String {
    match &study.tapes[..] {
        [] => return "No tape was replayed".to_owned(),
        [tape] => return tape_finding(tape),
        _ => {}
    }
    let total = study.tapes.len();
    let first: Vec<First<'_>> = study.tapes.iter().filter_map(first).collect();
    if first.is_empty() {
        return match study.repetitions() {
            0 => format!("No run of {} finished", plural(total, "tape")),
            1 => format!(
                "One repetition of {}: the differences may be noise",
                plural(total, "tape")
            ),
            _ => format!(
                "No allocator is faster than system beyond noise on any of {}",
                plural(total, "tape")
            ),
        };
    }
    // One that is first, or within noise of it, wherever anything beats system.
    let best = study.allocators.iter().filter_map(|a| {
        let ratios: Option<Vec<f64>> = first
            .iter()
            .map(|f| {
                f.names
                    .iter()
                    .find(|(name, _)| *name == a.name)
                    .map(|(_, ratio)| *ratio)
            })
            .collect();
        let ratios = ratios?;
        Some((geometric_mean(&ratios)?, a.name, ratios))
    });
    let rest = if first.len() < total {
        "; elsewhere none beats system beyond noise"
    } else {
        ""
    };
    if let Some((_, name, ratios)) = best.min_by(|a, b| a.0.total_cmp(&b.0)) {
        let place = if first.iter().all(|f| f.names.len() == 1) {
            "is the fastest"
        } else {
            "is the fastest or within noise of it"
        };
        let tapes: Vec<&str> = first.iter().map(|f| f.tape).collect();
        let on = if first.len() == total {
            "every tape".to_owned()
        } else {
            list(&tapes)
        };
        return format!(
            "{name} {place} on {on}: {} system’s time{rest}",
            times_range_of(ratios)
        );
    }
    let each: Vec<String> = first
        .iter()
        .map(|f| format!("{} on {} ({})", f.names[0].0, f.tape, times(f.names[0].1)))
        .collect();
    format!(
        "Fastest by their share of system’s time: {}{rest}",
        list(&each)
    )
}

/// Who is faster than `system` beyond noise on a tape, and cannot be told from the fastest; the fastest stands first.
struct First<'s> {
    tape: &'s str,
    names: Vec<(&'s str, f64)>,
}

fn first<'s>(tape: &'s Tape<'_>) -> Option<First<'s>> {
    let best = tape.fastest()?;
    let time = best.time?;
    if best.is_baseline() || time.verdict() != Verdict::Less {
        return None;
    }
    let level = tape
        .level_with(best)
        .into_iter()
        .filter(|c| !c.is_baseline());
    let names = std::iter::once(best)
        .chain(level)
        .filter_map(|c| Some((c.name, c.time?.median)))
        .collect();
    Some(First {
        tape: tape.name,
        names,
    })
}

fn data(study: &Study<'_>) -> Table {
    let columns = [
        "elapsed_ratio",
        "interval_low",
        "interval_high",
        "elapsed_ns_median",
        "repetitions",
    ];
    Table::of_cells(
        study,
        |tape| tape.cells.iter(),
        &columns,
        |cell| {
            vec![
                figure(cell.time.map(|t| t.median)),
                figure(cell.time.map(|t| t.low)),
                figure(cell.time.map(|t| t.high)),
                figure(cell.elapsed.map(|e| e.median)),
                cell.runs.len().to_string(),
            ]
        },
    )
}
