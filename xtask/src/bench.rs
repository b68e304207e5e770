//! `cargo xtask bench`: the three scenarios, replayed with more repetitions than the main job takes.

use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::workspace::Workspace;

/// The scenarios that are measured.
pub const SCENARIOS: [&str; 3] = ["basic", "ephemeral", "large"];

/// What to measure.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `--scale` of the recordings.
    pub scale: String,
    /// Repetitions of each tape and allocator.
    pub repetitions: u32,
    /// Allocators as `heaptape -a` takes them; `None` for its default.
    pub allocators: Option<String>,
    /// The folder of tapes and results.
    pub out: PathBuf,
}

/// Builds the released program, records the scenarios, replays them and prints the table.
///
/// # Errors
/// When a command fails; the error carries it.
pub fn run(workspace: &Workspace, settings: &Settings) -> Result<()> {
    workspace
        .cargo(["build", "--release", "--package", "heaptape"])
        .run()?;
    std::fs::create_dir_all(&settings.out)
        .with_context(|| format!("{} cannot be made", settings.out.display()))?;
    let heaptape = workspace.release_binary().display().to_string();
    let mut tapes = Vec::new();
    for scenario in SCENARIOS {
        let tape = settings
            .out
            .join(format!("{scenario}-{}.tape", settings.scale));
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
        .args(["-o", &settings.out.display().to_string()])
        .run()
}
