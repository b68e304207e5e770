//! A scene as SVG. Text becomes outlines, drawn once a letter and used by reference; each label keeps its words in `aria-label`.

use super::{Ink, Label, Paint, Scene, Shape, UNITS_PER_PX};
use crate::text::{self, Glyph, Weight};
use crate::theme;
use std::collections::BTreeSet;
use std::fmt::Write;

/// The letters that some pictures use.
pub type GlyphSet = BTreeSet<Glyph>;

/// Where the SVG will stand.
#[derive(Debug)]
pub enum Style<'g> {
    /// A file of its own: colours of the light theme on a panel of its own, so that it reads on any page.
    Standalone,
    /// Inside the report's page: colours by the page's CSS classes (`f-ink`, `s-ink`), letters gathered
    /// for the page to define once.
    Embedded(&'g mut GlyphSet),
}

/// Writes the scene; `title` is its accessible name, `description` says more.
pub fn svg(scene: &Scene, title: &str, description: &str, mut style: Style<'_>) -> String {
    let (width, height) = (scene.width, scene.height);
    let px = |units: u32| f64::from(units) / UNITS_PER_PX;
    let mut glyphs = GlyphSet::new();
    let mut body = String::new();
    let embedded = matches!(style, Style::Embedded(_));
    for shape in &scene.shapes {
        match shape {
            Shape::Rect((x0, y0), (x1, y1), ink) => {
                let (x, y, w, h) = (x0.min(x1), y0.min(y1), x0.abs_diff(*x1), y0.abs_diff(*y1));
                let _ = write!(
                    body,
                    "<rect x=\"{x}\" y=\"{y}\" width=\"{w}\" height=\"{h}\"{}/>",
                    attributes(*ink, embedded)
                );
            }
            Shape::Circle((x, y), r, ink) => {
                let _ = write!(
                    body,
                    "<circle cx=\"{x}\" cy=\"{y}\" r=\"{r}\"{}/>",
                    attributes(*ink, embedded)
                );
            }
            Shape::Path(points, ink) => {
                let _ = write!(
                    body,
                    "<path d=\"{}\"{}/>",
                    path(points, matches!(ink, Ink::Fill(_))),
                    attributes(*ink, embedded)
                );
            }
            Shape::Label(label) => write_label(&mut body, label, embedded, &mut glyphs),
        }
    }
    let mut out = String::with_capacity(body.len() + 4096);
    if embedded {
        let _ = write!(
            out,
            "<svg viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"{}\">",
            escape(title)
        );
    } else {
        let _ = write!(
            out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{}\" height=\"{}\" viewBox=\"0 0 {width} {height}\" role=\"img\">\
             <title>{}</title><desc>{}</desc>",
            px(width),
            px(height),
            escape(title),
            escape(description)
        );
        out.push_str(&definitions(&glyphs));
        let _ = write!(
            out,
            "<rect width=\"{width}\" height=\"{height}\" rx=\"24\" fill=\"{}\"/>",
            theme::hex(theme::PAPER.light)
        );
    }
    out.push_str(&body);
    out.push_str("</svg>");
    if let Style::Embedded(all) = &mut style {
        all.append(&mut glyphs);
    }
    out
}

/// `<defs>` with the outline of every letter of the set.
pub fn definitions(glyphs: &GlyphSet) -> String {
    let mut out = String::from("<defs>");
    for glyph in glyphs {
        let _ = write!(
            out,
            "<path id=\"{}\" d=\"{}\"/>",
            id(*glyph),
            text::glyph_path(*glyph)
        );
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

fn write_label(out: &mut String, label: &Label, embedded: bool, glyphs: &mut GlyphSet) {
    let scale = label.size / text::units_per_em(label.weight);
    let _ = write!(
        out,
        "<g aria-label=\"{}\" transform=\"translate({:.1} {:.1})scale({:.5})\"{}>",
        escape(&label.text),
        label.x,
        label.y,
        scale,
        attributes(Ink::Fill(label.paint), embedded)
    );
    for placed in text::lay_out(&label.text, label.weight).0 {
        if text::glyph_path(placed.glyph).is_empty() {
            continue;
        }
        glyphs.insert(placed.glyph);
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
    out.push_str("</g>");
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
        let _ = write!(
            out,
            "{none} stroke-width=\"{width}\" stroke-linejoin=\"round\" stroke-linecap=\"round\""
        );
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
            write!(d, "l{} {}", x - last.0, y - last.1)
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
        assert_eq!(
            path(&[(10, 10), (12, 7), (12, 7)], true),
            "M10 10l2 -3l0 0Z"
        );
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
        assert_eq!(file.matches("<use").count(), 3);
        let mut glyphs = GlyphSet::new();
        let inside = svg(&scene, "t", "d", Style::Embedded(&mut glyphs));
        assert!(
            !inside.contains("<defs>") && !inside.contains("http") && glyphs.len() == 2,
            "{inside}"
        );
    }
}
