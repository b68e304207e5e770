//! The results, looked up and cleaned: what every chart and table asks for, tape by tape and allocator by allocator.
//!
//! Results come from a file and may be incomplete: a tape that only `runs` mention, an allocator without a run, a ratio that is no
//! number. Here is the only place that deals with it; what is left is `Option`.

mod advice;
mod cell;
mod finding;

pub use advice::{Advice, advice};
pub use cell::{Cell, Estimate, Verdict};
pub use finding::{memory_phrase, speed_phrase, tape_finding};

use crate::theme::{self, Colour};
use replayer::results::{AllocatorInfo, Results, TapeSummary};

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

/// A tape and how each allocator did on it.
#[derive(Debug)]
pub struct Tape<'r> {
    /// The tape's name.
    pub name: &'r str,
    /// The name as part of a file name or an anchor; unique within the study.
    pub slug: String,
    /// What the results know of it.
    pub info: Option<&'r TapeSummary>,
    /// One an allocator, in the study's order.
    pub cells: Vec<Cell<'r>>,
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
                .collect(),
        );
        let tape_names = named(
            results.tapes.iter().map(|t| t.name.as_str()).collect(),
            results
                .runs
                .iter()
                .map(|r| r.tape.as_str())
                .chain(results.summary.iter().map(|s| s.tape.as_str()))
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
            .map(|name| Tape {
                name,
                slug: unique_slug(name, &mut slugs),
                info: results.tapes.iter().find(|t| t.name == name),
                cells: allocators
                    .iter()
                    .map(|a| Cell::new(results, name, a))
                    .collect(),
            })
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

impl<'r> Tape<'r> {
    /// Those whose figures may be compared: measured, without a refused request or a fault, and not the calibration.
    pub fn contenders(&self) -> impl Iterator<Item = &Cell<'r>> {
        self.cells.iter().filter(|c| c.is_contender())
    }

    /// The contender with the least time: by the ratio to `system` where there is one, else by the median.
    pub fn fastest(&self) -> Option<&Cell<'r>> {
        let least = |key: fn(&Cell<'r>) -> Option<f64>| {
            self.contenders()
                .filter_map(|c| Some((key(c)?, c)))
                .min_by(|a, b| a.0.total_cmp(&b.0))
                .map(|(_, c)| c)
        };
        least(|c| c.time.map(|t| t.median)).or_else(|| least(|c| c.elapsed.map(|e| e.median)))
    }

    /// Contenders whose time cannot be told from this one's: the intervals overlap.
    pub fn level_with(&self, cell: &Cell<'r>) -> Vec<&Cell<'r>> {
        let Some(time) = cell.time else {
            return Vec::new();
        };
        self.contenders()
            .filter(|other| other.name != cell.name)
            .filter(|other| {
                other
                    .time
                    .is_some_and(|t| t.low <= time.high && time.low <= t.high)
            })
            .collect()
    }

    /// `64 threads · 1,280,000 mallocs · peak 102 MiB live`, as far as known.
    pub fn facts(&self) -> String {
        use crate::units::{bytes, count};
        self.info.map_or_else(String::new, |t| {
            format!(
                "{} · {} mallocs · peak {} live",
                plural(t.threads as usize, "thread"),
                count(t.mallocs),
                bytes(t.peak_live_bytes as f64)
            )
        })
    }
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

/// Shorter names for those that are paths, where nothing else is called so.
fn display_names<'r>(ids: &[&'r str]) -> Vec<&'r str> {
    let short = |id: &'r str| match id
        .strip_prefix("preload:")
        .and_then(|path| path.rsplit('/').next())
    {
        Some(file) if !file.is_empty() => file,
        _ => id,
    };
    let unique = |name: &str| {
        ids.iter()
            .filter(|id| short(id) == name || **id == name)
            .count()
            == 1
    };
    ids.iter()
        .map(|id| if unique(short(id)) { short(id) } else { *id })
        .collect()
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
    fn a_path_is_called_by_its_file_unless_another_is_too() {
        let ids = [
            "system",
            "preload:/a/libx.so",
            "preload:/b/liby.so",
            "preload:/c/liby.so",
            "preload:/d/system",
            "preload:",
        ];
        assert_eq!(
            display_names(&ids),
            [
                "system",
                "libx.so",
                "preload:/b/liby.so",
                "preload:/c/liby.so",
                "preload:/d/system",
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
