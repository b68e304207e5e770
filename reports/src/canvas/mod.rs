//! A scene on a canvas: the third form of every chart, beside SVG and PNG.
//!
//! A browser's 2D context is one ([`Canvas`] is implemented for it behind the feature `web-canvas`); a test's recorder is another.
//! The browser's own font draws, so whoever draws lets it measure before: `canvas::measure_on(&context)`.

#[cfg(feature = "web-canvas")]
mod web;

#[cfg(feature = "web-canvas")]
pub use web::measure_on;

use crate::scene::{Ink, Paint, Scene, Shape, UNITS_PER_PX};
use crate::text::Weight;
use crate::theme::{self, Colour};
use plotters::style::RGBColor;

/// A point in CSS pixels.
pub type Point = (f64, f64);

/// What a scene needs of a canvas. Coordinates and widths are CSS pixels; colours are CSS.
pub trait Canvas {
    /// Fills the area within the corners.
    fn fill(&mut self, corners: &[Point], colour: &str);
    /// A line through the points, with round ends and joins.
    fn stroke(&mut self, points: &[Point], colour: &str, width: f64);
    /// Fills a circle.
    fn fill_circle(&mut self, centre: Point, radius: f64, colour: &str);
    /// A circle's outline.
    fn stroke_circle(&mut self, centre: Point, radius: f64, colour: &str, width: f64);
    /// Text whose base line begins at the point, in a CSS font.
    fn text(&mut self, words: &str, at: Point, font: &str, colour: &str);
}

/// Light or dark page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Dark ink on light paper.
    Light,
    /// Light ink on dark paper.
    Dark,
}

/// The families that the page's text has too.
const FAMILIES: &str =
    "system-ui, -apple-system, \"Segoe UI\", Roboto, \"Helvetica Neue\", Arial, sans-serif";

/// A font as CSS writes it; the size in CSS pixels.
pub fn font(size: f64, weight: Weight) -> String {
    let weight = match weight {
        Weight::Regular => 400,
        Weight::Bold => 600,
    };
    format!("{weight} {size}px {FAMILIES}")
}

/// A colour of the theme in this mode, as CSS writes it.
pub fn css(colour: Colour, mode: Mode) -> String {
    theme::hex(match mode {
        Mode::Light => colour.light,
        Mode::Dark => colour.dark,
    })
}

/// Draws the scene from its upper left corner on. What was on the canvas stays below it.
pub fn paint(scene: &Scene, mode: Mode, canvas: &mut impl Canvas) {
    let px = |v: i32| f64::from(v) / UNITS_PER_PX;
    let points = |of: &[(i32, i32)]| {
        of.iter()
            .map(|(x, y)| (px(*x), px(*y)))
            .collect::<Vec<Point>>()
    };
    let width = |units: u32| f64::from(units) / UNITS_PER_PX;
    for shape in &scene.shapes {
        match shape {
            Shape::Rect(a, b, ink) => {
                let ((x0, y0), (x1, y1)) = ((px(a.0), px(a.1)), (px(b.0), px(b.1)));
                let mut corners = vec![(x0, y0), (x1, y0), (x1, y1), (x0, y1)];
                match ink {
                    Ink::Fill(paint) => canvas.fill(&corners, &rgba(*paint, mode)),
                    Ink::Stroke(paint, line) => {
                        corners.push((x0, y0));
                        canvas.stroke(&corners, &rgba(*paint, mode), width(*line));
                    }
                }
            }
            Shape::Path(path, Ink::Fill(paint)) => canvas.fill(&points(path), &rgba(*paint, mode)),
            Shape::Path(path, Ink::Stroke(paint, line)) => {
                canvas.stroke(&points(path), &rgba(*paint, mode), width(*line));
            }
            Shape::Circle((x, y), radius, Ink::Fill(paint)) => {
                canvas.fill_circle((px(*x), px(*y)), width(*radius), &rgba(*paint, mode));
            }
            Shape::Circle((x, y), radius, Ink::Stroke(paint, line)) => canvas.stroke_circle(
                (px(*x), px(*y)),
                width(*radius),
                &rgba(*paint, mode),
                width(*line),
            ),
            Shape::Label(label) => canvas.text(
                &label.text,
                (label.x / UNITS_PER_PX, label.y / UNITS_PER_PX),
                &font(label.size / UNITS_PER_PX, label.weight),
                &rgba(label.paint, mode),
            ),
        }
    }
}

fn rgba(Paint { rgb, alpha }: Paint, mode: Mode) -> String {
    let colour = match (theme::by_light(rgb), mode) {
        (Some(colour), Mode::Dark) => colour.dark,
        _ => RGBColor(rgb.0, rgb.1, rgb.2),
    };
    if alpha >= 1.0 {
        return theme::hex(colour);
    }
    let RGBColor(r, g, b) = colour;
    format!("rgba({r},{g},{b},{alpha:.3})")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scene::Label;

    #[derive(Default)]
    struct Recorder(Vec<String>);

    impl Canvas for Recorder {
        fn fill(&mut self, corners: &[Point], colour: &str) {
            self.0.push(format!("fill {corners:?} {colour}"));
        }
        fn stroke(&mut self, points: &[Point], colour: &str, width: f64) {
            self.0.push(format!("stroke {points:?} {colour} {width}"));
        }
        fn fill_circle(&mut self, centre: Point, radius: f64, colour: &str) {
            self.0.push(format!("dot {centre:?} {radius} {colour}"));
        }
        fn stroke_circle(&mut self, centre: Point, radius: f64, colour: &str, width: f64) {
            self.0
                .push(format!("ring {centre:?} {radius} {colour} {width}"));
        }
        fn text(&mut self, words: &str, at: Point, font: &str, colour: &str) {
            let size = font.split(' ').take(2).collect::<Vec<_>>().join(" ");
            self.0.push(format!("text {words} {at:?} {size} {colour}"));
        }
    }

    #[test]
    fn every_shape_in_css_pixels_and_in_the_colours_of_the_mode() {
        let ink = |colour: Colour, alpha| Paint {
            rgb: (colour.light.0, colour.light.1, colour.light.2),
            alpha,
        };
        let mut scene = Scene::new(100.0, 50.0);
        scene.shapes = vec![
            Shape::Rect((0, 0), (8, 4), Ink::Fill(ink(theme::INK, 0.5))),
            Shape::Path(vec![(0, 0), (4, 8)], Ink::Stroke(ink(theme::GRID, 1.0), 6)),
            Shape::Circle((4, 4), 8, Ink::Fill(ink(theme::WARN, 1.0))),
            Shape::Circle((4, 4), 8, Ink::Stroke(ink(theme::WARN, 1.0), 4)),
            Shape::Label(Label {
                text: "a".into(),
                x: 4.0,
                y: 40.0,
                size: 44.0,
                weight: Weight::Bold,
                paint: ink(theme::MUTED, 1.0),
                width: 20.0,
            }),
        ];
        let mut light = Recorder::default();
        paint(&scene, Mode::Light, &mut light);
        assert_eq!(
            light.0,
            [
                "fill [(0.0, 0.0), (2.0, 0.0), (2.0, 1.0), (0.0, 1.0)] rgba(27,34,48,0.500)",
                "stroke [(0.0, 0.0), (1.0, 2.0)] #e3e7ec 1.5",
                "dot (1.0, 1.0) 2 #b00020",
                "ring (1.0, 1.0) 2 #b00020 1",
                "text a (1.0, 10.0) 600 11px #5b6573",
            ]
        );
        let mut dark = Recorder::default();
        paint(&scene, Mode::Dark, &mut dark);
        assert!(
            dark.0[0].ends_with("rgba(232,235,240,0.500)"),
            "{:?}",
            dark.0
        );
    }
}
