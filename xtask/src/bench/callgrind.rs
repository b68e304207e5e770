//! Instructions of the loops, counted by callgrind.
//!
//! Instruction counts don't drift, so small differences show. Two runs of different length are subtracted: what is left is
//! pairs alone, without the process's start, the allocator's initialisation and its first slow requests.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::PoisonError;

use anyhow::{Context, Result};

use super::allocators::Allocator;
use super::results::{Kind, Results};
use super::rounds::progress;
use super::workloads::Program;

/// Pairs of the short run. The batches are 1,000 deep, and every cache is as large as it gets after this many.
const SHORT: u64 = 60_000;
/// Pairs of the long run.
const LONG: u64 = 260_000;

/// One pair of runs.
struct Task<'a> {
    workload: usize,
    name: String,
    allocator: &'a Allocator,
}

/// Counts for every loop of `results` under every allocator, on all processors. Without valgrind the results say so.
///
/// # Errors
/// When a file of callgrind's can't be made in `out`.
pub fn count(
    program: &Program,
    allocators: &[Allocator],
    out: &Path,
    results: &mut Results,
) -> Result<()> {
    let mut tasks = Vec::new();
    for (index, workload) in results.workloads.iter().enumerate() {
        if workload.kind == Kind::Loop {
            tasks.extend(allocators.iter().map(|allocator| Task {
                workload: index,
                name: workload.name.clone(),
                allocator,
            }));
        }
    }
    if tasks.is_empty() {
        return Ok(());
    }
    let valgrind = Command::new("valgrind")
        .arg("--version")
        .stderr(Stdio::null())
        .output();
    if !valgrind.is_ok_and(|output| output.status.success()) {
        results.instructions_missing =
            Some("valgrind is not installed (apt-get install valgrind)".to_owned());
        return Ok(());
    }
    let scratch = out.join("callgrind");
    std::fs::create_dir_all(&scratch)
        .with_context(|| format!("{} cannot be made", scratch.display()))?;
    progress("counting instructions");
    let waiting = Mutex::new(tasks);
    let counted = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for worker in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            let file = scratch.join(format!("{worker}.out"));
            let (waiting, counted) = (&waiting, &counted);
            scope.spawn(move || {
                loop {
                    let next = waiting.lock().unwrap_or_else(PoisonError::into_inner).pop();
                    let Some(task) = next else { break };
                    let found = difference(program, &task, &file);
                    counted
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .push((task.workload, task.allocator.measured.name.clone(), found));
                }
            });
        }
    });
    progress("");
    let mut missing: BTreeMap<String, String> = BTreeMap::new();
    for (index, allocator, found) in counted.into_inner().unwrap_or_else(PoisonError::into_inner) {
        match found {
            Ok(instructions) => {
                results.workloads[index]
                    .instructions
                    .insert(allocator, instructions);
            }
            Err(why) => {
                missing.insert(allocator, why);
            }
        }
    }
    if !missing.is_empty() {
        let lines: Vec<String> = missing
            .iter()
            .map(|(name, why)| format!("{name}: {why}"))
            .collect();
        results.instructions_missing = Some(lines.join("; "));
    }
    Ok(())
}

/// Instructions a pair.
fn difference(program: &Program, task: &Task<'_>, file: &PathBuf) -> Result<f64, String> {
    let short = instructions(program, task, file, SHORT)?;
    let long = instructions(program, task, file, LONG)?;
    let more = long
        .checked_sub(short)
        .ok_or("fewer instructions for more pairs")?;
    Ok(more as f64 / (LONG - SHORT) as f64)
}

/// Instructions of a whole run of `pairs`.
fn instructions(
    program: &Program,
    task: &Task<'_>,
    file: &PathBuf,
    pairs: u64,
) -> Result<u64, String> {
    let mut command = Command::new("valgrind");
    command
        .args(["--tool=callgrind", "--quiet"])
        .arg(format!("--callgrind-out-file={}", file.display()))
        .arg(program.file())
        .args(["run", &task.name, "--pairs", &pairs.to_string()])
        .env_remove("LD_PRELOAD")
        .envs(task.allocator.environment.iter().copied())
        .stdin(Stdio::null());
    if let Some(object) = &task.allocator.object {
        command.env("LD_PRELOAD", object);
    }
    let output = command
        .output()
        .map_err(|error| format!("valgrind cannot be started: {error}"))?;
    if !output.status.success() {
        return Err(format!(
            "does not run under valgrind: {}",
            last_words(&output.stderr)
        ));
    }
    let text =
        std::fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
    total(&text).ok_or_else(|| format!("{} has no total", file.display()))
}

/// The program's own first line among what valgrind wrote.
fn last_words(stderr: &[u8]) -> String {
    let text = String::from_utf8_lossy(stderr);
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let own = lines.find(|line| !line.starts_with("=="));
    own.unwrap_or("it says nothing").to_owned()
}

/// The total of a file of callgrind's: the first event is the instructions (`Ir`).
fn total(text: &str) -> Option<u64> {
    let line = |word: &str| text.lines().find_map(|line| line.strip_prefix(word));
    let line = line("summary:").or_else(|| line("totals:"))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_s_own_words_are_found() {
        assert_eq!(
            last_words(b"==1== valgrind\n\nno room\n==1== end\n"),
            "no room"
        );
        assert_eq!(last_words(b"==1== valgrind\n"), "it says nothing");
    }

    #[test]
    fn the_total_is_read() {
        assert_eq!(
            total("events: Ir\nsummary: 1234\n\nfn=a\n1 2\n"),
            Some(1234)
        );
        assert_eq!(total("events: Ir Dr\ntotals: 99 5\n"), Some(99));
        assert_eq!(total("events: Ir\n"), None);
    }
}
