//! `cargo xtask gallery`: the pictures of the documentation, made by the project itself.
//!
//! The charts of `docs/gallery/` come from a measurement of the released program, the screenshots from its page in a headless
//! Chromium, and `docs/gallery.md` shows them with what the charts say of themselves.

mod page;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::workspace::Workspace;

/// What the task is given.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Figures of an earlier measurement, in place of a new one.
    pub results: Option<PathBuf>,
    /// How much the scenarios of a new measurement do.
    pub scale: String,
    /// Leaves the screenshots as they are.
    pub no_browser: bool,
}

/// The tape whose charts are shown; those of all tapes stand for themselves.
const TAPE: &str = "ephemeral";

/// Charts of all tapes, and those of one tape, in the gallery's order.
const CHARTS: [&str; 3] = ["elapsed-ratio", "peak-memory", "time-spent"];
const CHARTS_OF_A_TAPE: [&str; 6] = [
    "time-memory",
    "latency",
    "footprint",
    "fragmentation",
    "scaling",
    "blocks",
];

/// Makes the pictures anew and says which.
///
/// # Errors
/// A command that fails, with the line that repeats it, or a file that can't be written.
pub fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    let build = ["build", "--release", "--package", "heaptape"];
    workspace.cargo(build).run()?;
    let report = workspace.target().join("gallery");
    draw(workspace, options, &report)?;
    let out = workspace.root().join("docs/gallery");
    fs::create_dir_all(&out).with_context(|| format!("{} cannot be made", out.display()))?;
    let charts = charts(&report, &out)?;
    if !options.no_browser {
        screenshots(workspace, &out)?;
    }
    let page = page::page(&out, &charts)?;
    let file = workspace.root().join("docs/gallery.md");
    fs::write(&file, page).with_context(|| format!("{} cannot be written", file.display()))?;
    println!(
        "{} charts in {}, shown by {}",
        charts.len(),
        out.display(),
        file.display()
    );
    Ok(())
}

/// The report whose charts are taken: of an earlier measurement, or of a new one. How allocators gain from workers is measured
/// on its own, since it takes each allocator several times.
fn draw(workspace: &Workspace, options: &Options, report: &Path) -> Result<()> {
    let program = workspace.release_binary().display().to_string();
    let heaptape = || workspace.call(&program).shown_as("heaptape");
    let dir = report.display().to_string();
    if let Some(results) = &options.results {
        let results = results.display().to_string();
        return heaptape().args(["report", &results, "-o", &dir]).run();
    }
    heaptape()
        .args(["compare", "--scale", &options.scale, "-n", "5", "-o", &dir])
        .run()?;
    let tape = report
        .join(format!("tapes/{TAPE}.tape"))
        .display()
        .to_string();
    let scaling = report.join("scaling");
    heaptape()
        .args([
            "compare",
            &tape,
            "--threads",
            "1,2,4,as-recorded",
            "-n",
            "5",
            "-o",
        ])
        .args([scaling.display().to_string()])
        .run()?;
    let chart = format!("scaling-{TAPE}.svg");
    let (from, to) = (scaling.join(&chart), report.join(&chart));
    fs::copy(&from, &to).with_context(|| format!("{} cannot be copied", from.display()))?;
    Ok(())
}

/// Copies the charts that are there; a chart that is no longer drawn goes.
fn charts(report: &Path, out: &Path) -> Result<Vec<PathBuf>> {
    let of_tape = CHARTS_OF_A_TAPE.map(|chart| format!("{chart}-{TAPE}"));
    let names = CHARTS.into_iter().map(str::to_owned).chain(of_tape);
    let mut charts = Vec::new();
    for name in names {
        let (from, to) = (
            report.join(format!("{name}.svg")),
            out.join(format!("{name}.svg")),
        );
        if from.is_file() {
            fs::copy(&from, &to).with_context(|| format!("{} cannot be written", to.display()))?;
            charts.push(to);
        } else if to.is_file() {
            fs::remove_file(&to).with_context(|| format!("{} cannot be removed", to.display()))?;
        }
    }
    Ok(charts)
}

/// The page in a headless Chromium, by an example of its tests, which records a tape of its own.
fn screenshots(workspace: &Workspace, out: &Path) -> Result<()> {
    let program = workspace.release_binary().display().to_string();
    workspace
        .cargo([
            "run",
            "--package",
            "web-tests",
            "--example",
            "gallery",
            "--",
        ])
        .args([out.display().to_string()])
        .env("HEAPTAPE_BIN", program)
        .run()
}
