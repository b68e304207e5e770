//! What the page is told, as JSON. Numbers of bytes, nanoseconds and events are plain numbers.

use serde::Serialize;
use trace_format::Ending;

use crate::error::SessionError;
use crate::log::{Entry, Kind, Log};
use crate::map;
use crate::replay::State;
use crate::session::Session;

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
    /// Events that could be read.
    pub events: u32,
    /// Time of the last event.
    pub duration_ns: u64,
    /// Length of the tape.
    pub tape_bytes: u64,
    /// Most live bytes of all threads together.
    pub peak_live_bytes: u64,
    /// The phases that the program named: event and name.
    pub marks: Vec<(u32, String)>,
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
    /// Where the block that it makes lies in the chosen heap, now.
    pub position: Option<u64>,
}

/// The chosen heap as it stands.
#[derive(Debug, Serialize)]
#[allow(
    missing_docs,
    reason = "the fields of alloc_core::heap::HeapStats, explained there, and of Replay"
)]
pub struct Standing {
    /// Events of the tape that it has seen.
    pub position: u32,
    /// Time of the last of them.
    pub time_ns: u64,
    /// The thread whose heap it is.
    pub heap: u32,
    /// Events of its own that it has seen, and has in all.
    pub done: usize,
    pub of: usize,
    /// End of the used address space.
    pub top: u64,
    pub live_blocks: usize,
    pub requested_bytes: u64,
    pub refused: u64,
    pub alloc_calls: u64,
    pub free_calls: u64,
    pub current_bytes: u64,
    pub cached_bytes: u64,
    pub footprint_bytes: u64,
    pub arenas: u64,
    pub spans: u64,
    pub splits: u64,
    pub coalesces: u64,
    pub refills: u64,
    pub flushes: u64,
}

/// What lies at a place of the heap.
#[derive(Debug, Serialize)]
pub struct Place {
    /// The byte asked about.
    pub at: u64,
    /// First byte of the part that holds it.
    pub position: u64,
    /// Bytes of the part, its header included.
    pub bytes: u64,
    /// Bytes of its header.
    pub header_bytes: u64,
    /// The arena or span that it belongs to: its number, and where it begins.
    pub region: (u32, u64),
    /// Its state, a word of the page.
    pub state: &'static str,
    /// Bytes that the program asked for.
    pub requested: Option<u64>,
    /// The bin of a small block.
    pub bin: Option<u32>,
    /// The event that made it, for a block in use.
    pub made: Option<EventFacts>,
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

fn state_word(state: State) -> &'static str {
    match state {
        State::Header => "header",
        State::InUse => "in use",
        State::Cached => "cached",
        State::Home => "free in its run",
        State::Free => "free",
        State::Fresh => "never used",
    }
}

/// What there is to say of the tape.
pub fn summary(session: &Session) -> Option<Summary> {
    let tape = session.tape()?;
    let (header, log) = (tape.header(), session.log());
    let ending = match tape.ending() {
        Ending::Complete => None,
        Ending::Died { reason } => {
            Some(format!("The recording did not end in good order: {reason}"))
        }
        Ending::Salvaged { reason } => Some(format!("Salvaged from a damaged recording: {reason}")),
    };
    let mark = |&event: &u32| Some((event, mark_name(session, log.get(event)?)?));
    let thread = |(index, heap): (usize, &crate::log::HeapEvents)| {
        let info = tape.threads().get(index);
        Thread {
            index: index as u32,
            name: info.map_or_else(String::new, |info| info.name.clone()),
            os_tid: info.map_or(0, |info| info.os_tid),
            events: info.map_or(0, |info| info.events),
            heap_events: heap.events.len(),
            peak_live_bytes: heap.peak_live_bytes,
        }
    };
    Some(Summary {
        name: header.name.clone(),
        recorder: header.recorder.clone(),
        command: header.command.clone(),
        notes: header.notes.clone(),
        ending,
        damage: session.damage().map(str::to_string),
        events: log.len(),
        duration_ns: log
            .len()
            .checked_sub(1)
            .and_then(|last| log.time_ns(last))
            .unwrap_or(0),
        tape_bytes: tape.len_bytes(),
        peak_live_bytes: session.timeline().live().iter().copied().max().unwrap_or(0),
        marks: session.marks().iter().filter_map(mark).collect(),
        threads: log.heaps().iter().enumerate().map(thread).collect(),
    })
}

fn mark_name(session: &Session, entry: Entry) -> Option<String> {
    let index = usize::try_from(entry.value).ok()?;
    session.tape()?.marks().get(index).cloned()
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
        position: session
            .view()
            .ok()
            .and_then(|view| view.replay().position_of(number)),
    })
}

/// How the chosen heap stands.
///
/// # Errors
/// No heap was chosen.
pub fn standing(session: &Session) -> Result<Standing, SessionError> {
    let (view, log) = (session.view()?, session.log());
    let (replay, stats) = (view.replay(), view.replay().stats());
    let position = session.position();
    Ok(Standing {
        position,
        time_ns: position
            .checked_sub(1)
            .and_then(|last| log.time_ns(last))
            .unwrap_or(0),
        heap: view.heap(),
        done: view.done(),
        of: log
            .heaps()
            .get(view.heap() as usize)
            .map_or(0, |heap| heap.events.len()),
        top: replay.top(),
        live_blocks: replay.live_blocks(),
        requested_bytes: replay.requested(),
        refused: replay.refused(),
        alloc_calls: stats.alloc_calls,
        free_calls: stats.free_calls,
        current_bytes: stats.current_bytes,
        cached_bytes: stats.cached_bytes,
        footprint_bytes: stats.footprint_bytes,
        arenas: stats.arenas,
        spans: stats.spans,
        splits: stats.splits,
        coalesces: stats.coalesces,
        refills: stats.refills,
        flushes: stats.flushes,
    })
}

/// What lies at byte `at` of the chosen heap; nothing where the heap has no memory.
///
/// # Errors
/// No heap was chosen.
pub fn place(session: &Session, at: u64) -> Result<Option<Place>, SessionError> {
    let replay = session.view()?.replay();
    let Some(part) = map::part_at(replay, at) else {
        return Ok(None);
    };
    let in_use = part.state == State::InUse;
    let maker = if in_use {
        replay.maker_of(part.payload)
    } else {
        None
    };
    Ok(Some(Place {
        at,
        position: part.position,
        bytes: part.bytes,
        header_bytes: part.payload.saturating_sub(part.position),
        region: (part.region, part.region_position),
        state: state_word(part.state),
        requested: in_use.then_some(part.requested),
        bin: part.bin,
        made: maker.and_then(|maker| event(session, maker)),
    }))
}
