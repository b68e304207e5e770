//! What passes between the process that measures and the fresh process that runs: a job there, one line of JSON back.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::engine::Touch;
use crate::results::{AllocatorInfo, Histograms, Latencies};

/// The hidden command of the executable that takes a job.
pub const WORKER_COMMAND: &str = "__replay-worker";

/// What a worker is to do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Job {
    /// The allocator's name.
    pub allocator: String,
    /// The process that waits; the worker ends with it.
    pub parent: u32,
    /// What to replay; without it the worker only says what the allocator tells of itself.
    pub replay: Option<Replay>,
}

/// One replay.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Replay {
    /// The plan's file.
    pub plan: PathBuf,
    /// The board's file.
    pub board: PathBuf,
    /// What is written into new blocks.
    pub touch: Touch,
    /// One operation in so many has its latency taken.
    pub sample_every: u32,
    /// Whether each thread is bound to a processor.
    pub pin: bool,
    /// The most memory that the run may take, in bytes.
    pub memory: Option<u64>,
}

/// What a worker says at its end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// It ran.
    Measured(Box<Measured>),
    /// It asked the allocator.
    Described(Box<AllocatorInfo>),
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
    pub sync_waits: u64,
    pub beat_wait_ns: u64,
    pub wait_user_ns: u64,
    pub wait_sys_ns: u64,
    pub idle_ns: u64,
    pub late_ns: u64,
    pub peak_rss_bytes: Option<u64>,
    pub minor_faults: Option<u64>,
    pub major_faults: Option<u64>,
    pub latency_ns: Latencies,
    pub latency_histogram: Histograms,
    pub clock_ns: u64,
    pub allocator_stats: BTreeMap<String, u64>,
}

impl Measured {
    /// Requests that were made.
    pub fn ops(&self) -> u64 {
        self.mallocs + self.frees + self.reallocs
    }
}
