//! `results.json`, schema 1: what a set of replays measured.
//!
//! Times are integer nanoseconds, sizes integer bytes. A field that could not be measured is absent (`None`), never zero.
//! Ratios are to `system`, paired repetition by repetition. Fields may be added, none renamed.
//! `docs/results.md` describes every field.

mod profile;

pub use profile::{ProfileCell, TapeProfile};

use std::collections::BTreeMap;

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
    /// How it was replayed; the same for all runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replay: Option<ReplaySettings>,
    /// Why the measurement ended before all runs were made; absent when it is complete.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partial: Option<String>,
    /// What makes all runs doubtful: a busy machine, a governor or a thermal limit that moved.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// The same program run live, without a recorder (`heaptape run`, `heaptape validate`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub live: Vec<LiveRun>,
}

impl Default for Results {
    /// Nothing measured, in the present schema.
    fn default() -> Results {
        Results {
            schema: SCHEMA,
            machine: Machine::default(),
            tapes: Vec::new(),
            allocators: Vec::new(),
            runs: Vec::new(),
            summary: Vec::new(),
            faults: Vec::new(),
            replay: None,
            partial: None,
            warnings: Vec::new(),
            live: Vec::new(),
        }
    }
}

/// How tapes were replayed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ReplaySettings {
    /// What is written into new blocks: `none`, `ends`, `pages` or `all`.
    pub touch: String,
    /// `thread`: threads run side by side, held together by edges; `total`: one thread, in the recorded order of all events.
    pub order: String,
    /// `asap`, or `recorded`: no request before its recorded time.
    pub pace: String,
    /// Whether each thread was bound to one processor.
    pub pinned: bool,
    /// One operation in so many, on average, has its latency taken; absent when it was chosen for each tape by its length.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sample_every: Option<u32>,
    /// Repetitions asked for; with a budget the least of them.
    pub repetitions: u32,
    /// The time budget, where there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget_ns: Option<u64>,
    /// After this long a worker counted as hung.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_ns: Option<u64>,
    /// The limit of each worker's memory, where there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_limit_bytes: Option<u64>,
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
    /// The processors' frequency governor, for instance `performance`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub governor: Option<String>,
    /// The processors' frequency when the measurement began, hertz.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frequency_hz: Option<u64>,
    /// The hypervisor, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hypervisor: Option<String>,
    /// The load average over a minute when the measurement began: how many wanted to run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub load: Option<f64>,
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
    /// Operations of the plan; a realloc is two.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan_ops: Option<u64>,
    /// Edges: blocks that pass from one thread to another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edges: Option<u64>,
    /// In how many windows the plan was laid out in memory; absent when it was there as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan_windows: Option<u64>,
    /// Its blocks by size and lifetime.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<TapeProfile>,
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
    /// What to know of it, one sentence each; for instance that the object for live runs has another version.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
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
    /// The workers onto which the tape's threads were folded (`--threads N`); absent when each had a thread of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threads: Option<u32>,
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
    /// Where the processor time went.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<TimeSplit>,
    /// How often a thread had to wait for a block from another thread.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sync_waits: Option<u64>,
    /// Time that threads waited for the others before they began a beat, summed over threads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub beat_wait_ns: Option<u64>,
    /// What one reading of the clock costs; every sampled latency contains it once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock_ns: Option<u64>,
    /// With `--pace recorded`: how far the replay was behind the recording at worst.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub late_ns: Option<u64>,
    /// Sampled latencies, as histograms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency_histogram: Option<Histograms>,
    /// The allocator's own statistics at the end of the run, before the last thread's blocks are gone where it can tell by then.
    /// Names that end in `_bytes` are bytes, in `_ns` nanoseconds, others counts.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub allocator_stats: BTreeMap<String, u64>,
}

/// Where the processor time of a run went: `user_ns + sys_ns`, in four parts that add up to it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TimeSplit {
    /// In the allocator: what remains of the user time when the harness's and the waits' parts are gone.
    pub allocator_ns: u64,
    /// In the kernel, waits apart: page faults of new memory, memory mapping, thread starts and ends.
    pub kernel_ns: u64,
    /// Spent waiting: looking for a block that another thread had not made yet, falling asleep, waking (sleep itself costs nothing).
    pub wait_ns: u64,
    /// The harness's own: operations × the processor time of one under `null`, waits apart.
    pub harness_ns: u64,
}

/// Histograms by kind of request; a kind that was never sampled is empty.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Histograms {
    /// malloc, calloc and aligned malloc.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub malloc: Vec<Bucket>,
    /// free.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub free: Vec<Bucket>,
    /// realloc.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub realloc: Vec<Bucket>,
}

/// One bucket of a histogram: `[from_ns, count]`. An octave has eight buckets of the same width, so each is an eighth of its octave's
/// beginning wide (below 8 ns: 1 ns); empty ones are left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bucket(
    /// The smallest latency that counts here, nanoseconds.
    pub u64,
    /// How many were sampled.
    pub u64,
);

/// A program run live under an allocator, measured from outside.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LiveRun {
    /// The program: its file's name, or the scenario's.
    pub program: String,
    /// [`AllocatorInfo::name`].
    pub allocator: String,
    /// 1 for the first measured repetition.
    pub repetition: u32,
    /// The shared object that was preloaded; absent for `system`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
    /// Wall time from before the start of the process to its end.
    pub elapsed_ns: u64,
    /// User time of the process and of its children that it waited for.
    pub user_ns: u64,
    /// System time likewise.
    pub sys_ns: u64,
    /// The most resident memory of the process.
    pub peak_rss_bytes: u64,
    /// The most private memory (heap, stacks, variables; no code) that was resident, sampled every millisecond; of the program itself,
    /// not of its children. Absent where it was over too soon.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peak_anon_bytes: Option<u64>,
    /// Page faults served without I/O.
    pub minor_faults: u64,
    /// Page faults that needed I/O.
    pub major_faults: u64,
    /// How it ended: 0 for success.
    pub exit_code: i32,
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
    /// As [`Run::threads`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threads: Option<u32>,
    /// Elapsed time over `system`'s in the same repetition; below 1 is faster. Absent where `system` was not measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub elapsed_ratio: Option<Ratio>,
    /// Peak RSS over `system`'s in the same repetition; below 1 is smaller.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rss_ratio: Option<Ratio>,
    /// Processor time of the allocator and of the kernel on its behalf (see [`TimeSplit`]) over `system`'s; what counts where the pace
    /// is the recorded one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_ratio: Option<Ratio>,
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
    /// As [`Run::threads`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threads: Option<u32>,
    /// The kind: `crash`, `hang`, `memory`, `refused` (the worker could not begin) or `other`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
}
