//! The charts: one file a chart, each behind [`Chart`], which is generic over plotters' backend.
//!
//! A chart says what it found ([`Meta::title`]) and how it is read ([`Meta::caption`]), and draws what is between.
//! It measures everything in CSS pixels and arranges itself to the width it gets, so the same code serves a page, a phone,
//! a picture file and a canvas.

mod axis;
mod footprint;
mod frame;
mod latency;
mod overhead;
mod place;
mod plot_box;
mod ratio;
mod rows;
mod sheet;
mod thin;
mod tradeoff;

pub use frame::{draw_framed, framed_height};
pub use sheet::Sheet;

use crate::study::Study;
use plotters::prelude::{DrawResult, DrawingBackend};

/// What a chart says beside its picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meta {
    /// Names its files and its anchor; unique in a report.
    pub id: String,
    /// The finding, computed from the data.
    pub title: String,
    /// What is drawn, of which tape, in which unit.
    pub subtitle: String,
    /// How to read it.
    pub caption: String,
}

/// A chart.
pub trait Chart<B: DrawingBackend> {
    /// Its words.
    fn meta(&self) -> &Meta;

    /// The height it needs at this width; CSS pixels.
    fn height(&self, width: f64) -> f64;

    /// Draws into the sheet, which has the height asked for.
    ///
    /// # Errors
    /// What the backend says.
    fn draw(&self, sheet: &Sheet<'_, B>) -> DrawResult<(), B>;
}

/// Every chart of a study, in the order of the report.
pub fn all<'s, B: DrawingBackend + 's>(study: &'s Study<'s>) -> Vec<Box<dyn Chart<B> + 's>> {
    let mut charts: Vec<Box<dyn Chart<B> + 's>> = vec![
        Box::new(ratio::RatioChart::new(study)),
        Box::new(overhead::OverheadChart::new(study)),
    ];
    for tape in &study.tapes {
        charts.push(Box::new(tradeoff::TradeoffChart::new(tape)));
        charts.push(Box::new(footprint::FootprintChart::new(tape)));
        charts.push(Box::new(latency::LatencyChart::new(tape)));
    }
    charts
}
