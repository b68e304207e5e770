//! A scene as SVG. Text becomes outlines, drawn once a letter and used by reference. To a screen reader the whole is one picture
//! with a name and a description: what is written in it is read nowhere else than there, and in the figures beside it.

use super::letters::Letters;
use super::{Ink, Paint, Scene, Shape, UNITS_PER_PX};
use crate::text::{Steps, Weight};
use crate::theme;
use std::collections::HashMap;
use std::fmt::Write;

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
    // On the page a line mostly stands in the wide and in the narrow picture; in a file of its own mostly once.
    let mut lines: HashMap<(&str, Weight), usize> = HashMap::new();
    for label in scene.labels() {
        *lines.entry((&label.text, label.weight)).or_default() += 1;
    }
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
            Shape::Label(label) => {
                let paint = attributes(Ink::Fill(label.paint), embedded);
                let alone = !embedded && lines.get(&(&*label.text, label.weight)) == Some(&1);
                if alone {
                    letters.write(&mut body, label, &paint);
                } else {
                    letters.refer(&mut body, label, &paint);
                }
            }
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
        out.push_str(&own.definitions());
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
    let mut steps = Steps::default();
    let mut points = points.iter();
    if let Some(first) = points.next() {
        steps.from(*first);
    }
    points.for_each(|point| steps.line(*point));
    if close {
        steps.close();
    }
    steps.written
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scene::Label;

    #[test]
    fn nothing_gets_out_of_an_attribute() {
        assert_eq!(
            escape("<b a=\"x\" c='y'>&\u{0}\n"),
            "&lt;b a=&quot;x&quot; c=&#39;y&#39;&gt;&amp;\u{fffd} "
        );
    }

    #[test]
    fn paths_are_relative() {
        assert_eq!(path(&[(10, 10), (12, 7), (12, 7)], true), "M10 10l2-3h0z");
        assert_eq!(path(&[], false), "");
    }

    #[test]
    fn text_is_outlines_each_drawn_once() {
        let paint = Paint {
            rgb: (1, 2, 3),
            alpha: 1.0,
        };
        let label = |y: f64, text: &str| {
            Shape::Label(Label {
                text: text.into(),
                x: 4.0,
                y,
                size: 40.0,
                weight: Weight::Regular,
                paint,
                width: 90.0,
            })
        };
        let mut scene = Scene::new(100.0, 20.0);
        scene.shapes.push(label(40.0, "a < a"));
        let file = svg(&scene, "t", "d", Style::Standalone);
        assert!(!file.contains("<text"), "{file}");
        assert_eq!(file.matches("<path id=").count(), 2, "a and < once each");
        assert_eq!(file.matches("<use href=\"#").count(), 3, "one a letter");
        scene.shapes.push(label(60.0, "a < a"));
        let twice = svg(&scene, "t", "d", Style::Standalone);
        assert_eq!(
            twice.matches("<use href=\"#").count(),
            3 + 2,
            "a line that stands twice is referred to"
        );
        let mut letters = Letters::default();
        let inside = svg(&scene, "t", "d", Style::Embedded(&mut letters));
        assert!(
            !inside.contains("<defs>") && !inside.contains("http"),
            "{inside}"
        );
        let again = svg(&scene, "t", "d", Style::Embedded(&mut letters));
        assert_eq!(inside, again, "what was written before stays true");
        assert_eq!(letters.definitions().matches("<path id=").count(), 2);
    }
}
