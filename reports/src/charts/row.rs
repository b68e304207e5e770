//! What a chart of rows is made of: panels, their rows, and the marks in them.

use super::axis::Scale;
use crate::study::{Cell, Tape};
use crate::theme::Colour;
use crate::units::UNKNOWN;

/// A mark in a row, at a value of the scale.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Mark {
    /// A thick bar between two values, with this opacity.
    Bar(f64, f64, f64),
    /// The same in a colour of its own.
    Part(f64, f64, Colour, f64),
    /// A line between two values.
    Span(f64, f64),
    /// A filled dot: value, radius in CSS pixels, opacity.
    Dot(f64, f64, f64),
    /// An open dot: value, radius in CSS pixels.
    Ring(f64, f64),
    /// A short upright stroke.
    Tick(f64),
    /// A pointer at the low end: what is meant lies beyond it.
    Below,
}

/// One allocator in a panel.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The allocator.
    pub name: String,
    /// Its colour.
    pub colour: Colour,
    /// What is drawn; from back to front.
    pub marks: Vec<Mark>,
    /// The figure in words.
    pub value: String,
    /// The same where there is little room.
    pub short: String,
    /// Drawn in place of the marks where something is missing.
    pub missing: Option<String>,
    /// A reservation that stands in place of the figure.
    pub reservation: Option<String>,
}

impl Row {
    /// The row of an allocator, without marks yet; `missing` in their place where there is nothing to show.
    pub fn of(cell: &Cell<'_>, missing: Option<String>) -> Row {
        Row {
            name: cell.name.to_owned(),
            colour: cell.colour,
            marks: Vec::new(),
            value: UNKNOWN.to_owned(),
            short: UNKNOWN.to_owned(),
            reservation: if missing.is_some() {
                None
            } else {
                cell.reservation()
            },
            missing,
        }
    }

    /// The same for a cell without the figure that the row would show: why it has none, or else `otherwise`.
    pub fn without(cell: &Cell<'_>, otherwise: &str) -> Row {
        let why = cell.reservation().unwrap_or_else(|| {
            let unmeasured = cell.runs.is_empty();
            if unmeasured {
                "not measured"
            } else {
                otherwise
            }
            .to_owned()
        });
        Row::of(cell, Some(why))
    }
}

/// Rows under one heading.
#[derive(Clone, Debug, PartialEq)]
pub struct Panel {
    /// In bold.
    pub heading: String,
    /// Beside it, where there is room.
    pub note: String,
    /// The panel's own scale, where the panels cannot share one.
    pub scale: Option<Scale>,
    /// From top to bottom.
    pub rows: Vec<Row>,
    /// In place of all rows where there is nothing to show.
    pub missing: Option<String>,
}

impl Panel {
    /// A tape's panel; `otherwise` in place of the rows where none of them has anything to show.
    pub fn of(tape: &Tape<'_>, rows: Vec<Row>, otherwise: &str) -> Panel {
        let empty = rows.iter().all(|row| row.missing.is_some());
        Panel {
            heading: tape.name.to_owned(),
            note: tape.facts(),
            scale: None,
            rows,
            missing: empty.then(|| otherwise.to_owned()),
        }
    }
}

/// A whole chart of rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Rows {
    /// Common to all panels.
    pub scale: Scale,
    /// A value that everything is compared with, and what it is.
    pub reference: Option<f64>,
    /// What the scale measures.
    pub axis: String,
    /// What the marks mean.
    pub key: Vec<(Mark, &'static str)>,
    /// From top to bottom.
    pub panels: Vec<Panel>,
}
