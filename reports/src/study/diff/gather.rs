//! The runs of both sides, brought together by tape, allocator and workers.

use super::Basis;
use super::change::{Change, Lost, Shift};
use crate::study::{Cell, Study, display_names, plural};
use crate::theme;
use replayer::results::{Results, Run};

/// One change for each tape, allocator and number of workers that either side has.
pub(super) fn changes(old: &Results, new: &Results, basis: Basis) -> Vec<Change> {
    let (before, after) = (Study::new(old), Study::new(new));
    let cells = |study: &Study<'_>| -> Vec<Key> {
        let mut keys = Vec::new();
        for tape in &study.tapes {
            let mut push = |cell: &Cell<'_>, threads: Option<u32>| {
                keys.push(Key {
                    tape: tape.name.to_owned(),
                    id: cell.id.to_owned(),
                    threads,
                });
            };
            if tape.scaling.is_empty() {
                tape.cells.iter().for_each(|c| push(c, tape.threads));
            }
            for workers in &tape.scaling {
                let threads = (!workers.own).then_some(workers.count);
                workers.cells.iter().for_each(|c| push(c, threads));
            }
        }
        keys
    };
    let mut keys = cells(&before);
    for key in cells(&after) {
        if !keys.iter().any(|k| k.is(&key)) {
            keys.push(key);
        }
    }
    keys.retain(|k| k.id != "null");
    // Only what either side measured: an allocator that neither has on a tape is no loss.
    let ids: Vec<&str> = keys.iter().map(|k| k.id.as_str()).collect();
    let mut named: Vec<&str> = Vec::new();
    for id in &ids {
        if !named.contains(id) {
            named.push(id);
        }
    }
    // Among those of both sides: a file may have the same name on either, and another path.
    let names = display_names(&named);
    let colours = theme::allocators(named.iter().copied());
    let shown = |id: &str| {
        let at = named.iter().position(|n| *n == id);
        let both = at.and_then(|i| Some((*names.get(i)?, *colours.get(i)?)));
        both.unwrap_or(("?", theme::INK))
    };
    keys.iter()
        .map(|key| {
            let workers = key.threads.map_or_else(String::new, |n| {
                format!(" with {}", plural(n as usize, "worker"))
            });
            let (name, colour) = shown(&key.id);
            let mut change = Change {
                tape: key.tape.clone(),
                allocator: format!("{name}{workers}"),
                colour,
                time: None,
                memory: None,
                lost: None,
            };
            let (had, has) = (sound(old, key), sound(new, key));
            match (had, has) {
                (Ok(a), Ok(b)) => {
                    let time = |r: &Run| (r.elapsed_ns > 0).then_some(r.elapsed_ns as f64);
                    let memory = |r: &Run| r.peak_rss_bytes.filter(|b| *b > 0).map(|b| b as f64);
                    let figures = |results, runs: &[&Run], of: &dyn Fn(&Run) -> Option<f64>| {
                        runs.iter()
                            .filter_map(|r| figure(results, r, of, basis))
                            .collect::<Vec<f64>>()
                    };
                    change.time =
                        Shift::between(&figures(old, &a, &time), &figures(new, &b, &time));
                    change.memory =
                        Shift::between(&figures(old, &a, &memory), &figures(new, &b, &memory));
                }
                (Err(why), _) => change.lost = Some(Lost::Before(why)),
                (Ok(_), Err(why)) => change.lost = Some(Lost::After(why)),
            }
            change
        })
        // `system` against itself is no comparison.
        .filter(|c| {
            basis == Basis::Absolute
                || c.allocator != "system" && !c.allocator.starts_with("system with")
        })
        .collect()
}

/// What is compared with what.
struct Key {
    tape: String,
    id: String,
    threads: Option<u32>,
}

impl Key {
    fn is(&self, other: &Key) -> bool {
        (&self.tape, &self.id, self.threads) == (&other.tape, &other.id, other.threads)
    }
}

/// The runs, if there are any and all are sound; else why not.
fn sound<'r>(results: &'r Results, key: &Key) -> Result<Vec<&'r Run>, String> {
    let faults = results
        .faults
        .iter()
        .filter(|f| f.tape == key.tape && f.allocator == key.id && f.threads == key.threads)
        .count();
    let runs: Vec<&Run> = results
        .runs
        .iter()
        .filter(|r| r.tape == key.tape && r.allocator == key.id && r.threads == key.threads)
        .collect();
    let refused = runs.iter().map(|r| r.failed).fold(0, u64::saturating_add);
    if faults > 0 {
        Err(plural(faults, "faulty run"))
    } else if refused > 0 {
        Err(format!("{} refused", crate::units::count(refused)))
    } else if runs.is_empty() {
        Err("not measured".to_owned())
    } else {
        Ok(runs)
    }
}

/// A run's figure as the basis has it.
fn figure(
    results: &Results,
    run: &Run,
    of: &dyn Fn(&Run) -> Option<f64>,
    basis: Basis,
) -> Option<f64> {
    let own = of(run)?;
    if basis == Basis::Absolute {
        return Some(own);
    }
    let system = results.runs.iter().find(|r| {
        r.allocator == "system"
            && r.tape == run.tape
            && r.threads == run.threads
            && r.repetition == run.repetition
    })?;
    Some(own / of(system)?)
}
