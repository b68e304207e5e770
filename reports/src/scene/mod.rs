//! A picture as a list of shapes and labels: what plotters draws into before it becomes SVG or PNG.
//!
//! plotters' own SVG backend writes text that each machine draws with another font. This backend keeps the label, its place and its box:
//! the SVG writer turns it into outlines, and a test can ask whether two labels overlap.

mod backend;
#[cfg(feature = "files")]
mod letters;
#[cfg(feature = "files")]
mod png;
#[cfg(feature = "files")]
mod svg;

pub use backend::{SceneBackend, draw};
#[cfg(feature = "files")]
pub use letters::Letters;
#[cfg(feature = "files")]
pub use png::png;
#[cfg(feature = "files")]
pub use svg::{Style, escape, svg};

use crate::text::Weight;

/// Scene units to a CSS pixel. plotters' backend coordinates are whole numbers; quarters of a pixel keep curves smooth.
pub const UNITS_PER_PX: f64 = 4.0;

/// A colour with its opacity, 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Paint {
    /// Red, green, blue.
    pub rgb: (u8, u8, u8),
    /// 1 is opaque.
    pub alpha: f64,
}

/// How a shape is painted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Ink {
    /// Filled.
    Fill(Paint),
    /// Outlined with a line of this width, in scene units.
    Stroke(Paint, u32),
}

/// A line of text.
#[derive(Clone, Debug, PartialEq)]
pub struct Label {
    /// What it says.
    pub text: String,
    /// Left end, scene units.
    pub x: f64,
    /// Base line, scene units.
    pub y: f64,
    /// Font size, scene units.
    pub size: f64,
    /// Regular or bold.
    pub weight: Weight,
    /// Its colour.
    pub paint: Paint,
    /// Width, scene units.
    pub width: f64,
}

/// A rectangle: left, top, right, bottom, scene units.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bounds {
    /// Left edge.
    pub left: f64,
    /// Upper edge.
    pub top: f64,
    /// Right edge.
    pub right: f64,
    /// Lower edge.
    pub bottom: f64,
}

impl Bounds {
    /// Whether the two share more than an edge.
    pub fn intersects(&self, other: &Bounds) -> bool {
        self.left < other.right
            && other.left < self.right
            && self.top < other.bottom
            && other.top < self.bottom
    }
}

impl Label {
    /// The box that the text fills, from the tallest letter to the lowest.
    pub fn bounds(&self) -> Bounds {
        Bounds {
            left: self.x,
            top: self.y - crate::text::ASCENT * self.size,
            right: self.x + self.width,
            bottom: self.y + crate::text::DESCENT * self.size,
        }
    }
}

/// A shape of the picture; coordinates in scene units.
#[derive(Clone, Debug, PartialEq)]
pub enum Shape {
    /// From the upper left to the lower right corner.
    Rect((i32, i32), (i32, i32), Ink),
    /// An open line where stroked, an area where filled.
    Path(Vec<(i32, i32)>, Ink),
    /// Centre and radius.
    Circle((i32, i32), u32, Ink),
    /// Text.
    Label(Label),
}

/// A picture.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scene {
    /// Scene units.
    pub width: u32,
    /// Scene units.
    pub height: u32,
    /// From back to front.
    pub shapes: Vec<Shape>,
}

impl Scene {
    /// An empty picture of this size in CSS pixels.
    pub fn new(width: f64, height: f64) -> Scene {
        let units = |px: f64| (px * UNITS_PER_PX).round().clamp(1.0, 1e6) as u32;
        Scene {
            width: units(width),
            height: units(height),
            shapes: Vec::new(),
        }
    }

    /// What the shapes are painted with; some may stand there more than once.
    pub fn paints(&self) -> Vec<Paint> {
        let of = |shape: &Shape| match shape {
            Shape::Label(label) => label.paint,
            Shape::Rect(.., ink) | Shape::Path(_, ink) | Shape::Circle(.., ink) => match ink {
                Ink::Fill(paint) | Ink::Stroke(paint, _) => *paint,
            },
        };
        self.shapes.iter().map(of).collect()
    }

    /// The labels, from back to front.
    pub fn labels(&self) -> impl Iterator<Item = &Label> {
        self.shapes.iter().filter_map(|s| {
            if let Shape::Label(label) = s {
                Some(label)
            } else {
                None
            }
        })
    }
}
