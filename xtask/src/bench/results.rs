//! `bench.json`: every run as it was measured, and nothing derived from it.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use super::machine::Machine;

/// The file's name in its folder.
pub const FILE: &str = "bench.json";

/// What the file says it is; another number means other fields.
pub const FORMAT: &str = "heaptape bench 1";

/// A whole file.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Results {
    /// [`FORMAT`].
    pub format: String,
    /// Where it was measured.
    pub machine: Machine,
    /// The allocators, in the order of the table.
    pub allocators: Vec<Measured>,
    /// The workloads, in the order of the table.
    pub workloads: Vec<Workload>,
    /// Why instructions were not counted, if they were not.
    pub instructions_missing: Option<String>,
}

/// How often and how much.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// Repetitions that count.
    pub repetitions: u32,
    /// The factor of every workload's work.
    pub scale: f64,
}

/// An allocator that was measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// Its name in the table.
    pub name: String,
    /// What it is measured for.
    pub role: Role,
    /// What is known about its version.
    pub version: String,
}

/// What an allocator is measured for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// fancy, or a variant of it.
    Ours,
    /// One of the four that every run has, against which the targets are set.
    Peer,
    /// Another one that was found or named: shown, and in ratios of its own.
    Guest,
}

/// One workload.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Workload {
    /// Its name.
    pub name: String,
    /// What it is compared by.
    pub kind: Kind,
    /// What it does.
    pub about: String,
    /// How often and how much.
    pub settings: Settings,
    /// The runs of each allocator, in the order of the rounds: equal places were measured one after another.
    pub runs: BTreeMap<String, Vec<Run>>,
    /// Allocators that failed, and how.
    pub failures: BTreeMap<String, String>,
    /// Instructions for a pair of malloc and free, call and loop included (loops only).
    pub instructions: BTreeMap<String, f64>,
}

/// What a workload is compared by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Nanoseconds a pair.
    Loop,
    /// The process's time and memory.
    Program,
}

/// One process.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Run {
    /// From its start to its end, seen from outside, in nanoseconds.
    pub wall_nanoseconds: u64,
    /// Processor time in the program, in microseconds.
    pub user_microseconds: u64,
    /// Processor time in the kernel, in microseconds.
    pub system_microseconds: u64,
    /// The kernel's `ru_maxrss`, in KiB.
    pub peak_rss_kib: u64,
    /// Page faults that read no disk.
    pub minor_faults: u64,
    /// Blocks that it allocated and freed.
    pub blocks: u64,
    /// Loops: nanoseconds for a pair by the program's own clock, without its start and end.
    pub nanoseconds_per_pair: Option<f64>,
}

impl Results {
    /// Results without a workload.
    pub fn new(allocators: Vec<Measured>) -> Self {
        Results {
            format: FORMAT.to_owned(),
            machine: Machine::this(),
            allocators,
            workloads: Vec::new(),
            instructions_missing: None,
        }
    }

    /// Adds the workloads and allocators that only `earlier` has, keeping the order of its table.
    pub fn add_to(&mut self, earlier: Results) {
        let now = std::mem::take(&mut self.workloads);
        let mut all = earlier.workloads;
        for workload in now {
            match all.iter_mut().find(|old| old.name == workload.name) {
                Some(old) => *old = workload,
                None => all.push(workload),
            }
        }
        self.workloads = all;
        for old in earlier.allocators {
            if !self.allocators.iter().any(|new| new.name == old.name) {
                self.allocators.push(old);
            }
        }
    }

    /// A line for every workload in which fancy or a variant of it failed.
    pub fn failures_of_ours(&self) -> Vec<String> {
        let ours = |name: &str| {
            let named = self.allocators.iter().find(|one| one.name == name);
            named.is_some_and(|one| one.role == Role::Ours)
        };
        let failures = |workload: &Workload| {
            let failures = workload.failures.iter().filter(|(name, _)| ours(name));
            let title = workload.name.clone();
            failures
                .map(move |(name, how)| format!("{title}, {name}: {how}"))
                .collect::<Vec<_>>()
        };
        self.workloads.iter().flat_map(failures).collect()
    }
}

/// Reads a file.
///
/// # Errors
/// When it can't be read or is not such a file.
pub fn read(file: &Path) -> Result<Results> {
    let text = std::fs::read_to_string(file).with_context(|| {
        format!(
            "{} cannot be read: has `cargo xtask bench` run?",
            file.display()
        )
    })?;
    let results: Results = serde_json::from_str(&text)
        .with_context(|| format!("{} is not what `cargo xtask bench` writes", file.display()))?;
    if results.format != FORMAT {
        bail!(
            "{} says `{}`, and not `{FORMAT}`",
            file.display(),
            results.format
        );
    }
    Ok(results)
}

/// Writes a file, whole or not at all.
///
/// # Errors
/// When it can't be written.
pub fn write(file: &Path, results: &Results) -> Result<()> {
    let text =
        serde_json::to_string_pretty(results).context("the results cannot be put into words")?;
    let part = file.with_extension("json.part");
    std::fs::write(&part, text + "\n")
        .and_then(|()| std::fs::rename(&part, file))
        .with_context(|| format!("{} cannot be written", file.display()))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// One run: seconds, MiB, and for loops the nanoseconds of a pair.
    pub fn run(seconds: f64, mebibytes: u64, pair: Option<f64>) -> Run {
        Run {
            wall_nanoseconds: (seconds * 1e9) as u64,
            user_microseconds: (seconds * 1e6) as u64,
            system_microseconds: 0,
            peak_rss_kib: mebibytes * 1024,
            minor_faults: 1,
            blocks: 1,
            nanoseconds_per_pair: pair,
        }
    }

    /// A workload with the given runs.
    pub fn workload(name: &str, kind: Kind, runs: &[(&str, &[Run])]) -> Workload {
        Workload {
            name: name.to_owned(),
            kind,
            about: String::new(),
            settings: Settings {
                repetitions: 1,
                scale: 1.0,
            },
            runs: runs
                .iter()
                .map(|(name, runs)| ((*name).to_owned(), runs.to_vec()))
                .collect(),
            failures: BTreeMap::new(),
            instructions: BTreeMap::new(),
        }
    }

    /// fancy and two peers, and a guest.
    pub fn results(workloads: Vec<Workload>) -> Results {
        let named = |name: &str, role| Measured {
            name: name.to_owned(),
            role,
            version: "1".to_owned(),
        };
        let mut results = Results::new(vec![
            named("fancy", Role::Ours),
            named("glibc", Role::Peer),
            named("mimalloc", Role::Peer),
            named("guest", Role::Guest),
        ]);
        results.workloads = workloads;
        results
    }

    #[test]
    fn a_file_is_read_as_it_was_written() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join(FILE);
        let mut written = results(vec![workload(
            "a",
            Kind::Loop,
            &[("fancy", &[run(1.0, 2, Some(3.25))])],
        )]);
        written.workloads[0]
            .failures
            .insert("glibc".into(), "signal 6".into());
        write(&file, &written).unwrap();
        let read = read(&file).unwrap();
        assert_eq!(format!("{read:?}"), format!("{written:?}"));
    }

    #[test]
    fn another_file_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join(FILE);
        assert!(
            read(&file)
                .unwrap_err()
                .to_string()
                .contains("has `cargo xtask bench` run?")
        );
        std::fs::write(&file, "{}").unwrap();
        assert!(read(&file).is_err());
    }

    #[test]
    fn adding_keeps_what_was_not_measured_again() {
        let one =
            |name, seconds| workload(name, Kind::Program, &[("fancy", &[run(seconds, 1, None)])]);
        let earlier = results(vec![one("a", 1.0), one("b", 1.0)]);
        let mut now = results(vec![one("b", 2.0), one("c", 2.0)]);
        now.allocators.truncate(1);
        now.add_to(earlier);
        let names: Vec<&str> = now
            .workloads
            .iter()
            .map(|workload| workload.name.as_str())
            .collect();
        assert_eq!(names, ["a", "b", "c"]);
        assert_eq!(
            now.workloads[1].runs["fancy"][0].wall_nanoseconds,
            2_000_000_000
        );
        assert_eq!(now.allocators.len(), 4);
    }

    #[test]
    fn only_failures_of_ours_are_failures() {
        let mut results = results(vec![workload("a", Kind::Program, &[])]);
        results.workloads[0]
            .failures
            .insert("glibc".into(), "slow".into());
        assert!(results.failures_of_ours().is_empty());
        results.workloads[0]
            .failures
            .insert("fancy".into(), "signal 11".into());
        assert_eq!(results.failures_of_ours(), ["a, fancy: signal 11"]);
    }
}
