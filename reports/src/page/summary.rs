//! The table of figures, one a tape: elapsed, calls, failed, peaks, and the ratios to `system`.

use crate::stats::Spread;
use crate::study::{Cell, Estimate, Study, Tape, Verdict, tape_finding};
use crate::theme::Colour;
use crate::units::{UNKNOWN, bytes, count, nanos, times};
use maud::{Markup, html};

/// The section with a table for each tape.
pub fn section(study: &Study<'_>) -> Markup {
    html! {
        section #summary {
            h2 { a href="#summary" { "Figures" } }
            @if study.tapes.is_empty() { p { "No tape was replayed." } }
            @for tape in &study.tapes { (table(tape)) }
            p.sub {
                "Medians over the repetitions; in brackets the 95 % interval of the paired ratio, below 1 is less than system. "
                "Frees include those of blocks that the tape leaves, which the replay frees at its end."
            }
        }
    }
}

fn table(tape: &Tape<'_>) -> Markup {
    let fastest = tape.fastest().map(|c| c.name);
    let reallocs = tape
        .cells
        .iter()
        .any(|c| c.runs.iter().any(|r| r.reallocs > 0));
    html! {
        h3 id={ "tape-" (tape.slug) } { a href={ "#tape-" (tape.slug) } { (tape.name) } }
        p.sub { (super::unbroken(&tape_finding(tape))) "." @if tape.info.is_some() { " " (tape.facts()) "." } }
        div.scroll { table {
            thead { tr {
                th scope="col" { "Allocator" } th scope="col" { "Elapsed" } th scope="col" { "over system’s" }
                th scope="col" { "Alloc calls" } @if reallocs { th scope="col" { "Reallocs" } } th scope="col" { "Free calls" } th scope="col" { "Failed" }
                th scope="col" { "Peak live" } th scope="col" { "Peak RSS" } th scope="col" { "over system’s" }
            } }
            tbody { @for cell in &tape.cells { (row(cell, fastest == Some(cell.name), reallocs)) } }
        } }
    }
}

fn row(cell: &Cell<'_>, best: bool, reallocs: bool) -> Markup {
    let class = if best {
        "best"
    } else if cell.is_calibration() {
        "aside"
    } else {
        ""
    };
    let name = html! { th scope="row" { (swatch(cell.colour)) (cell.name) } };
    if cell.runs.is_empty() {
        let why = cell
            .reservation()
            .unwrap_or_else(|| "not measured".to_owned());
        return html! { tr class=(class) { (name) td.words colspan=(if reallocs { 9 } else { 8 }) { (why) } } };
    }
    let calls = |of: fn(&replayer::results::Run) -> u64| {
        Spread::of(cell.runs.iter().map(|r| of(r) as f64))
            .map_or_else(|| UNKNOWN.to_owned(), |s| count(s.median as u64))
    };
    html! {
        tr class=(class) {
            (name)
            td { (shown(cell.elapsed, nanos)) }
            td { (ratio(cell.time, cell.is_baseline())) }
            td { (calls(|r| r.mallocs)) }
            @if reallocs { td { (calls(|r| r.reallocs)) } }
            td { (calls(|r| r.frees)) }
            td class=(if cell.refused > 0 { "bad" } else { "" }) { (calls(|r| r.failed)) }
            td { (shown(cell.live, bytes)) }
            td { (shown(cell.rss, bytes)) }
            td { (ratio(cell.memory, cell.is_baseline())) }
        }
    }
}

fn shown(spread: Option<Spread>, format: fn(f64) -> String) -> String {
    spread.map_or_else(|| UNKNOWN.to_owned(), |s| format(s.median))
}

fn ratio(estimate: Option<Estimate>, baseline: bool) -> Markup {
    let Some(e) = estimate else {
        return html! { (UNKNOWN) };
    };
    let interval = match e.verdict() {
        _ if baseline => String::new(),
        Verdict::Single => "one run".to_owned(),
        _ => {
            let bare = |v: f64| times(v).trim_end_matches('×').trim_end().to_owned();
            format!("{}–{}", bare(e.low), bare(e.high))
        }
    };
    html! { (times(e.median)) @if !interval.is_empty() { " " small.range { "(" (interval) ")" } } }
}

/// The allocator's colour, as in the charts.
pub fn swatch(colour: Colour) -> Markup {
    html! { span.swatch aria-hidden="true" { svg viewBox="0 0 10 10" { circle class={ "f-" (colour.name) } cx="5" cy="5" r="5" {} } } }
}
