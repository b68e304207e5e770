//! The rectangle that a plot fills, and where a part of each axis stands in it.

/// A rectangle in CSS pixels of the sheet, y downwards.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PlotBox {
    /// Left edge.
    pub x0: f64,
    /// Right edge.
    pub x1: f64,
    /// Upper edge.
    pub y0: f64,
    /// Lower edge, where the vertical axis begins.
    pub y1: f64,
}

impl PlotBox {
    /// 0 is the left edge, 1 the right.
    pub fn x(&self, part: f64) -> f64 {
        self.x0 + part * (self.x1 - self.x0)
    }

    /// 0 is the lower edge, 1 the upper.
    pub fn y(&self, part: f64) -> f64 {
        self.y1 - part * (self.y1 - self.y0)
    }
}
