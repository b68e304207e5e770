//! The same program run live, where that was measured: the check of a replay against life.

use super::summary::swatch;
use crate::stats::Spread;
use crate::study::{Study, plural};
use crate::theme;
use crate::units::{UNKNOWN, bytes, count, nanos, times};
use maud::{Markup, html};
use replayer::results::LiveRun;

/// The runs of one program under one allocator.
struct Row<'r> {
    program: &'r str,
    allocator: &'r str,
    runs: Vec<&'r LiveRun>,
}

impl Row<'_> {
    fn median(&self, of: fn(&LiveRun) -> u64) -> Option<f64> {
        Spread::of(self.runs.iter().map(|r| of(r) as f64)).map(|s| s.median)
    }
}

fn rows<'r>(live: &'r [LiveRun]) -> Vec<Row<'r>> {
    let mut rows: Vec<Row<'r>> = Vec::new();
    for run in live {
        let of = |row: &&mut Row<'_>| row.program == run.program && row.allocator == run.allocator;
        match rows.iter_mut().find(of) {
            Some(row) => row.runs.push(run),
            None => rows.push(Row {
                program: &run.program,
                allocator: &run.allocator,
                runs: vec![run],
            }),
        }
    }
    rows
}

/// The section; nothing where no program was run live.
pub fn section(study: &Study<'_>) -> Markup {
    let rows = rows(&study.results.live);
    let colours = theme::allocators(rows.iter().map(|r| r.allocator));
    let shown =
        |value: Option<f64>, how: fn(f64) -> String| value.map_or_else(|| UNKNOWN.to_owned(), how);
    let system = |row: &Row<'_>, of: fn(&LiveRun) -> u64| {
        let base = rows
            .iter()
            .find(|r| r.program == row.program && r.allocator == "system")?;
        Some(row.median(of)? / base.median(of)?)
    };
    html! {
        @if !rows.is_empty() {
            section #live {
                h2 { a href="#live" { "Live" } }
                p.sub { "The program itself under each allocator, measured from outside; medians over the repetitions. Everything that it does is in these times, not only its allocator." }
                div.scroll { table {
                    thead { tr {
                        @for head in ["Allocator", "Program", "Runs", "Elapsed", "over system’s", "User", "System", "Peak RSS", "over system’s", "Minor faults", "Failed"] {
                            th scope="col" { (head) }
                        }
                    } }
                    tbody { @for (row, colour) in rows.iter().zip(colours) {
                        @let failed = row.runs.iter().filter(|r| r.exit_code != 0).count();
                        tr {
                            th scope="row" { (swatch(colour)) (row.allocator) }
                            td.words { (row.program) }
                            td { (count(row.runs.len() as u64)) }
                            td { (shown(row.median(|r| r.elapsed_ns), nanos)) }
                            td { (shown(system(row, |r| r.elapsed_ns), times)) }
                            td { (shown(row.median(|r| r.user_ns), nanos)) }
                            td { (shown(row.median(|r| r.sys_ns), nanos)) }
                            td { (shown(row.median(|r| r.peak_rss_bytes), bytes)) }
                            td { (shown(system(row, |r| r.peak_rss_bytes), times)) }
                            td { (shown(row.median(|r| r.minor_faults), |n| count(n as u64))) }
                            td class=(if failed > 0 { "bad" } else { "" }) { (plural(failed, "run")) }
                        }
                    } }
                } }
            }
        }
    }
}
