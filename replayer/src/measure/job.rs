//! What passes between the process that measures and the fresh process that runs: a job there, one line of JSON back.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::engine::Touch;
use crate::results::Latencies;

/// The hidden command of the executable that takes a job.
pub const WORKER_COMMAND: &str = "__replay-worker";

/// What a worker is to do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Job {
    /// The plan's file.
    pub plan: PathBuf,
    /// The board's file.
    pub board: PathBuf,
    /// The allocator's name.
    pub allocator: String,
    /// What is written into new blocks.
    pub touch: Touch,
    /// One operation in so many has its latency taken.
    pub sample_every: u32,
    /// The process that waits; the worker ends with it.
    pub parent: u32,
}

/// What a worker says at its end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// It ran.
    Measured(Box<Measured>),
    /// It could not run, for this reason.
    Refused(String),
}

/// What a worker measured of itself. Fields as in [`Run`](crate::results::Run).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[allow(
    missing_docs,
    reason = "each field is documented where it goes, in results::Run"
)]
pub struct Measured {
    pub elapsed_ns: u64,
    pub user_ns: Option<u64>,
    pub sys_ns: Option<u64>,
    pub mallocs: u64,
    pub frees: u64,
    pub reallocs: u64,
    pub failed: u64,
    pub sync_wait_ns: u64,
    pub peak_rss_bytes: Option<u64>,
    pub minor_faults: Option<u64>,
    pub major_faults: Option<u64>,
    pub latency_ns: Latencies,
    pub clock_ns: u64,
}
