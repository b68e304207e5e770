//! DejaVu Sans Condensed, from the crate `dejavu`: metrics and outlines.

use super::Weight;
use super::steps::Steps;
use ab_glyph::{Font, FontRef, GlyphId, Outline, OutlineCurve};
use plotters::style::{FontStyle, register_font};
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, OnceLock, RwLock};

/// A letter of one of the two faces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Glyph {
    /// The face.
    pub weight: Weight,
    /// Its number in the face.
    pub id: u16,
}

/// A letter of a laid-out text.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PlacedGlyph {
    /// Which.
    pub glyph: Glyph,
    /// From the text's left end, in [`OUTLINE_UNITS`].
    pub x: f64,
}

/// A face with what was looked up in it before: a report asks for the same few letters some hundred thousand times.
struct Face {
    font: FontRef<'static>,
    letters: RwLock<HashMap<char, (GlyphId, f64)>>,
    kerning: RwLock<HashMap<(GlyphId, GlyphId), f64>>,
    outlines: RwLock<HashMap<u16, Arc<str>>>,
}

impl Face {
    fn new(bytes: &'static [u8]) -> Option<Face> {
        let font = FontRef::try_from_slice(bytes).ok()?;
        Some(Face {
            font,
            letters: RwLock::default(),
            kerning: RwLock::default(),
            outlines: RwLock::default(),
        })
    }

    fn letter(&self, c: char) -> (GlyphId, f64) {
        cached(&self.letters, c, || {
            // A control character has no place in a label; show that it is there.
            let id = self
                .font
                .glyph_id(if c.is_control() { '\u{fffd}' } else { c });
            (id, f64::from(self.font.h_advance_unscaled(id)))
        })
    }

    fn kern(&self, a: GlyphId, b: GlyphId) -> f64 {
        cached(&self.kerning, (a, b), || {
            f64::from(self.font.kern_unscaled(a, b))
        })
    }
}

/// The value for the key, from the map or made now. A poisoned lock only costs the saving.
fn cached<K: Eq + Hash + Copy, V: Clone>(
    map: &RwLock<HashMap<K, V>>,
    key: K,
    make: impl FnOnce() -> V,
) -> V {
    if let Some(value) = map.read().ok().and_then(|map| map.get(&key).cloned()) {
        return value;
    }
    let value = make();
    if let Ok(mut map) = map.write() {
        map.insert(key, value.clone());
    }
    value
}

fn face(weight: Weight) -> Option<&'static Face> {
    static REGULAR: OnceLock<Option<Face>> = OnceLock::new();
    static BOLD: OnceLock<Option<Face>> = OnceLock::new();
    match weight {
        Weight::Regular => REGULAR.get_or_init(|| Face::new(dejavu::sans_condensed::regular())),
        Weight::Bold => BOLD.get_or_init(|| Face::new(dejavu::sans_condensed::bold())),
    }
    .as_ref()
}

/// Makes plotters measure with this font too, for any backend that does not bring its own.
pub fn register() {
    static ONCE: OnceLock<()> = OnceLock::new();
    ONCE.get_or_init(|| {
        // A font that cannot be parsed leaves plotters without one, which the charts' backend does not use; the test below would show it.
        let _ = register_font(
            "sans-serif",
            FontStyle::Normal,
            dejavu::sans_condensed::regular(),
        );
        let _ = register_font(
            "sans-serif",
            FontStyle::Bold,
            dejavu::sans_condensed::bold(),
        );
    });
}

/// Units of an outline to the font size: fine enough for a poster, and short to write.
pub const OUTLINE_UNITS: f64 = 256.0;

/// Font units to the font size.
fn units_per_em(weight: Weight) -> f64 {
    face(weight)
        .and_then(|f| f.font.units_per_em())
        .map_or(2048.0, f64::from)
}

/// Places each letter of a line, and gives the line's width, both in [`OUTLINE_UNITS`].
pub fn lay_out(text: &str, weight: Weight) -> (Vec<PlacedGlyph>, f64) {
    let Some(face) = face(weight) else {
        return (Vec::new(), 0.0);
    };
    let scale = OUTLINE_UNITS / units_per_em(weight);
    let mut glyphs = Vec::with_capacity(text.len());
    let mut x = 0.0;
    let mut last: Option<GlyphId> = None;
    for c in text.chars() {
        let (id, advance) = face.letter(c);
        if let Some(last) = last {
            x += face.kern(last, id);
        }
        glyphs.push(PlacedGlyph {
            glyph: Glyph { weight, id: id.0 },
            x: x * scale,
        });
        x += advance;
        last = Some(id);
    }
    (glyphs, x * scale)
}

/// The width of a line at this font size, in the unit of the size.
pub fn width(text: &str, size: f64, weight: Weight) -> f64 {
    lay_out(text, weight).1 * size / OUTLINE_UNITS
}

/// A letter's outline as SVG path data, [`OUTLINE_UNITS`] to the font size, y downwards, the origin on the base line; empty for a space.
pub fn glyph_path(glyph: Glyph) -> Arc<str> {
    match face(glyph.weight) {
        Some(face) => cached(&face.outlines, glyph.id, || {
            face.font
                .outline(GlyphId(glyph.id))
                .map_or_else(String::new, |o| {
                    path_data(&o, OUTLINE_UNITS / units_per_em(glyph.weight))
                })
                .into()
        }),
        None => "".into(),
    }
}

/// Steps from point to point are shorter to write than places; each goes between rounded places, so no error adds up.
fn path_data(outline: &Outline, to_outline: f64) -> String {
    let place = |p: &ab_glyph::Point| {
        let round = |v: f32| (f64::from(v) * to_outline).round() as i32;
        (round(p.x), -round(p.y))
    };
    let mut path = Steps::default();
    for curve in &outline.curves {
        match curve {
            OutlineCurve::Line(a, b) => path.from(place(a)).edge(place(b)),
            OutlineCurve::Quad(a, c, b) => path.from(place(a)).quad(place(c), place(b)),
            OutlineCurve::Cubic(a, c, e, b) => {
                path.from(place(a)).cubic(place(c), place(e), place(b));
            }
        }
    }
    path.close();
    path.written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_faces_are_there_and_have_every_letter_that_units_use() {
        for weight in [Weight::Regular, Weight::Bold] {
            assert!(face(weight).is_some());
            for c in "aZ09µ×–—…·’%,.()≥ ".chars() {
                let (glyphs, width) = lay_out(&c.to_string(), weight);
                assert!(glyphs[0].glyph.id != 0, "{c} has no glyph");
                assert!(width > 0.0);
            }
        }
    }

    #[test]
    fn width_grows_with_size_and_length() {
        assert!(
            (width("abc", 20.0, Weight::Regular) - 2.0 * width("abc", 10.0, Weight::Regular)).abs()
                < 1e-9
        );
        assert!(width("abcd", 10.0, Weight::Bold) > width("abc", 10.0, Weight::Bold));
        assert_eq!(width("", 10.0, Weight::Regular), 0.0);
    }

    #[test]
    fn outlines_are_closed_paths() {
        let (glyphs, _) = lay_out("i ", Weight::Regular);
        let i = glyph_path(glyphs[0].glyph);
        assert!(i.starts_with('M') && i.ends_with('z'), "{i}");
        assert_eq!(i.matches('M').count(), 2, "a stem and a dot: {i}");
        assert_eq!(i.matches('M').count(), i.matches('z').count());
        assert!(glyph_path(glyphs[1].glyph).is_empty());
    }
}
