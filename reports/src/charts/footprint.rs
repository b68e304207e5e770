//! Live bytes and RSS over time: a small plot an allocator, all on the same axes.

use super::axis::{Quantity, Scale};
use super::curves::{Curve, Look};
use super::multiples::{Multiples, Small};
use super::table::Table;
use super::thin::thin;
use super::{Meta, Titled};
use crate::study::{Cell, Tape};
use crate::theme::{Colour, INK, LIVE, REFERENCE};
use crate::units::{bytes, nanos, times};
use replayer::results::{FootprintSample, Run};

/// The chart of one tape.
pub fn chart(tape: &Tape<'_>) -> Titled<Multiples> {
    let shown = || tape.cells.iter().filter(|c| !c.is_calibration());
    let samples = |cell: &Cell<'_>| sampled(cell).map_or_else(Vec::new, |r| thin(&r.footprint));
    let all: Vec<FootprintSample> = shown().flat_map(samples).collect();
    let system = shown().find(|c| c.is_baseline()).map(samples);
    let behind = system
        .filter(|s| !s.is_empty())
        .map(|samples| curve(&samples, REFERENCE, Look::Line(1.0), |s| s.rss_bytes));
    let plots = shown().map(|cell| small(cell, &samples(cell), behind.as_ref()));
    let meta = Meta::of_tape(
        tape,
        "footprint",
        title(tape),
        "Live bytes and resident memory (RSS) since the run began, in the run of median time; peak RSS and time at its head.",
        "The area is what the program had asked for, the line above it is what was resident: the room between them is the allocator’s. \
                  All plots have the same axes, so a plot that ends earlier was faster. The thin line is system’s RSS.",
    );
    let memory = all.iter().flat_map(|s| [s.live_bytes, s.rss_bytes]);
    let plots = Multiples {
        plots: plots.collect(),
        across: Scale::from_zero(Quantity::Time, all.iter().map(|s| s.t_ns as f64)),
        up: Scale::from_zero(Quantity::Bytes, memory.map(|b| b as f64)),
        key: vec![
            (Look::Area(0.8), LIVE, "live bytes"),
            (Look::Line(2.25), INK, "RSS"),
            (Look::Line(1.0), REFERENCE, "system’s RSS"),
        ],
        axis: "time since the run began",
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

fn curve(
    samples: &[FootprintSample],
    colour: Colour,
    look: Look,
    of: fn(&FootprintSample) -> u64,
) -> Curve {
    Curve {
        colour,
        look,
        points: samples
            .iter()
            .map(|s| (s.t_ns as f64, of(s) as f64))
            .collect(),
    }
}

fn small(cell: &Cell<'_>, samples: &[FootprintSample], behind: Option<&Curve>) -> Small {
    let figures = sampled(cell).and_then(|r| {
        let peak = bytes(peak(r)? as f64);
        Some([format!("{peak} · {}", nanos(r.elapsed_ns as f64)), peak])
    });
    let mut curves = Vec::new();
    if !samples.is_empty() {
        curves.push(curve(samples, LIVE, Look::Area(0.8), |s| s.live_bytes));
        curves.extend(behind.filter(|_| !cell.is_baseline()).cloned());
        curves.push(curve(samples, cell.colour, Look::Line(2.25), |s| {
            s.rss_bytes
        }));
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

/// Whose peak is the lowest and whose the highest, with the least ratio worth a word.
fn title(tape: &Tape<'_>) -> String {
    let name = tape.name;
    let mut peaks: Vec<(f64, &str)> = tape
        .contenders()
        .filter_map(|c| {
            Some((
                crate::stats::Spread::of(c.runs.iter().filter_map(|r| peak(r)).map(|p| p as f64))?
                    .median,
                c.name,
            ))
        })
        .collect();
    peaks.sort_by(|a, b| a.0.total_cmp(&b.0));
    let seen = tape
        .cells
        .iter()
        .flat_map(|c| &c.runs)
        .any(|r| !r.footprint.is_empty());
    match &peaks[..] {
        _ if !seen => format!("Memory over time was not sampled on {name}"),
        [] => format!("No peak RSS was measured without fault on {name}"),
        [(p, one)] => format!("{one} peaks at {} of RSS on {name}", bytes(*p)),
        [(least, first), .., (most, last)] if *least > 0.0 && most / least >= 1.02 => {
            format!(
                "{first} peaks lowest on {name}, at {}; {last} at {}, {} as much",
                bytes(*least),
                bytes(*most),
                times(most / least)
            )
        }
        [(least, _), ..] => format!(
            "All allocators peak at about the same RSS on {name}: {}",
            bytes(*least)
        ),
    }
}

fn data(tape: &Tape<'_>) -> Table {
    let mut table = Table::new(&["tape", "allocator", "t_ns", "live_bytes", "rss_bytes"]);
    for cell in tape.cells.iter().filter(|c| !c.is_calibration()) {
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
