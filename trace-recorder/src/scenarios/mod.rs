//! Multi-threaded programs worth recording, with exact definitions.
//!
//! All are real programs on real threads. Each thread draws from a generator of its own, seeded with the scenario's
//! seed and the thread's number: the same seed gives each thread the same stream of requests. What depends on how the
//! threads happen to run is only who finds whose block. Memory is touched, a refused request is counted, and everything
//! is freed in the end: on a tape, mallocs = frees.

mod blocks;
mod crew;
mod draws;
mod mailbox;
mod mappings;
mod memory;
mod options;

mod basic;
mod ephemeral;
mod ephemeral_visits;
mod large;

pub use options::{Plan, Scale, ScenarioOptions};

use crate::RecordError;
use crate::finish::{Phase, Progress};
use crate::harvest::{Recorded, RecordingOptions};
use crate::recording::RecordingAlloc;
use crate::recording::output;
use crate::runtime::CaptureFolder;
use crew::Crew;
use std::alloc::System;
use std::path::Path;
use std::sync::Arc;

/// A scenario.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Scenario {
    /// Threads exchange blocks through one shared array.
    Basic,
    /// Short-lived blocks with a random time to live.
    Ephemeral,
    /// The same with the time to live counted in visits, by which hardly anything ever dies.
    EphemeralVisits,
    /// Many threads, sizes over four orders of magnitude, blocks freed elsewhere, threads that come and go.
    Large,
}

impl Scenario {
    /// All scenarios.
    pub const ALL: [Scenario; 4] = [
        Scenario::Basic,
        Scenario::Ephemeral,
        Scenario::EphemeralVisits,
        Scenario::Large,
    ];

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Scenario::Basic => "basic",
            Scenario::Ephemeral => "ephemeral",
            Scenario::EphemeralVisits => "ephemeral-visits",
            Scenario::Large => "large",
        }
    }

    /// What it does, in a sentence.
    pub fn describe(self) -> &'static str {
        match self {
            Scenario::Basic => {
                "threads allocate into and free from random slots of one shared array, by atomic exchange (1 to 4,096 bytes)"
            }
            Scenario::Ephemeral => {
                "every operation allocates a block that lives for 50 to 2,000 operations of its thread (16 to 32,768 bytes)"
            }
            Scenario::EphemeralVisits => {
                "the original rule: a block lives for 50 to 2,000 visits of its slot in a ring, by which hardly any ever dies"
            }
            Scenario::Large => {
                "random replacement in private slots, power-law sizes (16 bytes to 256 KiB), reallocs, frees by other threads, thread churn"
            }
        }
    }

    /// The plan that `options` lead to.
    ///
    /// # Errors
    /// [`RecordError::Option`] when an option makes no sense.
    pub fn plan(self, options: &ScenarioOptions) -> Result<Plan, RecordError> {
        options::plan(self, options)
    }

    /// Bytes of live blocks to expect at the peak, as requested, and events to expect.
    fn expected(self, plan: &Plan) -> (u64, u64) {
        match self {
            Scenario::Basic => basic::expected(plan),
            Scenario::Ephemeral => ephemeral::expected(plan),
            Scenario::EphemeralVisits => ephemeral_visits::expected(plan),
            Scenario::Large => large::expected(plan),
        }
    }

    fn start(self, crew: &Arc<Crew>, plan: &Plan) -> Result<(), RecordError> {
        match self {
            Scenario::Basic => basic::start(crew, plan),
            Scenario::Ephemeral => ephemeral::start(crew, plan),
            Scenario::EphemeralVisits => ephemeral_visits::start(crew, plan),
            Scenario::Large => large::start(crew, plan),
        }
    }
}

impl std::fmt::Display for Scenario {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}

impl std::str::FromStr for Scenario {
    type Err = String;

    fn from_str(name: &str) -> Result<Scenario, String> {
        Scenario::ALL
            .into_iter()
            .find(|s| s.name() == name)
            .ok_or_else(|| {
                let names = Scenario::ALL.map(Scenario::name).join(", ");
                format!("no scenario is called {name:?}; there are {names}")
            })
    }
}

/// Runs a scenario under the recorder and writes its tape to `out`.
///
/// What is caught goes to a folder beside `out`. The tape is written beside `out` first and takes its name when it is
/// whole.
///
/// # Errors
/// [`RecordError`]: an option that makes no sense, too little memory or room on disk, a file that can't be written, a thread that can't be started.
pub fn record_scenario(
    scenario: Scenario,
    options: &ScenarioOptions,
    out: &Path,
    progress: Progress<'_>,
) -> Result<Recorded, RecordError> {
    // A device or a pipe has nothing beside it.
    let special = std::fs::metadata(out).is_ok_and(|there| !there.is_file());
    let folder = if special {
        CaptureFolder::temporary()
    } else {
        CaptureFolder::beside(out)
    };
    let plan = checked_plan(scenario, options, &folder)?;
    output::to_file(out, |file| run(scenario, &plan, &folder, file, progress))
}

/// As [`record_scenario`], to any writer; what is caught goes to the folder for temporary files.
///
/// # Errors
/// As [`record_scenario`].
pub fn record_scenario_to(
    scenario: Scenario,
    options: &ScenarioOptions,
    out: &mut dyn std::io::Write,
    progress: Progress<'_>,
) -> Result<Recorded, RecordError> {
    let folder = CaptureFolder::temporary();
    let plan = checked_plan(scenario, options, &folder)?;
    run(scenario, &plan, &folder, out, progress)
}

/// Runs a scenario under the process's own malloc, and records nothing: what a program does that nobody watches.
///
/// # Errors
/// [`RecordError`]: an option that makes no sense, a thread that can't be started.
pub fn run_scenario(scenario: Scenario, options: &ScenarioOptions) -> Result<(), RecordError> {
    let plan = scenario.plan(options)?;
    mappings::check(scenario, plan.threads)?;
    let crew = Arc::new(Crew::new(RecordingAlloc::new(System), plan.threads));
    let ran = scenario.start(&crew, &plan).and_then(|()| crew.run_alone());
    crew.abandon_unless_started();
    ran
}

fn checked_plan(
    scenario: Scenario,
    options: &ScenarioOptions,
    folder: &Path,
) -> Result<Plan, RecordError> {
    let plan = scenario.plan(options)?;
    let (live, events) = scenario.expected(&plan);
    mappings::check(scenario, plan.threads)?;
    memory::check(scenario, live, events, folder)?;
    Ok(plan)
}

fn run(
    scenario: Scenario,
    plan: &Plan,
    folder: &Path,
    out: &mut dyn std::io::Write,
    progress: Progress<'_>,
) -> Result<Recorded, RecordError> {
    let total = plan.ops.saturating_mul(u64::from(plan.threads));
    progress(Phase::Run, 0, total);
    let crew = Arc::new(Crew::new(RecordingAlloc::new(System), plan.threads));
    let recording = crew.allocator().record_in(folder)?;
    let ran = scenario
        .start(&crew, plan)
        .and_then(|()| crew.run(&|done| progress(Phase::Run, done, total)));
    crew.abandon_unless_started();
    ran?;
    memory::give_back();
    let options = RecordingOptions {
        name: scenario.name().to_owned(),
        command: plan.command(),
        notes: plan.notes(),
    };
    recording.finish_to(out, &options, progress)
}
