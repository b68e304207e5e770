//! The outside watcher: live bytes and resident memory of a running worker, over time.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::time::Duration;

use super::kernel;
use crate::engine::{Board, now_ns};
use crate::results::FootprintSample;

/// The first distance of samples. Reading `statm` and the cells takes some ten microseconds of one core.
const FIRST_DISTANCE: Duration = Duration::from_millis(2);

/// When there are so many samples, every other is dropped and the distance doubled: a long run ends with 150 to 300.
const MOST_SAMPLES: usize = 300;

/// Takes samples while a run goes on.
pub(super) struct Watcher<'a> {
    board: &'a Board,
    statm: Option<File>,
    samples: Vec<FootprintSample>,
    peak_live: u64,
    /// Resident memory beyond this is too much.
    limit: Option<u64>,
    over: Option<u64>,
    distance: Duration,
}

impl<'a> Watcher<'a> {
    /// Watches the process `pid`, which writes to `board`.
    /// With a limit, it notes when resident memory beyond the baseline exceeds that.
    pub fn new(board: &'a Board, pid: u32, limit: Option<u64>) -> Watcher<'a> {
        let statm = File::open(format!("/proc/{pid}/statm")).ok();
        Watcher {
            board,
            statm,
            samples: Vec::with_capacity(MOST_SAMPLES),
            peak_live: 0,
            limit,
            over: None,
            distance: FIRST_DISTANCE,
        }
    }

    /// Takes a sample if the run is on. Returns how long to wait for the next.
    pub fn sample(&mut self) -> Duration {
        if let Some(started) = self.board.started_ns()
            && self.board.ended_ns().is_none()
            && let Some(rss) = self.rss()
        {
            let live_bytes = self.board.live_bytes();
            self.peak_live = self.peak_live.max(live_bytes);
            let beyond = rss.saturating_sub(self.board.baseline());
            if self.limit.is_some_and(|limit| beyond > limit) {
                self.over = Some(beyond);
            }
            let t_ns = now_ns().saturating_sub(started);
            self.samples.push(FootprintSample {
                t_ns,
                live_bytes,
                rss_bytes: beyond,
            });
            if self.samples.len() >= MOST_SAMPLES {
                let mut keep = false;
                self.samples.retain(|_| {
                    keep = !keep;
                    keep
                });
                self.distance *= 2;
            }
        }
        self.distance
    }

    /// Resident memory when it was found to exceed the limit.
    pub fn over_limit(&self) -> Option<u64> {
        self.over
    }

    fn rss(&self) -> Option<u64> {
        let mut text = [0; 128];
        let len = self.statm.as_ref()?.read_at(&mut text, 0).ok()?;
        kernel::parse_statm(std::str::from_utf8(text.get(..len)?).ok()?)
    }

    /// The samples, and the most live bytes of all moments that were looked at.
    pub fn end(self) -> (Vec<FootprintSample>, Option<u64>) {
        let peak = (!self.samples.is_empty()).then_some(self.peak_live);
        (self.samples, peak)
    }
}
