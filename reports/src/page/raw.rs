//! Every run, in closed `<details>`: the figures behind the medians.

use crate::study::{Study, Tape, plural};
use crate::units::{UNKNOWN, bytes, count, nanos};
use maud::{Markup, html};
use replayer::results::{Percentiles, Run};

/// The section with every run of every tape.
pub fn section(study: &Study<'_>) -> Markup {
    html! {
        section #raw {
            h2 { a href="#raw" { "Every run" } }
            p { "The same and more, for programs, is in " a href="results.json" { "results.json" } "." }
            @for tape in &study.tapes { (runs(tape)) }
        }
    }
}

fn runs(tape: &Tape<'_>) -> Markup {
    let all: usize = tape.cells.iter().map(|c| c.runs.len()).sum();
    html! {
        details id={ "raw-" (tape.slug) } {
            summary { (tape.name) ": " (plural(all, "run")) }
            div.scroll { table {
                thead { tr {
                    @for head in ["Allocator", "Repetition", "Elapsed", "User", "System", "Waited", "Harness / op", "Operations", "Failed", "Peak live", "Peak RSS", "Minor faults", "Major faults", "malloc p50", "p99.9", "free p50", "p99.9"] {
                        th scope="col" { (head) }
                    }
                } }
                tbody { @for cell in &tape.cells { @for run in &cell.runs { (row(run)) } } }
            } }
        }
    }
}

fn row(run: &Run) -> Markup {
    let time = |ns: Option<u64>| ns.map_or_else(|| UNKNOWN.to_owned(), |ns| nanos(ns as f64));
    let size = |b: Option<u64>| b.map_or_else(|| UNKNOWN.to_owned(), |b| bytes(b as f64));
    let number = |n: Option<u64>| n.map_or_else(|| UNKNOWN.to_owned(), count);
    let latency = run.latency_ns.as_ref();
    let (malloc, free): (Option<Percentiles>, Option<Percentiles>) =
        (latency.and_then(|l| l.malloc), latency.and_then(|l| l.free));
    html! {
        tr {
            th scope="row" { (run.allocator) }
            td { (run.repetition) } td { (time(Some(run.elapsed_ns))) } td { (time(run.user_ns)) } td { (time(run.sys_ns)) } td { (time(run.sync_wait_ns)) }
            td { (run.harness_ns_per_op.map_or_else(|| UNKNOWN.to_owned(), nanos)) }
            td { (count(run.ops)) } td class=(if run.failed > 0 { "bad" } else { "" }) { (count(run.failed)) }
            td { (size(run.peak_live_bytes)) } td { (size(run.peak_rss_bytes)) } td { (number(run.minor_faults)) } td { (number(run.major_faults)) }
            td { (time(malloc.map(|p| p.p50))) } td { (time(malloc.map(|p| p.p999))) } td { (time(free.map(|p| p.p50))) } td { (time(free.map(|p| p.p999))) }
        }
    }
}
