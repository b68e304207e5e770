//! Fragmentation over time: the share of resident memory that holds nothing that the program has asked for.

use super::axis::{Quantity, Scale};
use super::curves::{Curve, Look};
use super::multiples::{Multiples, Small};
use super::table::{Table, figure};
use super::thin::thin;
use super::{Meta, Titled};
use crate::stats::Spread;
use crate::study::{Cell, Tape};
use crate::theme::{LIVE, REFERENCE};
use crate::units::percent;
use replayer::results::{FootprintSample, Run};

/// Below this part of its greatest RSS a run has only begun or nearly ended, and a share of next to nothing says nothing.
const WORTH: f64 = 0.02;

/// The chart of one tape.
pub fn chart(tape: &Tape<'_>) -> Titled<Multiples> {
    let shown = || tape.cells.iter().filter(|c| !c.is_calibration());
    let run = |cell: &Cell<'_>| cell.typical_run(|r| unused(r).is_some()).map(shares);
    let behind = shown().find(|c| c.is_baseline()).and_then(run);
    let plots: Vec<Small> =
        shown()
            .map(|cell| {
                let mut curves = Vec::new();
                if let Some(points) = run(cell) {
                    let look = Look::Line(1.0);
                    curves.push(Curve {
                        colour: LIVE,
                        look: Look::Area(0.5),
                        points: points.clone(),
                    });
                    curves.extend(behind.iter().filter(|_| !cell.is_baseline()).map(|system| {
                        Curve {
                            colour: REFERENCE,
                            look,
                            points: system.clone(),
                        }
                    }));
                    curves.push(Curve {
                        colour: cell.colour,
                        look: Look::Line(2.25),
                        points,
                    });
                }
                let over_all = mean(cell).map_or_else(String::new, |m| percent(m.median));
                Small {
                    name: cell.name.to_owned(),
                    figures: [over_all.clone(), over_all],
                    curves,
                }
            })
            .collect();
    let times = || plots.iter().flat_map(|p| &p.curves).flat_map(|c| &c.points);
    let meta = Meta::of_tape(
        tape,
        "fragmentation",
        title(tape),
        "Share of the resident memory (RSS) that holds no live bytes, in the run of median time; at the head the share over the whole run.",
        "0 % would be an allocator that keeps nothing but what was asked for; 100 % is memory that is all kept and not used, as after the last free. \
                  It counts headers, rounding, free blocks and caches. The figure at the head weighs by memory and time, and is the median over the repetitions.",
    );
    let across = Scale::from_zero(Quantity::Time, times().map(|(t, _)| *t));
    let plots = Multiples {
        across,
        up: Scale::over(Quantity::Share, 0.0, 1.0),
        key: vec![(Look::Line(1.0), REFERENCE, "system")],
        axis: "time since the run began",
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

/// Who wastes the least and who the most. A claim needs that the repetitions' ranges do not overlap.
fn title(tape: &Tape<'_>) -> String {
    let name = tape.name;
    let mut all: Vec<(Spread, &str)> = tape
        .contenders()
        .filter_map(|c| Some((mean(c)?, c.name)))
        .collect();
    all.sort_by(|a, b| a.0.median.total_cmp(&b.0.median));
    match &all[..] {
        [] => format!("Fragmentation over time was not sampled on {name}"),
        [(one, who)] => format!(
            "On {name} {} of what {who} keeps resident is unused",
            percent(one.median)
        ),
        [(least, first), .., (most, last)] if least.max < most.min => format!(
            "{first} leaves the least unused on {name}, {} of its RSS; {last} the most, {}",
            percent(least.median),
            percent(most.median)
        ),
        [(least, _), .., (most, _)] => format!(
            "On {name} all allocators leave about the same share unused: {} to {}",
            percent(least.median),
            percent(most.median)
        ),
    }
}

/// Over time it is the footprint's figures; here the share over the whole run.
fn data(tape: &Tape<'_>) -> Table {
    let mut table = Table::new(&["tape", "allocator", "unused_share_of_rss", "least", "most"]);
    for cell in tape.cells.iter().filter(|c| !c.is_calibration()) {
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
