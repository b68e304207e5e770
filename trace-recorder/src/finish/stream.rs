//! One thread's events, read window by window.

use super::address::partition_of;
use super::pairing::{Made, Touch};
use crate::runtime::capture::text_of;
use crate::runtime::raw::{Op, Raw};
use crate::runtime::{CapturedThread, Position, Reader, Timeline};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use trace_format::{BlockId, MAX_NAME_LEN};

/// Addresses of user programs are below 2^48: what stands above tells address spaces apart.
const SPACE_SHIFT: u32 = 48;

/// A thread, and how far it has been read.
#[derive(Debug)]
pub(super) struct Stream<'c> {
    pub number: u32,
    thread: &'c CapturedThread<'c>,
    timeline: Timeline,
    /// What is read.
    reader: Reader,
    /// Time of the last event read.
    pub time_ns: u64,
    /// Blocks made so far.
    made: u64,
    /// The owner of a realloc's old block, when the window ended between its two raw events.
    pub carried: Option<Found>,
    /// The address space's bits in the names of addresses.
    space: u64,
    /// The thread's end was seen, and events after it: it is written after the last of them.
    pub ended: bool,
}

/// What a thread does within a window.
#[derive(Debug)]
pub(super) struct Slice {
    /// Where it begins, and where the next one does.
    pub from: Position,
    pub to: Reader,
    /// Blocks that are made.
    pub makes: u32,
    /// For each release, in order: what was found out about the block.
    pub found: Vec<FoundCell>,
    /// Names of the phases that begin, in order.
    pub marks: Vec<Vec<u8>>,
    /// Their numbers on the tape.
    pub mark_numbers: Vec<u32>,
}

/// What was found out about a released block.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub(super) struct Found {
    /// Who made the block; `u32::MAX` when that is not known.
    thread: u32,
    index: u64,
    size: u64,
}

impl Found {
    const NOTHING: Found = Found {
        thread: u32::MAX,
        index: 0,
        size: 0,
    };

    /// What is known of a block.
    pub fn of(made: &Made) -> Found {
        Found {
            thread: made.thread,
            index: made.index,
            size: made.size,
        }
    }

    /// The block's name and size; `None` if it is not known.
    pub fn block(self) -> Option<(BlockId, u64)> {
        (self.thread != u32::MAX).then_some((
            BlockId {
                thread: self.thread,
                index: self.index,
            },
            self.size,
        ))
    }
}

/// A [`Found`] that any partition may set while others set theirs. Each is set by one partition, once.
#[derive(Debug)]
pub(super) struct FoundCell {
    thread: AtomicU32,
    index: AtomicU64,
    size: AtomicU64,
}

impl FoundCell {
    fn new() -> FoundCell {
        let Found {
            thread,
            index,
            size,
        } = Found::NOTHING;
        FoundCell {
            thread: AtomicU32::new(thread),
            index: AtomicU64::new(index),
            size: AtomicU64::new(size),
        }
    }

    pub fn set(&self, found: Found) {
        self.thread.store(found.thread, Ordering::Relaxed);
        self.index.store(found.index, Ordering::Relaxed);
        self.size.store(found.size, Ordering::Relaxed);
    }

    pub fn forget(&self) {
        self.set(Found::NOTHING);
    }

    pub fn get(&self) -> Found {
        Found {
            thread: self.thread.load(Ordering::Relaxed),
            index: self.index.load(Ordering::Relaxed),
            size: self.size.load(Ordering::Relaxed),
        }
    }
}

impl<'c> Stream<'c> {
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

    /// Raw events from where the stream stands to before `to`, with the place behind each and their times, which never
    /// run back: the first whose `visit` is false ends the walk. Pieces of text come with the time of the event before.
    pub fn walk(&self, to: Position, mut visit: impl FnMut(&Reader, Raw, u64) -> bool) {
        let mut time_ns = self.time_ns;
        self.thread.read(&self.reader, to, |after, raw| {
            if raw.op != Op::Text {
                time_ns = time_ns.max(self.timeline.ns(raw.stamp));
            }
            visit(after, raw, time_ns)
        });
    }

    /// Reads events before `end_ns` and sorts what they do to addresses into `touches`. The stream stays where it is.
    pub fn gather(&self, end_ns: u64, partition_bits: u32, touches: &mut [Vec<Touch>]) -> Slice {
        let (mut to, mut makes, mut releases) = (self.reader, 0, 0);
        let mut marks: Vec<(Vec<u8>, usize)> = Vec::new();
        self.walk(Position::END, |after, raw, time_ns| {
            if let Some(text) = text_of(&raw) {
                to = *after;
                if let Some((name, _)) = marks.last_mut().filter(|(name, len)| name.len() < *len) {
                    name.extend_from_slice(&text);
                }
                return true;
            }
            if time_ns >= end_ns && end_ns != u64::MAX {
                return false;
            }
            to = *after;
            let touch = if raw.op.makes() {
                makes += 1;
                Touch::making(
                    raw.address ^ self.space,
                    time_ns,
                    self.number,
                    makes - 1,
                    raw.size,
                )
            } else if raw.op.releases() {
                releases += 1;
                Touch::release(raw.address ^ self.space, time_ns, self.number, releases - 1)
            } else {
                if raw.op == Op::Mark {
                    marks.push((Vec::new(), raw.size.min(MAX_NAME_LEN as u64) as usize));
                }
                return true;
            };
            touches[partition_of(touch.address, partition_bits)].push(touch);
            true
        });
        let marks = marks.into_iter().map(|(mut name, len)| {
            name.truncate(len);
            name
        });
        Slice {
            from: self.reader.position,
            to,
            makes,
            found: (0..releases).map(|_| FoundCell::new()).collect(),
            marks: marks.collect(),
            mark_numbers: Vec::new(),
        }
    }

    /// Whether the thread has nothing behind `position`.
    pub fn is_last(&self, position: Position) -> bool {
        self.thread.is_last(position)
    }

    /// Goes on to the end of the slice.
    pub fn pass(&mut self, slice: &Slice, time_ns: u64) {
        self.reader = slice.to;
        self.made += u64::from(slice.makes);
        self.time_ns = time_ns;
    }

    /// Times of the makings and of the releases in the slice, if each release waits for its least time in `raises`
    /// (sorted by release). This is what [`emit`](super::emit) will do.
    pub fn times(&self, slice: &Slice, raises: &[(u32, u64)]) -> (Vec<u64>, Vec<u64>) {
        let mut makings = Vec::with_capacity(slice.makes as usize);
        let mut releases = Vec::with_capacity(slice.found.len());
        let mut raises = Raises::new(raises);
        let mut time_ns = 0;
        self.walk(slice.to.position, |_, raw, stamped_ns| {
            time_ns = time_ns.max(stamped_ns);
            if raw.op.makes() {
                makings.push(time_ns);
            } else if raw.op.releases() {
                time_ns = time_ns.max(raises.of(releases.len() as u32));
                releases.push(time_ns);
            }
            true
        });
        (makings, releases)
    }
}

/// Least times of a thread's releases, asked for in ascending order.
pub(super) struct Raises<'a> {
    rest: &'a [(u32, u64)],
}

impl<'a> Raises<'a> {
    pub fn new(sorted: &'a [(u32, u64)]) -> Raises<'a> {
        Raises { rest: sorted }
    }

    /// The least time of release `at`; 0 if it is free.
    #[inline]
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

/// Whether the raw event stands on the tape by itself; the first half of a realloc does not, nor does a text.
pub(super) fn is_event(op: Op) -> bool {
    !matches!(op, Op::ReallocOld | Op::Text)
}
