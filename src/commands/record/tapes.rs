//! From the folder of a recording to files, and what is said of them. Shared with `heaptape salvage`.

use std::collections::HashSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use anyhow::{Context, Result};
use indicatif::ProgressBar;
use trace_format::Ending;
use trace_recorder::harvest::{Harvest, Outcome, Process};
use trace_recorder::recording::output::{self, Output};
use trace_recorder::units::{bytes, counted, nanoseconds};
use trace_recorder::{Phase, Recorded, RecordingOptions};

/// A tape that was made of a recording of a program.
#[derive(Debug)]
pub struct Made {
    /// The file.
    pub path: PathBuf,
    /// The program, and how it ended.
    pub program: String,
    /// What is on it.
    pub recorded: Recorded,
}

/// Makes all tapes of a recording: the first process's is `out`, the others' have their number in the name; or all
/// processes on one. `outcome` is how the first process ended, `survivors` are those that still run. Processes without an
/// event have no tape.
///
/// # Errors
/// When a tape can't be written. Those that were made stay.
pub fn make_all(
    harvest: &Harvest,
    out: &Path,
    merge: bool,
    outcome: &Outcome,
    survivors: &[u32],
    notes: &[String],
) -> Result<Vec<Made>> {
    let bars = Bars::default();
    let mut made = Vec::new();
    let mut notes = notes.to_vec();
    notes.extend(harvest.info().notes.iter().cloned());
    notes.extend(
        harvest
            .unreadable()
            .iter()
            .map(|error| format!("A part of the recording could not be read: {error}.")),
    );
    if merge {
        let options = options_of(harvest, harvest.processes().first(), true, &notes);
        let recorded = output::to_file(out, |file| {
            harvest.write_merged(outcome, &options, file, &|phase, done, total| {
                bars.tell(phase, done, total);
            })
        })?;
        made.push(Made {
            path: out.to_owned(),
            program: told(&options.name, outcome, &recorded),
            recorded,
        });
    } else {
        let mut names = HashSet::new();
        for (number, process) in harvest.processes().iter().enumerate() {
            if harvest.words_of(process)? == 0 {
                continue;
            }
            let path = match number {
                0 => out.to_owned(),
                _ => free_name(out, process.pid, &mut names),
            };
            let runs = survivors
                .iter()
                .any(|survivor| u64::from(*survivor) == process.pid);
            let outcome = match number {
                0 => outcome,
                _ if runs => &Outcome::Runs,
                _ => &Outcome::Unknown,
            };
            let options = options_of(harvest, Some(process), number == 0, &notes);
            let recorded = output::to_file(&path, |file| {
                harvest.write_process(process, outcome, &options, file, &|phase, done, total| {
                    bars.tell(phase, done, total);
                })
            })?;
            made.push(Made {
                path,
                program: told(&options.name, outcome, &recorded),
                recorded,
            });
        }
    }
    bars.clear();
    Ok(made)
}

/// Whether a tape could be written at `out`, before the program runs for an hour.
///
/// # Errors
/// When not.
pub fn check_output(out: &Path) -> Result<()> {
    drop(Output::open(out)?);
    Ok(())
}

fn options_of(
    harvest: &Harvest,
    process: Option<&Process>,
    first: bool,
    notes: &[String],
) -> RecordingOptions {
    let info = harvest.info();
    let last = process.and_then(Process::last);
    RecordingOptions {
        name: last
            .map_or(info.name.as_str(), |image| image.name())
            .to_owned(),
        command: match last {
            // Whole, and as it was given.
            _ if first && !info.command.is_empty() => info.command.clone(),
            Some(image) => image.command.clone(),
            None => Vec::new(),
        },
        notes: notes.to_vec(),
    }
}

fn told(name: &str, outcome: &Outcome, recorded: &Recorded) -> String {
    match (outcome, &recorded.ending) {
        (Outcome::Unknown, Ending::Complete) => name.to_owned(),
        (Outcome::Unknown, Ending::Died { reason } | Ending::Salvaged { reason }) => {
            format!("{name}: {reason}")
        }
        (_, Ending::Salvaged { reason }) => format!("{name} {outcome}; {reason}"),
        _ => format!("{name} {outcome}"),
    }
}

/// `my.tape` with a process number in its name: `my.1234.tape`; and another number where one was used before.
fn free_name(out: &Path, pid: u64, names: &mut HashSet<PathBuf>) -> PathBuf {
    let stem = out.file_stem().unwrap_or_default().to_string_lossy();
    let extension = out
        .extension()
        .map(|extension| format!(".{}", extension.to_string_lossy()))
        .unwrap_or_default();
    let name = |again: u32| match again {
        0 => out.with_file_name(format!("{stem}.{pid}{extension}")),
        _ => out.with_file_name(format!("{stem}.{pid}-{}{extension}", again + 1)),
    };
    let mut again = 0;
    while !names.insert(name(again)) {
        again += 1;
    }
    name(again)
}

/// A line on a tape.
pub fn summary(path: &Path, recorded: &Recorded) -> String {
    format!(
        "{}: {} of {}, {}; peak live {} after {}",
        path.display(),
        counted(recorded.events, "event"),
        counted(u64::from(recorded.threads), "thread"),
        bytes(recorded.bytes),
        bytes(recorded.peak_live_bytes),
        nanoseconds(recorded.peak_live_ns)
    )
}

/// Lines on all tapes; many are summed up.
///
/// # Errors
/// When `out` refuses.
pub fn tell(made: &[Made], out: &mut dyn Write) -> Result<()> {
    const MOST: usize = 12;
    let mut lines: Vec<String> = made
        .iter()
        .take(MOST)
        .map(|tape| format!("{}; {}", summary(&tape.path, &tape.recorded), tape.program))
        .collect();
    if let Some(rest) = made.get(MOST..).filter(|rest| !rest.is_empty()) {
        let events: u64 = rest.iter().map(|tape| tape.recorded.events).sum();
        lines.push(format!(
            "and {} of other processes, with {}",
            counted(rest.len() as u64, "more tape"),
            counted(events, "event")
        ));
    }
    for tape in made {
        let repairs = tape.recorded.repairs;
        let odd = repairs.reordered + repairs.raised + repairs.lost_releases;
        if odd > 0 && lines.len() < MOST * 2 {
            lines.push(format!(
                "{}: out of order and put right: {}, {}; not seen: {}",
                tape.path.display(),
                counted(repairs.reordered, "release"),
                counted(repairs.raised, "time"),
                counted(repairs.lost_releases, "free")
            ));
        }
    }
    for line in lines {
        writeln!(out, "{line}").context("writing the summary")?;
    }
    Ok(())
}

/// A bar for the phase that is going on.
#[derive(Default)]
pub struct Bars {
    current: Mutex<Option<(Phase, ProgressBar)>>,
}

impl Bars {
    /// So much is done.
    pub fn tell(&self, phase: Phase, done: u64, total: u64) {
        // A bar that another thread holds is moved by that one; nobody waits for a picture.
        let Ok(mut current) = self.current.try_lock() else {
            return;
        };
        match &*current {
            Some((shown, bar)) if *shown == phase && bar.length() == Some(total) => {
                bar.set_position(done);
            }
            _ => {
                if let Some((_, bar)) = current.take() {
                    bar.finish_and_clear();
                }
                let message = match phase {
                    Phase::Run => "running the scenario",
                    Phase::Finish => "making the tape",
                };
                *current = Some((phase, crate::progress::bar(total, message)));
            }
        }
    }

    /// No bar any more.
    pub fn clear(&self) {
        if let Ok(mut current) = self.current.lock()
            && let Some((_, bar)) = current.take()
        {
            bar.finish_and_clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn children_have_names_of_their_own() {
        let mut names = HashSet::new();
        let mut name = |out: &str, pid| free_name(Path::new(out), pid, &mut names);
        assert_eq!(name("a/my.tape", 12), Path::new("a/my.12.tape"));
        assert_eq!(name("a/my.tape", 12), Path::new("a/my.12-2.tape"));
        assert_eq!(name("plain", 7), Path::new("plain.7"));
    }
}
