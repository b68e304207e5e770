//! The charts on the page: wide and narrow, each with its words and its files.

use super::unbroken;
use crate::files::Files;
use crate::render::Pictures;
use crate::scene::Letters;
use maud::{Markup, PreEscaped, html};

/// One chart. `letters` takes the outlines that it needs.
pub fn figure(picture: &Pictures, files: &Files, letters: &mut Letters) -> Markup {
    let (wide, narrow) = picture.inline(letters);
    let meta = &picture.meta;
    let file = |ending: &str| format!("{}.{ending}", meta.id);
    html! {
        figure id=(meta.id) {
            h3 { a href={ "#" (meta.id) } { (unbroken(&meta.title)) } }
            p.sub { (meta.subtitle) }
            div.wide { (PreEscaped(wide)) }
            div.narrow { (PreEscaped(narrow)) }
            figcaption {
                (meta.caption)
                span.files {
                    "Download: "
                    a href=(files.png_link()) download=(file("png")) aria-label={ "PNG of " (meta.id) } { "PNG" } " "
                    a href=(files.svg_link()) download=(file("svg")) aria-label={ "SVG of " (meta.id) } { "SVG" } " "
                    a href=(files.csv_link()) download=(file("csv")) aria-label={ "data (CSV) of " (meta.id) } { "data (CSV)" }
                }
            }
        }
    }
}
