//! `heaptape report`: draws a report again from its figures, without measuring, or sets several side by side.

use anyhow::Context;
use replayer::results::Results;
use reports::study::Diff;
use reports::{parse_results, read_results, write_diff, write_report};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::replay::print;

/// Draw the report again from a results.json, or set several side by side
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  heaptape report report/results.json -o report      draw it again in its place
  heaptape report results.json -o /tmp/look          draw it somewhere else
  ssh host cat results.json | heaptape report - -o host
  heaptape report old/results.json new/results.json -o diff
                                                     what changed from old to new, and what of it is beyond noise
  heaptape report main.json branch.json -o diff --fail-if-slower 5%
                                                     the same for a CI job: exit 1 if anything is more than 5 % slower

Writes index.html, summary.md (for a pull request), and a PNG and an SVG of every chart into DIR; for one file a copy of the results
as results.json too. With several files the first is what the others are compared with: their figures where the machine is the same,
else their ratios to system.

Exit code: 0 drawn, 1 an error, or slower than --fail-if-slower allows, 2 wrong usage.")]
pub struct ReportArgs {
    /// The figures of a measurement, as `heaptape compare` or `heaptape replay --json` wrote them; `-` is standard input
    #[arg(value_name = "RESULTS.json", required = true, num_args = 1..)]
    pub results: Vec<PathBuf>,
    /// Folder for the report; made if it is not there
    #[arg(short, long, value_name = "DIR")]
    pub output: PathBuf,
    /// End with 1 if an allocator got slower by more than this, beyond noise, or has no figures any more; needs two files
    #[arg(long, value_name = "PERCENT", value_parser = percent)]
    pub fail_if_slower: Option<f64>,
}

/// `5%` or `5` as 0.05.
fn percent(text: &str) -> Result<f64, String> {
    let number = text.trim().trim_end_matches('%').trim_end();
    match number.parse::<f64>() {
        Ok(value) if value.is_finite() && value >= 0.0 => Ok(value / 100.0),
        _ => Err("must be a percentage such as 5%".to_owned()),
    }
}

/// Exit 0 where the report was drawn, 1 where something is slower than allowed, 2 for wrong usage; an error where results cannot be
/// read or the report cannot be written.
///
/// # Errors
/// Names the file, and the field where the results are malformed.
pub fn run(args: &ReportArgs) -> anyhow::Result<ExitCode> {
    let wrong = |why: &str| {
        eprintln!("error: {why}");
        Ok(ExitCode::from(2))
    };
    if args.results.iter().filter(|f| is_stdin(f)).count() > 1 {
        return wrong("standard input (-) can be read once only");
    }
    match &args.results[..] {
        [_] if args.fail_if_slower.is_some() => {
            wrong("--fail-if-slower compares: give the old results and the new ones")
        }
        [file] => redraw(file, &args.output),
        files => side_by_side(files, &args.output, args.fail_if_slower),
    }
}

fn is_stdin(file: &Path) -> bool {
    file == Path::new("-")
}

fn redraw(file: &Path, dir: &Path) -> anyhow::Result<ExitCode> {
    let (results, text) = read(file)?;
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
    let index = written.index.display();
    print(&format!("{}\nReport: {index}\n", written.headline))?;
    Ok(ExitCode::SUCCESS)
}

fn side_by_side(files: &[PathBuf], dir: &Path, limit: Option<f64>) -> anyhow::Result<ExitCode> {
    let results = files
        .iter()
        .map(|file| Ok(read(file)?.0))
        .collect::<anyhow::Result<Vec<Results>>>()?;
    let labels = labels(files);
    let named: Vec<(&str, &Results)> = labels.iter().map(String::as_str).zip(&results).collect();
    let [first, others @ ..] = &named[..] else {
        anyhow::bail!("no results to compare");
    };
    let diff = Diff::new(*first, others);
    let written = write_diff(&diff, dir)?;
    let mut text = format!("{}\n", written.headline);
    for note in diff.notes() {
        text.push_str(&format!("note: {note}\n"));
    }
    let slower = limit.map_or_else(Vec::new, |limit| diff.regressions(limit));
    for regression in &slower {
        text.push_str(&format!("slower: {regression}\n"));
    }
    text.push_str(&format!("Report: {}\n", written.index.display()));
    let told = print(&text);
    if !slower.is_empty() {
        // Whether anybody reads it or not: a script goes by this.
        return Ok(ExitCode::FAILURE);
    }
    told.map(|()| ExitCode::SUCCESS)
}

/// The results, and their text where it came from standard input and can't be read again.
fn read(file: &Path) -> anyhow::Result<(Results, Option<Vec<u8>>)> {
    if !is_stdin(file) {
        return Ok((read_results(file)?, None));
    }
    let mut text = Vec::new();
    std::io::stdin()
        .lock()
        .read_to_end(&mut text)
        .context("standard input")?;
    let results = parse_results(&text, Path::new("standard input"))?;
    Ok((results, Some(text)))
}

/// What the files are called: the last part of their paths in which all differ, without an ending; else the whole paths.
fn labels(files: &[PathBuf]) -> Vec<String> {
    let parts = |file: &PathBuf| -> Vec<String> {
        if is_stdin(file) {
            return vec!["standard input".to_owned()];
        }
        let whole = file.with_extension("");
        let names = whole.components().rev();
        names
            .map(|part| part.as_os_str().to_string_lossy().into_owned())
            .collect()
    };
    let all: Vec<Vec<String>> = files.iter().map(parts).collect();
    for depth in 0..all.iter().map(Vec::len).max().unwrap_or(0) {
        let these: Option<Vec<String>> = all.iter().map(|p| p.get(depth).cloned()).collect();
        let Some(these) = these else { break };
        let unique: std::collections::HashSet<&String> = these.iter().collect();
        if unique.len() == these.len() {
            return these;
        }
    }
    files.iter().map(|f| f.display().to_string()).collect()
}

/// Whether both are there and the same, by whatever name.
fn same_file(a: &Path, b: &Path) -> bool {
    matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_what_tells_the_files_apart() {
        let of = |paths: &[&str]| labels(&paths.iter().map(PathBuf::from).collect::<Vec<_>>());
        assert_eq!(
            of(&["old/results.json", "new/results.json"]),
            ["old", "new"]
        );
        assert_eq!(of(&["main.json", "/tmp/branch.json"]), ["main", "branch"]);
        assert_eq!(of(&["a.json", "-"]), ["a", "standard input"]);
        assert_eq!(of(&["a.json", "a.json"]), ["a.json", "a.json"]);
    }

    #[test]
    fn a_limit_is_a_percentage() {
        assert_eq!(percent("5%"), Ok(0.05));
        assert_eq!(percent("2.5"), Ok(0.025));
        assert!(percent("-1").is_err() && percent("x").is_err() && percent("inf").is_err());
    }
}
