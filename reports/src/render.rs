//! Charts become pictures: one that stands alone, and two for the page, wide and narrow.

use crate::charts::{self, Chart, Meta, Sheet, Table};
use crate::error::ReportError;
use crate::scene::{self, Letters, Scene, SceneBackend, Style, UNITS_PER_PX, svg};
use crate::study::{Diff, Study, plural};
use crate::text;
use plotters::prelude::DrawingAreaErrorKind;
use std::convert::Infallible;

/// Width of a picture that stands alone; CSS pixels.
const ALONE: f64 = 960.0;
/// Width of a chart on the page; CSS pixels.
const WIDE: f64 = 1080.0;
/// Width of a chart on a phone; CSS pixels.
const NARROW: f64 = 360.0;

/// A chart, drawn in every way that the report needs.
#[derive(Debug)]
pub struct Pictures {
    /// Its words.
    pub meta: Meta,
    /// Its figures.
    pub data: Table,
    /// With title and caption.
    pub alone: Scene,
    /// Without, for the page.
    pub wide: Scene,
    /// Without, for a phone.
    pub narrow: Scene,
}

/// Draws every chart of the study.
///
/// # Errors
/// [`ReportError::Draw`] with the chart's name.
pub fn pictures(study: &Study<'_>) -> Result<Vec<Pictures>, ReportError> {
    draw_all(&charts::all(study), &study.provenance())
}

/// Draws every chart of measurements side by side.
///
/// # Errors
/// As [`pictures`].
pub fn diff_pictures(diff: &Diff<'_>) -> Result<Vec<Pictures>, ReportError> {
    let provenance = format!(
        "heaptape {} · {}",
        diff.old.machine.heaptape.as_deref().unwrap_or_default(),
        plural(diff.after.len() + 1, "measurement")
    );
    draw_all(&charts::changes(diff), &provenance)
}

/// Draws these charts; the provenance is for the foot of those that stand alone.
fn draw_all(
    charts: &[Box<dyn Chart<SceneBackend> + '_>],
    provenance: &str,
) -> Result<Vec<Pictures>, ReportError> {
    text::register();
    let draw_one = |chart: &dyn Chart<SceneBackend>| {
        let alone = scene::draw(
            ALONE,
            charts::framed_height(chart, provenance, ALONE),
            |area| charts::draw_framed(chart, provenance, area, UNITS_PER_PX),
        )?;
        let embedded = |width: f64| {
            scene::draw(width, chart.height(width), |area| {
                chart.draw(&Sheet::new(area, UNITS_PER_PX))
            })
        };
        Ok(Pictures {
            meta: chart.meta().clone(),
            data: chart.data().clone(),
            alone,
            wide: embedded(WIDE)?,
            narrow: embedded(NARROW)?,
        })
    };
    charts
        .iter()
        .map(|chart| {
            draw_one(chart.as_ref()).map_err(|e: DrawingAreaErrorKind<Infallible>| {
                ReportError::Draw {
                    chart: chart.meta().id.clone(),
                    reason: e.to_string(),
                }
            })
        })
        .collect()
}

impl Pictures {
    /// The SVG that stands alone.
    pub fn file(&self) -> String {
        svg(
            &self.alone,
            &self.meta.title,
            &self.meta.caption,
            Style::Standalone,
        )
    }

    /// The SVGs for the page, wide and narrow; their letters go into `glyphs`.
    pub fn inline(&self, glyphs: &mut Letters) -> (String, String) {
        let wide = svg(&self.wide, &self.meta.title, "", Style::Embedded(glyphs));
        let narrow = svg(&self.narrow, &self.meta.title, "", Style::Embedded(glyphs));
        (wide, narrow)
    }
}
