//! The threads of a capture, in groups that are worked on at the same time.
//!
//! Threads of neighbouring numbers often run at the same time, so they are dealt out like cards. What a group needs for a
//! window is kept from window to window, since fresh memory costs more than what is written to it.

use super::board::Board;
use super::emit::Waiting;
use super::found::FoundCell;
use super::item::Items;
use super::pairing::Raise;
use super::peak::Delta;
use super::stream::{Slice, Stream, Window};
use crate::runtime::{Capture, Position};
use rayon::prelude::*;
use std::ops::Range;
use std::sync::Mutex;
use trace_format::{Buffers, TapeError};

/// Groups for each core: so that one with more to do than the others does not hold them up.
const GROUPS_PER_CORE: usize = 4;

/// All threads.
#[derive(Debug)]
pub(super) struct Groups<'c> {
    groups: Vec<Group<'c>>,
    /// How many groups there are, as a power of two.
    bits: u32,
    threads: usize,
}

/// Some threads, and what they do in the window.
#[derive(Debug)]
pub(super) struct Group<'c> {
    threads: Vec<Thread<'c>>,
    pub window: Window,
    deltas: Vec<Delta>,
}

/// A thread: what it does in the window, and what waits to be written.
#[derive(Debug)]
pub(super) struct Thread<'c> {
    pub stream: Stream<'c>,
    pub slice: Slice,
    pub waiting: Waiting,
    deltas: Range<usize>,
    /// Up to where the capture was given back.
    pub kept: Position,
}

impl<'c> Groups<'c> {
    /// The threads of `capture`, of which nothing is read yet.
    pub fn new(capture: &'c Capture<'c>) -> Groups<'c> {
        let threads = capture.threads.len();
        let most = rayon::current_num_threads() * GROUPS_PER_CORE;
        let count = most.min(threads).max(1).next_power_of_two();
        let mut groups: Vec<Group> = (0..count)
            .map(|_| Group {
                threads: Vec::with_capacity(threads.div_ceil(count)),
                window: Window {
                    board: Board::new(),
                    items: Items::default(),
                    found: Vec::new(),
                },
                deltas: Vec::new(),
            })
            .collect();
        for (number, thread) in (0u32..).zip(&capture.threads) {
            groups[number as usize % count].threads.push(Thread {
                stream: Stream::new(number, thread, capture.timeline),
                slice: Slice::default(),
                waiting: Waiting::new(number),
                deltas: 0..0,
                kept: Position::default(),
            });
        }
        Groups {
            groups,
            bits: count.trailing_zeros(),
            threads,
        }
    }

    /// How many threads there are.
    pub fn threads(&self) -> usize {
        self.threads
    }

    /// All threads in the order of their numbers, each with its group.
    pub fn in_order(&self) -> impl Iterator<Item = (&Group<'c>, &Thread<'c>)> {
        (0..self.threads).map(|number| {
            let group = &self.groups[number & ((1 << self.bits) - 1)];
            (group, &group.threads[number >> self.bits])
        })
    }

    /// The thread of a number.
    pub fn thread_mut(&mut self, number: usize) -> &mut Thread<'c> {
        &mut self.groups[number & ((1 << self.bits) - 1)].threads[number >> self.bits]
    }

    /// What happens to addresses in the window.
    pub fn boards(&self) -> Vec<&Board> {
        self.groups
            .iter()
            .map(|group| &group.window.board)
            .collect()
    }

    /// By thread: a place for each of its releases in the window.
    pub fn found(&self) -> Vec<&[FoundCell]> {
        self.in_order()
            .map(|(group, thread)| &group.window.found[thread.slice.found.clone()])
            .collect()
    }

    /// By thread: its changes of live bytes in the window.
    pub fn deltas(&self) -> Vec<&[Delta]> {
        self.in_order()
            .map(|(group, thread)| &group.deltas[thread.deltas.clone()])
            .collect()
    }

    /// Reads all threads up to and with `last_ns`. Here as elsewhere each group is a task of its own (`with_max_len`): left to
    /// itself rayon makes so few tasks of them that a core waits for the last one.
    pub fn gather(&mut self, last_ns: u64) {
        self.groups
            .par_iter_mut()
            .with_max_len(1)
            .for_each(|group| {
                let window = &mut group.window;
                window.board.clear();
                window.items.clear();
                window.found.clear();
                for thread in &mut group.threads {
                    thread.slice = thread.stream.gather(last_ns, window);
                }
            });
    }

    /// Makes the events of the window, each release not before its time in `raises`, which are sorted by thread; the
    /// streams pass on to the window's end. `spare` has memory for those who need some.
    ///
    /// # Errors
    /// When the events are not what a tape can hold.
    pub fn emit(&mut self, raises: &[Raise], spare: &Mutex<Vec<Buffers>>) -> Result<(), TapeError> {
        self.groups
            .par_iter_mut()
            .with_max_len(1)
            .try_for_each(|group| {
                group.deltas.clear();
                for thread in &mut group.threads {
                    let first = group.deltas.len();
                    thread.emit(&group.window, raises, spare, &mut group.deltas)?;
                    thread.deltas = first..group.deltas.len();
                }
                Ok(())
            })
    }
}
