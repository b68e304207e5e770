//! Every run, in closed `<details>`: the figures behind the medians.

use crate::study::{Cell, Study, Tape, plural};
use crate::units::{UNKNOWN, bytes, count, nanos};
use maud::{Markup, html};
use replayer::results::{Percentiles, Run};

/// The section with every run of every tape.
pub fn section(study: &Study<'_>) -> Markup {
    html! {
        section #raw {
            h2 { a href="#raw" { "Every run" } }
            p { "The same and more, for programs, is in " a href="results.json" { "results.json" } "." }
            @for tape in &study.tapes { (runs(study, tape)) (statistics(tape)) }
        }
    }
}

fn runs(study: &Study<'_>, tape: &Tape<'_>) -> Markup {
    // Of every number of workers, in the order measured.
    let all: Vec<&Run> = study
        .results
        .runs
        .iter()
        .filter(|r| r.tape == tape.name)
        .collect();
    html! {
        details id={ "raw-" (tape.slug) } {
            summary { (tape.name) ": " (plural(all.len(), "run")) }
            div.scroll { table {
                thead { tr {
                    @for head in ["Allocator", "Repetition", "Workers", "Elapsed", "User", "System", "Waited", "Harness / op", "Operations", "Failed", "Peak live", "Peak RSS", "Minor faults", "Major faults", "malloc p50", "p99.9", "free p50", "p99.9"] {
                        th scope="col" { (head) }
                    }
                } }
                tbody { @for run in &all { (row(run)) } }
            } }
        }
    }
}

/// What the allocators say of themselves at the end of a run; each has names of its own.
fn statistics(tape: &Tape<'_>) -> Markup {
    let told = |run: &Run| !run.allocator_stats.is_empty();
    let cells: Vec<(&Cell<'_>, &Run)> = tape
        .cells
        .iter()
        .filter_map(|c| Some((c, c.typical_run(told)?)))
        .collect();
    let value = |name: &str, value: u64| match name {
        name if name.ends_with("_bytes") => bytes(value as f64),
        name if name.ends_with("_ns") => nanos(value as f64),
        _ => count(value),
    };
    html! {
        @if !cells.is_empty() {
            details id={ "statistics-" (tape.slug) } {
                summary { (tape.name) ": the allocators’ own statistics" }
                p.sub { "At the end of the run of median time, before the last blocks are gone where the allocator can tell by then." }
                dl.facts { @for (cell, run) in cells {
                    dt { (cell.name) }
                    dd { @for (i, (name, n)) in run.allocator_stats.iter().enumerate() {
                        @if i > 0 { " · " }
                        (name) " " span.nb { (value(name, *n)) }
                    } }
                } }
            }
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
            td { (run.repetition) } td { (run.threads.map_or_else(|| "own".to_owned(), |n| n.to_string())) } td { (time(Some(run.elapsed_ns))) } td { (time(run.user_ns)) } td { (time(run.sys_ns)) } td { (time(run.sync_wait_ns)) }
            td { (run.harness_ns_per_op.map_or_else(|| UNKNOWN.to_owned(), nanos)) }
            td { (count(run.ops)) } td class=(if run.failed > 0 { "bad" } else { "" }) { (count(run.failed)) }
            td { (size(run.peak_live_bytes)) } td { (size(run.peak_rss_bytes)) } td { (number(run.minor_faults)) } td { (number(run.major_faults)) }
            td { (time(malloc.map(|p| p.p50))) } td { (time(malloc.map(|p| p.p999))) } td { (time(free.map(|p| p.p50))) } td { (time(free.map(|p| p.p999))) }
        }
    }
}
