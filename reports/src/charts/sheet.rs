//! What a chart draws on: a plotters drawing area, measured in CSS pixels.

use crate::text::{self, Weight};
use crate::theme::{Colour, MUTED};
use plotters::coord::Shift;
use plotters::element::Drawable;
use plotters::element::{Circle, PathElement, Polygon, Rectangle, Text};
use plotters::prelude::{Color, DrawResult, DrawingArea, DrawingBackend, IntoFont};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{FontStyle, ShapeStyle, TextStyle};

/// A point in CSS pixels from the sheet's upper left corner.
pub type Point = (f64, f64);

/// Which end of a text stands at its point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    /// The text begins there.
    Left,
    /// The text is centred there.
    Centre,
    /// The text ends there.
    Right,
}

/// How a text looks.
#[derive(Clone, Copy, Debug)]
pub struct Type {
    /// CSS pixels.
    pub size: f64,
    /// Regular or bold.
    pub weight: Weight,
    /// Its colour.
    pub colour: Colour,
    /// Where its point is.
    pub align: Align,
}

impl Type {
    /// Regular text that begins at its point.
    pub const fn new(size: f64, colour: Colour) -> Type {
        Type {
            size,
            weight: Weight::Regular,
            colour,
            align: Align::Left,
        }
    }

    /// The same in bold.
    pub const fn bold(self) -> Type {
        Type {
            weight: Weight::Bold,
            ..self
        }
    }

    /// The same, ending at its point.
    pub const fn right(self) -> Type {
        Type {
            align: Align::Right,
            ..self
        }
    }

    /// The same, centred at its point.
    pub const fn centre(self) -> Type {
        Type {
            align: Align::Centre,
            ..self
        }
    }

    /// The width of a line, CSS pixels.
    pub fn width(&self, line: &str) -> f64 {
        text::width(line, self.size, self.weight)
    }

    /// The line, shortened to this width.
    pub fn fit(&self, line: &str, most: f64) -> String {
        text::ellipsis(line, self.size, self.weight, most)
    }
}

/// A drawing area in CSS pixels.
pub struct Sheet<'a, B: DrawingBackend> {
    area: &'a DrawingArea<B, Shift>,
    unit: f64,
}

impl<'a, B: DrawingBackend> Sheet<'a, B> {
    /// Over an area whose backend has `unit` pixels to a CSS pixel.
    pub fn new(area: &'a DrawingArea<B, Shift>, unit: f64) -> Sheet<'a, B> {
        Sheet { area, unit }
    }

    /// CSS pixels.
    pub fn width(&self) -> f64 {
        f64::from(self.area.dim_in_pixel().0) / self.unit
    }

    /// CSS pixels.
    pub fn height(&self) -> f64 {
        f64::from(self.area.dim_in_pixel().1) / self.unit
    }

    /// Text whose capitals are centred at the point's height.
    pub fn text(&self, at: Point, line: &str, look: Type) -> DrawResult<(), B> {
        let style = if look.weight == Weight::Bold {
            FontStyle::Bold
        } else {
            FontStyle::Normal
        };
        let h = match look.align {
            Align::Left => HPos::Left,
            Align::Centre => HPos::Center,
            Align::Right => HPos::Right,
        };
        let font = ("sans-serif", look.size * self.unit, style).into_font();
        let style = TextStyle::from(font)
            .color(&look.colour.light)
            .pos(Pos::new(h, VPos::Center));
        self.put(&Text::new(line, self.at(at), style))
    }

    /// A sentence in place of a picture that has nothing to show.
    pub fn instead(&self, words: &str) -> DrawResult<(), B> {
        let look = Type::new(12.5, MUTED);
        self.text((0.0, 12.0), &look.fit(words, self.width()), look)
    }

    /// Text broken into lines of at most this width; gives the height of all.
    pub fn paragraph(
        &self,
        (x, y): Point,
        words: &str,
        look: Type,
        most: f64,
    ) -> DrawResult<f64, B> {
        let lines = text::wrap(words, look.size, look.weight, most);
        let step = line_step(look.size);
        for (i, line) in lines.iter().enumerate() {
            self.text((x, y + (i as f64 + 0.5) * step), line, look)?;
        }
        Ok(lines.len() as f64 * step)
    }

    /// A line through the points.
    pub fn line(
        &self,
        points: &[Point],
        colour: Colour,
        alpha: f64,
        width: f64,
    ) -> DrawResult<(), B> {
        let points: Vec<(i32, i32)> = points.iter().map(|p| self.at(*p)).collect();
        self.put(&PathElement::new(points, self.stroke(colour, alpha, width)))
    }

    /// A filled area.
    pub fn area(&self, corners: &[Point], colour: Colour, alpha: f64) -> DrawResult<(), B> {
        let corners: Vec<(i32, i32)> = corners.iter().map(|p| self.at(*p)).collect();
        self.put(&Polygon::new(corners, colour.light.mix(alpha)))
    }

    /// A filled rectangle.
    pub fn rect(&self, a: Point, b: Point, colour: Colour, alpha: f64) -> DrawResult<(), B> {
        self.put(&Rectangle::new(
            [self.at(a), self.at(b)],
            colour.light.mix(alpha).filled(),
        ))
    }

    /// A filled circle.
    pub fn dot(&self, centre: Point, radius: f64, colour: Colour, alpha: f64) -> DrawResult<(), B> {
        self.put(&Circle::new(
            self.at(centre),
            self.size(radius),
            colour.light.mix(alpha).filled(),
        ))
    }

    /// A circle's outline.
    pub fn ring(
        &self,
        centre: Point,
        radius: f64,
        colour: Colour,
        width: f64,
    ) -> DrawResult<(), B> {
        self.put(&Circle::new(
            self.at(centre),
            self.size(radius),
            self.stroke(colour, 1.0, width),
        ))
    }

    fn put<'e, E>(&self, element: &'e E) -> DrawResult<(), B>
    where
        &'e E: plotters::element::PointCollection<'e, (i32, i32)>,
        E: Drawable<B>,
    {
        self.area.draw(element)
    }

    fn at(&self, (x, y): Point) -> (i32, i32) {
        (
            (x * self.unit).round() as i32,
            (y * self.unit).round() as i32,
        )
    }

    fn size(&self, px: f64) -> i32 {
        (px * self.unit).round().max(1.0) as i32
    }

    fn stroke(&self, colour: Colour, alpha: f64, width: f64) -> ShapeStyle {
        colour
            .light
            .mix(alpha)
            .stroke_width((width * self.unit).round().max(1.0) as u32)
    }
}

/// From one base line to the next, CSS pixels.
pub fn line_step(size: f64) -> f64 {
    size * 1.4
}
