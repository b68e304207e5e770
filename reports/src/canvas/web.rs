//! The browser's 2D context.

use super::{Canvas, Point, font};
use crate::text;
use std::f64::consts::TAU;
use web_sys::CanvasRenderingContext2d;

/// Lets the context measure all text from now on, so that labels are as wide as the browser will draw them.
pub fn measure_on(context: &CanvasRenderingContext2d) {
    let context = context.clone();
    text::measure_with(move |line, size, weight| {
        // Scene units are quarters of a pixel; a font of 44 px measures as well as one of 11 px.
        context.set_font(&font(size, weight));
        context
            .measure_text(line)
            .map_or(0.0, |metrics| metrics.width())
    });
}

fn trace(context: &CanvasRenderingContext2d, points: &[Point]) {
    context.begin_path();
    for (i, &(x, y)) in points.iter().enumerate() {
        if i == 0 {
            context.move_to(x, y);
        } else {
            context.line_to(x, y);
        }
    }
}

fn circle(context: &CanvasRenderingContext2d, (x, y): Point, radius: f64) {
    context.begin_path();
    // It fails only for a negative radius, which no shape has.
    let _ = context.arc(x, y, radius, 0.0, TAU);
}

impl Canvas for &CanvasRenderingContext2d {
    fn fill(&mut self, corners: &[Point], colour: &str) {
        self.set_fill_style_str(colour);
        trace(self, corners);
        CanvasRenderingContext2d::fill(self);
    }

    fn stroke(&mut self, points: &[Point], colour: &str, width: f64) {
        self.set_stroke_style_str(colour);
        self.set_line_width(width);
        self.set_line_join("round");
        self.set_line_cap("round");
        trace(self, points);
        CanvasRenderingContext2d::stroke(self);
    }

    fn fill_circle(&mut self, centre: Point, radius: f64, colour: &str) {
        self.set_fill_style_str(colour);
        circle(self, centre, radius);
        CanvasRenderingContext2d::fill(self);
    }

    fn stroke_circle(&mut self, centre: Point, radius: f64, colour: &str, width: f64) {
        self.set_stroke_style_str(colour);
        self.set_line_width(width);
        circle(self, centre, radius);
        CanvasRenderingContext2d::stroke(self);
    }

    fn text(&mut self, words: &str, (x, y): Point, font: &str, colour: &str) {
        self.set_fill_style_str(colour);
        self.set_font(font);
        self.set_text_align("left");
        self.set_text_baseline("alphabetic");
        // It fails only where the context is lost, and then nothing can be drawn anyhow.
        let _ = self.fill_text(words, x, y);
    }
}
