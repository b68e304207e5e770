//! The page of measurements side by side.

use super::summary::swatch;
use super::{Page, charts, markdown, shell, unbroken};
use crate::files::Files;
use crate::render::Pictures;
use crate::scene::Letters;
use crate::study::{After, Basis, Change, Diff, Shift, Turn, WORTH};
use crate::units::{UNKNOWN, bytes, date, nanos, percent, times, times_with_interval};
use maud::{Markup, html};
use replayer::results::Results;

/// Makes the page; `files` are those of the pictures, in their order.
pub fn diff_page(diff: &Diff<'_>, pictures: &[Pictures], files: &[Files]) -> Page {
    let headline = diff.headline();
    let mut letters = Letters::default();
    let charts = charts(pictures, files, &mut letters);
    let body = html! {
        header {
            p.kicker { "heaptape comparison: " (diff.before) " → " (names(diff)) }
            h1 { (unbroken(&headline)) }
            @let notes = diff.notes();
            @if !notes.is_empty() { ul.points { @for note in notes { li { (note) } } } }
            nav aria-label="Contents" {
                a href="#summary" { "Figures" }
                a href="#charts" { "Charts" }
                a href="#differences" { "What is not the same" }
                a href="#measurements" { "Measurements" }
                a href="#method" { "Method" }
            }
        }
        main {
            section #summary {
                h2 { a href="#summary" { "Figures" } }
                @for (i, after) in diff.after.iter().enumerate() { (table(after, i)) }
            }
            (charts)
            section #differences {
                h2 { a href="#differences" { "What is not the same" } }
                @for after in &diff.after { (differences(diff, after)) }
            }
            section #measurements {
                h2 { a href="#measurements" { "Measurements" } }
                div.scroll { table {
                    thead { tr { @for head in ["File", "Measured", "heaptape", "Processor", "Kernel", "Runs", "Faults"] { th.words scope="col" { (head) } } } }
                    tbody {
                        (measurement(&diff.before, diff.old))
                        @for after in &diff.after { (measurement(&after.label, after.new)) }
                    }
                } }
            }
            (method())
        }
    };
    Page {
        html: shell("What changed? – heaptape", &headline, &letters, &body),
        summary: markdown::diff(diff, &headline),
        headline,
    }
}

fn names(diff: &Diff<'_>) -> String {
    let labels: Vec<&str> = diff.after.iter().map(|a| a.label.as_str()).collect();
    crate::study::list(&labels)
}

fn table(after: &After<'_>, number: usize) -> Markup {
    html! {
        h3 id={ "against-" (number + 1) } { a href={ "#against-" (number + 1) } { (after.label) } }
        p.sub { "Compared " (after.basis.words()) "." }
        div.scroll { table {
            thead { tr {
                th scope="col" { "Allocator" } th.words scope="col" { "Tape" }
                th scope="col" { "Time: old" } th scope="col" { "new" } th scope="col" { "new over old" }
                th scope="col" { "Peak RSS: old" } th scope="col" { "new" } th scope="col" { "new over old" }
                th.words scope="col" { "Beyond noise" }
            } }
            tbody { @for change in &after.changes { (row(change, after.basis)) } }
        } }
    }
}

fn row(change: &Change, basis: Basis) -> Markup {
    let show = |shift: Option<Shift>, how: fn(f64) -> String| -> [String; 2] {
        let how = if basis == Basis::Absolute { how } else { times };
        shift.map_or_else(
            || [UNKNOWN.to_owned(), UNKNOWN.to_owned()],
            |s| [how(s.before), how(s.after)],
        )
    };
    let worse = |s: Option<Shift>| s.is_some_and(|s| s.turn() == Turn::Worse);
    let bad = worse(change.time) || worse(change.memory) || change.lost.is_some();
    html! {
        tr {
            th scope="row" { (swatch(change.colour)) (change.allocator) }
            td.words { (change.tape) }
            @for side in [(change.time, nanos as fn(f64) -> String), (change.memory, bytes)] {
                @for figure in show(side.0, side.1) { td { (figure) } }
                td { (ratio(side.0)) }
            }
            td.words.bad[bad] { (change.words()) }
        }
    }
}

fn ratio(shift: Option<Shift>) -> Markup {
    let Some(Shift { ratio, .. }) = shift else {
        return html! { (UNKNOWN) };
    };
    if !ratio.repeated {
        return html! { (times(ratio.median)) " " small.range { "(one run)" } };
    }
    html! { span.nb { (times_with_interval(ratio.median, ratio.low, ratio.high)) } }
}

fn differences(diff: &Diff<'_>, after: &After<'_>) -> Markup {
    html! {
        @if after.differences.is_empty() {
            p { "Around " (diff.before) " and " (after.label) " everything that is known is the same: machine, system, versions, settings, tapes." }
        } @else {
            div.scroll { table {
                thead { tr { th scope="col" { "What" } th.words scope="col" { (diff.before) } th.words scope="col" { (after.label) } } }
                tbody { @for d in &after.differences { tr { th scope="row" { (d.what) } td.words { (d.before) } td.words { (d.after) } } } }
            } }
        }
    }
}

fn measurement(label: &str, results: &Results) -> Markup {
    let m = &results.machine;
    let said = |v: &Option<String>| v.clone().unwrap_or_else(|| "unknown".to_owned());
    html! { tr {
        th scope="row" { (label) }
        td.words { (m.started_unix_ns.map_or_else(|| "unknown".to_owned(), date)) }
        td.words { (said(&m.heaptape)) }
        td.words { (said(&m.cpu)) ", " (m.cores) }
        td.words { (said(&m.kernel)) }
        td.words { (results.runs.len()) }
        td.words { (results.faults.len()) }
    } }
}

fn method() -> Markup {
    html! {
        section #method {
            h2 { a href="#method" { "Method" } }
            p {
                "Each allocator is compared on each tape that both sides measured without a refused request or a fault. On one machine the figures themselves are compared; "
                "on two machines their ratios to system in the same repetition, since a faster machine is not a faster allocator."
            }
            p {
                "The ratio is that of the medians, new over old; its interval is a 95 % bootstrap interval over both sides’ repetitions. "
                "A change counts as beyond noise where the interval leaves out 1 and the change is at least " (percent(WORTH)) ". "
                "One repetition says nothing of the noise: then nothing is claimed."
            }
        }
    }
}
