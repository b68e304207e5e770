//! From a capture to a tape.
//!
//! The capture knows addresses, the tape names blocks. Which block an address meant is decided by what happened to the
//! address before, in any thread. So the capture is walked in windows of time, and per window:
//!
//! 1. `stream`, `board`: every thread's events are read, and what they do to addresses is sorted into lanes by address;
//! 2. `pairing`: each lane goes through its addresses in the order of time and says which block was released;
//! 3. `order`: where stamps contradict what must have happened, times are raised;
//! 4. `emit`: each thread's events are made, put into columns and packed as chunks;
//! 5. `peak`: live bytes are summed up in the order of time.
//!
//! Steps 1, 2 and 4 run on all cores. Chunks that a window filled are packed while the next one is read, and written while
//! another core works, since few threads are active within a window and reading them leaves cores idle. Memory is bounded by the window, the blocks that live, and a budget of events
//! that wait for their chunk to be full; what was read of the capture is given back window by window.

pub(crate) mod address;
mod board;
mod emit;
mod found;
mod group;
mod item;
mod order;
mod pairing;
mod peak;
mod stream;
mod table;
mod touch;
mod windows;

use crate::RecordError;
use crate::runtime::Capture;
use board::{LANES, in_order};
use emit::Emitter;
use found::{Found, FoundCell};
use group::Groups;
use pairing::{Pairing, Raise};
use peak::Peak;
use rayon::prelude::*;
use std::io::Write;
use touch::{Made, Touch};
use trace_format::{LiveTotals, TapeWriter};

/// What is going on while a recording is made.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Phase {
    /// The scenario runs; counted in its operations.
    Run,
    /// The tape is made; counted in words of the capture, of which an event takes mostly one.
    Finish,
}

/// Told how far a phase is: what is done, of how much.
pub type Progress<'a> = &'a (dyn Fn(Phase, u64, u64) + Sync);

/// What was out of order in a capture, and what was made of it.
#[derive(Copy, Clone, PartialEq, Eq, Debug, Default)]
pub struct Repairs {
    /// Releases whose stamp stood on the wrong side of another event of the same address, and were put right.
    pub reordered: u64,
    /// Releases whose time was raised so that it follows the making of the block.
    pub raised: u64,
    /// Blocks whose address was given out again without a release in between: they count as living to the end.
    pub lost_releases: u64,
    /// Releases of addresses that no block was known at.
    pub unknown_releases: u64,
}

impl Repairs {
    fn add(&mut self, other: Repairs) {
        self.reordered += other.reordered;
        self.raised += other.raised;
        self.lost_releases += other.lost_releases;
        self.unknown_releases += other.unknown_releases;
    }
}

/// What came of a capture.
#[derive(Copy, Clone, PartialEq, Debug)]
pub struct Finished {
    /// Live bytes, as the tape's totals need them.
    pub live: LiveTotals,
    /// What had to be repaired.
    pub repairs: Repairs,
}

/// How a capture is worked through.
#[derive(Copy, Clone, Debug)]
pub struct Settings {
    /// Events in a window, roughly. What is known of each takes some 70 bytes on its way through the steps: a window of four times
    /// as many as the usual one took 90 MB more and some 3 % more processor time (`ephemeral`, 25.6 million events).
    pub window_events: usize,
    /// Most events that wait for their chunk to be full, of all threads together.
    pub waiting_events: usize,
    /// By how much stamps of different threads may be wrong against each other, in nanoseconds.
    pub skew_ns: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            window_events: 1 << 18,
            waiting_events: 5 << 20,
            skew_ns: 100_000,
        }
    }
}

/// Pages of a thread that are let go of at a time, once they were read.
const FORGET_PAGES: u64 = 256;

/// Writes all of `capture` to `writer`, and gives its memory back on the way.
///
/// # Errors
/// Those of the writer; and a tape holds at most [`trace_format::MAX_THREADS`] threads.
pub fn finish<W: Write>(
    capture: &Capture<'_>,
    writer: &mut TapeWriter<W>,
    settings: &Settings,
    progress: Progress<'_>,
) -> Result<Finished, RecordError> {
    let total = capture.words();
    for (number, thread) in capture.threads.iter().enumerate() {
        writer.thread(number as u32, thread.os_tid, &thread.name);
    }
    let mut groups = Groups::new(capture);
    let mut pairings: Vec<Pairing> = (0..LANES).map(|_| Pairing::new(settings.skew_ns)).collect();
    let mut emitter = Emitter::new(settings.waiting_events);
    let mut peak = Peak::default();
    let mut repairs = Repairs::default();
    progress(Phase::Finish, 0, total);

    for last_ns in windows::boundaries(capture, settings.window_events) {
        emitter.write_while(writer, || groups.gather(last_ns))?;
        name_marks(&mut groups, writer);
        let first_made: Vec<u64> = groups
            .in_order()
            .map(|(_, thread)| thread.stream.made())
            .collect();
        let found = groups.found();
        let mut raises = pair(&mut pairings, &groups, &found, &first_made);
        order::settle(
            &groups,
            &found,
            &first_made,
            &mut raises,
            pairings.iter_mut(),
            &mut repairs,
        );
        groups.emit(&raises, &emitter.spare)?;
        emitter.take_full(&mut groups, writer)?;
        peak.add(&groups.deltas(), last_ns);
        progress(Phase::Finish, forget(capture, &mut groups), total);
    }
    emitter.write_rest(&mut groups, writer)?;
    for pairing in &pairings {
        repairs.add(pairing.repairs());
    }
    Ok(Finished {
        live: peak.totals(),
        repairs,
    })
}

/// Gives the phases that begin in the window their numbers.
fn name_marks<W: Write>(groups: &mut Groups<'_>, writer: &mut TapeWriter<W>) {
    for number in 0..groups.threads() {
        let slice = &mut groups.thread_mut(number).slice;
        let marks = slice.marks.iter();
        slice.mark_numbers = marks
            .map(|name| writer.mark(&String::from_utf8_lossy(name)))
            .collect();
    }
}

/// Finds the owner of every release in the window. What comes back are the releases whose time has to be raised.
fn pair(
    pairings: &mut [Pairing],
    groups: &Groups<'_>,
    found: &[&[FoundCell]],
    first_made: &[u64],
) -> Vec<Raise> {
    let boards = groups.boards();
    pairings
        .par_iter_mut()
        .with_max_len(1)
        .enumerate()
        .flat_map_iter(|(lane, pairing)| {
            let mut raises = Vec::new();
            let mut sink = |touch: &Touch, made: Option<Made>| {
                let Some(made) = made else { return };
                if made.thread != touch.thread && made.time_ns >= touch.time_ns {
                    raises.push(Raise {
                        thread: touch.thread,
                        at: touch.at,
                        least_ns: made.time_ns + 1,
                    });
                }
                found[touch.thread as usize][touch.at as usize].set(Found::of(&made));
            };
            in_order(&boards, lane, |some| {
                pairing.take_all(some, first_made, &mut sink);
            });
            pairing.settle(&mut sink);
            raises
        })
        .collect()
}

/// Gives back what was read of the capture, and says how many words that is so far.
fn forget(capture: &Capture<'_>, groups: &mut Groups<'_>) -> u64 {
    let mut words = 0;
    for number in 0..groups.threads() {
        let thread = groups.thread_mut(number);
        let read = thread.stream.position();
        if read.page >= thread.kept.page + FORGET_PAGES {
            capture.forget(number, thread.kept, read);
            thread.kept = read;
        }
        words += read.words();
    }
    words
}
