//! Where the processor time went, for each tape and allocator: the allocator, the kernel, waits, the harness.

use super::axis::{Quantity, Scale};
use super::rows::{Mark, Panel, Row, Rows};
use super::table::{Table, figure};
use super::{Meta, Titled};
use crate::study::{Cell, Study, Tape, list};
use crate::theme::{LIVE, REFERENCE};
use crate::units::{nanos, percent};

/// The opacity of the kernel's part, which has the allocator's colour too: it is the allocator's doing.
const KERNEL: f64 = 0.45;

/// Twenty-five ticks of the kernel's clock at 250 a second: with fewer the parts are mostly chance.
const TICKS: f64 = 1e8;

/// Nanoseconds an operation: allocator, kernel, waits, harness.
type Parts = [f64; 4];

/// The chart of all tapes.
pub fn chart(study: &Study<'_>) -> Titled<Rows> {
    let rows = Rows {
        scale: Scale::from_zero(Quantity::Time, []),
        reference: None,
        axis: "processor time an operation, each tape on its own scale".to_owned(),
        key: vec![
            (Mark::Bar(0.0, 1.0, 1.0), "allocator"),
            (Mark::Bar(0.0, 1.0, KERNEL), "kernel: page faults, mapping"),
            (Mark::Part(0.0, 1.0, REFERENCE, 1.0), "waits"),
            (Mark::Part(0.0, 1.0, LIVE, 0.6), "harness"),
        ],
        panels: study.tapes.iter().map(panel).collect(),
    };
    let meta = Meta::of_tapes(
        study,
        "time-spent",
        title(study),
        "User and system time of the replay an operation, in four parts; at the right the total, with the allocator’s and the kernel’s part.",
        "The strong part is the allocator’s own code, the half-strong one what it makes the kernel do: page faults of fresh memory and mapping. \
                  Waits for another thread’s block and the harness’s own cost, measured with null, are grey: no allocator can do anything about them. The mean over the repetitions is shown. The kernel counts in ticks of its clock, so short runs can’t be split, and of a part that is cut off by a longer wait nothing is seen.",
    );
    Titled {
        meta,
        data: data(study),
        plot: rows,
    }
}

fn panel(tape: &Tape<'_>) -> Panel {
    let totals = tape.shown().filter_map(parts).map(|p| p.iter().sum());
    let rows = tape.shown().map(row).collect();
    let otherwise = "Where the time went was not measured on this tape.";
    Panel {
        scale: Some(Scale::from_zero(Quantity::Time, totals)),
        ..Panel::of(tape, rows, otherwise)
    }
}

/// Over all repetitions together: the kernel counts user and system time in ticks, of which one short run has few.
fn parts(cell: &Cell<'_>) -> Option<Parts> {
    let mut sums = [0.0; 4];
    let mut ops = 0.0;
    for (run, time) in cell.runs.iter().filter_map(|r| Some((r, r.time?))) {
        let parts = [
            time.allocator_ns,
            time.kernel_ns,
            time.wait_ns,
            time.harness_ns,
        ];
        for (sum, ns) in sums.iter_mut().zip(parts) {
            *sum += ns as f64;
        }
        ops += run.ops as f64;
    }
    (ops > 0.0).then(|| sums.map(|ns| ns / ops))
}

/// Whether the repetitions together are too short for the kernel's ticks to tell its own part from the allocator's.
fn is_too_short(cell: &Cell<'_>) -> bool {
    let times = cell.runs.iter().filter_map(|r| r.time);
    let total: f64 = times
        .map(|t| {
            [t.allocator_ns, t.kernel_ns, t.wait_ns, t.harness_ns]
                .map(|ns| ns as f64)
                .iter()
                .sum::<f64>()
        })
        .sum();
    total < TICKS
}

fn row(cell: &Cell<'_>) -> Row {
    let Some(parts) = parts(cell) else {
        return Row::without(cell, "not split");
    };
    let [allocator, kernel, wait, _] = parts;
    let total: f64 = parts.iter().sum();
    let ends = [
        allocator,
        allocator + kernel,
        allocator + kernel + wait,
        total,
    ];
    let mut row = Row::of(cell, None);
    row.marks = vec![
        Mark::Bar(0.0, ends[0], 1.0),
        Mark::Bar(ends[0], ends[1], KERNEL),
        Mark::Part(ends[1], ends[2], REFERENCE, 1.0),
        Mark::Part(ends[2], ends[3], LIVE, 0.6),
    ];
    // A part of nothing would still be drawn as a hairline.
    row.marks.retain(|mark| match mark {
        Mark::Bar(from, to, _) | Mark::Part(from, to, ..) => to > from,
        _ => true,
    });
    row.short = nanos(total);
    row.value = match () {
        () if is_too_short(cell) => format!("{} (too short to split)", nanos(total)),
        () if kernel > 0.0 => {
            format!(
                "{} ({} + {})",
                nanos(total),
                nanos(allocator),
                nanos(kernel)
            )
        }
        () => format!("{} ({}, kernel not seen)", nanos(total), nanos(allocator)),
    };
    row
}

/// How much of the time of each tape's fastest is any allocator's to save.
fn title(study: &Study<'_>) -> String {
    let own = |tape: &Tape<'_>| -> Option<(String, String, f64)> {
        let best = tape.fastest().filter(|best| !is_too_short(best))?;
        let parts = parts(best)?;
        let total: f64 = parts.iter().sum();
        let share = (parts[0] + parts[1]) / total;
        (total > 0.0).then(|| (best.name.to_owned(), tape.name.to_owned(), share))
    };
    let found: Vec<(String, String, f64)> = study.tapes.iter().filter_map(own).collect();
    let Some((first, _, share)) = found.first() else {
        let measured = study
            .tapes
            .iter()
            .flat_map(|t| &t.cells)
            .any(|c| parts(c).is_some());
        return if measured {
            "The runs were too short to tell where the processor time went".to_owned()
        } else {
            "Where the processor time went was not measured".to_owned()
        };
    };
    if found.iter().any(|(name, ..)| name != first) {
        let each: Vec<String> = found
            .iter()
            .map(|(name, tape, share)| format!("{} with {name} on {tape}", percent(*share)))
            .collect();
        return format!(
            "Allocator and kernel take {} of the processor time; the rest is waits and harness",
            list(&each)
        );
    }
    let shares = || found.iter().map(|(.., share)| *share);
    let (low, high) = (
        shares().fold(*share, f64::min),
        shares().fold(*share, f64::max),
    );
    let range = if percent(low) == percent(high) {
        percent(low)
    } else {
        format!("{} to {}", percent(low), percent(high))
    };
    format!(
        "With {first}, {range} of the processor time is the allocator’s and the kernel’s; the rest is waits and harness"
    )
}

fn data(study: &Study<'_>) -> Table {
    let columns = [
        "allocator_ns_per_op",
        "kernel_ns_per_op",
        "wait_ns_per_op",
        "harness_ns_per_op",
    ];
    Table::of_cells(study, Tape::shown, &columns, |cell| {
        let parts = parts(cell);
        let of = |part: usize| figure(parts.map(|p| p[part]));
        (0..4).map(of).collect()
    })
}
