//! One thread's events, read window by window.

use super::board::Board;
use super::found::{Found, FoundCell};
use super::item::Items;
use super::touch::Touch;
use crate::runtime::capture::text_of;
use crate::runtime::raw::{Op, Raw};
use crate::runtime::{CapturedThread, Position, Reader, Timeline};
use std::ops::Range;
use trace_format::MAX_NAME_LEN;

/// Addresses of user programs are below 2^48: what stands above tells address spaces apart.
const SPACE_SHIFT: u32 = 48;

/// A thread, and how far it has been read.
#[derive(Debug)]
pub(super) struct Stream<'c> {
    /// Its number on the tape.
    pub number: u32,
    thread: &'c CapturedThread<'c>,
    timeline: Timeline,
    /// What is read.
    reader: Reader,
    /// Time of the last event.
    pub time_ns: u64,
    /// Blocks made so far.
    made: u64,
    /// The owner of a realloc's old block, when the window ended between its two raw events.
    pub carried: Option<Found>,
    /// The address space's bits in the names of addresses.
    space: u64,
    /// The thread's end was seen: it is written after its last event.
    pub ended: bool,
}

/// What a thread does within a window.
#[derive(Clone, Default, Debug)]
pub(super) struct Slice {
    /// Where the next one begins.
    to: Reader,
    /// Where its events are.
    pub items: Range<usize>,
    /// For each release, in order: where it stands what was found out about the block.
    pub found: Range<usize>,
    /// Blocks that are made.
    pub makes: u32,
    /// Names of the phases that begin, in order.
    pub marks: Vec<Vec<u8>>,
    /// Their numbers on the tape.
    pub mark_numbers: Vec<u32>,
}

/// What some threads do within a window.
#[derive(Debug)]
pub(super) struct Window {
    /// What happens to addresses.
    pub board: Board,
    /// All events.
    pub items: Items,
    /// A place for each release.
    pub found: Vec<FoundCell>,
}

impl<'c> Stream<'c> {
    /// The thread `number`, of which nothing is read yet.
    pub fn new(number: u32, thread: &'c CapturedThread<'c>, timeline: Timeline) -> Stream<'c> {
        Stream {
            number,
            thread,
            timeline,
            space: u64::from(thread.space) << SPACE_SHIFT,
            reader: Reader::default(),
            time_ns: 0,
            made: 0,
            carried: None,
            ended: false,
        }
    }

    /// Blocks made before the window.
    pub fn made(&self) -> u64 {
        self.made
    }

    /// How far it has been read.
    pub fn position(&self) -> Position {
        self.reader.position
    }

    /// Reads events up to and with `last_ns` into `window`. The stream stays where it is.
    pub fn gather(&self, last_ns: u64, window: &mut Window) -> Slice {
        let (first_item, first_found) = (window.items.len(), window.found.len());
        let mut reading = Reading {
            stream: self,
            last_ns,
            time_ns: self.time_ns,
            makes: 0,
            releases: 0,
            marks: Vec::new(),
        };
        let to = self
            .thread
            .read(&self.reader, |events| reading.take(events, window));
        if reading.makes + reading.releases > 0 {
            window.board.end_thread();
        }
        let found = first_found + reading.releases as usize;
        window.found.resize_with(found, FoundCell::new);
        let marks = reading.marks.into_iter().map(|(mut name, len)| {
            name.truncate(len);
            name
        });
        Slice {
            to,
            items: first_item..window.items.len(),
            found: first_found..window.found.len(),
            makes: reading.makes,
            marks: marks.collect(),
            mark_numbers: Vec::new(),
        }
    }

    /// Goes on to the end of the slice, whose last event was at `time_ns` in the end.
    pub fn pass(&mut self, slice: &Slice, time_ns: u64) {
        self.reader = slice.to;
        self.made += u64::from(slice.makes);
        self.time_ns = time_ns;
    }

    /// Whether the thread has nothing behind the slice.
    pub fn is_last(&self, slice: &Slice) -> bool {
        self.thread.is_last(slice.to.position)
    }

    /// Times of the makings and of the releases in the slice, if each release waits for its least time in `raises`
    /// (sorted by release). This is what [`emit`](super::emit) will do.
    pub fn times(
        &self,
        slice: &Slice,
        items: &Items,
        raises: &[(u32, u64)],
    ) -> (Vec<u64>, Vec<u64>) {
        let mut makings = Vec::with_capacity(slice.makes as usize);
        let mut releases = Vec::with_capacity(slice.found.len());
        let mut raises = Raises::new(raises);
        let mut time_ns = 0;
        for item in items.at(&slice.items) {
            time_ns = time_ns.max(item.time_ns);
            if item.op().makes() {
                makings.push(time_ns);
            } else if item.op().releases() {
                time_ns = time_ns.max(raises.of(releases.len() as u32));
                releases.push(time_ns);
            }
        }
        (makings, releases)
    }
}

/// A slice while it is read.
struct Reading<'s, 'c> {
    stream: &'s Stream<'c>,
    last_ns: u64,
    time_ns: u64,
    makes: u32,
    releases: u32,
    /// Names so far, and how long they are.
    marks: Vec<(Vec<u8>, usize)>,
}

impl Reading<'_, '_> {
    /// Takes events up to the window's end, and says how many.
    #[inline(always)]
    fn take(&mut self, events: &[Raw], window: &mut Window) -> usize {
        let Stream {
            number,
            timeline,
            space,
            ..
        } = *self.stream;
        let last_ns = self.last_ns;
        let (mut time_ns, mut makes, mut releases) = (self.time_ns, self.makes, self.releases);
        let mut taken = 0;
        for raw in events {
            // Times never run back.
            let now = time_ns.max(timeline.ns(raw.stamp));
            if raw.op == Op::Text {
                self.spell(raw);
                taken += 1;
                continue;
            }
            if now > last_ns {
                break;
            }
            time_ns = now;
            taken += 1;
            window.items.push(now, raw);
            let (is_making, is_release) = (raw.op.makes(), raw.op.releases());
            if is_making | is_release {
                // Which of them it is nobody can foretell: so there is no branch on it.
                let what = Touch::what(is_making, raw.size);
                let at = if is_making { makes } else { releases };
                makes += u32::from(is_making);
                releases += u32::from(is_release);
                let address = raw.address ^ space;
                window
                    .board
                    .push(Touch::new(address, now, number, at, what));
            } else if raw.op == Op::Mark {
                let len = raw.size.min(MAX_NAME_LEN as u64) as usize;
                self.marks.push((Vec::new(), len));
            }
        }
        (self.time_ns, self.makes, self.releases) = (time_ns, makes, releases);
        taken
    }

    /// A piece of the last mark's name.
    #[cold]
    fn spell(&mut self, raw: &Raw) {
        let name = self.marks.last_mut();
        if let (Some((name, _)), Some(text)) =
            (name.filter(|(name, len)| name.len() < *len), text_of(raw))
        {
            name.extend_from_slice(&text);
        }
    }
}

/// Least times of a thread's releases, asked for in ascending order.
pub(super) struct Raises<'a> {
    rest: &'a [(u32, u64)],
}

impl<'a> Raises<'a> {
    /// Least times by release.
    pub fn new(sorted: &'a [(u32, u64)]) -> Raises<'a> {
        Raises { rest: sorted }
    }

    /// The least time of release `at`; 0 if it is free.
    #[inline(always)]
    pub fn of(&mut self, at: u32) -> u64 {
        let mut least = 0;
        while let [(first, ns), rest @ ..] = self.rest {
            if *first > at {
                break;
            }
            if *first == at {
                least = least.max(*ns);
            }
            self.rest = rest;
        }
        least
    }
}
