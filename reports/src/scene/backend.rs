//! The plotters backend that fills a [`Scene`].

use super::{Ink, Label, Paint, Scene, Shape};
use crate::text::{self, Weight};
use plotters::coord::Shift;
use plotters::prelude::{DrawingArea, IntoDrawingArea};
use plotters_backend::text_anchor::{HPos, VPos};
use plotters_backend::{
    BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingBackend, DrawingErrorKind,
    FontStyle,
};
use std::cell::RefCell;
use std::convert::Infallible;
use std::rc::Rc;

type Drawn = Result<(), DrawingErrorKind<Infallible>>;

/// Draws into a scene; never fails. The scene is shared, because plotters keeps the backend to itself.
pub struct SceneBackend {
    scene: Rc<RefCell<Scene>>,
}

impl SceneBackend {
    fn push(&mut self, shape: Shape, alpha: f64) -> Drawn {
        if alpha > 0.0 {
            self.scene.borrow_mut().shapes.push(shape);
        }
        Ok(())
    }
}

/// Lets `picture` draw on an empty scene of this size in CSS pixels, and gives the scene.
///
/// # Errors
/// What `picture` says.
pub fn draw<E>(
    width: f64,
    height: f64,
    picture: impl FnOnce(&DrawingArea<SceneBackend, Shift>) -> Result<(), E>,
) -> Result<Scene, E> {
    let scene = Rc::new(RefCell::new(Scene::new(width, height)));
    picture(
        &SceneBackend {
            scene: Rc::clone(&scene),
        }
        .into_drawing_area(),
    )?;
    Ok(scene.take())
}

fn paint(colour: BackendColor) -> Paint {
    Paint {
        rgb: colour.rgb,
        alpha: colour.alpha,
    }
}

fn ink<S: BackendStyle>(style: &S, fill: bool) -> Ink {
    let paint = paint(style.color());
    if fill {
        Ink::Fill(paint)
    } else {
        Ink::Stroke(paint, style.stroke_width())
    }
}

impl DrawingBackend for SceneBackend {
    type ErrorType = Infallible;

    fn get_size(&self) -> (u32, u32) {
        let scene = self.scene.borrow();
        (scene.width, scene.height)
    }

    fn ensure_prepared(&mut self) -> Drawn {
        Ok(())
    }

    fn present(&mut self) -> Drawn {
        Ok(())
    }

    fn draw_pixel(&mut self, (x, y): BackendCoord, colour: BackendColor) -> Drawn {
        self.push(
            Shape::Rect((x, y), (x + 1, y + 1), Ink::Fill(paint(colour))),
            colour.alpha,
        )
    }

    fn draw_line<S: BackendStyle>(
        &mut self,
        from: BackendCoord,
        to: BackendCoord,
        style: &S,
    ) -> Drawn {
        self.push(
            Shape::Path(vec![from, to], ink(style, false)),
            style.color().alpha,
        )
    }

    fn draw_rect<S: BackendStyle>(
        &mut self,
        a: BackendCoord,
        b: BackendCoord,
        style: &S,
        fill: bool,
    ) -> Drawn {
        self.push(Shape::Rect(a, b, ink(style, fill)), style.color().alpha)
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        path: I,
        style: &S,
    ) -> Drawn {
        self.push(
            Shape::Path(path.into_iter().collect(), ink(style, false)),
            style.color().alpha,
        )
    }

    fn draw_circle<S: BackendStyle>(
        &mut self,
        centre: BackendCoord,
        radius: u32,
        style: &S,
        fill: bool,
    ) -> Drawn {
        self.push(
            Shape::Circle(centre, radius, ink(style, fill)),
            style.color().alpha,
        )
    }

    fn fill_polygon<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        corners: I,
        style: &S,
    ) -> Drawn {
        self.push(
            Shape::Path(corners.into_iter().collect(), ink(style, true)),
            style.color().alpha,
        )
    }

    /// Text is never rotated in our charts: a reader should not have to turn the head.
    fn draw_text<T: BackendTextStyle>(
        &mut self,
        text: &str,
        style: &T,
        (x, y): BackendCoord,
    ) -> Drawn {
        if text.is_empty() {
            return Ok(());
        }
        let (size, weight) = (style.size(), weight(style));
        let width = text::width(text, size, weight);
        let anchor = style.anchor();
        let left = match anchor.h_pos {
            HPos::Left => 0.0,
            HPos::Center => width / 2.0,
            HPos::Right => width,
        };
        let down = match anchor.v_pos {
            VPos::Top => text::ASCENT * size,
            VPos::Center => text::CAP_HEIGHT / 2.0 * size,
            VPos::Bottom => -text::DESCENT * size,
        };
        let label = Label {
            text: text.to_owned(),
            x: f64::from(x) - left,
            y: f64::from(y) + down,
            size,
            weight,
            paint: paint(style.color()),
            width,
        };
        self.push(Shape::Label(label), style.color().alpha)
    }

    fn estimate_text_size<T: BackendTextStyle>(
        &self,
        text: &str,
        style: &T,
    ) -> Result<(u32, u32), DrawingErrorKind<Infallible>> {
        let width = text::width(text, style.size(), weight(style));
        Ok((
            width.ceil() as u32,
            ((text::ASCENT + text::DESCENT) * style.size()).ceil() as u32,
        ))
    }
}

fn weight<T: BackendTextStyle>(style: &T) -> Weight {
    if matches!(style.style(), FontStyle::Bold) {
        Weight::Bold
    } else {
        Weight::Regular
    }
}
