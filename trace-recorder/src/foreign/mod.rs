//! Traces of other tools: taken in as tapes, and written out for others to read.
//!
//! Going in: the source is cut into lines (or records), parsed on all cores, and then followed in its order: addresses
//! become blocks, what is missing or out of order is repaired and counted, and the events of each thread become chunks.
//! Memory is bounded by the blocks that live and by a budget of events that wait for their chunk to be full.
//!
//! Going out: the tape's events are merged into one causal order and written one by one; blocks get addresses of their
//! own, which are used again after a release.
//!
//! `docs/formats.md` says of each format what it can hold.

mod error;
mod format;

mod input;
mod pieces;
mod request;
mod scan;
mod tally;

mod book;
mod weave;

mod follow;

mod android;
mod heaptrack;
mod logalloc;
mod mtrace;
mod ops;

mod imported;
mod parse;
mod statement;

mod reader;

mod import;

mod names;
mod sink;

mod replayable;
mod row;

mod csv;
mod parquet;
mod perfetto;

mod export;

pub use error::ForeignError;
pub use export::{Exported, export};
pub use follow::Oddities;
pub use format::{ExportFormat, ImportFormat};
pub use import::import;
pub use imported::{BadLine, ImportOptions, Imported};
