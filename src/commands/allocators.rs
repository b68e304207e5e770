//! `heaptape allocators`: what can be measured here.

use std::io::Write;
use std::process::ExitCode;
use std::sync::atomic::AtomicBool;

use anyhow::Context;
use replayer::AllocatorName;
use replayer::measure::describe;
use replayer::results::AllocatorInfo;

use super::measure::worker;
use crate::live;
use crate::table::{Names, aligned};

/// List what can be measured here, with versions and how it is reached
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  heaptape allocators                                 a table
  heaptape allocators --json                          the same for programs
  heaptape allocators preload:./libmine.so            whether an object of yours can be measured
  heaptape compare -a system,fancy,jemalloc my.tape   names go to -a

Versions and settings are asked from the allocators themselves, under the environment of this command. The last part says which
shared object stands for each in live runs (`heaptape run`, `heaptape validate`).")]
pub struct AllocatorsArgs {
    /// Only these; all that have names unless given
    #[arg(value_name = "NAME")]
    names: Vec<AllocatorName>,

    /// Print JSON, an array in the form of `allocators` in results.json
    #[arg(long)]
    json: bool,
}

/// Prints the list.
///
/// # Errors
/// Standard output can't be written. Exit code 1 if one that was asked for can't be measured.
pub fn run(args: &AllocatorsArgs) -> anyhow::Result<ExitCode> {
    let (worker, stop) = (worker()?, AtomicBool::new(false));
    let names = if args.names.is_empty() {
        AllocatorName::ALL.to_vec()
    } else {
        args.names.clone()
    };
    let mut ok = true;
    let mut all = Vec::new();
    for name in &names {
        // In a process of its own: asking may start threads, or go wrong.
        let mut info = describe(&worker, name, &stop).unwrap_or_else(|reason| {
            ok = false;
            AllocatorInfo {
                notes: vec![format!("can't be measured: {reason}")],
                ..name.allocator().describe()
            }
        });
        if name.preload().is_none() && *name != AllocatorName::System {
            info.notes.push(match live::find(name, &worker, &stop) {
                Ok(found) => match (found.info.notes.into_iter().next(), found.object) {
                    (Some(note), _) => note,
                    (None, object) => format!(
                        "live runs use {}",
                        object.map_or(String::new(), |o| o.display().to_string())
                    ),
                },
                Err(reason) => {
                    let reason = format!("{reason:#}");
                    let reason = reason.strip_prefix(&format!("{name}: ")).unwrap_or(&reason);
                    format!("no live runs: {reason}")
                }
            });
        }
        all.push(info);
    }
    let text = if args.json {
        serde_json::to_string_pretty(&all)? + "\n"
    } else {
        table(&all)
    };
    std::io::stdout()
        .lock()
        .write_all(text.as_bytes())
        .context("writing to standard output")?;
    Ok(if ok {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn table(all: &[AllocatorInfo]) -> String {
    let mut rows = vec![["name", "reached", "version"].map(str::to_owned).to_vec()];
    let names = Names::of(all);
    for info in all {
        let version = info.version.clone().unwrap_or("-".to_owned());
        let name = names.short(&info.name).to_owned();
        rows.push(vec![name, info.reached_by.clone(), version]);
    }
    let settings = all.iter().map(|info| info.settings.join(", "));
    let mut text = String::new();
    for (line, settings) in aligned(&rows)
        .lines()
        .zip(std::iter::once("settings".to_owned()).chain(settings))
    {
        let settings = if settings.is_empty() { "-" } else { &settings };
        text.push_str(&format!("{}  {settings}\n", line.trim_start()));
    }
    for info in all {
        for note in &info.notes {
            text.push_str(&format!("note: {}: {note}\n", names.short(&info.name)));
        }
    }
    text
}
