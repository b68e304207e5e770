//! New over old: what changed for each tape and allocator, in time and in peak RSS.

use super::axis::{Quantity, Scale};
use super::rows::{Mark, Panel, Row, Rows};
use super::table::{Table, figure};
use super::{Chart, Meta, Titled};
use crate::study::{After, Basis, Change, Diff, Shift, Turn, WORTH, plural};
use crate::units::{UNKNOWN, percent, times, times_with_interval};
use plotters::prelude::DrawingBackend;

/// What a chart compares.
#[derive(Clone, Copy)]
struct Side {
    id: &'static str,
    what: &'static str,
    of: fn(&Change) -> Option<Shift>,
    better: &'static str,
    worse: &'static str,
}

const SIDES: [Side; 2] = [
    Side {
        id: "change-time",
        what: "elapsed time",
        of: |c| c.time,
        better: "faster",
        worse: "slower",
    },
    Side {
        id: "change-memory",
        what: "peak RSS",
        of: |c| c.memory,
        better: "smaller",
        worse: "larger",
    },
];

/// The charts of a comparison.
pub fn charts<B: DrawingBackend>(diff: &Diff<'_>) -> Vec<Box<dyn Chart<B>>> {
    SIDES
        .iter()
        .map(|side| -> Box<dyn Chart<B>> { Box::new(chart(diff, *side)) })
        .collect()
}

fn chart(diff: &Diff<'_>, side: Side) -> Titled<Rows> {
    let changes = || diff.after.iter().flat_map(|a| &a.changes);
    let values = changes()
        .filter_map(side.of)
        .flat_map(|s| [s.ratio.low, s.ratio.median, s.ratio.high]);
    let scale = Scale::log(Quantity::Ratio, values.chain([1.0]));
    let several = diff.after.len() > 1;
    let panels = diff
        .after
        .iter()
        .flat_map(|a| panels(a, side, several))
        .collect();
    let rows = Rows {
        scale,
        reference: Some(1.0),
        axis: format!(
            "← {} · {}, new over old, log scale · {} →",
            side.better, side.what, side.worse
        ),
        key: vec![
            (Mark::Dot(0.5, 5.0, 1.0), "beyond noise"),
            (Mark::Ring(0.5, 4.5), "within noise"),
            (Mark::Span(0.0, 1.0), "95 % interval"),
        ],
        panels,
    };
    let labels: Vec<&str> = diff.after.iter().map(|a| a.label.as_str()).collect();
    let basis = diff
        .after
        .iter()
        .map(|a| a.basis)
        .next()
        .unwrap_or(Basis::Absolute);
    let meta = Meta {
        id: side.id.to_owned(),
        title: title(diff, side),
        subtitle: format!(
            "{} in {} over {}, {}.",
            capital(side.what),
            crate::study::list(&labels),
            diff.before,
            basis.words()
        ),
        caption: format!(
            "Left of the line is {}, right is {}. A filled dot changed by at least {} and its interval leaves out 1; an open one did not, or has one repetition only, which says nothing of the noise. \
             Intervals are 95 % bootstrap intervals of the ratio of the medians.",
            side.better,
            side.worse,
            percent(WORTH)
        ),
    };
    Titled {
        meta,
        data: data(diff, side),
        plot: rows,
    }
}

fn capital(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}

fn panels(after: &After<'_>, side: Side, several: bool) -> Vec<Panel> {
    let mut tapes: Vec<&str> = Vec::new();
    for change in &after.changes {
        if !tapes.contains(&change.tape.as_str()) {
            tapes.push(&change.tape);
        }
    }
    let panel = |tape: &&str| {
        let of = || after.changes.iter().filter(|c| c.tape == **tape);
        let any = of().any(|c| (side.of)(c).is_some());
        Panel {
            heading: (*tape).to_owned(),
            note: if several {
                after.label.clone()
            } else {
                String::new()
            },
            scale: None,
            rows: of().map(|c| row(c, side)).collect(),
            missing: (!any).then(|| format!("No {} to compare on this tape.", side.what)),
        }
    };
    tapes.iter().map(panel).collect()
}

fn row(change: &Change, side: Side) -> Row {
    let mut row = Row {
        name: change.allocator.clone(),
        colour: change.colour,
        marks: Vec::new(),
        value: UNKNOWN.to_owned(),
        short: UNKNOWN.to_owned(),
        missing: None,
        reservation: None,
    };
    let Some(shift) = (side.of)(change) else {
        row.missing = Some(change.words());
        return row;
    };
    let ratio = shift.ratio;
    row.marks.push(Mark::Span(ratio.low, ratio.high));
    row.marks.push(if shift.turn() == Turn::Same {
        Mark::Ring(ratio.median, 4.5)
    } else {
        Mark::Dot(ratio.median, 5.0, 1.0)
    });
    row.short = times(ratio.median);
    row.value = if ratio.repeated {
        times_with_interval(ratio.median, ratio.low, ratio.high)
    } else {
        format!("{} (one run)", row.short)
    };
    row
}

fn title(diff: &Diff<'_>, side: Side) -> String {
    let shifts = || {
        diff.after
            .iter()
            .flat_map(|a| &a.changes)
            .filter_map(|c| Some((c, (side.of)(c)?)))
    };
    let of = |turn: Turn| shifts().filter(|(_, s)| s.turn() == turn).count();
    let compared = shifts().count();
    let (worse, better) = (of(Turn::Worse), of(Turn::Better));
    if compared == 0 {
        return format!("No {} can be compared", side.what);
    }
    if worse + better == 0 {
        return format!(
            "No change of {} beyond noise in {}",
            side.what,
            plural(compared, "comparison")
        );
    }
    let extreme = |turn: Turn| {
        shifts()
            .filter(|(_, s)| s.turn() == turn)
            .max_by(|a, b| {
                a.1.ratio
                    .median
                    .ln()
                    .abs()
                    .total_cmp(&b.1.ratio.median.ln().abs())
            })
            .map_or_else(String::new, |(c, s)| {
                format!(
                    ", {} on {} the most at {}",
                    c.allocator,
                    c.tape,
                    times(s.ratio.median)
                )
            })
    };
    let mut parts = Vec::new();
    if worse > 0 {
        parts.push(format!(
            "{worse} of {compared} {}{}",
            side.worse,
            extreme(Turn::Worse)
        ));
    }
    if better > 0 {
        parts.push(format!(
            "{better} of {compared} {}{}",
            side.better,
            extreme(Turn::Better)
        ));
    }
    format!("Beyond noise: {}", parts.join("; "))
}

fn data(diff: &Diff<'_>, side: Side) -> Table {
    let mut table = Table::new(&[
        "file",
        "tape",
        "allocator",
        "new_over_old",
        "low",
        "high",
        "old",
        "new",
        "verdict",
    ]);
    for after in &diff.after {
        for change in &after.changes {
            let shift = (side.of)(change);
            let verdict = match shift.map(|s| s.turn()) {
                Some(Turn::Better) => side.better,
                Some(Turn::Worse) => side.worse,
                Some(Turn::Same) => "within noise",
                None => "not compared",
            };
            table.rows.push(vec![
                after.label.clone(),
                change.tape.clone(),
                change.allocator.clone(),
                figure(shift.map(|s| s.ratio.median)),
                figure(shift.map(|s| s.ratio.low)),
                figure(shift.map(|s| s.ratio.high)),
                figure(shift.map(|s| s.before)),
                figure(shift.map(|s| s.after)),
                verdict.to_owned(),
            ]);
        }
    }
    table
}
