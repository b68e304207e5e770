//! Going on with a measurement that was broken off.

use std::path::Path;

use super::error::ReplayError;
use super::statistics::summarize;
use super::tape_file::unique_name;
use crate::results::{Results, Run, Summary, TapeSummary};

/// Runs of an earlier measurement.
pub(super) struct Done {
    /// Each with its tape's digest: names may differ when the list of tapes does.
    runs: Vec<(String, Run)>,
    /// For each tape's digest and number of threads: what made its runs doubtful as a whole, in sentences.
    doubts: Vec<(String, Option<u32>, Vec<String>)>,
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
            doubts: doubts(earlier),
        }
    }

    /// What made the earlier runs of a tape doubtful.
    pub fn doubts(&self, tape: &TapeSummary, threads: Option<u32>) -> &[String] {
        self.doubts
            .iter()
            .find(|(digest, on, _)| *digest == tape.sha256 && *on == threads)
            .map_or(&[], |(_, _, doubts)| doubts)
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

/// Warnings of the earlier summaries that do not follow from the runs: those of the machine. Others are made anew.
fn doubts(earlier: &Results) -> Vec<(String, Option<u32>, Vec<String>)> {
    let mut all = Vec::new();
    for summary in &earlier.summary {
        let Some(tape) = earlier.tapes.iter().find(|t| t.name == summary.tape) else {
            continue;
        };
        let place = (&tape.sha256, summary.threads);
        if all.iter().any(|(digest, on, _)| (digest, *on) == place) {
            continue;
        }
        let again = summarize(
            &summary.tape,
            summary.threads,
            &[&summary.allocator],
            &earlier.runs,
            &earlier.faults,
            &[],
        );
        let follows = |warning: &&String| again.iter().any(|s| s.warnings.contains(*warning));
        let rest = summary.warnings.iter().filter(|w| !follows(w));
        all.push((
            tape.sha256.clone(),
            summary.threads,
            rest.cloned().collect(),
        ));
    }
    all
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

/// Of a measurement that goes on from an earlier one and ends before its time: adds the earlier runs that were not come to, so that
/// breaking off twice loses nothing. Runs of allocators that are not measured any more are left out.
pub(super) fn keep_runs(results: &mut Results, earlier: &Results) {
    for tape in &earlier.tapes {
        let name = name_now(results, tape);
        if !results.tapes.iter().any(|t| t.sha256 == tape.sha256) {
            let name = name.clone();
            results.tapes.push(TapeSummary {
                name,
                ..tape.clone()
            });
        }
        for run in earlier.runs.iter().filter(|run| run.tape == tape.name) {
            let same = |other: &Run| {
                other.tape == name
                    && other.allocator == run.allocator
                    && other.threads == run.threads
                    && other.repetition == run.repetition
            };
            let wanted = results.allocators.iter().any(|a| a.name == run.allocator);
            if wanted && !results.runs.iter().any(same) {
                let tape = name.clone();
                results.runs.push(Run {
                    tape,
                    ..run.clone()
                });
            }
        }
    }
}

/// The earlier summaries of runs that [`keep_runs`] added, where there are no newer ones.
pub(super) fn keep_summaries(results: &mut Results, earlier: &Results) {
    for summary in &earlier.summary {
        let Some(tape) = earlier.tapes.iter().find(|t| t.name == summary.tape) else {
            continue;
        };
        let name = name_now(results, tape);
        let same = |other: &Summary| {
            other.tape == name
                && other.allocator == summary.allocator
                && other.threads == summary.threads
        };
        let wanted = results
            .allocators
            .iter()
            .any(|a| a.name == summary.allocator);
        if wanted && !results.summary.iter().any(same) {
            results.summary.push(Summary {
                tape: name,
                ..summary.clone()
            });
        }
    }
}

/// What an earlier tape is called in these results.
fn name_now(results: &Results, tape: &TapeSummary) -> String {
    let known = results.tapes.iter().find(|t| t.sha256 == tape.sha256);
    known.map_or_else(
        || unique_name(&tape.name, Path::new(&tape.name), &results.tapes),
        |tape| tape.name.clone(),
    )
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::AllocatorInfo;

    fn results() -> Results {
        Results {
            tapes: vec![TapeSummary {
                name: "old name".into(),
                sha256: "ab".into(),
                ..TapeSummary::default()
            }],
            allocators: vec![AllocatorInfo {
                name: "x".into(),
                version: Some("1".into()),
                ..AllocatorInfo::default()
            }],
            runs: vec![Run {
                tape: "old name".into(),
                allocator: "x".into(),
                repetition: 2,
                failed: 3,
                peak_rss_bytes: Some(1),
                ..Run::default()
            }],
            summary: vec![Summary {
                tape: "old name".into(),
                allocator: "x".into(),
                warnings: vec![
                    "3 requests failed over 1 run: work that was not done counts as fast".into(),
                    "other programs used 30 % of the processors while this was measured".into(),
                ],
                ..Summary::default()
            }],
            ..Results::default()
        }
    }

    #[test]
    fn runs_are_found_by_the_tape_and_not_by_its_name() {
        let done = Done::of(&results());
        let tape = |digest: &str| TapeSummary {
            name: "new name".into(),
            sha256: digest.into(),
            ..TapeSummary::default()
        };
        let run = done.run(&tape("ab"), "x", None, 2).unwrap();
        assert_eq!((run.tape.as_str(), run.failed), ("new name", 3));
        assert_eq!(done.run(&tape("ab"), "x", None, 1), None);
        assert_eq!(done.run(&tape("ab"), "x", Some(2), 2), None);
        assert_eq!(done.run(&tape("cd"), "x", None, 2), None);
        // What the runs themselves say is said anew; the machine is remembered.
        let doubts = done.doubts(&tape("ab"), None);
        assert!(
            doubts.len() == 1 && doubts[0].contains("30 %"),
            "{doubts:?}"
        );
        assert!(done.doubts(&tape("ab"), Some(1)).is_empty());
    }

    #[test]
    fn breaking_off_again_keeps_what_the_earlier_results_have() {
        let earlier = results();
        // Resumed with a tape before that has the same name, and with one allocator more.
        let mut now = results();
        now.tapes[0].sha256 = "cd".into();
        now.runs[0].repetition = 1;
        now.allocators.push(AllocatorInfo {
            name: "y".into(),
            ..AllocatorInfo::default()
        });
        for _ in 0..2 {
            keep_runs(&mut now, &earlier);
            keep_summaries(&mut now, &earlier);
            let names: Vec<&str> = now.tapes.iter().map(|tape| tape.name.as_str()).collect();
            assert_eq!(names, ["old name", "old name (2)"]);
            let runs: Vec<(&str, u32)> = now
                .runs
                .iter()
                .map(|run| (run.tape.as_str(), run.repetition))
                .collect();
            assert_eq!(runs, [("old name", 1), ("old name (2)", 2)]);
            assert_eq!(now.summary.len(), 2);
            assert_eq!(now.summary[1].tape, "old name (2)");
        }
        // Who is not measured any more has no runs.
        let mut without = results();
        without.allocators.clear();
        without.runs.clear();
        keep_runs(&mut without, &earlier);
        assert_eq!(without.runs, []);
    }

    #[test]
    fn another_version_can_not_be_resumed() {
        let mut now = results();
        assert!(check(&results(), &now).is_ok());
        now.allocators[0].version = Some("2".into());
        let refused = check(&results(), &now).unwrap_err().to_string();
        assert!(refused.contains("x has changed since"), "{refused}");
        let mut now = results();
        now.machine.cores = 9;
        assert!(check(&results(), &now).is_err());
    }
}
