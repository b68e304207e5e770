//! Exports that other tools replay: logalloc, Android, mtrace, MallocBench.

use super::error::ForeignError;
use super::logalloc::STATS;
use super::names::{Numbers, Placed, Places};
use super::ops;
use super::sink::{Live, Sink};
use std::io::Write;
use trace_format::{Clock, EventKind, MergedEvent, ReadAt, Tape, ThreadInfo};

/// Writes calls, one by one.
pub(super) struct Calls<'t, W: Write> {
    out: W,
    style: Style,
    places: Places,
    numbers: Numbers,
    threads: &'t [ThreadInfo],
    /// The marks that stand for `jemalloc_stats()`.
    stats: Option<u32>,
    pid: u64,
    /// Times are known.
    timed: bool,
}

/// How a call is written.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub(super) enum Style {
    Logalloc,
    Munged,
    Android,
    Mtrace,
    Ops,
}

/// The first address that is given to a block, and how far apart addresses are.
const FIRST_ADDRESS: u64 = 0x10000;
const APART: u64 = 16;

const STARTS: &str = "thread starts";
const ENDS: &str = "thread ends";
const FORKS: &str = "forks";
const MARKS: &str = "marks";
const REFUSED: &str = "refused requests";
const ALIGNMENTS: &str = "alignments";
const ZEROING: &str = "zeroings by calloc";

impl<'t, W: Write> Calls<'t, W> {
    pub fn new<S: ReadAt>(
        tape: &'t Tape<S>,
        style: Style,
        mut out: W,
    ) -> Result<Self, ForeignError> {
        if style == Style::Mtrace {
            writeln!(out, "= Start").map_err(ForeignError::Write)?;
        }
        let stats = tape.marks().iter().position(|name| name == STATS);
        let timed = !matches!(tape.header().clock, Clock::Order | Clock::Unknown);
        Ok(Calls {
            out,
            style,
            places: Places::default(),
            numbers: Numbers::new(tape.threads()),
            threads: tape.threads(),
            stats: stats.and_then(|at| u32::try_from(at).ok()),
            pid: tape.header().pid.max(1),
            timed,
        })
    }

    fn logalloc(
        &mut self,
        event: &MergedEvent,
        placed: Placed,
    ) -> Result<Option<&'static str>, std::io::Error> {
        let pid = self.pid;
        let tid = self.numbers.of(event.thread, self.threads);
        let munged = self.style == Style::Munged;
        let name = |place: u64| Name { place, munged };
        let (old, new) = (name(placed.old), name(placed.new));
        let out = &mut self.out;
        match event.event.kind {
            EventKind::Malloc { size } => writeln!(out, "{pid} {tid} malloc({size})={new}")?,
            EventKind::Calloc { size } => writeln!(out, "{pid} {tid} calloc(1,{size})={new}")?,
            EventKind::AlignedMalloc { size, align_log2 } => {
                writeln!(
                    out,
                    "{pid} {tid} memalign({},{size})={new}",
                    1u64 << align_log2
                )?;
            }
            EventKind::Realloc { size, .. } | EventKind::ReallocUnknown { size } => {
                writeln!(out, "{pid} {tid} realloc({old},{size})={new}")?;
            }
            EventKind::Free { .. } | EventKind::FreeUnknown => {
                writeln!(out, "{pid} {tid} free({old})")?
            }
            // The replay tool has no name for null.
            EventKind::Failed { .. } if munged => return Ok(Some(REFUSED)),
            EventKind::Failed { size } => writeln!(out, "{pid} {tid} malloc({size})=0x0")?,
            EventKind::Mark { name } if Some(name) == self.stats => {
                writeln!(out, "{pid} {tid} jemalloc_stats()")?
            }
            EventKind::Mark { .. } => return Ok(Some(MARKS)),
            EventKind::Fork { .. } => return Ok(Some(FORKS)),
            EventKind::ThreadStart => return Ok(Some(STARTS)),
            EventKind::ThreadEnd => return Ok(Some(ENDS)),
        }
        Ok(None)
    }

    fn android(
        &mut self,
        event: &MergedEvent,
        placed: Placed,
    ) -> Result<Option<&'static str>, std::io::Error> {
        let tid = self.numbers.of(event.thread, self.threads);
        let (old, new) = (address(placed.old), address(placed.new));
        let out = &mut self.out;
        match event.event.kind {
            EventKind::Malloc { size } => write!(out, "{tid}: malloc {new:#x} {size}")?,
            EventKind::Calloc { size } => write!(out, "{tid}: calloc {new:#x} 1 {size}")?,
            EventKind::AlignedMalloc { size, align_log2 } => {
                write!(
                    out,
                    "{tid}: memalign {new:#x} {} {size}",
                    1u64 << align_log2
                )?;
            }
            EventKind::Realloc { size, .. } | EventKind::ReallocUnknown { size } => {
                write!(out, "{tid}: realloc {new:#x} {old:#x} {size}")?;
            }
            EventKind::Free { .. } | EventKind::FreeUnknown => write!(out, "{tid}: free {old:#x}")?,
            EventKind::Failed { size } => write!(out, "{tid}: malloc 0x0 {size}")?,
            EventKind::ThreadEnd => write!(out, "{tid}: thread_done 0x0")?,
            EventKind::Mark { .. } => return Ok(Some(MARKS)),
            EventKind::Fork { .. } => return Ok(Some(FORKS)),
            EventKind::ThreadStart => return Ok(Some(STARTS)),
        }
        if self.timed {
            // Zero would stand for no time.
            let ns = event.event.time_ns.saturating_add(1);
            write!(out, " {ns}")?;
            if event.event.kind != EventKind::ThreadEnd {
                write!(out, " {ns}")?;
            }
        }
        writeln!(out)?;
        Ok(None)
    }

    fn mtrace(
        &mut self,
        event: &MergedEvent,
        placed: Placed,
    ) -> Result<Option<&'static str>, std::io::Error> {
        let (old, new) = (address(placed.old), address(placed.new));
        let out = &mut self.out;
        match event.event.kind {
            EventKind::Malloc { size } => writeln!(out, "+ {new:#x} {size:#x}")?,
            EventKind::Calloc { size } => {
                writeln!(out, "+ {new:#x} {size:#x}")?;
                return Ok(Some(ZEROING));
            }
            EventKind::AlignedMalloc { size, .. } => {
                writeln!(out, "+ {new:#x} {size:#x}")?;
                return Ok(Some(ALIGNMENTS));
            }
            EventKind::Realloc { size, .. } | EventKind::ReallocUnknown { size } => {
                writeln!(out, "< {old:#x}\n> {new:#x} {size:#x}")?;
            }
            EventKind::Free { .. } | EventKind::FreeUnknown => writeln!(out, "- {old:#x}")?,
            EventKind::Failed { size } => writeln!(out, "+ (nil) {size:#x}")?,
            EventKind::Mark { .. } => return Ok(Some(MARKS)),
            EventKind::Fork { .. } => return Ok(Some(FORKS)),
            EventKind::ThreadStart => return Ok(Some(STARTS)),
            EventKind::ThreadEnd => return Ok(Some(ENDS)),
        }
        Ok(None)
    }

    fn ops(
        &mut self,
        event: &MergedEvent,
        placed: Placed,
    ) -> Result<Option<&'static str>, ForeignError> {
        let thread = u16::try_from(event.thread).map_err(|_| ForeignError::CannotHold {
            format: "ops",
            what: "it names at most 65,536 threads".to_owned(),
        })?;
        // A slot keeps its number in a realloc, and so does a place: the one that was left last is taken first.
        let (bytes, lost) = match event.event.kind {
            EventKind::Malloc { size } => {
                (ops::record(ops::MALLOC, thread, 0, placed.new, size), None)
            }
            EventKind::Calloc { size } => (
                ops::record(ops::MALLOC, thread, 0, placed.new, size),
                Some(ZEROING),
            ),
            EventKind::AlignedMalloc { size, align_log2 } => (
                ops::record(ops::ALIGNED, thread, align_log2, placed.new, size),
                None,
            ),
            EventKind::Realloc { size, .. } | EventKind::ReallocUnknown { size } => {
                (ops::record(ops::REALLOC, thread, 0, placed.new, size), None)
            }
            EventKind::Free { .. } | EventKind::FreeUnknown => {
                (ops::record(ops::FREE, thread, 0, placed.old, 0), None)
            }
            EventKind::Failed { .. } => return Ok(Some(REFUSED)),
            EventKind::Mark { .. } => return Ok(Some(MARKS)),
            EventKind::Fork { .. } => return Ok(Some(FORKS)),
            EventKind::ThreadStart => return Ok(Some(STARTS)),
            EventKind::ThreadEnd => return Ok(Some(ENDS)),
        };
        self.out.write_all(&bytes).map_err(ForeignError::Write)?;
        Ok(lost)
    }
}

impl<W: Write> Sink for Calls<'_, W> {
    fn event(
        &mut self,
        event: &MergedEvent,
        _: Live,
    ) -> Result<Option<&'static str>, ForeignError> {
        let placed = self.places.take(event);
        let lost = match self.style {
            Style::Logalloc | Style::Munged => {
                self.logalloc(event, placed).map_err(ForeignError::Write)
            }
            Style::Android => self.android(event, placed).map_err(ForeignError::Write),
            Style::Mtrace => self.mtrace(event, placed).map_err(ForeignError::Write),
            Style::Ops => self.ops(event, placed),
        };
        if event.event.kind == EventKind::ThreadEnd && self.style == Style::Android {
            self.numbers.end(event.thread);
        }
        lost
    }

    fn end(mut self: Box<Self>) -> Result<(), ForeignError> {
        if self.style == Style::Mtrace {
            writeln!(self.out, "= End").map_err(ForeignError::Write)?;
        }
        self.out.flush().map_err(ForeignError::Write)
    }
}

/// The address of a place.
fn address(place: u64) -> u64 {
    FIRST_ADDRESS + place * APART
}

/// A place as logalloc names it.
struct Name {
    place: u64,
    munged: bool,
}

impl std::fmt::Display for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.munged {
            write!(f, "#{}", self.place + 1)
        } else {
            write!(f, "{:#x}", address(self.place))
        }
    }
}
