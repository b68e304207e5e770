//! How a trace is taken in, and what came of it.

use super::follow::Oddities;
use super::format::ImportFormat;
use std::collections::BTreeMap;
use trace_format::LiveTotals;

/// How a trace is taken in.
#[derive(Clone, Debug)]
pub struct ImportOptions {
    /// What the source is.
    pub format: ImportFormat,
    /// The tape's name.
    pub name: String,
    /// Leave out lines that can't be read, and count them.
    pub skip_bad_lines: bool,
    /// The process to take, where a log has several; else that of the first line.
    pub process: Option<u64>,
}

/// What a trace came to.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Imported {
    /// Lines, or records, of the source.
    pub units: u64,
    /// `line` or `record`.
    pub unit: &'static str,
    /// Events on the tape.
    pub events: u64,
    /// Threads on the tape.
    pub threads: u32,
    /// Bytes of the tape.
    pub bytes: u64,
    /// Lines that could not be read.
    pub bad: u64,
    /// The first of them.
    pub first_bad: Vec<BadLine>,
    /// Whether the packed source ends in its middle.
    pub cut: bool,
    /// What was odd.
    pub oddities: Oddities,
    /// The process that was taken, where the source has processes.
    pub process: Option<u64>,
    /// Other processes, and how many lines each has.
    pub other_processes: BTreeMap<u64, u64>,
    /// Lines of still further processes.
    pub further_processes: u64,
    /// What the source could not tell, as the tape's notes say it.
    pub notes: Vec<String>,
    /// Peak and end of the live bytes.
    pub live: LiveTotals,
}

/// A line that could not be read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BadLine {
    /// Its number, counted from 1.
    pub number: u64,
    /// What is wrong with it.
    pub what: &'static str,
    /// The beginning of it.
    pub text: String,
}
