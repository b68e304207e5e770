//! The width of a line: by whoever will draw it.

use super::Weight;
use std::cell::RefCell;

/// Gives the width of a line at a font size, in the unit of the size.
type Measure = Box<dyn Fn(&str, f64, Weight) -> f64>;

thread_local! {
    static MEASURE: RefCell<Option<Measure>> = const { RefCell::new(None) };
}

/// Asks `measure` for the width of every line that this thread lays out from now on, instead of the font of the files.
/// It is given the line, the font size and the weight, and gives the width in the unit of the size.
pub fn measure_with(measure: impl Fn(&str, f64, Weight) -> f64 + 'static) {
    MEASURE.with_borrow_mut(|held| *held = Some(Box::new(measure)));
}

/// The width of a line at this font size, in the unit of the size.
pub fn width(text: &str, size: f64, weight: Weight) -> f64 {
    let measured =
        MEASURE.with_borrow(|measure| measure.as_ref().map(|measure| measure(text, size, weight)));
    measured.unwrap_or_else(|| own(text, size, weight))
}

#[cfg(feature = "files")]
fn own(text: &str, size: f64, weight: Weight) -> f64 {
    super::font::width(text, size, weight)
}

/// Without a font and before anybody said how to measure: a middling letter of a sans-serif face.
#[cfg(not(feature = "files"))]
fn own(text: &str, size: f64, weight: Weight) -> f64 {
    let letter = match weight {
        Weight::Regular => 0.52,
        Weight::Bold => 0.57,
    };
    text.chars().count() as f64 * letter * size
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_measure_that_was_given_is_asked() {
        // On a thread of its own: the measure is this thread's until another is given.
        let asked = std::thread::spawn(|| {
            measure_with(|text, size, _| text.len() as f64 * size * 2.0);
            width("abc", 10.0, Weight::Regular)
        });
        assert_eq!(asked.join().ok(), Some(60.0));
        assert!(width("abc", 10.0, Weight::Regular) < 30.0);
    }
}
