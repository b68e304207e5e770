//! What `replay`, `compare` and `validate` have in common: how to measure, and that a measurement can be broken off.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use replayer::results::{Results, SCHEMA};
use replayer::{
    AllocatorName, Measurement, Order, Pace, Progress, Settings, Touch, Worker, run_matrix,
};
use tempfile::NamedTempFile;

use crate::table::short_name;
use crate::{json, limits, progress};

/// How to measure.
#[derive(Debug, Clone, clap::Args)]
pub struct MeasureArgs {
    /// Allocators, separated by commas; `heaptape allocators` lists them. preload:PATH is any shared object that defines malloc
    #[arg(short, long, value_name = "NAMES", value_delimiter = ',', default_values_t = AllocatorName::DEFAULT)]
    pub allocators: Vec<AllocatorName>,

    /// Repetitions of each run; with --budget at least so many
    #[arg(short = 'n', long, value_name = "REPS", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    pub repetitions: u32,

    /// Repeat until every ratio is known to 5 %, or until this time is over: 90, 30s, 10m, 2h
    #[arg(long, value_name = "TIME", value_parser = limits::time)]
    pub budget: Option<Duration>,

    /// What is written into new blocks: none, ends (first and last byte), pages (a byte in every page as well) or all
    #[arg(long, value_name = "HOW", default_value_t)]
    pub touch: Touch,

    /// Which order is kept: thread (each thread's own, that of blocks between threads, and threads as far abreast as recorded),
    /// edges (without the last) or total (that of all events, on one thread)
    #[arg(long, value_name = "ORDER", default_value_t)]
    pub order: Order,

    /// How fast: asap, or recorded (no request before its recorded time)
    #[arg(long, value_name = "PACE", default_value_t)]
    pub pace: Pace,

    /// as-recorded (a thread for each on the tape), or numbers of workers that the threads are folded onto: 2, or 1,2,4
    #[arg(long, value_name = "N", value_delimiter = ',', default_value = "as-recorded", value_parser = workers)]
    pub threads: Vec<Workers>,

    /// Bind each thread to one processor, in turn
    #[arg(long)]
    pub pin: bool,

    /// After this time a run counts as hung and is stopped: seconds, or 30s, 10m, 2h
    #[arg(long, value_name = "TIME", default_value = "600", value_parser = limits::time)]
    pub timeout: Duration,

    /// The most memory that a run may take: requests beyond fail and are counted, or the run is stopped. Bytes, or 512M, 2G
    #[arg(long, value_name = "SIZE", value_parser = limits::size)]
    pub memory: Option<u64>,

    /// How much of a plan may lie in memory; longer tapes are run in windows, from a file in TMPDIR [default: half of what is free]
    #[arg(long, value_name = "SIZE", value_parser = limits::size)]
    pub plan_memory: Option<u64>,

    /// Go on with a measurement that was broken off: runs that the results file has are not made again
    #[arg(long)]
    pub resume: bool,
}

/// A number of workers; `None`: a thread for each on the tape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Workers(Option<u32>);

fn workers(text: &str) -> Result<Workers, String> {
    if text == "as-recorded" {
        return Ok(Workers(None));
    }
    match text.parse() {
        Ok(count @ 1..=4096) => Ok(Workers(Some(count))),
        _ => Err("a number of workers is 1 to 4096, or as-recorded".to_owned()),
    }
}

impl MeasureArgs {
    /// The allocators, each once.
    pub fn allocators(&self) -> Vec<AllocatorName> {
        let mut seen = Vec::new();
        for name in &self.allocators {
            if !seen.contains(name) {
                seen.push(name.clone());
            }
        }
        seen
    }

    fn settings(&self) -> Settings {
        let mut threads = Vec::new();
        for &Workers(count) in &self.threads {
            if !threads.contains(&count) {
                threads.push(count);
            }
        }
        Settings {
            touch: self.touch,
            order: self.order,
            pace: self.pace,
            threads,
            pin: self.pin,
            sample_every: None,
            repetitions: self.repetitions,
            budget: self.budget,
            timeout: self.timeout,
            memory: self.memory,
            plan_memory: self.plan_memory,
        }
    }
}

/// How this program starts its workers.
pub fn worker() -> Result<Worker> {
    let program = std::env::current_exe()
        .context("where this program lies, to start it again for each run")?;
    Ok(Worker::new(program))
}

/// A flag that Ctrl-C and a polite end set; a second Ctrl-C ends at once.
pub fn interruption() -> Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [
        signal_hook::consts::SIGINT,
        signal_hook::consts::SIGTERM,
        signal_hook::consts::SIGHUP,
    ] {
        // In this order: the first looks at the flag that the second sets.
        signal_hook::flag::register_conditional_shutdown(signal, 128 + signal, Arc::clone(&stop))
            .and_then(|_| signal_hook::flag::register(signal, Arc::clone(&stop)))
            .context("listening to Ctrl-C")?;
    }
    Ok(stop)
}

/// While a measurement goes on its results are saved after the first run, and then so often that it takes this share of the time.
const SAVING_SHARE: u32 = 100;

/// When results were saved last, and how long that took.
#[derive(Default)]
struct Saved {
    last: Option<(Instant, Duration)>,
}

impl Saved {
    /// Whether saving them again is not too early.
    fn is_due(&self) -> bool {
        let over = |(at, took): (Instant, Duration)| at.elapsed() >= took * SAVING_SHARE;
        self.last.is_none_or(over)
    }
}

/// Measures, with a bar. What is measured is saved to `file` from time to time, if there is one.
///
/// # Errors
/// A tape that can't be replayed, or results that can't be resumed.
pub fn measure(
    tapes: &[PathBuf],
    how: &MeasureArgs,
    file: Option<&Path>,
    stop: &AtomicBool,
) -> Result<Results> {
    let earlier = match file {
        _ if !how.resume => None,
        Some(file) => earlier(file)?,
        None => bail!(
            "--resume wants the file of the earlier results; `replay` has it with --json FILE"
        ),
    };
    let tapes = Tapes::gather(tapes)?;
    let bar = progress::bar(0, "planning");
    let saved = Mutex::new(Saved::default());
    let save = |results: &Results| {
        if let (Some(file), Ok(mut saved)) = (file, saved.try_lock())
            && saved.is_due()
        {
            let began = Instant::now();
            // If it can't be written, the end will say so.
            let _ = write_results(results, file);
            saved.last = Some((Instant::now(), began.elapsed()));
        }
    };
    let worker = worker()?;
    let outcome = run_matrix(
        &tapes.paths,
        &Measurement {
            allocators: &how.allocators(),
            settings: &how.settings(),
            worker: &worker,
            progress: &|step| match step {
                Progress::Planning { tape, done, total } => {
                    bar.set_length(total);
                    bar.set_position(done);
                    bar.set_message(format!("{tape}: planning"));
                }
                Progress::Running {
                    tape,
                    allocator,
                    threads,
                    repetition,
                    done,
                    total,
                } => {
                    bar.set_length(total);
                    bar.set_position(done);
                    let what = match repetition {
                        0 => "warm-up".to_owned(),
                        n if n > how.repetitions => format!("run {n}"),
                        n => format!("run {n} of {}", how.repetitions),
                    };
                    let on = threads.map_or(String::new(), |n| format!(" on {n}"));
                    let id = allocator.to_string();
                    bar.set_message(format!("{tape}{on}: {}, {what}", short_name(&id)));
                }
            },
            save: &save,
            stop,
            earlier,
        },
    );
    bar.finish_and_clear();
    outcome.map_err(|error| tapes.explain(&error))
}

/// The earlier results; none where there is no such file, which is a beginning.
fn earlier(file: &Path) -> Result<Option<Results>> {
    let text = match std::fs::read_to_string(file) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        other => other.with_context(|| format!("{}: cannot be read", file.display()))?,
    };
    let results: Results = serde_json::from_str(&text)
        .with_context(|| format!("{}: no results of heaptape", file.display()))?;
    if results.schema != SCHEMA {
        bail!(
            "{}: has schema {}, this version reads {SCHEMA}",
            file.display(),
            results.schema
        );
    }
    Ok(Some(results))
}

/// Tapes as files: what comes through standard input is kept in one.
pub struct Tapes {
    paths: Vec<PathBuf>,
    kept: Option<NamedTempFile>,
}

impl Tapes {
    /// Takes what standard input has where a file is `-`.
    ///
    /// # Errors
    /// There is no room for it, or `-` stands there twice.
    pub fn gather(files: &[PathBuf]) -> Result<Tapes> {
        let mut tapes = Tapes {
            paths: Vec::new(),
            kept: None,
        };
        for file in files {
            if file != Path::new("-") {
                tapes.paths.push(file.clone());
                continue;
            }
            if tapes.kept.is_some() {
                bail!("`-` stands for standard input, which can be read only once");
            }
            let keeping = || "cannot keep standard input in a temporary file";
            let mut kept = NamedTempFile::new().with_context(keeping)?;
            let mut input = std::io::stdin().lock();
            std::io::copy(&mut input, &mut kept).with_context(keeping)?;
            tapes.paths.push(kept.path().to_owned());
            tapes.kept = Some(kept);
        }
        Ok(tapes)
    }

    /// The files.
    pub fn paths(&self) -> &[PathBuf] {
        &self.paths
    }

    /// An error that calls standard input by its name.
    fn explain(&self, error: &replayer::ReplayError) -> anyhow::Error {
        let text = error.to_string();
        anyhow::anyhow!(match &self.kept {
            Some(kept) => text.replace(&kept.path().display().to_string(), "standard input"),
            None => text,
        })
    }
}

/// Writes `results.json`, whole or not at all.
///
/// # Errors
/// The file can't be written.
pub fn write_results(results: &Results, path: &Path) -> Result<()> {
    let text = json::text(results)?;
    let failed = || format!("{}: cannot be written", path.display());
    let special = std::fs::metadata(path).is_ok_and(|there| !there.is_file());
    if special {
        return std::fs::write(path, text).with_context(failed);
    }
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty());
    let mut file = NamedTempFile::new_in(folder.unwrap_or(Path::new("."))).with_context(failed)?;
    std::io::Write::write_all(&mut file, text.as_bytes()).with_context(failed)?;
    // A temporary file is for its owner only; results are for everybody whom the folder lets in.
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o644);
    file.as_file().set_permissions(mode).with_context(failed)?;
    file.persist(path)
        .map_err(|error| error.error)
        .with_context(failed)?;
    Ok(())
}
