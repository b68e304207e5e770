//! How to measure.

use std::time::Duration;

use crate::engine::Touch;
use crate::plan::{Order, Pace, PlanOptions};
use crate::results::ReplaySettings;

/// How to measure.
#[derive(Clone, Debug)]
pub struct Settings {
    /// What is written into new blocks.
    pub touch: Touch,
    /// Which order of events is kept.
    pub order: Order,
    /// How fast it goes.
    pub pace: Pace,
    /// Onto how many workers the tape's threads are folded, one measurement for each entry; `None`: a thread for each.
    pub threads: Vec<Option<u32>>,
    /// Whether each thread is bound to a processor.
    pub pin: bool,
    /// One operation in so many has its latency taken; `None`: so many that about 65,536 are.
    pub sample_every: Option<u32>,
    /// Repetitions of each run; with a budget at least so many.
    pub repetitions: u32,
    /// More repetitions are made until the ratios are known well, or until this time is over.
    pub budget: Option<Duration>,
    /// After this long a worker counts as hung. A replay at the recorded pace has the recorded time on top.
    pub timeout: Duration,
    /// The most memory that a run may take, in bytes.
    pub memory: Option<u64>,
    /// As [`PlanOptions::memory`].
    pub plan_memory: Option<u64>,
}

/// Latencies that are taken of a run, about; percentiles up to 99.9 % are steady with so many.
const SAMPLES: u64 = 65_536;

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            touch: Touch::default(),
            order: Order::default(),
            pace: Pace::default(),
            threads: vec![None],
            pin: false,
            sample_every: None,
            repetitions: 3,
            budget: None,
            timeout: Duration::from_secs(600),
            memory: None,
            plan_memory: None,
        }
    }
}

impl Settings {
    /// What a plan for so many workers is made with.
    pub(super) fn plan_options(&self, threads: Option<u32>) -> PlanOptions {
        PlanOptions {
            order: self.order,
            pace: self.pace,
            threads,
            memory: self.plan_memory,
            beat_events: None,
        }
    }

    /// The mean distance of samples in a run of so many operations. Closer than 16, the clock would be what is measured.
    pub(super) fn sample_every(&self, ops: u64) -> u32 {
        self.sample_every
            .unwrap_or_else(|| (ops / SAMPLES).clamp(16, 1024) as u32)
    }

    /// As the results have them.
    pub(super) fn told(&self) -> ReplaySettings {
        let ns = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        ReplaySettings {
            touch: self.touch.to_string(),
            order: self.order.to_string(),
            pace: self.pace.to_string(),
            pinned: self.pin,
            sample_every: self.sample_every,
            repetitions: self.repetitions,
            budget_ns: self.budget.map(ns),
            timeout_ns: Some(ns(self.timeout)),
            memory_limit_bytes: self.memory,
        }
    }
}
