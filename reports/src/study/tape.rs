//! One tape: how each allocator did on it, with the workers that count and with all others.

use super::{Allocator, Cell, plural};
use crate::units::{bytes, count};
use replayer::results::{Results, TapeSummary};
use std::collections::BTreeSet;

/// A tape and how each allocator did on it.
#[derive(Debug)]
pub struct Tape<'r> {
    /// The tape's name.
    pub name: &'r str,
    /// The name as part of a file name or an anchor; unique within the study.
    pub slug: String,
    /// What the results know of it.
    pub info: Option<&'r TapeSummary>,
    /// One an allocator, in the study's order: with a thread for each that was recorded where that was measured, else with
    /// the most workers.
    pub cells: Vec<Cell<'r>>,
    /// The workers that [`Tape::cells`] were measured with; `None` is a thread for each that was recorded.
    pub threads: Option<u32>,
    /// The same cells for every number of workers that was measured, from the fewest on, where there are several.
    pub scaling: Vec<Workers<'r>>,
}

/// A tape replayed with so many workers.
#[derive(Debug)]
pub struct Workers<'r> {
    /// How many; with a thread for each that was recorded, the tape's.
    pub count: u32,
    /// Whether that is because each recorded thread had its own.
    pub own: bool,
    /// One an allocator, in the study's order.
    pub cells: Vec<Cell<'r>>,
}

impl<'r> Tape<'r> {
    /// The cells of what is an allocator, all but `null`.
    pub fn shown(&self) -> impl Iterator<Item = &Cell<'r>> {
        self.cells.iter().filter(|cell| !cell.is_calibration())
    }

    pub(super) fn new(
        results: &'r Results,
        name: &'r str,
        slug: String,
        allocators: &[Allocator<'r>],
    ) -> Tape<'r> {
        let info = results.tapes.iter().find(|t| t.name == name);
        let measured: BTreeSet<Option<u32>> = results
            .runs
            .iter()
            .filter(|r| r.tape == name)
            .map(|r| r.threads)
            .collect();
        let cells = |threads: Option<u32>| -> Vec<Cell<'r>> {
            let of = |a| Cell::new(results, name, a, threads);
            allocators.iter().map(of).collect()
        };
        // `None` sorts before every number.
        let own = measured.is_empty() || measured.contains(&None);
        let threads = if own {
            None
        } else {
            measured.last().copied().flatten()
        };
        let mut scaling: Vec<Workers<'r>> = Vec::new();
        if measured.len() > 1 {
            scaling.extend(measured.iter().filter_map(|workers| {
                Some(Workers {
                    count: workers.or(info.map(|t| t.threads))?,
                    own: workers.is_none(),
                    cells: cells(*workers),
                })
            }));
            scaling.sort_by_key(|w| (w.count, w.own));
        }
        Tape {
            name,
            slug,
            info,
            cells: cells(threads),
            threads,
            scaling,
        }
    }

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
