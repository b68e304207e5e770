//! A bounded run of every fuzzer; where there is none, the corpus with changed parts takes its place, and that is said.

use anyhow::Result;

use super::{Context, Done, nightly};

/// The fuzz targets: `fuzz/fuzz_targets` has a file for each, and `fuzz/corpus` a folder.
const TARGETS: [&str; 6] = ["logalloc", "android", "mtrace", "heaptrack", "ops", "tape"];

/// Seconds that each runs.
const SECONDS: &str = "60";

/// Runs each fuzzer for a minute on a copy of its corpus.
///
/// # Errors
/// When one finds something; what it found lies in `fuzz/artifacts`.
pub fn run(context: &Context) -> Result<Done> {
    if !nightly::has(context, "fuzz") {
        without(context)?;
        return Ok(Done::Without("fuzzers"));
    }
    let target = context.workspace.target().join("fuzz");
    for name in TARGETS {
        // What is new goes to the first folder, so that the corpus in the repository stays as it is.
        let found = target.join("found").join(name);
        std::fs::create_dir_all(&found)?;
        let corpus = context.workspace.root().join("fuzz/corpus").join(name);
        nightly::cargo(context)
            .args(["fuzz", "run", "--target-dir", &target.display().to_string()])
            .args([
                name,
                &found.display().to_string(),
                &corpus.display().to_string(),
            ])
            .args([
                "--",
                "-rss_limit_mb=2048",
                "-timeout=20",
                "-max_len=65536",
                "-print_final_stats=1",
            ])
            .args([format!("-max_total_time={SECONDS}")])
            .run()?;
    }
    Ok(Done::Whole)
}

/// Many changed copies of the corpus, without a fuzzer.
fn without(context: &Context) -> Result<()> {
    println!("*** NOT FUZZED: this needs a nightly compiler and cargo-fuzz:");
    println!("***   rustup toolchain install nightly && cargo install cargo-fuzz");
    println!(
        "*** Instead each file of the corpus is read with parts changed, some thousand times."
    );
    context
        .workspace
        .cargo([
            "test",
            "--release",
            "--package",
            "trace-recorder",
            "--test",
            "foreign",
        ])
        .args(["--", "corpus::", "hostile::"])
        .env("PROPTEST_CASES", CASES)
        .run()
}

/// As many cases of every property, and a sixteenth as many changed copies of each file.
const CASES: &str = "16384";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::Workspace;
    use std::path::Path;

    /// The names in a folder of the fuzzers, without extension.
    fn names(folder: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(folder).unwrap();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().path())
            .filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()))
            .collect();
        names.sort();
        names
    }

    #[test]
    fn every_fuzz_target_is_run_and_has_a_corpus() {
        let fuzz = Workspace::find().unwrap().root().join("fuzz");
        let mut targets = TARGETS.map(str::to_owned).to_vec();
        targets.sort();
        assert_eq!(names(&fuzz.join("fuzz_targets")), targets);
        assert_eq!(names(&fuzz.join("corpus")), targets);
    }
}
