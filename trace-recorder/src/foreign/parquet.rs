//! One row an event, in columns, for DuckDB, Spark, DataFusion and others: the columns of CSV.
//!
//! All numbers are signed, because Spark knows no others: sizes and alignments above 2^63 - 1, which only a refused request
//! can have in earnest, are written as 2^63 - 1.

use super::error::ForeignError;
use super::row::{COLUMNS, Detail, Row};
use super::sink::{Live, Sink};
use ::parquet::basic::{Compression, Encoding, ZstdLevel};
use ::parquet::data_type::{ByteArray, ByteArrayType, DataType, Int32Type, Int64Type};
use ::parquet::file::metadata::KeyValue;
use ::parquet::file::properties::WriterProperties;
use ::parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use ::parquet::schema::parser::parse_message_type;
use ::parquet::schema::types::ColumnPath;
use std::io::Write;
use std::sync::Arc;
use trace_format::{MergedEvent, ReadAt, Tape};

/// Rows of a row group: what is held in memory, about 100 bytes each.
const GROUP: usize = 1 << 19;

const SCHEMA: &str = "message events {
    required int64 time_ns;
    required int32 thread;
    required binary event (STRING);
    optional int32 block_thread;
    optional int64 block_index;
    optional int32 old_thread;
    optional int64 old_index;
    optional int64 size;
    optional int64 alignment;
    required int64 live_bytes;
    optional binary detail (STRING);
}";

/// Writes columns.
pub(super) struct Columns<'t, W: Write + Send> {
    out: SerializedFileWriter<W>,
    marks: &'t [String],
    rows: Vec<Row>,
}

impl<'t, W: Write + Send> Columns<'t, W> {
    pub fn new<S: ReadAt>(tape: &'t Tape<S>, out: W) -> Result<Self, ForeignError> {
        let schema = Arc::new(parse_message_type(SCHEMA)?);
        let about = |key: &str, value: String| KeyValue::new(key.to_owned(), value);
        let header = tape.header();
        let mut properties = WriterProperties::builder()
            .set_created_by(concat!("heaptape ", env!("CARGO_PKG_VERSION")).to_owned())
            .set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?))
            .set_key_value_metadata(Some(vec![
                about("heaptape.tape", header.name.clone()),
                about("heaptape.recorder", header.recorder.clone()),
                about("heaptape.notes", header.notes.join("\n")),
            ]));
        // They rise from row to row, so differences are small; a dictionary of them would be as long as they are.
        for column in ["time_ns", "block_index"] {
            let path = ColumnPath::from(column);
            properties = properties
                .set_column_dictionary_enabled(path.clone(), false)
                .set_column_encoding(path, Encoding::DELTA_BINARY_PACKED);
        }
        Ok(Columns {
            out: SerializedFileWriter::new(out, schema, Arc::new(properties.build()))?,
            marks: tape.marks(),
            rows: Vec::new(),
        })
    }

    fn write_group(&mut self) -> Result<(), ForeignError> {
        let rows = std::mem::take(&mut self.rows);
        if rows.is_empty() {
            return Ok(());
        }
        let mut open = self.out.next_row_group()?;
        let group = &mut open;
        let marks = self.marks;
        for column in COLUMNS {
            let each = rows.iter();
            match column {
                "time_ns" => required::<Int64Type, _>(group, each.map(|row| signed(row.time_ns)))?,
                "thread" => required::<Int32Type, _>(group, each.map(|row| row.thread as i32))?,
                "event" => {
                    required::<ByteArrayType, _>(group, each.map(|row| ByteArray::from(row.event)))?
                }
                "block_thread" => {
                    optional::<Int32Type, _>(
                        group,
                        each.map(|row| row.block.map(|it| it.thread as i32)),
                    )?;
                }
                "block_index" => {
                    optional::<Int64Type, _>(
                        group,
                        each.map(|row| row.block.map(|it| signed(it.index))),
                    )?;
                }
                "old_thread" => {
                    optional::<Int32Type, _>(
                        group,
                        each.map(|row| row.old.map(|it| it.thread as i32)),
                    )?;
                }
                "old_index" => {
                    optional::<Int64Type, _>(
                        group,
                        each.map(|row| row.old.map(|it| signed(it.index))),
                    )?;
                }
                "size" => optional::<Int64Type, _>(group, each.map(|row| row.size.map(signed)))?,
                "alignment" => {
                    optional::<Int64Type, _>(group, each.map(|row| row.alignment.map(signed)))?
                }
                "live_bytes" => {
                    required::<Int64Type, _>(group, each.map(|row| signed(row.live_bytes)))?
                }
                _ => optional::<ByteArrayType, _>(group, each.map(|row| detail(row, marks)))?,
            }
        }
        open.close()?;
        Ok(())
    }
}

impl<W: Write + Send> Sink for Columns<'_, W> {
    fn event(
        &mut self,
        event: &MergedEvent,
        live: Live,
    ) -> Result<Option<&'static str>, ForeignError> {
        self.rows.push(Row::of(event, live));
        if self.rows.len() == GROUP {
            self.write_group()?;
        }
        Ok(None)
    }

    fn end(mut self: Box<Self>) -> Result<(), ForeignError> {
        self.write_group()?;
        self.out.close()?;
        Ok(())
    }
}

/// Writes the group's next column, of which every row has a value.
fn required<T: DataType, W: Write + Send>(
    group: &mut SerializedRowGroupWriter<'_, W>,
    values: impl Iterator<Item = T::T>,
) -> Result<(), ForeignError> {
    let values: Vec<T::T> = values.collect();
    if let Some(mut column) = group.next_column()? {
        column.typed::<T>().write_batch(&values, None, None)?;
        column.close()?;
    }
    Ok(())
}

/// Writes the group's next column, of which some rows have a value.
fn optional<T: DataType, W: Write + Send>(
    group: &mut SerializedRowGroupWriter<'_, W>,
    values: impl ExactSizeIterator<Item = Option<T::T>>,
) -> Result<(), ForeignError> {
    let mut levels = Vec::with_capacity(values.len());
    let mut there = Vec::new();
    for value in values {
        levels.push(i16::from(value.is_some()));
        there.extend(value);
    }
    if let Some(mut column) = group.next_column()? {
        column
            .typed::<T>()
            .write_batch(&there, Some(&levels), None)?;
        column.close()?;
    }
    Ok(())
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn detail(row: &Row, marks: &[String]) -> Option<ByteArray> {
    match row.detail {
        Detail::Nothing => None,
        Detail::Child(pid) => Some(ByteArray::from(pid.to_string().into_bytes())),
        Detail::Mark(name) => Some(ByteArray::from(
            marks.get(name as usize).map_or("", String::as_str),
        )),
    }
}
