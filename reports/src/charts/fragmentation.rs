//! Fragmentation over time: the share of resident memory that holds nothing that the program has asked for.

use super::axis::{Quantity, Scale};
use super::curves::{Curve, Look};
use super::multiples::{Multiples, Small};
use super::span::Span;
use super::table::{Table, figure};
use super::thin::thin;
use super::{Meta, Titled};
use crate::stats::Spread;
use crate::study::{Cell, Ranking, Tape};
use crate::theme::{LIVE, REFERENCE};
use crate::units::percent;
use replayer::results::{FootprintSample, Run};

/// Below this part of its greatest RSS a run has only begun or nearly ended, and a share of next to nothing says nothing.
const WORTH: f64 = 0.02;

/// The chart of one tape.
pub fn chart(tape: &Tape<'_>) -> Titled<Multiples> {
    let shown = || tape.shown();
    let drawn: Vec<Vec<(f64, f64)>> = shown()
        .map(|cell| {
            cell.typical_run(|r| unused(r).is_some())
                .map_or_else(Vec::new, shares)
        })
        .collect();
    let length = |points: &[(f64, f64)]| points.last().map_or(0.0, |(t, _)| *t);
    let span = Span::of(&drawn.iter().map(|d| length(d)).collect::<Vec<f64>>());
    let placed: Vec<Vec<(f64, f64)>> = drawn
        .iter()
        .map(|d| {
            d.iter()
                .map(|(t, y)| (span.place(*t, length(d)), *y))
                .collect()
        })
        .collect();
    let behind = shown().zip(&placed).find(|(c, _)| c.is_baseline());
    let plot = |(cell, points): (&Cell<'_>, &Vec<(f64, f64)>)| {
        let mut curves = Vec::new();
        let curve = |colour, look, points: &Vec<(f64, f64)>| Curve {
            colour,
            look,
            points: points.clone(),
        };
        if !points.is_empty() {
            curves.push(curve(LIVE, Look::Area(0.5), points));
            let system = behind.filter(|(_, p)| !cell.is_baseline() && !p.is_empty());
            curves.extend(system.map(|(_, p)| curve(REFERENCE, Look::Line(1.0), p)));
            curves.push(curve(cell.colour, Look::Line(2.25), points));
        }
        let over_all = mean(cell).map_or_else(String::new, |m| percent(m.median));
        Small {
            name: cell.name.to_owned(),
            figures: [over_all.clone(), over_all],
            curves,
        }
    };
    let plots = shown().zip(&placed).map(plot).collect();
    let meta = Meta::of_tape(
        tape,
        "fragmentation",
        title(tape),
        "Share of the resident memory (RSS) that holds no live bytes, in the run of median time; at the head the share over the whole run.",
        &format!(
            "0 % would be an allocator that keeps nothing but what was asked for; 100 % is memory that is all kept and not used, as after the last free. \
             It counts headers, rounding, free blocks and caches. The figure at the head weighs by memory and time, and is the median over the repetitions. {}",
            span.words()
        ),
    );
    let plots = Multiples {
        across: span.scale,
        up: Scale::over(Quantity::Share, 0.0, 1.0),
        key: vec![(Look::Line(1.0), REFERENCE, "system")],
        axis: span.axis().to_owned(),
        missing: "No run of this tape has samples of live bytes and RSS.",
        plots,
    };
    Titled {
        meta,
        data: data(tape),
        plot: plots,
    }
}

/// The share at each moment worth one.
fn shares(run: &Run) -> Vec<(f64, f64)> {
    let samples = thin(&run.footprint);
    let most = samples.iter().map(|s| s.rss_bytes).max().unwrap_or(0) as f64;
    samples
        .iter()
        .filter(|s| s.rss_bytes as f64 > most * WORTH)
        .map(|s| (s.t_ns as f64, share(s)))
        .collect()
}

/// Memory that was asked for and never touched makes live bytes exceed RSS: then nothing is unused.
fn share(sample: &FootprintSample) -> f64 {
    (1.0 - sample.live_bytes as f64 / sample.rss_bytes as f64).clamp(0.0, 1.0)
}

/// Unused memory over resident memory, both summed over time by the trapezium rule; `None` where nothing was sampled.
fn unused(run: &Run) -> Option<f64> {
    let mut samples: Vec<&FootprintSample> = run.footprint.iter().collect();
    samples.sort_by_key(|s| s.t_ns);
    let (mut unused, mut resident) = (0.0, 0.0);
    for pair in samples.windows(2) {
        let span = (pair[1].t_ns - pair[0].t_ns) as f64;
        for s in pair {
            unused += span * s.rss_bytes.saturating_sub(s.live_bytes) as f64;
            resident += span * s.rss_bytes as f64;
        }
    }
    (resident > 0.0).then(|| unused / resident)
}

/// [`unused`] over the repetitions.
fn mean(cell: &Cell<'_>) -> Option<Spread> {
    Spread::of(cell.runs.iter().filter_map(|r| unused(r)))
}

/// Who wastes the least and who the most.
fn title(tape: &Tape<'_>) -> String {
    let name = tape.name;
    let ranking = Ranking::of(tape, mean);
    let reserve = ranking.reserve();
    match ranking.ends() {
        None => format!("Fragmentation over time was not sampled on {name}"),
        Some((one, None)) => format!(
            "On {name} {} of what {} keeps resident is unused",
            percent(one.figure.median),
            one.name
        ),
        Some((first, Some(last))) if first.is_less_than(&last) => format!(
            "{reserve}{} leaves the least unused on {name}, {} of its RSS{}; {} the most, {}",
            first.name,
            percent(first.figure.median),
            ranking.level_phrase(),
            last.name,
            percent(last.figure.median)
        ),
        Some((first, Some(last))) => format!(
            "On {name} all allocators leave about the same share unused: {} to {}",
            percent(first.figure.median),
            percent(last.figure.median)
        ),
    }
}

/// Over time it is the footprint's figures; here the share over the whole run.
fn data(tape: &Tape<'_>) -> Table {
    let mut table = Table::new(&["tape", "allocator", "unused_share_of_rss", "least", "most"]);
    for cell in tape.shown() {
        let mean = mean(cell);
        table.rows.push(vec![
            tape.name.to_owned(),
            cell.id.to_owned(),
            figure(mean.map(|m| m.median)),
            figure(mean.map(|m| m.min)),
            figure(mean.map(|m| m.max)),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unused_weighs_by_memory_and_time() {
        let sample = |t_ns, live_bytes, rss_bytes| FootprintSample {
            t_ns,
            live_bytes,
            rss_bytes,
        };
        let run = |footprint| Run {
            footprint,
            ..Run::default()
        };
        // One unit of time at 0 of 100 unused, three at 50 of 100.
        let stepped = run(vec![
            sample(0, 100, 100),
            sample(1, 100, 100),
            sample(1, 50, 100),
            sample(4, 50, 100),
        ]);
        assert_eq!(unused(&stepped), Some(150.0 / 400.0));
        assert_eq!(unused(&run(vec![])), None);
        assert_eq!(unused(&run(vec![sample(0, 9, 0), sample(5, 9, 0)])), None);
        let untouched = run(vec![sample(0, 100, 10), sample(5, 100, 10)]);
        assert_eq!(unused(&untouched), Some(0.0));
        assert_eq!(shares(&untouched), [(0.0, 0.0), (5.0, 0.0)]);
    }
}
