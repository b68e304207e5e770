//! `cargo xtask bench tapes`: the three scenarios, replayed with more repetitions than the main job takes.

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;

use crate::workspace::Workspace;

/// The scenarios that are measured.
pub const SCENARIOS: [&str; 3] = ["basic", "ephemeral", "large"];

/// What to measure.
#[derive(Args, Clone, Debug)]
pub struct Settings {
    /// The size of the recordings: small, default or paper
    #[arg(long, default_value = "default", value_parser = ["small", "default", "paper"])]
    pub scale: String,
    /// Repetitions of each tape and allocator
    #[arg(short = 'n', long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    pub repetitions: u32,
    /// Allocators, as `heaptape -a` takes them [default: heaptape's own]
    #[arg(short, long, value_name = "NAMES")]
    pub allocators: Option<String>,
    /// The folder of tapes, results and report [default: bench in the target folder]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

/// Builds the released program, records the scenarios, replays them and prints the table.
///
/// # Errors
/// When a command fails; the error carries it.
pub fn run(workspace: &Workspace, settings: &Settings) -> Result<()> {
    workspace
        .cargo(["build", "--release", "--package", "heaptape"])
        .run()?;
    let out = match &settings.out {
        Some(out) => out.clone(),
        None => workspace.target().join("bench"),
    };
    std::fs::create_dir_all(&out).with_context(|| format!("{} cannot be made", out.display()))?;
    let heaptape = workspace.released("heaptape").display().to_string();
    let mut tapes = Vec::new();
    for scenario in SCENARIOS {
        let tape = out.join(format!("{scenario}-{}.tape", settings.scale));
        let tape = tape.display().to_string();
        // Recorded anew each time: a tape of an older version would be another workload.
        let args = ["record", "-o", &tape, "--scenario", scenario];
        workspace
            .call(&heaptape)
            .args(args)
            .args(["--scale", &settings.scale])
            .run()?;
        tapes.push(tape);
    }
    let mut compare = workspace.call(&heaptape).args(["compare"]).args(tapes);
    if let Some(allocators) = &settings.allocators {
        compare = compare.args(["-a", allocators]);
    }
    compare
        .args(["-n", &settings.repetitions.to_string()])
        .args(["-o", &out.display().to_string()])
        .run()
}
