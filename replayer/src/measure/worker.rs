//! The fresh process: maps the plan, makes everything ready, runs once, says what it measured. Or only says what the allocator tells.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;

use super::job::{Job, Measured, Replay, Reply};
use super::kernel::{self, Usage};
use crate::allocators::{Allocator, AllocatorName};
use crate::engine::{self, Board, Engine, Onlooker, Options};
use crate::plan::{Counts, PlanView};

/// The worker's whole life; `arguments` are those behind [`WORKER_COMMAND`](super::WORKER_COMMAND): one, the job in JSON.
///
/// Prints one line, the reply in JSON. Exit 0: it measured.
pub fn worker_main(arguments: &[OsString]) -> ExitCode {
    let job = match arguments {
        [job] => job
            .to_str()
            .and_then(|text| serde_json::from_str::<Job>(text).ok()),
        _ => None,
    };
    let reply = match job {
        Some(job) => work(&job).unwrap_or_else(Reply::Refused),
        None => Reply::Refused("this command is heaptape's own: it takes one job in JSON and is started by `heaptape compare`".into()),
    };
    let done = !matches!(reply, Reply::Refused(_));
    let line = serde_json::to_string(&reply).unwrap_or_default();
    let said = writeln!(std::io::stdout(), "{line}").is_ok();
    if done && said {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn work(job: &Job) -> Result<Reply, String> {
    kernel::end_with_parent(job.parent)?;
    // When memory runs out, the kernel shall take this process and not the one that measures.
    let _ = fs::write("/proc/self/oom_score_adj", "1000");
    let name: AllocatorName = job.allocator.parse().map_err(|error| format!("{error}"))?;
    let allocator = name.allocator();
    match &job.replay {
        None => {
            allocator.prepare(&Counts::default())?;
            Ok(Reply::Described(Box::new(allocator.describe())))
        }
        Some(replay) => {
            self::replay(replay, &*allocator).map(|measured| Reply::Measured(Box::new(measured)))
        }
    }
}

fn replay(job: &Replay, allocator: &dyn Allocator) -> Result<Measured, String> {
    let plan =
        File::open(&job.plan).map_err(|error| format!("the plan could not be opened: {error}"))?;
    let view = Arc::new(PlanView::open(&plan).map_err(|error| error.to_string())?);
    let board = OpenOptions::new().read(true).write(true).open(&job.board);
    let board = board.map_err(|error| format!("the board could not be opened: {error}"))?;
    let board =
        Arc::new(Board::open(&board, view.lane_slots().len()).map_err(|error| error.to_string())?);

    allocator.prepare(view.counts())?;
    let options = Options {
        touch: job.touch,
        sample_every: job.sample_every,
        pin: job.pin,
    };
    let engine = Engine::prepare(view, Arc::clone(&board), allocator.calls(), &options)
        .map_err(|error| error.to_string())?;
    let clock_ns = engine::cost_ns();
    kernel::fine_timers();
    kernel::load_code();
    if let Some(bytes) = job.memory {
        kernel::limit_data(bytes)
            .map_err(|error| format!("the limit of memory could not be set: {error}"))?;
    }

    let mut cost = Cost::begin();
    board.set_baseline(cost.baseline.unwrap_or(0));
    let outcome = engine.run(&mut cost).map_err(|error| error.to_string())?;
    let Cost {
        used,
        peak_rss_bytes,
        ..
    } = cost;

    let tally = outcome.tally;
    Ok(Measured {
        elapsed_ns: outcome.elapsed_ns,
        user_ns: used.map(|u| u.user_ns),
        sys_ns: used.map(|u| u.sys_ns),
        mallocs: tally.mallocs,
        frees: tally.frees,
        reallocs: tally.reallocs,
        failed: tally.failed,
        sync_wait_ns: tally.waits.wall_ns,
        sync_waits: tally.waits.count,
        beat_wait_ns: tally.waits.beats_ns,
        wait_user_ns: tally.waits.user_ns,
        wait_sys_ns: tally.waits.sys_ns,
        idle_ns: tally.idle_ns,
        late_ns: tally.late_ns,
        peak_rss_bytes,
        minor_faults: used.map(|u| u.minor_faults),
        major_faults: used.map(|u| u.major_faults),
        latency_ns: outcome.latencies,
        latency_histogram: outcome.histograms,
        clock_ns,
        allocator_stats: allocator.statistics(),
    })
}

/// What a run costs: times and faults, and the most resident memory, by the kernel's own high-water mark: no sampling misses it.
struct Cost {
    baseline: Option<u64>,
    /// The mark before, where it could not be reset.
    old_mark: Option<u64>,
    /// Bytes above the baseline in the windows before.
    so_far: u64,
    /// Resident bytes at the end of the last window.
    at_end: Option<u64>,
    before: Option<Usage>,
    /// At the end: what was used since the beginning.
    used: Option<Usage>,
    /// At the end: bytes above the baseline; `None` where the kernel does not tell, or where an older mark hides it.
    peak_rss_bytes: Option<u64>,
}

impl Cost {
    fn begin() -> Cost {
        Cost {
            old_mark: new_mark(),
            baseline: kernel::status_bytes("VmRSS"),
            so_far: 0,
            at_end: None,
            used: None,
            peak_rss_bytes: None,
            before: Usage::now(),
        }
    }

    /// Bytes above the baseline by now.
    fn peak(&self) -> Option<u64> {
        let mark = kernel::status_bytes("VmHWM")?;
        if self.old_mark.is_some_and(|old| mark <= old) {
            return None;
        }
        Some(mark.saturating_sub(self.baseline?).max(self.so_far))
    }
}

/// Begins a new high-water mark, or returns the old one where that is not allowed.
fn new_mark() -> Option<u64> {
    if kernel::reset_peak() {
        None
    } else {
        kernel::status_bytes("VmHWM")
    }
}

impl Onlooker for Cost {
    fn before(&mut self) {
        self.so_far = self.so_far.max(self.peak().unwrap_or(0));
        self.at_end = kernel::status_bytes("VmRSS");
    }

    /// What the plan's new window takes more, or less, than the old one is not the allocator's.
    fn after(&mut self) {
        let now = kernel::status_bytes("VmRSS");
        if let (Some(baseline), Some(before), Some(now)) = (self.baseline, self.at_end, now) {
            self.baseline = Some((baseline + now).saturating_sub(before));
        }
        self.old_mark = new_mark();
    }

    fn ended(&mut self) {
        self.used = Usage::now()
            .zip(self.before)
            .map(|(after, before)| after.since(before));
        self.peak_rss_bytes = self.peak();
        // What is made of the measurement needs memory, whatever the allocator left.
        kernel::lift_limit();
    }
}
