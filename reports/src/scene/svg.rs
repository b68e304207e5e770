//! A scene as SVG. Text becomes outlines, drawn once a letter and used by reference; each label keeps its words in `aria-label`.

use super::{Ink, Label, Paint, Scene, Shape, UNITS_PER_PX};
use crate::text::{self, Glyph, Weight};
use crate::theme;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

/// The letters and lines of text that some pictures use: each is drawn once, and referred to wherever it stands.
#[derive(Debug, Default)]
pub struct Letters {
    glyphs: BTreeSet<Glyph>,
    lines: BTreeMap<(String, Weight), usize>,
}

/// Where the SVG will stand.
#[derive(Debug)]
pub enum Style<'g> {
    /// A file of its own: colours of the light theme on a panel of its own, so that it reads on any page.
    Standalone,
    /// Inside the report's page: colours by the page's CSS classes (`f-ink`, `s-ink`), letters gathered
    /// for the page to define once.
    Embedded(&'g mut Letters),
}

/// All lines have round ends and joins: said once, at the root.
const ROUND: &str = "stroke-linejoin=\"round\" stroke-linecap=\"round\"";

/// Writes the scene; `title` is its accessible name, `description` says more.
pub fn svg(scene: &Scene, title: &str, description: &str, mut style: Style<'_>) -> String {
    let embedded = matches!(style, Style::Embedded(_));
    let (width, height) = (scene.width, scene.height);
    let px = |units: u32| f64::from(units) / UNITS_PER_PX;
    let mut own = Letters::default();
    let letters = match &mut style {
        Style::Embedded(page) => &mut **page,
        Style::Standalone => &mut own,
    };
    let mut body = String::new();
    // Shapes of one ink that follow one another are one path: a grid, the cells of a map.
    let mut run = String::new();
    let mut of: Option<Ink> = None;
    let flush = |body: &mut String, run: &mut String, of: Option<Ink>| {
        if let Some(ink) = of
            && !run.is_empty()
        {
            let _ = write!(body, "<path d=\"{run}\"{}/>", attributes(ink, embedded));
            run.clear();
        }
    };
    for shape in &scene.shapes {
        match shape {
            Shape::Rect(.., ink) | Shape::Path(_, ink) if of != Some(*ink) => {
                flush(&mut body, &mut run, of);
                of = Some(*ink);
            }
            Shape::Circle(..) | Shape::Label(_) => flush(&mut body, &mut run, of.take()),
            _ => {}
        }
        match shape {
            Shape::Rect((x0, y0), (x1, y1), _) => {
                let (w, h) = (x1 - x0, y1 - y0);
                let _ = write!(run, "M{x0} {y0}h{w}v{h}h{}z", -w);
            }
            Shape::Path(points, ink) => run.push_str(&path(points, matches!(ink, Ink::Fill(_)))),
            Shape::Circle((x, y), r, ink) => {
                let _ = write!(
                    body,
                    "<circle cx=\"{x}\" cy=\"{y}\" r=\"{r}\"{}/>",
                    attributes(*ink, embedded)
                );
            }
            Shape::Label(label) => write_label(&mut body, label, embedded, letters),
        }
    }
    flush(&mut body, &mut run, of);
    let mut out = String::with_capacity(body.len() + 4096);
    if embedded {
        let _ = write!(
            out,
            "<svg viewBox=\"0 0 {width} {height}\" role=\"img\" {ROUND} aria-label=\"{}\">",
            escape(title)
        );
    } else {
        let _ = write!(
            out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{}\" height=\"{}\" viewBox=\"0 0 {width} {height}\" role=\"img\" {ROUND}>\
             <title>{}</title><desc>{}</desc>",
            px(width),
            px(height),
            escape(title),
            escape(description)
        );
        out.push_str(&definitions(&own));
        let _ = write!(
            out,
            "<rect width=\"{width}\" height=\"{height}\" rx=\"24\" fill=\"{}\"/>",
            theme::hex(theme::PAPER.light)
        );
    }
    out.push_str(&body);
    out.push_str("</svg>");
    out
}

/// `<defs>` with every letter and every line of the set.
pub fn definitions(letters: &Letters) -> String {
    let mut out = String::from("<defs>");
    for glyph in &letters.glyphs {
        let _ = write!(
            out,
            "<path id=\"{}\" d=\"{}\"/>",
            id(*glyph),
            text::glyph_path(*glyph)
        );
    }
    for ((words, weight), number) in &letters.lines {
        let _ = write!(out, "<g id=\"t{number}\" aria-label=\"{}\">", escape(words));
        write_letters(&mut out, words, *weight);
        out.push_str("</g>");
    }
    out.push_str("</defs>");
    out
}

/// Text as XML or HTML content or attribute; characters that XML forbids become the replacement character.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' | '\t' => out.push(' '),
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            c if c.is_control() => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

fn id(glyph: Glyph) -> String {
    let face = match glyph.weight {
        Weight::Regular => 'r',
        Weight::Bold => 'b',
    };
    format!("{face}{}", glyph.id)
}

fn write_label(out: &mut String, label: &Label, embedded: bool, letters: &mut Letters) {
    for placed in text::lay_out(&label.text, label.weight).0 {
        if !text::glyph_path(placed.glyph).is_empty() {
            letters.glyphs.insert(placed.glyph);
        }
    }
    let next = letters.lines.len();
    let number = *letters
        .lines
        .entry((label.text.clone(), label.weight))
        .or_insert(next);
    let _ = write!(
        out,
        "<use href=\"#t{number}\" transform=\"translate({} {})scale({})\"{}/>",
        short(label.x, 1),
        short(label.y, 1),
        short(label.size / text::OUTLINE_UNITS, 5),
        attributes(Ink::Fill(label.paint), embedded)
    );
}

fn write_letters(out: &mut String, words: &str, weight: Weight) {
    for placed in text::lay_out(words, weight).0 {
        if text::glyph_path(placed.glyph).is_empty() {
            continue;
        }
        let _ = if placed.x == 0.0 {
            write!(out, "<use href=\"#{}\"/>", id(placed.glyph))
        } else {
            write!(
                out,
                "<use href=\"#{}\" x=\"{:.0}\"/>",
                id(placed.glyph),
                placed.x
            )
        };
    }
}

/// With at most this many decimals, and none that say nothing.
fn short(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn attributes(ink: Ink, embedded: bool) -> String {
    let (kind, paint, width) = match ink {
        Ink::Fill(paint) => ("fill", paint, None),
        Ink::Stroke(paint, width) => ("stroke", paint, Some(width)),
    };
    let mut out = String::new();
    match theme::by_light(paint.rgb) {
        Some(colour) if embedded => {
            let _ = write!(out, " class=\"{}-{}\"", &kind[..1], colour.name);
        }
        _ => {
            let Paint { rgb: (r, g, b), .. } = paint;
            let _ = write!(out, " {kind}=\"#{r:02x}{g:02x}{b:02x}\"");
        }
    }
    if paint.alpha < 1.0 {
        let _ = write!(out, " {kind}-opacity=\"{:.2}\"", paint.alpha);
    }
    if let Some(width) = width {
        let none = if embedded { "" } else { " fill=\"none\"" };
        let _ = write!(out, "{none} stroke-width=\"{width}\"");
    }
    out
}

fn path(points: &[(i32, i32)], close: bool) -> String {
    let mut d = String::with_capacity(points.len() * 8);
    let mut last = (0, 0);
    for (i, &(x, y)) in points.iter().enumerate() {
        // Relative steps are shorter than absolute places.
        let _ = if i == 0 {
            write!(d, "M{x} {y}")
        } else {
            let (dx, dy) = (x - last.0, y - last.1);
            match (dx, dy) {
                (_, 0) => write!(d, "h{dx}"),
                (0, _) => write!(d, "v{dy}"),
                (_, ..0) => write!(d, "l{dx}{dy}"),
                _ => write!(d, "l{dx} {dy}"),
            }
        };
        last = (x, y);
    }
    if close {
        d.push('Z');
    }
    d
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_gets_out_of_an_attribute() {
        assert_eq!(
            escape("<b a=\"x\" c='y'>&\u{0}\n"),
            "&lt;b a=&quot;x&quot; c=&#39;y&#39;&gt;&amp;\u{fffd} "
        );
    }

    #[test]
    fn paths_are_relative() {
        assert_eq!(path(&[(10, 10), (12, 7), (12, 7)], true), "M10 10l2-3h0Z");
        assert_eq!(path(&[], false), "");
    }

    #[test]
    fn labels_are_outlines_that_keep_their_words() {
        let mut scene = Scene::new(100.0, 20.0);
        let paint = Paint {
            rgb: (1, 2, 3),
            alpha: 1.0,
        };
        scene.shapes.push(Shape::Label(Label {
            text: "a < a".into(),
            x: 4.0,
            y: 40.0,
            size: 40.0,
            weight: Weight::Regular,
            paint,
            width: 90.0,
        }));
        let file = svg(&scene, "t", "d", Style::Standalone);
        assert!(
            file.contains("aria-label=\"a &lt; a\"") && !file.contains("<text"),
            "{file}"
        );
        assert_eq!(file.matches("<path id=").count(), 2, "a and < once each");
        assert_eq!(file.matches("<use href=\"#r").count(), 3);
        let mut letters = Letters::default();
        let inside = svg(&scene, "t", "d", Style::Embedded(&mut letters));
        assert!(
            !inside.contains("<defs>") && !inside.contains("http"),
            "{inside}"
        );
        let again = svg(&scene, "t", "d", Style::Embedded(&mut letters));
        assert_eq!(
            inside, again,
            "the same line is referred to, not drawn again"
        );
        assert_eq!((letters.glyphs.len(), letters.lines.len()), (2, 1));
    }
}
