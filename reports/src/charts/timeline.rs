//! Curves over the events or the time of one tape, for a canvas: the browser's timeline. It has no title of its own, and says
//! where its plot stands, so that the page can put a cursor on it.

use super::axis::{Quantity, Scale};
use super::curves::{self, Curve, Look, TICK, TICKS};
use super::plot_box::PlotBox;
use super::sheet::Sheet;
use crate::scene::{self, Scene, UNITS_PER_PX};
use crate::theme::{Colour, MUTED};
use plotters::prelude::{DrawResult, DrawingAreaErrorKind, DrawingBackend};
use std::convert::Infallible;

const KEY: f64 = 20.0;
const EDGE: f64 = 8.0;

/// A curve with its name.
#[derive(Clone, Debug, PartialEq)]
pub struct NamedCurve {
    /// What the key says; an empty name stays out of it.
    pub name: String,
    /// Its colour.
    pub colour: Colour,
    /// Area or line.
    pub look: Look,
    /// From left to right: place on the horizontal axis, value.
    pub points: Vec<(f64, f64)>,
}

/// What a timeline shows.
#[derive(Clone, Debug, PartialEq)]
pub struct Timeline {
    /// What the horizontal axis counts: [`Quantity::Count`] for events, [`Quantity::Time`] for nanoseconds.
    pub across: Quantity,
    /// The part of the axis that is shown, from its left to its right end.
    pub span: (f64, f64),
    /// What the vertical axis measures; it begins at zero, or below where values do.
    pub up: Quantity,
    /// From back to front.
    pub curves: Vec<NamedCurve>,
    /// Named places on the horizontal axis.
    pub marks: Vec<(f64, String)>,
}

impl Timeline {
    /// Draws it at this size in CSS pixels. The box is where the curves stand: its left edge is `span.0`, its right `span.1`.
    ///
    /// # Errors
    /// What plotters says; a scene itself never fails.
    pub fn draw(
        &self,
        width: f64,
        height: f64,
    ) -> Result<(Scene, PlotBox), DrawingAreaErrorKind<Infallible>> {
        let across = Scale::over(self.across, self.span.0, self.span.1);
        let values = || {
            let all = self.curves.iter().flat_map(|c| c.points.iter());
            all.map(|(_, y)| *y).filter(|y| y.is_finite())
        };
        // A difference may be on either side of zero.
        let low = values().fold(0.0, f64::min);
        let up = if low < 0.0 {
            let high = values().fold(-low * 0.1, f64::max);
            Scale::over(self.up, low * 1.04, high * 1.04)
        } else {
            Scale::from_zero(self.up, values())
        };
        let most = ((height - KEY - TICKS) / 36.0) as usize;
        let frame = PlotBox {
            x0: curves::gutter(&up, most).min(width / 3.0),
            x1: (width - EDGE).max(width / 2.0),
            y0: KEY.min(height / 3.0),
            y1: (height - TICKS).max(height / 2.0),
        };
        let scene = scene::draw(width, height, |area| {
            let sheet = Sheet::new(area, UNITS_PER_PX);
            let named = self.curves.iter().filter(|c| !c.name.is_empty());
            let key = named.map(|c| (c.look, c.colour, c.name.as_str()));
            curves::key(&sheet, (frame.x0, KEY / 2.0 - 2.0), key)?;
            curves::rows(&sheet, &frame, &up, most, true)?;
            curves::columns(&sheet, &frame, &across, false)?;
            for curve in &self.curves {
                let curve = Curve {
                    colour: curve.colour,
                    look: curve.look,
                    points: within(&curve.points, self.span),
                };
                curve.draw(&sheet, &frame, &across, &up)?;
            }
            self.draw_marks(&sheet, &frame, &across)
        })?;
        Ok((scene, frame))
    }

    fn draw_marks<B: DrawingBackend>(
        &self,
        sheet: &Sheet<'_, B>,
        frame: &PlotBox,
        across: &Scale,
    ) -> DrawResult<(), B> {
        let mut free_from = frame.x0;
        for (place, name) in self.marks.iter().filter(|(place, _)| across.has(*place)) {
            let x = frame.x(across.part(*place));
            sheet.line(&[(x, frame.y0), (x, frame.y1)], MUTED, 0.6, 1.0)?;
            // A name that would run into the one before it is left out; its line stays.
            let width = TICK.width(name);
            if x >= free_from && x + 4.0 + width <= frame.x1 {
                sheet.text((x + 4.0, frame.y0 + 8.0), name, TICK)?;
                free_from = x + 12.0 + width;
            }
        }
        Ok(())
    }
}

/// The points within the span and the two beside it, whose lines cross its ends; those are moved onto the ends.
fn within(points: &[(f64, f64)], (low, high): (f64, f64)) -> Vec<(f64, f64)> {
    let from = points.partition_point(|(x, _)| *x < low).saturating_sub(1);
    let to = (points.partition_point(|(x, _)| *x <= high) + 1).min(points.len());
    let some = points.get(from..to).unwrap_or_default();
    let at = |edge: f64, (x0, y0): (f64, f64), (x1, y1): (f64, f64)| {
        let part = if x1 > x0 {
            (edge - x0) / (x1 - x0)
        } else {
            0.0
        };
        (edge, y0 + part * (y1 - y0))
    };
    let mut out = Vec::with_capacity(some.len());
    for (i, point) in some.iter().enumerate() {
        let next = some.get(i + 1);
        let before = i.checked_sub(1).and_then(|i| some.get(i));
        match (point.0, next, before) {
            (x, Some(next), _) if x < low => out.push(at(low, *point, *next)),
            (x, _, Some(before)) if x > high => out.push(at(high, *before, *point)),
            (x, ..) if x < low || x > high => {}
            _ => out.push(*point),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scene::Shape;
    use crate::theme::{INK, LIVE};

    fn sample(span: (f64, f64)) -> Timeline {
        let points: Vec<(f64, f64)> = (0..=100)
            .map(|i| (f64::from(i) * 10.0, f64::from(i)))
            .collect();
        Timeline {
            across: Quantity::Count,
            span,
            up: Quantity::Bytes,
            curves: vec![
                NamedCurve {
                    name: "live".into(),
                    colour: LIVE,
                    look: Look::Area(0.8),
                    points: points.clone(),
                },
                NamedCurve {
                    name: "footprint".into(),
                    colour: INK,
                    look: Look::Line(2.0),
                    points,
                },
            ],
            marks: vec![(500.0, "half".into())],
        }
    }

    #[test]
    fn curves_reach_from_edge_to_edge_of_the_box() {
        for span in [(0.0, 1000.0), (333.0, 404.0), (5.0, 6.0)] {
            let (scene, frame) = sample(span).draw(600.0, 120.0).unwrap();
            let line = scene
                .shapes
                .iter()
                .rev()
                .find_map(|s| match s {
                    Shape::Path(points, crate::scene::Ink::Stroke(_, 8)) if points.len() > 1 => {
                        Some(points)
                    }
                    _ => None,
                })
                .unwrap();
            let px = |x: f64| (x * UNITS_PER_PX).round() as i32;
            assert_eq!(line.first().unwrap().0, px(frame.x0), "{span:?}");
            assert_eq!(line.last().unwrap().0, px(frame.x1), "{span:?}");
        }
    }

    #[test]
    fn any_size_and_any_data_draw() {
        for (width, height) in [(1.0, 1.0), (40.0, 30.0), (4000.0, 900.0)] {
            assert!(sample((0.0, 1000.0)).draw(width, height).is_ok());
        }
        let mut odd = sample((7.0, 7.0));
        assert!(odd.draw(300.0, 80.0).is_ok());
        odd.curves[0].points = vec![(f64::NAN, f64::NAN), (f64::INFINITY, -1.0)];
        odd.curves[1].points.clear();
        assert!(odd.draw(300.0, 80.0).is_ok());
    }
}
