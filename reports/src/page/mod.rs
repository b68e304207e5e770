//! `index.html`: one file, no script, nothing fetched. The answer first, then the charts, then what an expert asks for.
//! And `summary.md`, the same in few words.

mod about;
mod change;
mod doubts;
mod figures;
mod live;
mod markdown;
mod raw;
mod style;
mod summary;

pub use change::diff_page;

use crate::files::Files;
use crate::render::Pictures;
use crate::scene::Letters;
use crate::study::{Study, advice, list};
use maud::{DOCTYPE, Markup, PreEscaped, html};

/// The page, its short form and the sentence that opens both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The whole file.
    pub html: String,
    /// In Markdown, for a pull request.
    pub summary: String,
    /// "Which allocator, and what does it cost me?"
    pub headline: String,
}

/// Makes the page of one measurement; `files` are those of the pictures, in their order.
pub fn page(study: &Study<'_>, pictures: &[Pictures], files: &[Files]) -> Page {
    let advice = advice(study);
    let names: Vec<&str> = study.tapes.iter().map(|t| t.name).collect();
    let title = if names.is_empty() {
        "heaptape report".to_owned()
    } else {
        format!("{}: which allocator? – heaptape", list(&names))
    };
    let mut letters = Letters::default();
    let charts = charts(pictures, files, &mut letters);
    let when = study.results.machine.started_unix_ns;
    let main = html! {
        header {
            p.kicker { "heaptape report" @if let Some(when) = when { " · " (crate::units::date(when)) } }
            h1 { (unbroken(&advice.headline)) }
            @if !advice.points.is_empty() {
                ul.points { @for point in &advice.points { li { (unbroken(point)) } } }
            }
            (contents(study, pictures))
        }
        main {
            (summary::section(study))
            (live::section(study))
            (charts)
            (about::sections(study))
            (doubts::sections(study))
            (raw::section(study))
        }
        footer { p { (study.provenance()) } }
    };
    Page {
        html: shell(&title, &advice.headline, &letters, &main),
        summary: markdown::summary(study, &advice),
        headline: advice.headline,
    }
}

/// A whole page around its body. maud escapes all that comes from the results; what is marked as escaped already is SVG and CSS of our own.
fn shell(title: &str, description: &str, letters: &Letters, body: &Markup) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="description" content=(description);
                title { (title) }
                style { (PreEscaped(style::css())) }
            }
            body {
                // The outlines of all letters of all charts, once.
                svg.letters aria-hidden="true" width="0" height="0" { (PreEscaped(letters.definitions())) }
                (body)
            }
        }
    };
    page.into_string()
}

/// The section of all charts.
fn charts(pictures: &[Pictures], files: &[Files], letters: &mut Letters) -> Markup {
    html! {
        section #charts {
            h2 { a href="#charts" { "Charts" } }
            @for (picture, files) in pictures.iter().zip(files) { (figures::figure(picture, files, letters)) }
        }
    }
}

/// A range of figures such as `0.39–0.44` does not break at its dash.
pub(super) fn unbroken(text: &str) -> Markup {
    html! { @for (i, word) in text.split(' ').enumerate() {
        @if i > 0 { " " }
        @if word.contains('–') { span.nb { (word) } } @else { (word) }
    } }
}

fn contents(study: &Study<'_>, pictures: &[Pictures]) -> Markup {
    let results = study.results;
    html! {
        nav aria-label="Contents" {
            a href="#summary" { "Figures" }
            @if !results.live.is_empty() { a href="#live" { "Live" } }
            @if !pictures.is_empty() { a href="#charts" { "Charts" } }
            a href="#method" { "Method" }
            a href="#machine" { "Machine" }
            a href="#versions" { "Versions" }
            @if results.replay.is_some() { a href="#settings" { "Settings" } }
            @if doubts::any(study) { a href="#warnings" { "Warnings" } }
            @if !results.faults.is_empty() { a href="#faults" { "Faults" } }
            a href="#raw" { "Every run" }
            a href="results.json" { "results.json" }
        }
    }
}
