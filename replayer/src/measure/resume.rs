//! Going on with a measurement that was broken off.

use super::error::ReplayError;
use crate::results::{Results, Run, TapeSummary};

/// Runs of an earlier measurement.
pub(super) struct Done {
    /// Each with its tape's digest: names may differ when the list of tapes does.
    runs: Vec<(String, Run)>,
}

impl Done {
    /// All runs of `earlier`.
    pub fn of(earlier: &Results) -> Done {
        let digest = |run: &Run| {
            let tape = earlier.tapes.iter().find(|tape| tape.name == run.tape)?;
            Some((tape.sha256.clone(), run.clone()))
        };
        Done {
            runs: earlier.runs.iter().filter_map(digest).collect(),
        }
    }

    /// The earlier run, under the tape's present name.
    pub fn run(
        &self,
        tape: &TapeSummary,
        allocator: &str,
        threads: Option<u32>,
        repetition: u32,
    ) -> Option<Run> {
        let (_, run) = self.runs.iter().find(|(digest, run)| {
            *digest == tape.sha256
                && run.allocator == allocator
                && run.threads == threads
                && run.repetition == repetition
        })?;
        Some(Run {
            tape: tape.name.clone(),
            ..run.clone()
        })
    }
}

/// Whether `now` measures in the same way, on the same machine and the same allocators, as `earlier` did.
pub(super) fn check(earlier: &Results, now: &Results) -> Result<(), ReplayError> {
    let refuse = |what: String| Err(ReplayError::Resume(what));
    if let (Some(then), Some(now)) = (&earlier.replay, &now.replay) {
        let mut then = then.clone();
        // These decide how many runs there are, not what a run is.
        then.repetitions = now.repetitions;
        then.budget_ns = now.budget_ns;
        then.timeout_ns = now.timeout_ns;
        if then != *now {
            return refuse(format!(
                "they were measured with touch {}, order {}, pace {} and other settings than now",
                then.touch, then.order, then.pace
            ));
        }
    }
    let machine = |results: &Results| {
        let m = &results.machine;
        (m.cpu.clone(), m.cores, m.kernel.clone())
    };
    if machine(earlier) != machine(now) {
        return refuse("they are of another machine".to_owned());
    }
    for allocator in &now.allocators {
        let then = earlier.allocators.iter().find(|a| a.name == allocator.name);
        if let Some(then) = then
            && (&then.version, &then.settings) != (&allocator.version, &allocator.settings)
        {
            return refuse(format!("{} has changed since", allocator.name));
        }
    }
    Ok(())
}

/// What all summaries warn of: it concerns the measurement as a whole.
pub(super) fn shared_warnings(results: &Results) -> Vec<String> {
    let Some(first) = results.summary.first() else {
        return Vec::new();
    };
    let everywhere = |warning: &&String| {
        results.summary.len() > 1
            && results
                .summary
                .iter()
                .all(|summary| summary.warnings.contains(warning))
    };
    first.warnings.iter().filter(everywhere).cloned().collect()
}
