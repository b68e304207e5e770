//! Warnings and faults: why not to believe what stands above.

use crate::study::Study;
use maud::{Markup, html};

/// Whether there is a warning of any kind.
pub fn any(study: &Study<'_>) -> bool {
    let results = study.results;
    results.partial.is_some()
        || !results.warnings.is_empty()
        || results.summary.iter().any(|s| !s.warnings.is_empty())
}

/// The two sections, those that have something to say.
pub fn sections(study: &Study<'_>) -> Markup {
    html! { (warnings(study)) (faults(study)) }
}

/// `basic, fancy` or `basic, fancy with 4 workers`.
fn whose(tape: &str, allocator: &str, threads: Option<u32>) -> String {
    let workers = threads.map_or_else(String::new, |n| format!(" with {n} workers"));
    format!("{tape}, {allocator}{workers}: ")
}

fn warnings(study: &Study<'_>) -> Markup {
    let results = study.results;
    html! {
        @if any(study) {
            section #warnings {
                h2 { a href="#warnings" { "Warnings" } }
                ul {
                    @if let Some(partial) = &results.partial { li { b { "Not all runs were made: " } (partial) } }
                    @for warning in &results.warnings { li { (warning) } }
                    @for s in &results.summary { @for warning in &s.warnings {
                        li { b { (whose(&s.tape, &s.allocator, s.threads)) } (warning) }
                    } }
                }
            }
        }
    }
}

fn faults(study: &Study<'_>) -> Markup {
    html! {
        @if !study.results.faults.is_empty() {
            section #faults {
                h2 { a href="#faults" { "Faults" } }
                p { "These runs gave no measurement." }
                ul { @for f in &study.results.faults {
                    li {
                        b.bad { (whose(&f.tape, &f.allocator, f.threads)) }
                        @if f.repetition == 0 { "warm-up: " } @else { "repetition " (f.repetition) ": " }
                        (f.reason)
                    }
                } }
            }
        }
    }
}
