//! What a figure depends on beside the programs.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The machine and its settings; fields that can't be told are empty.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Machine {
    /// The processor's name.
    pub processor: String,
    /// Processors that the run may use.
    pub processors: usize,
    /// The kernel's release.
    pub kernel: String,
    /// When large pages are used without being asked for: always, madvise or never.
    pub transparent_huge_pages: String,
    /// Variables of the environment that allocators read.
    pub environment: BTreeMap<String, String>,
}

/// How variables begin that allocators read.
const PREFIXES: [&str; 6] = [
    "FANCY_",
    "MALLOC_",
    "MIMALLOC_",
    "GLIBC_TUNABLES",
    "SNMALLOC_",
    "TCMALLOC_",
];

impl Machine {
    /// This machine.
    pub fn this() -> Self {
        Machine {
            processor: processor(&content("/proc/cpuinfo")),
            processors: std::thread::available_parallelism().map_or(1, usize::from),
            kernel: content("/proc/sys/kernel/osrelease").trim().to_owned(),
            transparent_huge_pages: chosen(&content("/sys/kernel/mm/transparent_hugepage/enabled")),
            environment: std::env::vars()
                .filter(|(name, _)| PREFIXES.iter().any(|prefix| name.starts_with(prefix)))
                .collect(),
        }
    }
}

fn content(path: &str) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}

fn processor(cpuinfo: &str) -> String {
    let name = cpuinfo
        .lines()
        .find_map(|line| line.strip_prefix("model name"));
    let name = name.and_then(|rest| rest.split_once(':'));
    name.map(|(_, name)| name.trim().to_owned())
        .unwrap_or_default()
}

/// The word in brackets.
fn chosen(text: &str) -> String {
    let inside = text
        .split_once('[')
        .and_then(|(_, rest)| rest.split_once(']'));
    inside.map(|(word, _)| word.to_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_s_files_are_understood() {
        assert_eq!(
            processor("vendor_id\t: A\nmodel name\t: A 1 2\nflags\t: x"),
            "A 1 2"
        );
        assert_eq!(chosen("always [madvise] never\n"), "madvise");
        assert_eq!((processor(""), chosen("")), (String::new(), String::new()));
    }
}
