//! Method, machine, versions, settings and tapes: what an expert asks before believing a chart.

use super::summary::swatch;
use crate::study::{Study, plural};
use crate::units::{bytes, count, date, nanos};
use maud::{Markup, html};

/// These sections, in this order.
pub fn sections(study: &Study<'_>) -> Markup {
    html! {
        (method(study))
        (machine(study))
        (versions(study))
        (settings(study))
        (tapes(study))
    }
}

fn method(study: &Study<'_>) -> Markup {
    html! {
        section #method {
            h2 { a href="#method" { "Method" } }
            p {
                "Each tape was replayed in parallel, one thread for each thread that was recorded. A block that crosses threads is freed by the thread that freed it then, "
                "and not before it was allocated. Each run is a fresh process; making the plan of a tape and starting the process are no part of the time."
            }
            p {
                "Repetitions interleave over the allocators (" (plural(study.repetitions(), "repetition")) " at most). Ratios are paired: an allocator’s time over system’s in the same repetition. "
                "The interval is a 95 % bootstrap interval of the median. Where it includes 1 this report claims no difference. "
                "An allocator that refused a request, or whose run failed, is shown but not compared: it may be fast because it fails."
            }
            @for tape in &study.tapes {
                @if let Some(cost) = crate::stats::Spread::of(tape.cells.iter().flat_map(|c| &c.runs).filter_map(|r| r.harness_ns_per_op)) {
                    p { "The harness itself takes " (nanos(cost.median)) " an operation and thread on " (tape.name) ", measured with the null allocator; it is not subtracted." }
                }
            }
        }
    }
}

fn machine(study: &Study<'_>) -> Markup {
    let m = &study.results.machine;
    let facts: Vec<(&str, Option<String>)> = vec![
        ("Processor", m.cpu.clone()),
        (
            "Processors in use",
            (m.cores > 0).then(|| count(u64::from(m.cores))),
        ),
        ("Memory", m.memory_bytes.map(|b| bytes(b as f64))),
        ("Kernel", m.kernel.clone()),
        ("C library", m.libc.clone()),
        ("Transparent huge pages", m.thp.clone()),
        ("Governor", m.governor.clone()),
        (
            "Frequency",
            m.frequency_hz
                .map(|hz| format!("{}\u{a0}MHz", crate::units::significant(hz as f64 / 1e6, 4))),
        ),
        ("Hypervisor", m.hypervisor.clone()),
        (
            "Load when it began",
            m.load.map(|load| crate::units::significant(load, 2)),
        ),
        ("Page size", m.page_size.map(|b| bytes(b as f64))),
        ("Measured", m.started_unix_ns.map(date)),
        ("heaptape", m.heaptape.clone()),
    ];
    html! {
        section #machine {
            h2 { a href="#machine" { "Machine" } }
            dl.facts { @for (name, value) in facts { @if let Some(value) = value { dt { (name) } dd { (value) } } } }
        }
    }
}

fn versions(study: &Study<'_>) -> Markup {
    html! {
        section #versions {
            h2 { a href="#versions" { "Versions and settings" } }
            div.scroll { table {
                thead { tr { th scope="col" { "Allocator" } th.words scope="col" { "Version" } th.words scope="col" { "Reached by" } th.words scope="col" { "Settings" } } }
                tbody { @for a in &study.allocators { tr {
                    th scope="row" { (swatch(a.colour)) (a.name) @if a.id != a.name { br; small.range { (a.id) } } }
                    @if let Some(info) = a.info {
                        td.words { (info.version.as_deref().unwrap_or("unknown")) }
                        td.words { code { (info.reached_by) } }
                        td.words {
                            @if info.settings.is_empty() { "its own" } @else { code { (info.settings.join(" ")) } }
                            @for note in &info.notes { br; (note) }
                        }
                    } @else { td.words colspan="3" { "not described in the results" } }
                } } }
            } }
        }
    }
}

fn settings(study: &Study<'_>) -> Markup {
    let Some(replay) = &study.results.replay else {
        return html! {};
    };
    let limit = |ns: Option<u64>| ns.map_or_else(|| "none".to_owned(), |ns| nanos(ns as f64));
    let workers: Vec<String> = study
        .tapes
        .iter()
        .flat_map(|t| &t.scaling)
        .map(|w| {
            if w.own {
                "own".to_owned()
            } else {
                w.count.to_string()
            }
        })
        .collect::<std::collections::BTreeSet<String>>()
        .into_iter()
        .collect();
    html! {
        section #settings {
            h2 { a href="#settings" { "Settings of the replay" } }
            dl.facts {
                dt { "Touch" } dd { (replay.touch) }
                dt { "Order" } dd { (replay.order) }
                dt { "Pace" } dd { (replay.pace) }
                dt { "Pinned" } dd { (if replay.pinned { "each thread to one processor" } else { "no" }) }
                dt { "Latency" } dd { @match replay.sample_every { Some(n) => { "of one operation in " (n) " on average" } None => { "sampled, more rarely on longer tapes" } } }
                dt { "Repetitions" } dd { (replay.repetitions) }
                @if !workers.is_empty() { dt { "Workers" } dd { (crate::study::list(&workers)) } }
                dt { "Budget" } dd { (limit(replay.budget_ns)) }
                dt { "Timeout" } dd { (limit(replay.timeout_ns)) }
                dt { "Memory limit" } dd { (replay.memory_limit_bytes.map_or_else(|| "none".to_owned(), |b| bytes(b as f64))) }
            }
        }
    }
}

fn tapes(study: &Study<'_>) -> Markup {
    html! {
        section #tapes {
            h2 { a href="#tapes" { "Tapes" } }
            @for tape in &study.tapes {
                @if let Some(t) = tape.info {
                    h3 { (tape.name) }
                    dl.facts {
                        dt { "Threads" } dd { (count(u64::from(t.threads))) }
                        dt { "Events" } dd { (count(t.events)) ": " (count(t.mallocs)) " mallocs, " (count(t.frees)) " frees, " (count(t.reallocs)) " reallocs" }
                        @if let Some(remote) = t.remote_frees { dt { "Freed by another thread" } dd { (count(remote)) } }
                        @if let Some(left) = t.leaked_blocks { dt { "Never freed" } dd { (plural(left as usize, "block")) } }
                        dt { "Peak live bytes" } dd { (bytes(t.peak_live_bytes as f64)) }
                        dt { "Recorded over" } dd { (nanos(t.duration_ns as f64)) }
                        @if let Some(size) = t.file_bytes { dt { "File" } dd { (bytes(size as f64)) } }
                        @if let Some(command) = &t.command { dt { "Made by" } dd { code { (command) } } }
                        @if let Some(plan) = t.plan_ns { dt { "Plan" } dd { "made in " (nanos(plan as f64)) @if let Some(size) = t.plan_bytes { ", " (bytes(size as f64)) } } }
                        dt { "SHA-256" } dd { code { (t.sha256) } }
                    }
                } @else { p { (tape.name) ": not described in the results." } }
            }
        }
    }
}
