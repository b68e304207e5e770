//! `heaptape verify`: is a tape whole, and if not, what is left of it.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;

use super::info::{open_source, print, shown};

/// Check every byte of a tape
///
/// Exit code 0: the tape is sound. Exit code 1: it is damaged; the output says what, where, and what is left.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  heaptape verify my.tape
  heaptape verify my.tape && heaptape replay my.tape -a system,fancy
  heaptape verify - < my.tape")]
pub struct VerifyArgs {
    /// The tape; `-` is standard input
    file: PathBuf,
}

/// Runs the command.
///
/// # Errors
/// When the file can't be opened or the result can't be written.
pub fn run(args: &VerifyArgs) -> Result<ExitCode> {
    let source = open_source(&args.file)?;
    let report = trace_format::verify(&source);
    let name = shown(&args.file);
    let text: String = report
        .to_string()
        .lines()
        .map(|line| format!("{name}: {line}\n"))
        .collect();
    print(&text)?;
    Ok(if report.sound {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
