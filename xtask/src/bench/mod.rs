//! `cargo xtask bench`: fancy beside its peers, in one run on one machine.
//!
//! | module | what it does |
//! | --- | --- |
//! | [`arguments`] | the command line |
//! | [`results`] | `bench.json` |
//! | [`machine`] | where it was measured |
//! | [`workloads`] | the program of workloads, and one run of it |
//! | [`peers`] | builds the peers as shared objects |
//! | [`allocators`] | which allocators are measured, and where they are |
//! | [`rounds`] | repetitions, interleaved |
//! | [`callgrind`] | instructions of the loops |
//! | [`summary`] | medians, ratios, geometric means |
//! | [`targets`] | what is aimed at, and by how much it is missed |
//! | [`table`] | the text |
//! | [`tapes`] | `cargo xtask bench tapes`: the scenarios, replayed |
//!
//! `docs/bench.md` says how to read what it prints.

pub mod arguments;

pub mod results;

pub mod machine;

pub mod workloads;

pub mod peers;

pub mod allocators;

pub mod rounds;

pub mod callgrind;

pub mod summary;

pub mod targets;

pub mod table;

pub mod tapes;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::workspace::Workspace;
use arguments::{Arguments, Other};
use results::Results;

/// Runs `cargo xtask bench` as `arguments` say.
///
/// # Errors
/// When something can't be built, started or written, when an argument names what is not there, and when a run of fancy
/// failed. A target that is missed is no error.
pub fn run(workspace: &Workspace, arguments: &Arguments) -> Result<()> {
    match &arguments.other {
        Some(Other::Tapes(settings)) => tapes::run(workspace, settings),
        Some(Other::Show { file }) => {
            let file = match file {
                Some(file) => file.clone(),
                None => folder(workspace, None).join(results::FILE),
            };
            print!("{}", table::text(&results::read(&file)?));
            Ok(())
        }
        None => side_by_side(workspace, arguments),
    }
}

fn folder(workspace: &Workspace, out: Option<&Path>) -> PathBuf {
    match out {
        Some(out) => out.to_owned(),
        None => workspace.target().join("bench"),
    }
}

fn side_by_side(workspace: &Workspace, arguments: &Arguments) -> Result<()> {
    let out = folder(workspace, arguments.out.as_deref());
    std::fs::create_dir_all(&out).with_context(|| format!("{} cannot be made", out.display()))?;
    let file = out.join(results::FILE);
    // Read before an hour of measuring, so that a file that can't be added to is told at once.
    let earlier = match arguments.add && file.exists() {
        true => Some(results::read(&file)?),
        false => None,
    };
    let program = workloads::Program::build(workspace, arguments.built)?;
    let workloads = program.chosen(&arguments.only)?;
    let allocators = allocators::choose(
        workspace,
        &arguments.allocators,
        !arguments.quick,
        arguments.built,
    )?;
    let settings = arguments.settings();
    let mut results = Results::new(allocators.iter().map(|one| one.measured.clone()).collect());
    for (place, workload) in workloads.iter().enumerate() {
        let title = format!("[{}/{}] {}", place + 1, workloads.len(), workload.name);
        results.workloads.push(rounds::measure(
            &program,
            workload,
            &allocators,
            settings,
            &title,
        )?);
    }
    if !arguments.no_instructions {
        callgrind::count(&program, &allocators, &out, &mut results)?;
    }
    let failed: Vec<String> = results.failures_of_ours();
    if let Some(earlier) = earlier {
        results.add_to(earlier);
    }
    results::write(&file, &results)?;
    print!("{}", table::text(&results));
    println!("\n{} holds every run.", file.display());
    if failed.is_empty() {
        return Ok(());
    }
    bail!("fancy failed:\n  {}", failed.join("\n  "))
}
