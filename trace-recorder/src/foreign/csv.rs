//! One row an event, as comma-separated text (RFC 4180) with a line of names; what an event does not have is empty.

use super::error::ForeignError;
use super::row::{COLUMNS, Detail, Row};
use super::sink::{Live, Sink};
use std::io::Write;
use trace_format::{BlockId, MergedEvent};

/// Writes rows.
pub(super) struct Rows<'t, W: Write> {
    out: ::csv::Writer<W>,
    marks: &'t [String],
    /// The field in the making.
    field: Vec<u8>,
}

impl<'t, W: Write> Rows<'t, W> {
    pub fn new(marks: &'t [String], out: W) -> Result<Self, ForeignError> {
        let mut out = ::csv::WriterBuilder::new().from_writer(out);
        out.write_record(COLUMNS)?;
        Ok(Rows {
            out,
            marks,
            field: Vec::new(),
        })
    }

    fn number(&mut self, number: Option<u64>) -> Result<(), ForeignError> {
        self.field.clear();
        if let Some(number) = number {
            write!(self.field, "{number}").map_err(ForeignError::Write)?;
        }
        Ok(self.out.write_field(&self.field)?)
    }

    fn block(&mut self, block: Option<BlockId>) -> Result<(), ForeignError> {
        self.number(block.map(|block| block.thread.into()))?;
        self.number(block.map(|block| block.index))
    }
}

impl<W: Write> Sink for Rows<'_, W> {
    fn event(
        &mut self,
        event: &MergedEvent,
        live: Live,
    ) -> Result<Option<&'static str>, ForeignError> {
        let row = Row::of(event, live);
        self.number(Some(row.time_ns))?;
        self.number(Some(row.thread.into()))?;
        self.out.write_field(row.event)?;
        self.block(row.block)?;
        self.block(row.old)?;
        self.number(row.size)?;
        self.number(row.alignment)?;
        self.number(Some(row.live_bytes))?;
        match row.detail {
            Detail::Nothing => self.number(None)?,
            Detail::Child(pid) => self.number(Some(pid))?,
            Detail::Mark(name) => {
                let name = self.marks.get(name as usize).map_or("", String::as_str);
                self.out.write_field(name)?;
            }
        }
        self.out.write_record(None::<&[u8]>)?;
        Ok(None)
    }

    fn end(mut self: Box<Self>) -> Result<(), ForeignError> {
        self.out.flush().map_err(ForeignError::Write)
    }
}
