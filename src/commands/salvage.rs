//! `heaptape salvage`: a whole tape of what is left of a recording or of a tape.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use trace_recorder::Harvest;
use trace_recorder::harvest::Outcome;
use trace_recorder::recording::output;
use trace_recorder::salvage::salvage;
use trace_recorder::units::counted;

use super::info::{open_source, shown};
use super::record::tapes;

/// Make a whole tape of everything readable of a damaged or unfinished one
///
/// FILE is a tape that was cut or damaged, or the folder FILE.capture of a recording that never became a tape, because
/// heaptape was killed or the disk was full. Nothing of it is changed.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  heaptape salvage my.tape.capture -o my.tape
  heaptape salvage damaged.tape -o whole.tape && heaptape verify whole.tape

Exit codes: 0 a tape was made, 1 nothing could be read or written, 2 wrong usage.")]
pub struct SalvageArgs {
    /// The damaged tape, or the folder of an unfinished recording
    #[arg(value_name = "FILE")]
    input: PathBuf,

    /// The tape to write. Further processes of a recording have their number in the name: my.1234.tape
    #[arg(short, long, value_name = "OUT")]
    output: PathBuf,
}

/// Runs the command.
///
/// # Errors
/// When nothing can be read, or the tape can't be written.
pub fn run(args: &SalvageArgs) -> Result<ExitCode> {
    if is_folder(&args.input) {
        return folder(args);
    }
    if same_file(&args.input, &args.output) {
        eprintln!(
            "error: -o {}: that is the damaged tape itself; give another file",
            args.output.display()
        );
        return Ok(ExitCode::from(2));
    }
    let name = shown(&args.input);
    let source = open_source(&args.input)?;
    let bar = crate::progress::bar(0, "reading what is left");
    let salvaged = output::to_file(&args.output, |file| {
        salvage(source, file, &|_, done, total| {
            bar.set_length(total);
            bar.set_position(done);
        })
    });
    bar.finish_and_clear();
    let salvaged = salvaged.with_context(|| name.clone())?;
    for damage in &salvaged.damages {
        eprintln!("{name}: {damage}");
    }
    let lost = match salvaged.recorded.repairs.unknown_releases {
        0 => String::new(),
        releases => format!(
            "{} of blocks that are lost, taken as releases of unknown ones\n",
            counted(releases, "release")
        ),
    };
    super::info::print(&format!(
        "{}\n{lost}",
        tapes::summary(&args.output, &salvaged.recorded)
    ))?;
    Ok(ExitCode::SUCCESS)
}

fn folder(args: &SalvageArgs) -> Result<ExitCode> {
    let harvest = Harvest::open(&args.input)?;
    for error in harvest.unreadable() {
        eprintln!("{}: {error}", args.input.display());
    }
    if harvest.processes().is_empty() {
        bail!("{}: there is no event in it", args.input.display());
    }
    let note = "This tape was made of an unfinished recording by heaptape salvage.".to_owned();
    let merge = harvest.info().merge;
    let made = tapes::make_all(
        &harvest,
        &args.output,
        merge,
        &Outcome::Unknown,
        &[],
        &[note],
    )?;
    if made.is_empty() {
        bail!("{}: there is no event in it", args.input.display());
    }
    let mut out = std::io::stdout().lock();
    tapes::tell(&made, &mut out)?;
    eprintln!("{} can be removed now", args.input.display());
    Ok(ExitCode::SUCCESS)
}

fn is_folder(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|there| there.is_dir())
}

fn same_file(a: &Path, b: &Path) -> bool {
    match (std::fs::canonicalize(a), std::fs::canonicalize(b)) {
        (Ok(a), Ok(b)) => a == b,
        _ => false,
    }
}
