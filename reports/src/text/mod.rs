//! Text: how wide it is, how it breaks, what its letters look like.
//!
//! With the feature `files` the font comes with a crate, so text is the same on every machine. Without it, on a browser's
//! canvas, the browser's font draws, so it must measure too: see [`measure_with`].

mod fit;
#[cfg(feature = "files")]
mod font;
mod measure;
#[cfg(feature = "files")]
mod steps;

pub use fit::{ellipsis, wrap};
#[cfg(feature = "files")]
pub use font::{Glyph, OUTLINE_UNITS, PlacedGlyph, glyph_path, lay_out, register};
pub use measure::{measure_with, width};
#[cfg(feature = "files")]
pub use steps::{Place, Steps};

/// Height of a capital over the font size; text is centred by half of this.
pub const CAP_HEIGHT: f64 = 0.729;
/// How far the tallest letters reach above the base line, over the font size.
pub const ASCENT: f64 = 0.77;
/// How far letters reach below the base line, over the font size.
pub const DESCENT: f64 = 0.24;

/// Regular or bold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Weight {
    /// Most text.
    Regular,
    /// Titles and names.
    Bold,
}
