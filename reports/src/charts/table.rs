//! The figures behind a chart, as a table that other programs read.

use crate::study::{Cell, Study, Tape};

/// A table of plain figures: nanoseconds, bytes, ratios, without units or thousands separators.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    /// What each column holds, with its unit.
    pub head: Vec<&'static str>,
    /// As many cells each as the head has; an unknown figure is empty.
    pub rows: Vec<Vec<String>>,
}

impl Table {
    /// A table without rows yet.
    pub fn new(head: &[&'static str]) -> Table {
        Table {
            head: head.to_vec(),
            rows: Vec::new(),
        }
    }

    /// A row for each cell that `shown` picks of each tape: tape, allocator, and its figures under these columns.
    pub fn of_cells<'s, 'r: 's, C: Iterator<Item = &'s Cell<'r>>>(
        study: &'s Study<'r>,
        shown: impl Fn(&'s Tape<'r>) -> C,
        columns: &[&'static str],
        figures: impl Fn(&Cell<'r>) -> Vec<String>,
    ) -> Table {
        let mut table = Table::new(&[&["tape", "allocator"], columns].concat());
        for tape in &study.tapes {
            for cell in shown(tape) {
                let mut row = vec![tape.name.to_owned(), cell.id.to_owned()];
                row.extend(figures(cell));
                table.rows.push(row);
            }
        }
        table
    }

    /// Comma-separated values after RFC 4180, with a line of names first.
    pub fn csv(&self) -> String {
        let mut out = self.head.join(",");
        out.push_str("\r\n");
        for row in &self.rows {
            let cells: Vec<String> = row.iter().map(|c| field(c)).collect();
            out.push_str(&cells.join(","));
            out.push_str("\r\n");
        }
        out
    }
}

/// A figure as it stands in a table; nothing where it is unknown or no number.
pub fn figure(value: Option<f64>) -> String {
    value
        .filter(|v| v.is_finite())
        .map_or_else(String::new, |v| v.to_string())
}

fn field(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_that_needs_quotes_has_them() {
        let mut table = Table::new(&["a", "b"]);
        table.rows.push(vec!["x,\"y\"".into(), figure(Some(0.25))]);
        table
            .rows
            .push(vec!["plain".into(), figure(Some(f64::NAN))]);
        assert_eq!(table.csv(), "a,b\r\n\"x,\"\"y\"\"\",0.25\r\nplain,\r\n");
    }
}
