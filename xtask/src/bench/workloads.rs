//! The program of workloads: building it, its list, and one run.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use super::allocators::Allocator;
use super::results::{Kind, Run};
use crate::process::Usage;
use crate::workspace::Workspace;

/// A run that takes longer is ended, and has failed.
const SECONDS: u32 = 120;

/// `alloc-bench`, built.
#[derive(Clone, Debug)]
pub struct Program {
    file: PathBuf,
    workloads: Vec<Workload>,
}

/// A workload, as the program lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workload {
    /// Its name.
    pub name: String,
    /// What it is compared by.
    pub kind: Kind,
    /// What it does.
    pub about: String,
}

/// What `alloc-bench measure` prints.
#[derive(Deserialize)]
struct Outside {
    wall_nanoseconds: u64,
    user_microseconds: u64,
    system_microseconds: u64,
    peak_rss_kib: u64,
    minor_faults: u64,
    said: Said,
}

/// What the workload itself prints.
#[derive(Deserialize)]
struct Said {
    malloc: String,
    counts: Counts,
}

#[derive(Deserialize)]
struct Counts {
    freed: u64,
    loop_nanoseconds: u64,
    loop_pairs: u64,
}

impl Program {
    /// Builds it, unless `built` says that it is there, and asks it for its workloads.
    ///
    /// # Errors
    /// When it can't be built or does not answer.
    pub fn build(workspace: &Workspace, built: bool) -> Result<Self> {
        if !built {
            workspace
                .cargo(["build", "--release", "--package", "alloc-bench"])
                .run()?;
        }
        let file = workspace.released("alloc-bench");
        let list = workspace
            .call(file.display().to_string())
            .args(["list"])
            .answer();
        let list =
            list.with_context(|| format!("{} cannot be run: was it built?", file.display()))?;
        let workloads = list.lines().map(listed).collect::<Result<_>>()?;
        Ok(Program { file, workloads })
    }

    /// The program's file.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// The workloads that `names` say, in the program's order; all of them when it says none.
    ///
    /// # Errors
    /// When a name is neither a workload nor a group.
    pub fn chosen(&self, names: &[String]) -> Result<Vec<Workload>> {
        choose(&self.workloads, names)
    }

    /// Runs `workload` once under `allocator`.
    ///
    /// # Errors
    /// A sentence, when the run failed; it says nothing about other runs.
    pub fn measure(
        &self,
        workload: &str,
        allocator: &Allocator,
        scale: f64,
    ) -> Result<Run, String> {
        let mut command = std::process::Command::new(&self.file);
        command.arg("measure");
        if let Some(object) = &allocator.object {
            command.arg("--preload").arg(object);
        }
        command
            .args([workload, "--scale", &scale.to_string()])
            .args(["--seconds", &SECONDS.to_string()])
            .env_remove("LD_PRELOAD")
            .envs(allocator.environment.iter().copied())
            .stdin(Stdio::null());
        let output = command
            .output()
            .map_err(|error| format!("{} cannot be started: {error}", self.file.display()))?;
        if !output.status.success() {
            return Err(failure(&String::from_utf8_lossy(&output.stderr)));
        }
        let outside: Outside = serde_json::from_slice(&output.stdout).map_err(|error| {
            format!(
                "{} printed something else than expected: {error}",
                self.file.display()
            )
        })?;
        allocator.answered(&outside.said.malloc)?;
        let counts = outside.said.counts;
        let pairs = (counts.loop_pairs > 0)
            .then(|| counts.loop_nanoseconds as f64 / counts.loop_pairs as f64);
        Ok(Run {
            wall_nanoseconds: outside.wall_nanoseconds,
            user_microseconds: outside.user_microseconds,
            system_microseconds: outside.system_microseconds,
            peak_rss_kib: outside.peak_rss_kib,
            minor_faults: outside.minor_faults,
            blocks: counts.freed,
            nanoseconds_per_pair: pairs,
        })
    }
}

/// How a run failed, in a line, from what it wrote: first its own words, then how it ended.
fn failure(stderr: &str) -> String {
    if stderr.contains("signal 14") {
        return format!("took more than {SECONDS} s");
    }
    let mut lines = stderr
        .lines()
        .map(|line| line.trim().trim_start_matches("error: "));
    let (first, last) = (lines.next().unwrap_or_default(), lines.next_back());
    let words = match last {
        Some(last) if last.contains("signal") => format!("{first}; {last}"),
        _ => first.to_owned(),
    };
    words.chars().take(300).collect()
}

/// One line of `alloc-bench list`.
fn listed(line: &str) -> Result<Workload> {
    let words: Vec<&str> = line.split('\t').collect();
    let [name, kind, about] = words[..] else {
        bail!("`alloc-bench list` printed `{line}`");
    };
    let kind = match kind {
        "loop" => Kind::Loop,
        "program" => Kind::Program,
        _ => bail!("`alloc-bench list` has a workload of kind `{kind}`"),
    };
    Ok(Workload {
        name: name.to_owned(),
        kind,
        about: about.to_owned(),
    })
}

fn choose(all: &[Workload], names: &[String]) -> Result<Vec<Workload>> {
    let means = |name: &str, workload: &Workload| match name {
        "loops" => workload.kind == Kind::Loop,
        "programs" => workload.kind == Kind::Program,
        _ => workload.name == name,
    };
    for name in names {
        if !all.iter().any(|workload| means(name, workload)) {
            let known: Vec<&str> = all.iter().map(|workload| workload.name.as_str()).collect();
            let error = format!(
                "there is no workload `{name}`: there are loops, programs, {}",
                known.join(", ")
            );
            return Err(Usage(error).into());
        }
    }
    let chosen = all
        .iter()
        .filter(|workload| names.is_empty() || names.iter().any(|name| means(name, workload)));
    Ok(chosen.cloned().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> Vec<Workload> {
        ["pair\tloop\tp", "lifo\tloop\tl", "larson\tprogram\tx"]
            .iter()
            .map(|line| listed(line).unwrap())
            .collect()
    }

    #[test]
    fn lists_are_read() {
        assert_eq!(all()[2].kind, Kind::Program);
        assert!(listed("pair").is_err());
        assert!(listed("pair\tother\tp").is_err());
    }

    #[test]
    fn a_failure_is_one_line() {
        assert_eq!(
            failure("x: free of 0x1\nstack\nerror: the workload was ended by signal 6\n"),
            "x: free of 0x1; the workload was ended by signal 6"
        );
        assert_eq!(
            failure("error: the workload was ended by signal 11\n"),
            "the workload was ended by signal 11"
        );
        assert_eq!(
            failure("error: the workload was ended by signal 14\n"),
            "took more than 120 s"
        );
        assert_eq!(failure(&"x".repeat(1000)).len(), 300);
        assert_eq!(failure(""), "");
    }

    #[test]
    fn groups_and_names_choose() {
        let names = |words: &[&str]| {
            let words: Vec<String> = words.iter().map(|&word| word.to_owned()).collect();
            choose(&all(), &words)
                .map(|chosen| chosen.into_iter().map(|one| one.name).collect::<Vec<_>>())
        };
        assert_eq!(names(&[]).unwrap().len(), 3);
        assert_eq!(
            names(&["larson", "loops"]).unwrap(),
            ["pair", "lifo", "larson"]
        );
        assert_eq!(names(&["programs"]).unwrap(), ["larson"]);
        assert!(
            names(&["loop"])
                .unwrap_err()
                .to_string()
                .contains("loops, programs, pair")
        );
    }
}
