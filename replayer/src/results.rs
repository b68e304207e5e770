//! `results.json`, schema 1: what a set of replays measured.
//!
//! Times are integer nanoseconds, sizes integer bytes. A field that could not be measured is absent (`None`), never zero.
//! Ratios are to `system`, paired repetition by repetition. Fields may be added, none renamed.
//! `docs/results.md` describes every field.

use serde::{Deserialize, Serialize};

/// The schema that this code writes; a reader refuses any other number.
pub const SCHEMA: u32 = 1;

/// The whole of a `results.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Results {
    /// Always [`SCHEMA`].
    pub schema: u32,
    /// Where it was measured.
    pub machine: Machine,
    /// The tapes that were replayed, in the order given.
    pub tapes: Vec<TapeSummary>,
    /// The allocators that were asked for, in the order given.
    pub allocators: Vec<AllocatorInfo>,
    /// One entry a finished run, in the order measured (repetitions interleave over allocators).
    pub runs: Vec<Run>,
    /// One entry a tape and allocator.
    pub summary: Vec<Summary>,
    /// Runs that gave no measurement (a worker that crashed, hung or could not start), each with its reason.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<Fault>,
}

/// Where a measurement was made.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Machine {
    /// The processor's model name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu: Option<String>,
    /// Processors that this process may use.
    pub cores: u32,
    /// Physical memory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_bytes: Option<u64>,
    /// Kernel name and release.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kernel: Option<String>,
    /// The setting of transparent huge pages: `always`, `madvise` or `never`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thp: Option<String>,
    /// The C library and its version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub libc: Option<String>,
    /// Bytes of a page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page_size: Option<u64>,
    /// When the measurement began, nanoseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_unix_ns: Option<u64>,
    /// The version of heaptape that measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heaptape: Option<String>,
}

/// A tape as the results know it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TapeSummary {
    /// The tape's name: the scenario or the program; unique within the results.
    pub name: String,
    /// SHA-256 of the tape's file, in hexadecimal.
    pub sha256: String,
    /// Logical threads on the tape.
    pub threads: u32,
    /// Events on the tape, of all kinds.
    pub events: u64,
    /// malloc, calloc and aligned malloc.
    pub mallocs: u64,
    /// free.
    pub frees: u64,
    /// realloc.
    pub reallocs: u64,
    /// The most bytes that the recorded program had asked for and not yet freed.
    pub peak_live_bytes: u64,
    /// From the first event to the last, as recorded.
    pub duration_ns: u64,
    /// Frees by another thread than the one that allocated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remote_frees: Option<u64>,
    /// Blocks that the tape never frees; the replay frees them when the run ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leaked_blocks: Option<u64>,
    /// The file's size.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_bytes: Option<u64>,
    /// How the tape was made, for instance the command.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// How long making the plan took; no part of any run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan_ns: Option<u64>,
    /// The plan's size.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan_bytes: Option<u64>,
}

/// An allocator as the results know it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct AllocatorInfo {
    /// The name given to `-a`.
    pub name: String,
    /// Its own version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// How the replay reaches it: `linked`, `libc` or `preload:PATH`.
    pub reached_by: String,
    /// Settings that matter, as `name=value`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub settings: Vec<String>,
}

/// One replay of one tape under one allocator in one fresh process.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// [`TapeSummary::name`].
    pub tape: String,
    /// [`AllocatorInfo::name`].
    pub allocator: String,
    /// 1 for the first measured repetition.
    pub repetition: u32,
    /// Wall time from the start of the first thread to the end of the last.
    pub elapsed_ns: u64,
    /// User time of the process in that span.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_ns: Option<u64>,
    /// System time of the process in that span.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sys_ns: Option<u64>,
    /// Requests made: mallocs + frees + reallocs.
    pub ops: u64,
    /// malloc, calloc and aligned malloc that were called.
    pub mallocs: u64,
    /// free that were called, those that the replay adds for leaked blocks at the end included.
    pub frees: u64,
    /// realloc that were called.
    pub reallocs: u64,
    /// Requests that the allocator refused (null).
    pub failed: u64,
    /// Time that threads waited for a block from another thread, summed over threads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sync_wait_ns: Option<u64>,
    /// The harness's own cost per operation and thread, from the `null` allocator on the same tape.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub harness_ns_per_op: Option<f64>,
    /// The most bytes asked for and not freed during the run, as sampled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peak_live_bytes: Option<u64>,
    /// The most resident memory beyond what the process had before the run, by the kernel's accounting.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peak_rss_bytes: Option<u64>,
    /// Page faults served without I/O.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minor_faults: Option<u64>,
    /// Page faults that needed I/O.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub major_faults: Option<u64>,
    /// Latency of sampled operations, by kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency_ns: Option<Latencies>,
    /// Live bytes and resident memory over time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub footprint: Vec<FootprintSample>,
}

/// Latency percentiles by kind of request; a kind that never occurred is absent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Latencies {
    /// malloc, calloc and aligned malloc.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub malloc: Option<Percentiles>,
    /// free.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub free: Option<Percentiles>,
    /// realloc.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub realloc: Option<Percentiles>,
}

/// Percentiles of a latency, nanoseconds, the clock's own cost included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Percentiles {
    /// The median.
    pub p50: u64,
    /// 90 % were no slower.
    pub p90: u64,
    /// 99 % were no slower.
    pub p99: u64,
    /// 99.9 % were no slower.
    pub p999: u64,
    /// The slowest of those sampled.
    pub max: u64,
    /// How many were sampled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub samples: Option<u64>,
}

/// Memory at one moment of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FootprintSample {
    /// Since the run began.
    pub t_ns: u64,
    /// Bytes asked for and not freed.
    pub live_bytes: u64,
    /// Resident memory beyond what the process had before the run.
    pub rss_bytes: u64,
}

/// What the runs of one allocator on one tape say together.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// [`TapeSummary::name`].
    pub tape: String,
    /// [`AllocatorInfo::name`].
    pub allocator: String,
    /// Elapsed time over `system`'s in the same repetition; below 1 is faster. Absent where `system` was not measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub elapsed_ratio: Option<Ratio>,
    /// Peak RSS over `system`'s in the same repetition; below 1 is smaller.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rss_ratio: Option<Ratio>,
    /// Reasons to doubt, one sentence each.
    #[serde(default)]
    pub warnings: Vec<String>,
}

/// A paired ratio with its bootstrap interval (95 %).
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Ratio {
    /// The median of the paired ratios.
    pub median: f64,
    /// The interval's lower end.
    pub low: f64,
    /// The interval's upper end.
    pub high: f64,
}

/// A run that gave no measurement.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Fault {
    /// [`TapeSummary::name`].
    pub tape: String,
    /// [`AllocatorInfo::name`].
    pub allocator: String,
    /// The repetition that failed; 0 is the warm-up.
    pub repetition: u32,
    /// What happened, in a sentence.
    pub reason: String,
}
