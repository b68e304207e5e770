//! The check that nothing overlaps and nothing is cut, by the boxes of the texts.

use reports::scene::{Scene, Shape};

/// Panics where a label is cut, two labels overlap, or a shape is off the canvas.
pub fn check(what: &str, scene: &Scene) {
    let (width, height) = (f64::from(scene.width), f64::from(scene.height));
    let labels: Vec<_> = scene
        .labels()
        .map(|l| (l.text.as_str(), l.bounds()))
        .collect();
    for (i, (text, a)) in labels.iter().enumerate() {
        assert!(
            a.left >= -0.5 && a.top >= -0.5 && a.right <= width + 0.5 && a.bottom <= height + 0.5,
            "{what}: “{text}” is cut: {a:?} of {width} × {height}"
        );
        for (other, b) in &labels[i + 1..] {
            assert!(
                !a.intersects(b),
                "{what}: “{text}” {a:?} overlaps “{other}” {b:?}"
            );
        }
    }
    for shape in &scene.shapes {
        let inside = |(x, y): &(i32, i32)| {
            (0..=scene.width as i32).contains(x) && (0..=scene.height as i32).contains(y)
        };
        match shape {
            Shape::Rect(a, b, _) => assert!(inside(a) && inside(b), "{what}: {shape:?}"),
            Shape::Path(points, _) => assert!(points.iter().all(inside), "{what}: {shape:?}"),
            Shape::Circle(centre, ..) => assert!(inside(centre), "{what}: {shape:?}"),
            Shape::Label(_) => {}
        }
    }
}
