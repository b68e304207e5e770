//! What can go wrong with a foreign trace.

use ::parquet::errors::ParquetError;
use trace_format::TapeError;

/// Why a trace could not be taken in or written out.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ForeignError {
    /// A line, or a record, that the format does not have.
    #[error(
        "{unit} {number}: {what}{shown}; {way_out}",
        shown = if text.is_empty() { String::new() } else { format!(": `{text}`") },
        way_out = match like {
            Some(other) => format!("{other} traces have such {unit}s: --from {other}"),
            None => format!("--skip-bad-lines leaves such {unit}s out and counts them"),
        }
    )]
    Line {
        /// `line` or `record`.
        unit: &'static str,
        /// Its number, counted from 1.
        number: u64,
        /// What is wrong with it.
        what: &'static str,
        /// The beginning of it.
        text: String,
        /// A format that has such lines.
        like: Option<&'static str>,
    },
    /// Nothing of the source could be read.
    #[error(
        "none of the {count} {unit}s could be read: this is no {format} trace; `--from` names the format"
    )]
    NotOne {
        /// `line` or `record`.
        unit: &'static str,
        /// How many there are.
        count: u64,
        /// The format that was asked for.
        format: &'static str,
    },
    /// The source has no bytes.
    #[error("the trace is empty")]
    Empty,
    /// The process that was asked for has no line.
    #[error("no line is of process {wanted}; the log has lines of {there}")]
    NoProcess {
        /// The process that was asked for.
        wanted: u64,
        /// The processes that have lines.
        there: String,
    },
    /// What the format cannot hold at all.
    #[error("{format} cannot hold this tape: {what}")]
    CannotHold {
        /// The format.
        format: &'static str,
        /// Why.
        what: String,
    },
    /// The source could not be read, or not be unpacked.
    #[error("the trace could not be read after {bytes} bytes")]
    Read {
        /// Bytes that were read, packed as they are in the file.
        bytes: u64,
        /// What the system, or the decompressor, said.
        source: std::io::Error,
    },
    /// The destination refused bytes.
    #[error("the output could not be written; free some space or choose another place")]
    Write(#[source] std::io::Error),
    /// The Parquet library refused.
    #[error("the Parquet file could not be written")]
    Parquet(#[source] ParquetError),
    /// The tape could not be read or written.
    #[error(transparent)]
    Tape(TapeError),
}

impl From<TapeError> for ForeignError {
    fn from(error: TapeError) -> Self {
        match error {
            TapeError::Write(error) => ForeignError::Write(error),
            other => ForeignError::Tape(other),
        }
    }
}

impl From<::csv::Error> for ForeignError {
    fn from(error: ::csv::Error) -> Self {
        match error.into_kind() {
            ::csv::ErrorKind::Io(error) => ForeignError::Write(error),
            other => ForeignError::Write(std::io::Error::other(format!("{other:?}"))),
        }
    }
}

impl From<ParquetError> for ForeignError {
    fn from(error: ParquetError) -> Self {
        match error {
            ParquetError::External(inner) => match inner.downcast::<std::io::Error>() {
                Ok(error) => ForeignError::Write(*error),
                Err(other) => ForeignError::Parquet(ParquetError::External(other)),
            },
            other => ForeignError::Parquet(other),
        }
    }
}
