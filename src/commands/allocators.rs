//! `heaptape allocators`: what can be measured here.

use std::io::Write;
use std::process::ExitCode;

use anyhow::Context;
use replayer::AllocatorName;
use replayer::results::AllocatorInfo;

/// List what can be measured here, with versions and how it is reached
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  heaptape allocators                                 a table
  heaptape allocators --json                          the same for programs
  heaptape compare -a system,fancy,jemalloc my.tape   names go to -a

Versions and settings are asked from the allocators themselves, under the environment of this command.")]
pub struct AllocatorsArgs {
    /// Print JSON, an array in the form of `allocators` in results.json
    #[arg(long)]
    json: bool,
}

/// Prints the list.
///
/// # Errors
/// Standard output can't be written.
pub fn run(args: &AllocatorsArgs) -> anyhow::Result<ExitCode> {
    let all = AllocatorName::ALL.map(|name| name.allocator().describe());
    let text = if args.json {
        serde_json::to_string_pretty(&all)? + "\n"
    } else {
        table(&all)
    };
    std::io::stdout()
        .lock()
        .write_all(text.as_bytes())
        .context("writing to standard output")?;
    Ok(ExitCode::SUCCESS)
}

fn table(all: &[AllocatorInfo]) -> String {
    let mut text = format!(
        "{:<14} {:<12} {:<8} settings\n",
        "name", "version", "reached"
    );
    for info in all {
        let version = info.version.as_deref().unwrap_or("-");
        let settings = if info.settings.is_empty() {
            "-".to_owned()
        } else {
            info.settings.join(", ")
        };
        text.push_str(&format!(
            "{:<14} {version:<12} {:<8} {settings}\n",
            info.name, info.reached_by
        ));
    }
    text
}
