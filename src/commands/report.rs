//! `heaptape report`: draws the report again from its figures, without measuring.

use anyhow::Context;
use reports::{parse_results, read_results, write_report};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Draw the report again from a results.json
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  heaptape report report/results.json -o report      draw it again in its place
  heaptape report results.json -o /tmp/look          draw it somewhere else
  ssh host cat results.json | heaptape report - -o host

Writes index.html, a PNG and an SVG of every chart, and a copy of the results as results.json into DIR.")]
pub struct ReportArgs {
    /// The figures of a measurement, as `heaptape compare` or `heaptape replay --json` wrote them; `-` is standard input
    #[arg(value_name = "RESULTS.json", required = true, num_args = 1..)]
    pub results: Vec<PathBuf>,
    /// Folder for the report; made if it is not there
    #[arg(short, long, value_name = "DIR")]
    pub output: PathBuf,
}

/// Exit 0 where the report was drawn, 2 for more than one results file; an error where the results cannot be read or the report
/// cannot be written.
///
/// # Errors
/// Names the file, and the field where the results are malformed.
pub fn run(args: &ReportArgs) -> anyhow::Result<ExitCode> {
    let [file] = &args.results[..] else {
        eprintln!(
            "heaptape report: {} results files were given, and this version draws one at a time. Setting several side by side is not there yet: give one file.",
            args.results.len()
        );
        return Ok(ExitCode::from(2));
    };
    let dir = &args.output;
    let (results, text) = if file == Path::new("-") {
        let mut text = Vec::new();
        std::io::stdin()
            .lock()
            .read_to_end(&mut text)
            .context("standard input")?;
        (
            parse_results(&text, Path::new("standard input"))?,
            Some(text),
        )
    } else {
        (read_results(file)?, None)
    };
    let written = write_report(&results, dir)?;
    // The page links to results.json beside it.
    let beside = dir.join("results.json");
    match text {
        Some(text) => std::fs::write(&beside, text)
            .with_context(|| format!("{}: cannot be written", beside.display()))?,
        None if same_file(file, &beside) => {}
        None => {
            std::fs::copy(file, &beside)
                .with_context(|| format!("{}: cannot be written", beside.display()))?;
        }
    }
    println!("{}", written.headline);
    println!("Report: {}", written.index.display());
    Ok(ExitCode::SUCCESS)
}

/// Whether both are there and the same, by whatever name.
fn same_file(a: &Path, b: &Path) -> bool {
    matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b)
}
