//! What the page is told, as JSON. Numbers of bytes, nanoseconds and events are plain numbers.

mod place;
mod standing;

use serde::Serialize;
use trace_format::Ending;

use crate::log::{Ended, Entry, Kind, Log};
use crate::policy;
use crate::search;
use crate::session::Session;

pub use place::{FieldFacts, Place, field_facts, place};
pub use standing::{Standing, standings};

/// A tape, once it is loaded.
#[derive(Debug, Serialize)]
pub struct Summary {
    /// Scenario or program.
    pub name: String,
    /// Program that recorded it.
    pub recorder: String,
    /// The recorded command line.
    pub command: Vec<String>,
    /// What the recorder noted.
    pub notes: Vec<String>,
    /// How the recording ended, when it was not in good order.
    pub ending: Option<String>,
    /// What is wrong with the tape, when not all of it could be read.
    pub damage: Option<String>,
    /// What tells this tape from others, in hexadecimal: for links to it.
    pub id: String,
    /// Events of the tape.
    pub events: u32,
    /// The events that are loaded, from the first to behind the last.
    pub range: (u32, u32),
    /// Most events that can be loaded at a time.
    pub most: u32,
    /// Whether the heaps of all threads are replayed for their sum.
    pub sums_all: bool,
    /// Time of the last event.
    pub duration_ns: u64,
    /// About the event at which most bytes are live.
    pub peak_event: u64,
    /// The range's first requests that were refused in life.
    pub failures: Vec<u32>,
    /// Length of the tape.
    pub tape_bytes: u64,
    /// Most live bytes of all threads together.
    pub peak_live_bytes: u64,
    /// The phases that the program named: event and name.
    pub marks: Vec<(u32, String)>,
    /// The allocator's own settings, as [`policy`] writes them.
    pub policy: Vec<(&'static str, String)>,
    /// The threads; each has a heap.
    pub threads: Vec<Thread>,
}

/// A recorded thread and its heap.
#[derive(Debug, Serialize)]
pub struct Thread {
    /// Its number on the tape, and its heap's.
    pub index: u32,
    /// Its name, if it had one.
    pub name: String,
    /// The system's number.
    pub os_tid: u64,
    /// Its events, whatever they are.
    pub events: u64,
    /// Events that touch its heap, some by other threads.
    pub heap_events: usize,
    /// Most live bytes of its heap.
    pub peak_live_bytes: u64,
    /// The position at which its heap holds the most, within what is loaded.
    pub peak: u32,
    /// Where it ended, and what it left; `None` while it lives as far as is loaded.
    pub end: Option<Ended>,
}

/// One event.
#[derive(Debug, Serialize)]
pub struct EventFacts {
    /// Its number, counted from 0 over all threads.
    pub event: u32,
    /// When it happened.
    pub time_ns: u64,
    /// Who did it.
    pub thread: u32,
    /// What it is: a word of the page.
    pub kind: &'static str,
    /// Bytes requested.
    pub size: Option<u64>,
    /// Alignment asked for.
    pub align: Option<u64>,
    /// Name of the mark, or process that was forked.
    pub detail: Option<String>,
    /// The event that made the block which this one releases, and who did.
    pub made_by: Option<(u32, u32)>,
    /// Bytes of the block that it releases.
    pub released_size: Option<u64>,
    /// The event that will release the block which this one makes, and who will.
    pub released_by: Option<(u32, u32)>,
    /// When it will be released.
    pub released_ns: Option<u64>,
    /// Where the block that it makes lies in the chosen heap, now.
    pub position: Option<u64>,
}

fn kind_word(kind: Kind) -> &'static str {
    match kind {
        Kind::Malloc => "malloc",
        Kind::Calloc => "calloc",
        Kind::Aligned => "aligned_alloc",
        Kind::Realloc => "realloc",
        Kind::Free => "free",
        Kind::FreeUnknown => "free of an unknown block",
        Kind::Failed => "refused request",
        Kind::ThreadStart => "thread start",
        Kind::ThreadEnd => "thread end",
        Kind::Fork => "fork",
        Kind::Mark => "mark",
    }
}

/// What there is to say of the tape.
pub fn summary(session: &Session) -> Summary {
    let tape = session.tape();
    let (header, log, totals) = (tape.header(), session.log(), tape.totals());
    let ending = match tape.ending() {
        Ending::Complete => None,
        Ending::Died { reason } => {
            Some(format!("The recording did not end in good order: {reason}"))
        }
        // What is damaged on this very tape is said by itself.
        Ending::Salvaged { .. } if !session.damage().is_empty() => None,
        Ending::Salvaged { reason } => Some(format!("Salvaged from a damaged recording: {reason}")),
    };
    let mark = |&event: &u32| Some((event, mark_name(session, log.get(event)?)?));
    let none = crate::log::HeapEvents::default();
    let thread = |(index, info): (usize, &trace_format::ThreadInfo)| {
        let heap = log.heaps().get(index).unwrap_or(&none);
        Thread {
            index: index as u32,
            name: info.name.clone(),
            os_tid: info.os_tid,
            events: info.events,
            heap_events: heap.events.len(),
            peak_live_bytes: heap.peak_live_bytes,
            peak: heap.peak.map_or(log.first(), |(event, _)| event + 1),
            end: heap.end,
        }
    };
    Summary {
        name: header.name.clone(),
        recorder: header.recorder.clone(),
        command: header.command.clone(),
        notes: header.notes.clone(),
        ending,
        damage: (!session.damage().is_empty()).then(|| session.damage().join("\n")),
        id: format!("{:016x}", search::id(tape)),
        events: session.events(),
        range: session.range(),
        most: crate::log::MAX_KEPT,
        sums_all: session.sums_all(),
        duration_ns: totals.duration_ns,
        tape_bytes: tape.len_bytes(),
        peak_live_bytes: totals.peak_live_bytes,
        peak_event: crate::overview::event_at(tape, totals.peak_live_ns),
        failures: log.failures().iter().take(64).copied().collect(),
        marks: session.marks().iter().filter_map(mark).collect(),
        policy: policy::settings(&policy::Policy::DEFAULT).to_vec(),
        threads: tape.threads().iter().enumerate().map(thread).collect(),
    }
}

fn mark_name(session: &Session, entry: Entry) -> Option<String> {
    let index = usize::try_from(entry.value).ok()?;
    session.tape().marks().get(index).cloned()
}

/// What there is to say of an event; `None` beyond the last.
pub fn event(session: &Session, number: u32) -> Option<EventFacts> {
    let log: &Log = session.log();
    let entry = log.get(number)?;
    let with_thread = |event: u32| log.get(event).map(|entry| (event, entry.thread));
    let detail = match entry.kind {
        Kind::Mark => mark_name(session, entry),
        Kind::Fork => Some(format!("process {}", entry.value)),
        _ => None,
    };
    let asks = entry.makes_block() || entry.kind == Kind::Failed;
    Some(EventFacts {
        event: number,
        time_ns: log.time_ns(number).unwrap_or(0),
        thread: entry.thread,
        kind: kind_word(entry.kind),
        size: asks.then_some(entry.value),
        align: (entry.align > 0).then_some(entry.align),
        detail,
        made_by: entry.made_by.and_then(with_thread),
        released_size: entry
            .made_by
            .and_then(|maker| log.get(maker))
            .map(|made| made.value),
        released_by: entry.released_by.and_then(with_thread),
        released_ns: entry.released_by.and_then(|event| log.time_ns(event)),
        position: session
            .view()
            .ok()
            .and_then(|view| view.replay().position_of(number)),
    })
}
