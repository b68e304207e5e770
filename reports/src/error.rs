//! What can go wrong, with the file and the field.

use std::path::PathBuf;

/// Why no report could be made, or no results could be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// The results could not be read at all.
    #[error("{}: cannot be read: {reason}", path.display())]
    Read {
        /// Of the results.
        path: PathBuf,
        /// The system's reason.
        reason: std::io::Error,
    },
    /// The file is no JSON, or a field of it is missing or of the wrong kind.
    #[error("{}: field `{field}`: {reason}", path.display())]
    Field {
        /// Of the results.
        path: PathBuf,
        /// Where in the file, such as `runs[3].elapsed_ns`; `.` is the whole.
        field: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Written by another version of heaptape.
    #[error("{}: field `schema` is {found}, and this heaptape reads schema {known}: {}", path.display(),
        if found > known { "it was written by a newer heaptape; use that one, or measure again with this one" }
        else { "measure again with this heaptape" })]
    Schema {
        /// Of the results.
        path: PathBuf,
        /// What the file says.
        found: u64,
        /// What this code reads.
        known: u64,
    },
    /// A file of the report could not be written.
    #[error("{}: cannot be written: {reason}", path.display())]
    Write {
        /// Of the file or folder.
        path: PathBuf,
        /// The system's reason.
        reason: std::io::Error,
    },
    /// A chart could not be drawn.
    #[error("chart {chart}: {reason}")]
    Draw {
        /// The chart's name, which is also its file's.
        chart: String,
        /// What failed.
        reason: String,
    },
}
