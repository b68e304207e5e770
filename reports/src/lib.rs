//! Results become charts, tables and one page.
//!
//! Layers, each imports only those above it: [`error`], [`units`], [`stats`], [`theme`] (colours), [`text`] (font),
//! [`study`] (what the results say), [`scene`] (pictures, SVG, PNG), [`charts`] (one file a chart), `render` ([`pictures`]),
//! [`page`] (the HTML), and at the bottom the two calls that others use: [`read_results`] and [`write_report`].

pub mod charts;
pub mod error;
pub mod page;
pub mod scene;
pub mod stats;
pub mod study;
pub mod text;
pub mod theme;
pub mod units;

mod read;
mod render;
mod write;

pub use error::ReportError;
pub use read::{parse_results, read_results};
pub use render::{Pictures, pictures};
pub use write::{Written, WrittenChart, write_report};
