//! `index.html`: one file, no script, nothing fetched. The answer first, then the charts, then what an expert asks for.

mod about;
mod raw;
mod style;
mod summary;

use crate::render::Pictures;
use crate::scene::{self, GlyphSet};
use crate::study::{Study, advice, list};
use maud::{DOCTYPE, Markup, PreEscaped, html};

/// The page and the sentence that opens it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The whole file.
    pub html: String,
    /// "Which allocator, and what does it cost me?"
    pub headline: String,
}

/// Makes the page. maud escapes all that comes from the results; what is marked as escaped already is SVG and CSS of our own.
pub fn page(study: &Study<'_>, pictures: &[Pictures]) -> Page {
    let advice = advice(study);
    let names: Vec<&str> = study.tapes.iter().map(|t| t.name).collect();
    let title = if names.is_empty() {
        "heaptape report".to_owned()
    } else {
        format!("{}: which allocator? – heaptape", list(&names))
    };
    let mut glyphs = GlyphSet::new();
    let figures = html! { @for picture in pictures { (figure(picture, &mut glyphs)) } };
    let html = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="description" content=(advice.headline);
                title { (title) }
                style { (PreEscaped(style::css())) }
            }
            body {
                (letters(&glyphs))
                header {
                    p.kicker { "heaptape report" @if let Some(when) = study.results.machine.started_unix_ns { " · " (crate::units::date(when)) } }
                    h1 { (unbroken(&advice.headline)) }
                    @if !advice.points.is_empty() {
                        ul.points { @for point in &advice.points { li { (unbroken(point)) } } }
                    }
                    (contents(study, pictures))
                }
                main {
                    (summary::section(study))
                    section #charts { h2 { a href="#charts" { "Charts" } } (figures) }
                    (about::sections(study))
                    (raw::section(study))
                }
                footer { p { (study.provenance()) } }
            }
        }
    };
    Page {
        html: html.into_string(),
        headline: advice.headline,
    }
}

/// A range of figures such as `0.39–0.44` does not break at its dash.
pub(super) fn unbroken(text: &str) -> Markup {
    html! { @for (i, word) in text.split(' ').enumerate() {
        @if i > 0 { " " }
        @if word.contains('–') { span.nb { (word) } } @else { (word) }
    } }
}

/// The outlines of all letters of all charts, once.
fn letters(glyphs: &GlyphSet) -> Markup {
    html! { svg.letters aria-hidden="true" width="0" height="0" { (PreEscaped(scene::definitions(glyphs))) } }
}

fn contents(study: &Study<'_>, pictures: &[Pictures]) -> Markup {
    let results = study.results;
    html! {
        nav aria-label="Contents" {
            a href="#summary" { "Figures" }
            @if !pictures.is_empty() { a href="#charts" { "Charts" } }
            a href="#method" { "Method" }
            a href="#machine" { "Machine" }
            a href="#versions" { "Versions" }
            @if study.tapes.iter().any(|t| t.cells.iter().any(|c| !c.warnings.is_empty())) { a href="#warnings" { "Warnings" } }
            @if !results.faults.is_empty() { a href="#faults" { "Faults" } }
            a href="#raw" { "Every run" }
            a href="results.json" { "results.json" }
        }
    }
}

fn figure(picture: &Pictures, glyphs: &mut GlyphSet) -> Markup {
    let (wide, narrow) = picture.inline(glyphs);
    let meta = &picture.meta;
    html! {
        figure id=(meta.id) {
            h3 { a href={ "#" (meta.id) } { (unbroken(&meta.title)) } }
            p.sub { (meta.subtitle) }
            div.wide { (PreEscaped(wide)) }
            div.narrow { (PreEscaped(narrow)) }
            figcaption {
                (meta.caption)
                span.files { a href={ (meta.id) ".svg" } { "SVG" } " " a href={ (meta.id) ".png" } { "PNG" } }
            }
        }
    }
}
