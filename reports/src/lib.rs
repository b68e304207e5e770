//! Results become charts, tables and one page.
//!
//! Layers, each imports only those above it: [`error`], [`units`], [`stats`], [`theme`] (colours), [`text`] (font),
//! [`study`] (what the results say), [`scene`] (pictures, SVG, PNG), [`canvas`] (the same on a canvas), [`charts`] (one file a
//! chart), `render` ([`pictures`]), [`page`] (the HTML), and at the bottom the calls that others use: [`read_results`],
//! [`write_report`] and [`write_diff`].
//!
//! Everything that makes files stands behind the feature `files`, which is on by default. Without it the crate compiles for
//! wasm32, and with `web-canvas` a page draws a chart so:
//!
//! ```text
//! reports::canvas::measure_on(&context);                          // once: the browser's font measures
//! let (scene, plot) = Timeline { … }.draw(width, height)?;        // CSS pixels; `plot` is where the curves stand
//! reports::canvas::paint(&scene, Mode::Dark, &mut &context);      // onto a context scaled by devicePixelRatio
//! ```

pub mod canvas;
pub mod charts;
pub mod error;
#[cfg(feature = "files")]
pub mod page;
pub mod scene;
pub mod stats;
pub mod study;
pub mod text;
pub mod theme;
pub mod units;

#[cfg(feature = "files")]
mod files;
#[cfg(feature = "files")]
mod read;
#[cfg(feature = "files")]
mod render;
#[cfg(feature = "files")]
mod write;

pub use error::ReportError;
#[cfg(feature = "files")]
pub use files::{Files, files};
#[cfg(feature = "files")]
pub use read::{parse_results, read_results};
#[cfg(feature = "files")]
pub use render::{Pictures, diff_pictures, pictures};
#[cfg(feature = "files")]
pub use write::{Written, WrittenChart, write_diff, write_report};
