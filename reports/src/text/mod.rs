//! Text: how wide it is, how it breaks, what its letters look like. The font comes with a crate, so it is the same on every machine.

mod fit;
mod font;

pub use fit::{ellipsis, wrap};
pub use font::{Glyph, PlacedGlyph, Weight, glyph_path, lay_out, register, units_per_em, width};

/// Height of a capital over the font size; text is centred by half of this.
pub const CAP_HEIGHT: f64 = 0.729;
/// How far the tallest letters reach above the base line, over the font size.
pub const ASCENT: f64 = 0.77;
/// How far letters reach below the base line, over the font size.
pub const DESCENT: f64 = 0.24;
