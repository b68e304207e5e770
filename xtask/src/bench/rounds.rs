//! Repetitions of one workload, interleaved over the allocators.
//!
//! A machine drifts: its clock, its neighbours, its caches. So each round runs every allocator once, one after another, in an
//! order that turns by one each round, and figures are compared within a round.

use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};

use anyhow::Result;

use super::allocators::Allocator;
use super::results::{self, Run, Settings};
use super::workloads::{Program, Workload};

/// Measures `workload` under every allocator: one round to warm up, then those that count. `title` is shown meanwhile.
///
/// An allocator that fails is not run again in this workload; its failure is part of the result.
///
/// # Errors
/// None at present: what goes wrong belongs to the allocator under which it went wrong.
pub fn measure(
    program: &Program,
    workload: &Workload,
    allocators: &[Allocator],
    settings: Settings,
    title: &str,
) -> Result<results::Workload> {
    let mut runs: BTreeMap<String, Vec<Run>> = BTreeMap::new();
    let mut failures = BTreeMap::new();
    for round in 0..=settings.repetitions {
        for place in 0..allocators.len() {
            let allocator = &allocators[(place + round as usize) % allocators.len()];
            let name = &allocator.measured.name;
            if failures.contains_key(name) {
                continue;
            }
            progress(&format!(
                "{title}  round {round} of {}  {name}",
                settings.repetitions
            ));
            match program.measure(&workload.name, allocator, settings.scale) {
                Ok(_) if round == 0 => {}
                Ok(run) => runs.entry(name.clone()).or_default().push(run),
                Err(how) => {
                    failures.insert(name.clone(), how);
                    // Rounds that it did take part in would not be like those of the others.
                    runs.remove(name);
                }
            }
        }
    }
    progress("");
    Ok(results::Workload {
        name: workload.name.clone(),
        kind: workload.kind,
        about: workload.about.clone(),
        settings,
        runs,
        failures,
        instructions: BTreeMap::new(),
    })
}

/// Shows a line on a terminal's standard error, in place of the last one.
pub fn progress(line: &str) {
    let mut stderr = std::io::stderr();
    if stderr.is_terminal() {
        // A terminal that is gone is no reason to stop measuring.
        let _ = write!(stderr, "\r\x1b[K{line}").and_then(|()| stderr.flush());
    }
}
