//! The fresh process: maps the plan, makes everything ready, runs once, says what it measured.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;

use super::job::{Job, Measured, Reply};
use super::kernel::{self, Usage};
use crate::allocators::AllocatorName;
use crate::engine::{self, Board, Engine, Options};
use crate::plan::PlanView;

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
        Some(job) => work(&job).map_or_else(Reply::Refused, |measured| Reply::Measured(Box::new(measured))),
        None => Reply::Refused("this command is heaptape's own: it takes one job in JSON and is started by `heaptape compare`".into()),
    };
    let done = matches!(reply, Reply::Measured(_));
    let line = serde_json::to_string(&reply).unwrap_or_default();
    let said = writeln!(std::io::stdout(), "{line}").is_ok();
    if done && said {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn work(job: &Job) -> Result<Measured, String> {
    end_with_parent(job.parent)?;
    // When memory runs out, the kernel shall take this process and not the one that measures.
    let _ = fs::write("/proc/self/oom_score_adj", "1000");
    let name: AllocatorName = job.allocator.parse().map_err(|error| format!("{error}"))?;
    let allocator = name.allocator();

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
    };
    let engine = Engine::prepare(view, Arc::clone(&board), allocator.calls(), &options)
        .map_err(|error| error.to_string())?;
    let clock_ns = engine::cost_ns();
    kernel::load_code();

    let peak = PeakRss::begin();
    board.set_baseline(peak.baseline.unwrap_or(0));
    let before = Usage::now();
    let outcome = engine.run().map_err(|error| error.to_string())?;
    let used = Usage::now()
        .zip(before)
        .map(|(after, before)| after.since(before));
    let peak_rss_bytes = peak.end();

    Ok(Measured {
        elapsed_ns: outcome.elapsed_ns,
        user_ns: used.map(|u| u.user_ns),
        sys_ns: used.map(|u| u.sys_ns),
        mallocs: outcome.tally.mallocs,
        frees: outcome.tally.frees,
        reallocs: outcome.tally.reallocs,
        failed: outcome.tally.failed,
        sync_wait_ns: outcome.tally.waited_ns,
        peak_rss_bytes,
        minor_faults: used.map(|u| u.minor_faults),
        major_faults: used.map(|u| u.major_faults),
        latency_ns: outcome.latencies,
        clock_ns,
    })
}

/// Has the kernel kill this process when the one that waits for it is gone.
fn end_with_parent(parent: u32) -> Result<(), String> {
    // SAFETY: prctl with this option takes a number and touches no memory.
    unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) };
    // SAFETY: getppid has no preconditions.
    let now = unsafe { libc::getppid() };
    if u32::try_from(now) == Ok(parent) {
        Ok(())
    } else {
        Err("the process that started the worker is gone".into())
    }
}

/// The most resident memory over a stretch of time, by the kernel's own high-water mark: no sampling misses it.
struct PeakRss {
    baseline: Option<u64>,
    /// The mark before, where it could not be reset.
    old_mark: Option<u64>,
}

impl PeakRss {
    fn begin() -> PeakRss {
        let old_mark = if kernel::reset_peak() {
            None
        } else {
            kernel::status_bytes("VmHWM")
        };
        PeakRss {
            baseline: kernel::status_bytes("VmRSS"),
            old_mark,
        }
    }

    /// Bytes above the baseline; `None` where the kernel does not tell, or where an older mark hides it.
    fn end(&self) -> Option<u64> {
        let mark = kernel::status_bytes("VmHWM")?;
        if self.old_mark.is_some_and(|old| mark <= old) {
            return None;
        }
        Some(mark.saturating_sub(self.baseline?))
    }
}
