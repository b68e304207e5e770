//! Recording a program: its folder, its run, its tapes.

use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::Ordering;

use anyhow::{Context, Result, bail};
use trace_format::Ending;
use trace_recorder::harvest::{Harvest, Outcome};
use trace_recorder::runtime::{CaptureFolder, SessionInfo};

use super::launch::{Running, Times};
use super::tapes::{self, Made};
use super::{Follow, RecordArgs, survivors};
use crate::elf;

/// Runs `args.program`, records it and makes the tapes.
///
/// # Errors
/// What keeps the tape from being made; the folder of the recording is kept then.
pub fn run(args: &RecordArgs) -> Result<ExitCode> {
    let recorder = crate::shared_objects::recorder()?;
    tapes::check_output(&args.output)?;
    let mut info = SessionInfo {
        name: args
            .program
            .first()
            .and_then(|program| Path::new(program).file_name())
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default(),
        command: args
            .program
            .iter()
            .map(|word| word.to_string_lossy().into_owned())
            .collect(),
        notes: notes(args),
        merge: args.follow == Follow::Merge,
        pid: 0,
    };
    let mut folder = CaptureFolder::create(&CaptureFolder::beside(&args.output), &info)?;
    folder
        .control()
        .alone
        .store(u32::from(args.follow == Follow::None), Ordering::Relaxed);
    let times = Times {
        start_after: args.start_after,
        duration: args.duration,
        most_bytes: args.max_capture.unwrap_or(u64::MAX),
        wait: args.wait,
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot wait for programs")?;
    let _entered = runtime.enter();
    let mut running = Running::start(&args.program, &recorder, &folder, times)?;
    info.pid = running.pid();
    // From here on there is something to lose.
    folder.keep();
    folder
        .write_info(&info)
        .with_context(|| format!("{}: cannot be written", folder.path().display()))?;
    let outcome = runtime.block_on(running.record(&folder))?;
    let mut survivors = Vec::new();
    if outcome != Outcome::Runs {
        eprintln!("heaptape: {} {outcome}", info.name);
        survivors = survivors::of(folder.path());
        if !survivors.is_empty() && args.follow != Follow::None {
            eprintln!("heaptape: {}", survivors::told(&info.name, &survivors));
        }
    }
    let made = runtime.block_on(async {
        let work = tokio::task::spawn_blocking({
            let (path, out) = (folder.path().to_owned(), args.output.clone());
            let (merge, outcome) = (args.follow == Follow::Merge, outcome.clone());
            move || make(&path, &out, merge, &outcome, &survivors)
        });
        tokio::select! {
            made = work => made.context("making the tape")?,
            () = running.interrupted() => {
                eprintln!(
                    "heaptape: interrupted; the recording is kept, make its tape with: heaptape salvage {} -o {}",
                    folder.path().display(),
                    args.output.display()
                );
                // The work goes on in its thread until the process is gone.
                std::process::exit(1);
            }
        }
    });
    let made = made.with_context(|| {
        format!(
            "the recording is kept; make its tape with: heaptape salvage {} -o OUT",
            folder.path().display()
        )
    })?;
    let had_room = folder.has_room();
    folder.remove();
    if made.is_empty() {
        if !had_room {
            bail!(
                "nothing was recorded of {}: there is no room on the disk of {}",
                info.name,
                args.output.display()
            );
        }
        bail!("{}", nothing(args, &info.name));
    }
    tapes::tell(&made, &mut std::io::stderr())?;
    let ended = match outcome {
        Outcome::Runs => {
            eprintln!("heaptape: {} runs on", info.name);
            let ended = runtime.block_on(running.wait())?;
            eprintln!("heaptape: {} {ended}", info.name);
            ended
        }
        other => other,
    };
    let whole = made.iter().all(|tape| !is_cut(tape));
    Ok(match ended {
        Outcome::Exited(0) | Outcome::Runs if whole => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    })
}

/// Whether something is missing on a tape.
fn is_cut(tape: &Made) -> bool {
    matches!(tape.recorded.ending, Ending::Salvaged { .. })
}

fn make(
    folder: &Path,
    out: &Path,
    merge: bool,
    outcome: &Outcome,
    survivors: &[u32],
) -> Result<Vec<Made>> {
    let harvest = Harvest::open(folder)?;
    if harvest.processes().is_empty() {
        return Ok(Vec::new());
    }
    tapes::make_all(&harvest, out, merge, outcome, survivors, &[])
}

fn notes(args: &RecordArgs) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(after) = args.start_after {
        notes.push(format!(
            "Recording began {} s after the program.",
            after.as_secs_f64()
        ));
    }
    if let Some(duration) = args.duration {
        notes.push(format!(
            "Recording was to last {} s.",
            duration.as_secs_f64()
        ));
    }
    notes
}

/// Why there may be nothing.
fn nothing(args: &RecordArgs, name: &str) -> String {
    let program = args.program.first().map(Path::new);
    let why = program
        .and_then(elf::find)
        .as_deref()
        .and_then(elf::why_not);
    match why {
        Some(why) => format!("nothing was recorded of {name}: {why}"),
        None if args.start_after.is_some() => {
            format!("nothing was recorded of {name}: it made no request while recording was on")
        }
        None => format!(
            "nothing was recorded of {name}: it made no request to the C library's malloc family, or its loader took no recorder in"
        ),
    }
}
