//! The charts: one file a chart, each behind [`Chart`], which is generic over plotters' backend.
//!
//! A chart says what it found ([`Meta::title`]) and how it is read ([`Meta::caption`]), and draws what is between.
//! It measures everything in CSS pixels and arranges itself to the width it gets, so the same code serves a page, a phone,
//! a picture file and a canvas.

mod axis;
mod blocks;
mod buckets;
mod change;
mod curves;
mod footprint;
mod fragmentation;
mod frame;
mod heat;
mod latency;
mod multiples;
mod overhead;
mod place;
mod plot_box;
mod ratio;
mod row;
mod rows;
mod scaling;
mod sheet;
mod span;
mod spent;
mod table;
mod thin;
mod timeline;
mod tradeoff;

pub use axis::{Quantity, Scale};
pub use change::charts as changes;
pub use curves::Look;
pub use frame::{draw_framed, framed_height};
pub use plot_box::PlotBox;
pub use sheet::Sheet;
pub use table::Table;
pub use timeline::{NamedCurve, Timeline};

use crate::study::{Study, Tape, tapes_phrase};
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

impl Meta {
    /// Of a chart over all tapes; `what` is a sentence that the tapes' names follow.
    fn of_tapes(study: &Study<'_>, id: &str, title: String, what: &str, caption: &str) -> Meta {
        Meta {
            id: id.to_owned(),
            title,
            subtitle: format!("{what} {}.", tapes_phrase(study)),
            caption: caption.to_owned(),
        }
    }

    /// Of a chart of one tape; `chart` begins its name.
    fn of_tape(tape: &Tape<'_>, chart: &str, title: String, what: &str, caption: &str) -> Meta {
        Meta {
            id: format!("{chart}-{}", tape.slug),
            title,
            subtitle: format!("{what} Tape {}.", tape.name),
            caption: caption.to_owned(),
        }
    }
}

/// A chart.
pub trait Chart<B: DrawingBackend> {
    /// Its words.
    fn meta(&self) -> &Meta;

    /// Its figures.
    fn data(&self) -> &Table;

    /// The height it needs at this width; CSS pixels.
    fn height(&self, width: f64) -> f64;

    /// Draws into the sheet, which has the height asked for.
    ///
    /// # Errors
    /// What the backend says.
    fn draw(&self, sheet: &Sheet<'_, B>) -> DrawResult<(), B>;
}

/// What a chart draws, on any backend: the form of the picture without its words.
pub trait Body {
    /// The height it needs at this width; CSS pixels.
    fn height(&self, width: f64) -> f64;

    /// Draws into the sheet, which has the height asked for.
    ///
    /// # Errors
    /// What the backend says.
    fn draw<B: DrawingBackend>(&self, sheet: &Sheet<'_, B>) -> DrawResult<(), B>;
}

/// A picture with its words and figures.
pub struct Titled<P> {
    /// Its words.
    pub meta: Meta,
    /// Its figures.
    pub data: Table,
    /// The picture.
    pub plot: P,
}

impl<B: DrawingBackend, P: Body> Chart<B> for Titled<P> {
    fn meta(&self) -> &Meta {
        &self.meta
    }

    fn data(&self) -> &Table {
        &self.data
    }

    fn height(&self, width: f64) -> f64 {
        self.plot.height(width)
    }

    fn draw(&self, sheet: &Sheet<'_, B>) -> DrawResult<(), B> {
        self.plot.draw(sheet)
    }
}

/// Every chart of a study, in the order of the report.
pub fn all<'s, B: DrawingBackend + 's>(study: &'s Study<'s>) -> Vec<Box<dyn Chart<B> + 's>> {
    let mut charts: Vec<Box<dyn Chart<B> + 's>> = vec![
        Box::new(ratio::chart(study)),
        Box::new(overhead::chart(study)),
        Box::new(spent::chart(study)),
    ];
    for tape in &study.tapes {
        charts.push(Box::new(tradeoff::chart(tape)));
        charts.push(Box::new(latency::chart(tape)));
        charts.push(Box::new(footprint::chart(tape)));
        charts.push(Box::new(fragmentation::chart(tape)));
        if let Some(scaling) = scaling::chart(tape) {
            charts.push(Box::new(scaling));
        }
        charts.push(Box::new(blocks::chart(tape)));
    }
    charts
}
