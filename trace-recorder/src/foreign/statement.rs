//! What a source is known to say, and what it can't tell.

use super::follow::Times;
use super::format::ImportFormat;
use super::request::Said;
use trace_format::{Clock, Header};

/// What the beginning of a source says of it as a whole.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Facts {
    /// The process of the first request.
    pub process: Option<u64>,
    /// Whether requests have thread numbers, and stamps.
    pub threads: bool,
    pub stamps: bool,
    /// The source's clock marks.
    pub marks: bool,
    pub command: Option<String>,
    pub page_size: Option<u64>,
    pub attached: bool,
}

impl Facts {
    /// Takes what one line says; `wanted` is the process that was asked for.
    pub fn add(&mut self, said: &Said, wanted: Option<u64>) {
        match said {
            Said::Request(request) if wanted.is_none_or(|wanted| wanted == request.process) => {
                self.process.get_or_insert(request.process);
                self.threads |= request.thread.is_some();
                self.stamps |= request.stamps.is_some();
            }
            Said::Clock(_) => self.marks = true,
            Said::Command(command) => self.command = Some(command.clone()),
            Said::PageSize(bytes) => self.page_size = Some(*bytes),
            Said::Attached => self.attached = true,
            _ => {}
        }
    }

    /// Where the events' times come from.
    pub fn times(&self) -> Times {
        match (self.stamps, self.marks) {
            (true, _) => Times::Stamps,
            (_, true) => Times::Marks,
            _ => Times::Order,
        }
    }
}

/// The header of the tape: `name` is what the source is called.
pub(super) fn header(format: ImportFormat, facts: &Facts, name: &str) -> Header {
    let mut notes = vec![format!("Imported: a trace of {}.", format.title())];
    notes.extend(lacks(format, facts));
    Header {
        recorder: format!(
            "heaptape {} (import from {format})",
            env!("CARGO_PKG_VERSION")
        ),
        name: name.to_owned(),
        command: facts.command.clone().into_iter().collect(),
        pid: facts.process.unwrap_or(0),
        started_unix_ns: 0,
        clock: match facts.times() {
            Times::Order => Clock::Order,
            Times::Stamps | Times::Marks => Clock::Monotonic,
        },
        page_size: facts
            .page_size
            .and_then(|it| u32::try_from(it).ok())
            .unwrap_or(0),
        pointer_width: 0,
        notes,
    }
}

/// What the source could not tell, in sentences.
fn lacks(format: ImportFormat, facts: &Facts) -> Vec<String> {
    let mut lacks = Vec::new();
    match facts.times() {
        Times::Order => lacks.push(
            "Times: not known; only the order is. Each event stands one nanosecond after the one before.",
        ),
        Times::Marks => lacks.push(
            "Times: known in steps of about 10 ms; events within a step have one time, in their order.",
        ),
        Times::Stamps => {}
    }
    let has_ends = format == ImportFormat::Android;
    match (facts.threads, has_ends) {
        (false, _) => lacks.push("Threads: not known; all events stand on one thread."),
        (true, true) => lacks.push("Threads: known, with their ends; starts and names are not."),
        (true, false) => lacks.push("Threads: known; their starts, ends and names are not."),
    }
    lacks.push(match format {
        ImportFormat::Logalloc => {
            "Alignment: known, but for valloc, which counts as 4,096 bytes. A munged log leaves out refused requests, and names null like a block."
        }
        ImportFormat::Android => "Alignment: known for memalign; aligned_alloc, posix_memalign and valloc are recorded as memalign.",
        ImportFormat::Mtrace => {
            "Alignment and zeroing: not known; calloc and the aligned functions appear as malloc. A free of null leaves no line."
        }
        ImportFormat::Heaptrack => {
            "Alignment, zeroing and realloc: not known; calloc and the aligned functions appear as malloc, realloc as free and malloc. Refused requests are not recorded."
        }
        ImportFormat::Ops => {
            "Alignment: known, but for those that are no power of two, which count as 1. Zeroing: not known; calloc appears as malloc. Refused requests are not recorded."
        }
    });
    if facts.attached {
        lacks.push(
            "The recorder was attached to a running program: blocks from before are not known.",
        );
    }
    lacks.into_iter().map(str::to_owned).collect()
}
