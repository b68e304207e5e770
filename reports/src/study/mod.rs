//! The results, looked up and cleaned: what every chart and table asks for, tape by tape and allocator by allocator.
//!
//! Results come from a file and may be incomplete: a tape that only `runs` mention, an allocator without a run, a ratio that is no
//! number. Here is the only place that deals with it; what is left is `Option`.

mod advice;
mod cell;
mod diff;
mod finding;
mod rank;
mod tape;

pub use advice::{Advice, advice};
pub use cell::{Cell, Estimate, Verdict};
pub use diff::{After, Basis, Change, Diff, Difference, Lost, Shift, Turn, WORTH};
pub use finding::{memory_phrase, speed_phrase, tape_finding};
pub use rank::{Ranked, Ranking};
pub use tape::{Tape, Workers};

use crate::theme::{self, Colour};
use replayer::results::{AllocatorInfo, Results};

/// Results, arranged.
#[derive(Debug)]
pub struct Study<'r> {
    /// What was read.
    pub results: &'r Results,
    /// The tapes, in the order given.
    pub tapes: Vec<Tape<'r>>,
    /// The allocators, in the order given.
    pub allocators: Vec<Allocator<'r>>,
}

/// An allocator and its colour.
#[derive(Debug)]
pub struct Allocator<'r> {
    /// The name given to `-a`.
    pub id: &'r str,
    /// What people read: the file's name for `preload:PATH`, else the same.
    pub name: &'r str,
    /// What the results know of it.
    pub info: Option<&'r AllocatorInfo>,
    /// The same in every chart.
    pub colour: Colour,
}

impl<'r> Study<'r> {
    /// Arranges the results.
    pub fn new(results: &'r Results) -> Study<'r> {
        let named = |listed: Vec<&'r str>, used: Vec<&'r str>| {
            let mut names: Vec<&'r str> = Vec::new();
            for name in listed.into_iter().chain(used) {
                if !names.contains(&name) {
                    names.push(name);
                }
            }
            names
        };
        let allocator_names = named(
            results.allocators.iter().map(|a| a.name.as_str()).collect(),
            results
                .runs
                .iter()
                .map(|r| r.allocator.as_str())
                .chain(results.summary.iter().map(|s| s.allocator.as_str()))
                .chain(results.faults.iter().map(|f| f.allocator.as_str()))
                .collect(),
        );
        let tape_names = named(
            results.tapes.iter().map(|t| t.name.as_str()).collect(),
            results
                .runs
                .iter()
                .map(|r| r.tape.as_str())
                .chain(results.summary.iter().map(|s| s.tape.as_str()))
                .chain(results.faults.iter().map(|f| f.tape.as_str()))
                .collect(),
        );
        let allocators: Vec<Allocator<'r>> = allocator_names
            .iter()
            .zip(display_names(&allocator_names))
            .zip(theme::allocators(allocator_names.iter().copied()))
            .map(|((id, name), colour)| Allocator {
                id,
                name,
                info: results.allocators.iter().find(|a| a.name == **id),
                colour,
            })
            .collect();
        let mut slugs = Vec::new();
        let tapes = tape_names
            .into_iter()
            .map(|name| Tape::new(results, name, unique_slug(name, &mut slugs), &allocators))
            .collect();
        Study {
            results,
            tapes,
            allocators,
        }
    }

    /// How many measured repetitions the allocator with the most has.
    pub fn repetitions(&self) -> usize {
        self.tapes
            .iter()
            .flat_map(|t| &t.cells)
            .map(|c| c.runs.len())
            .max()
            .unwrap_or(0)
    }

    /// One line that says where and how often this was measured, for the foot of a picture.
    pub fn provenance(&self) -> String {
        let machine = &self.results.machine;
        let mut parts = vec![format!(
            "heaptape {}",
            machine.heaptape.as_deref().unwrap_or("")
        )];
        parts.extend(machine.cpu.clone());
        if machine.cores > 0 {
            parts.push(plural(machine.cores as usize, "core"));
        }
        parts.extend(machine.kernel.clone());
        match self.repetitions() {
            0 => {}
            n => parts.push(plural(n, "repetition")),
        }
        parts
            .iter()
            .map(|p| p.trim())
            .collect::<Vec<_>>()
            .join(" · ")
    }
}

/// `Tape basic`, `Tapes basic, ephemeral and large`.
pub fn tapes_phrase(study: &Study<'_>) -> String {
    let names: Vec<&str> = study.tapes.iter().map(|t| t.name).collect();
    let noun = if names.len() == 1 { "Tape" } else { "Tapes" };
    format!("{noun} {}", list(&names))
}

/// `1 run`, `5 runs`.
pub fn plural(n: usize, noun: &str) -> String {
    format!(
        "{}\u{a0}{noun}{}",
        crate::units::count(n as u64),
        if n == 1 { "" } else { "s" }
    )
}

/// `a`, `a and b`, `a, b and c`.
pub fn list<S: AsRef<str>>(items: &[S]) -> String {
    match items {
        [] => String::new(),
        [one] => one.as_ref().to_owned(),
        [most @ .., last] => format!(
            "{} and {}",
            most.iter()
                .map(AsRef::as_ref)
                .collect::<Vec<_>>()
                .join(", "),
            last.as_ref()
        ),
    }
}

/// What people read for these names of allocators: for `preload:PATH` so much of the path's end as no other ends with.
pub fn display_names<'r>(ids: &[&'r str]) -> Vec<&'r str> {
    ids.iter().map(|id| display_name(id, ids)).collect()
}

fn display_name<'r>(id: &'r str, ids: &[&'r str]) -> &'r str {
    let Some(path) = id.strip_prefix("preload:") else {
        return id;
    };
    let ends_so = |other: &str, end: &str| {
        let rest = other.strip_suffix(end);
        rest.is_some_and(|rest| rest.is_empty() || rest.ends_with(['/', ':']))
    };
    let ends = path.rmatch_indices('/').map(|(at, _)| &path[at + 1..]);
    let mut ends = ends.chain([path]).filter(|end| !end.is_empty());
    let unique = ends.find(|end| ids.iter().filter(|other| ends_so(other, end)).count() == 1);
    unique.unwrap_or(id)
}

fn unique_slug(name: &str, taken: &mut Vec<String>) -> String {
    let mut slug: String = name
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() {
                c.to_ascii_lowercase()
            } else {
                '-'
            }
        })
        .collect();
    while slug.contains("--") {
        slug = slug.replace("--", "-");
    }
    let slug: String = slug.trim_matches('-').chars().take(48).collect();
    let base = if slug.is_empty() {
        "tape".to_owned()
    } else {
        slug
    };
    let mut candidate = base.clone();
    let mut n = 2;
    while taken.contains(&candidate) {
        candidate = format!("{base}-{n}");
        n += 1;
    }
    taken.push(candidate.clone());
    candidate
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_are_safe_and_unique() {
        let mut taken = Vec::new();
        assert_eq!(
            unique_slug("../Ephemeral (HPC)", &mut taken),
            "ephemeral-hpc"
        );
        assert_eq!(unique_slug("ephemeral hpc", &mut taken), "ephemeral-hpc-2");
        assert_eq!(unique_slug("…", &mut taken), "tape");
        assert_eq!(unique_slug("", &mut taken), "tape-2");
    }

    #[test]
    fn a_path_is_called_by_so_much_of_its_end_as_is_its_own() {
        let ids = [
            "system",
            "preload:/a/libx.so",
            "preload:/b/liby.so",
            "preload:/c/liby.so",
            "preload:/d/system",
            "preload:libz.so",
            "preload:/e/old/lib/liba.so",
            "preload:/e/new/lib/liba.so",
            "preload:",
        ];
        assert_eq!(
            display_names(&ids),
            [
                "system",
                "libx.so",
                "b/liby.so",
                "c/liby.so",
                "d/system",
                "libz.so",
                "old/lib/liba.so",
                "new/lib/liba.so",
                "preload:"
            ]
        );
    }

    #[test]
    fn lists() {
        assert_eq!(list::<&str>(&[]), "");
        assert_eq!(list(&["a"]), "a");
        assert_eq!(list(&["a", "b", "c"]), "a, b and c");
    }
}
