//! One thread's events, read window by window.

use super::address::partition_of;
use super::pairing::{Made, Touch};
use crate::runtime::CapturedThread;
use crate::runtime::raw::{Op, Raw};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use trace_format::BlockId;

/// A thread, and how far it has been read.
#[derive(Debug)]
pub(super) struct Stream<'c> {
    pub number: u32,
    thread: &'c CapturedThread<'c>,
    started_stamp: u64,
    /// Events read.
    position: u64,
    /// Time of the last event read.
    pub time_ns: u64,
    /// Blocks made so far.
    made: u64,
    /// The owner of a realloc's old block, when the window ended between its two raw events.
    pub carried: Option<Found>,
    /// The thread's end was seen, and events after it: it is written after the last of them.
    pub ended: bool,
}

/// What a thread does within a window.
#[derive(Debug)]
pub(super) struct Slice {
    /// Raw events `from` to before `to`.
    pub from: u64,
    pub to: u64,
    /// Blocks that are made.
    pub makes: u32,
    /// For each release, in order: what was found out about the block.
    pub found: Vec<FoundCell>,
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
    pub fn new(number: u32, thread: &'c CapturedThread<'c>, started_stamp: u64) -> Stream<'c> {
        Stream {
            number,
            thread,
            started_stamp,
            position: 0,
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

    /// Events of the thread in all.
    pub fn len(&self) -> u64 {
        self.thread.len()
    }

    /// Raw events from where the stream stands to before `to`, with their times, which never run back: the first whose
    /// `visit` is false ends the walk.
    pub fn walk(&self, to: u64, mut visit: impl FnMut(Raw, u64) -> bool) {
        let mut time_ns = self.time_ns;
        for raw in self
            .thread
            .slices(self.position, to)
            .flatten()
            .map_while(|slot| slot.get())
        {
            time_ns = time_ns.max(raw.stamp.saturating_sub(self.started_stamp));
            if !visit(raw, time_ns) {
                return;
            }
        }
    }

    /// Reads events before `end_ns` and sorts what they do to addresses into `touches`. The stream stays where it is.
    pub fn gather(&self, end_ns: u64, partition_bits: u32, touches: &mut [Vec<Touch>]) -> Slice {
        let (mut to, mut makes, mut releases) = (self.position, 0, 0);
        self.walk(u64::MAX, |raw, time_ns| {
            if time_ns >= end_ns && end_ns != u64::MAX {
                return false;
            }
            to += 1;
            let touch = if raw.op.makes() {
                makes += 1;
                Touch::making(raw.address, time_ns, self.number, makes - 1, raw.size)
            } else if raw.op.releases() {
                releases += 1;
                Touch::release(raw.address, time_ns, self.number, releases - 1)
            } else {
                return true;
            };
            touches[partition_of(raw.address, partition_bits)].push(touch);
            true
        });
        let found = (0..releases).map(|_| FoundCell::new()).collect();
        Slice {
            from: self.position,
            to,
            makes,
            found,
        }
    }

    /// Whether the thread's very last raw event is number `position`.
    pub fn is_last(&self, position: u64) -> bool {
        position + 1 == self.len()
    }

    /// Goes on to the end of the slice.
    pub fn pass(&mut self, slice: &Slice, time_ns: u64) {
        self.position = slice.to;
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
        self.walk(slice.to, |raw, stamped_ns| {
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

/// Whether the raw event stands on the tape by itself; the first half of a realloc does not.
pub(super) fn is_event(op: Op) -> bool {
    op != Op::ReallocOld
}
