//! All threads' events in one causal order.

use crate::columns::Columns;
use crate::decode::{Scratch, Walk};
use crate::error::TapeError;
use crate::event::{BlockId, Event, ThreadIndex};
use crate::source::ReadAt;
use crate::tape::Tape;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// An event, with the thread that it belongs to.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub struct MergedEvent {
    /// The thread.
    pub thread: ThreadIndex,
    /// The event.
    pub event: Event,
    /// The block that it makes.
    pub made: Option<BlockId>,
}

/// Events that are decoded ahead: of all threads together, so that what is ahead stays near the processor, and of one at
/// least and at most.
const AHEAD: usize = 1 << 17;
const PIECE: std::ops::RangeInclusive<usize> = 16..=256;

/// All events of all threads in causal order: by time; at one time a block's making before its release; else by thread.
///
/// Decodes chunks as it comes to them, and holds one for each thread, in columns (some bytes an event).
///
/// Ends after the first error. [`TapeError::NotCausal`] means that a block is released before it is made, whatever
/// order events of one time are put in. On a tape with gaps ([`Tape::is_whole`] is false) such a release is passed on.
#[derive(Debug)]
pub struct Merged<'t, S: ReadAt> {
    tape: &'t Tape<S>,
    cursors: Vec<Cursor>,
    /// The threads that have events and wait for nothing, by the time of their next one.
    ready: BinaryHeap<Reverse<(u64, ThreadIndex)>>,
    /// The thread whose turn it is; it is not in `ready`.
    current: Option<ThreadIndex>,
    /// Threads whose next event releases a block that another thread has yet to make, all at the time `now`.
    parked: Vec<(ThreadIndex, BlockId)>,
    now: u64,
    /// On a tape with gaps: the parked thread that goes on although its block was not made.
    forced: Option<ThreadIndex>,
    scratch: Scratch,
    /// Events of a thread that are decoded at a time.
    piece: usize,
    done: bool,
}

impl<S: ReadAt> Tape<S> {
    /// All events of all threads in causal order.
    pub fn merged(&self) -> Merged<'_, S> {
        Merged::new(self)
    }
}

/// Where a thread stands.
#[derive(Debug, Default)]
struct Cursor {
    /// How many of the thread's chunks are begun.
    chunks: usize,
    decoder: Option<Box<(Columns, Walk)>>,
    ahead: Vec<Event>,
    at: usize,
    /// Blocks the thread has made.
    made: u64,
}

impl<'t, S: ReadAt> Merged<'t, S> {
    /// Begins at the tape's start.
    pub fn new(tape: &'t Tape<S>) -> Self {
        let threads = tape.threads().len();
        let mut ready = BinaryHeap::with_capacity(threads);
        for thread in 0..threads as ThreadIndex {
            if let Some(&chunk) = tape.chunks_of(thread).first() {
                ready.push(Reverse((tape.chunks()[chunk].start_ns, thread)));
            }
        }
        let cursors = (0..threads).map(|_| Cursor::default()).collect();
        Merged {
            tape,
            cursors,
            ready,
            current: None,
            parked: Vec::new(),
            now: 0,
            forced: None,
            scratch: Scratch::default(),
            piece: (AHEAD / threads.max(1)).clamp(*PIECE.start(), *PIECE.end()),
            done: false,
        }
    }

    /// Passes up to `most` further events to `visit`; how many there were: fewer only at the end, or before an error, which ends
    /// it. The same as event by event, and quicker: a thread that is alone up to the next one's event goes on without being asked
    /// at each of its own.
    ///
    /// # Errors
    /// The first one of the tape, as when iterating, or what `visit` answers.
    pub fn visit<E: From<TapeError>>(
        &mut self,
        most: usize,
        mut visit: impl FnMut(MergedEvent) -> Result<(), E>,
    ) -> Result<usize, E> {
        let mut seen = 0;
        while seen < most {
            let Some(first) = self.next() else { break };
            visit(first?)?;
            seen += 1;
            seen += self.go_on(most - seen, &mut visit)?;
        }
        Ok(seen)
    }

    /// What is decoded of the thread that had the last event, as far as no other may come between: up to `most` events.
    fn go_on<E>(
        &mut self,
        most: usize,
        visit: &mut impl FnMut(MergedEvent) -> Result<(), E>,
    ) -> Result<usize, E> {
        let Some(thread) = self.current.filter(|_| self.parked.is_empty()) else {
            return Ok(0);
        };
        let last = (u64::MAX, ThreadIndex::MAX);
        let Reverse(next) = self.ready.peek().copied().unwrap_or(Reverse(last));
        let Some(cursor) = self.cursors.get_mut(thread as usize) else {
            return Ok(0);
        };
        // Out of the cursor while it is read, since the other cursors are asked meanwhile.
        let (ahead, from, mut index) = (std::mem::take(&mut cursor.ahead), cursor.at, cursor.made);
        let (mut at, mut answer) = (from, Ok(()));
        for &event in ahead.get(from..).unwrap_or_default().iter().take(most) {
            let waits = event
                .kind
                .releases()
                .is_some_and(|block| block.thread != thread && !self.is_made(block));
            if (event.time_ns, thread) > next || waits {
                break;
            }
            let made = event
                .kind
                .makes_block()
                .then_some(BlockId { thread, index });
            index += u64::from(made.is_some());
            at += 1;
            answer = visit(MergedEvent {
                thread,
                event,
                made,
            });
            if answer.is_err() {
                break;
            }
        }
        if let Some(cursor) = self.cursors.get_mut(thread as usize) {
            (cursor.ahead, cursor.at, cursor.made) = (ahead, at, index);
        }
        answer.map(|()| at - from)
    }

    /// Whether the block was made, as far as the events went.
    fn is_made(&self, block: BlockId) -> bool {
        let owner = self.cursors.get(block.thread as usize);
        owner.is_some_and(|owner| owner.made > block.index)
    }

    /// The thread's next event, decoding more if need be.
    fn peek(&mut self, thread: ThreadIndex) -> Result<Option<Event>, TapeError> {
        let Some(cursor) = self.cursors.get_mut(thread as usize) else {
            return Ok(None);
        };
        loop {
            if let Some(&event) = cursor.ahead.get(cursor.at) {
                return Ok(Some(event));
            }
            cursor.at = 0;
            cursor.ahead.clear();
            match &mut cursor.decoder {
                Some(decoder) if decoder.1.left() > 0 => {
                    let (columns, walk) = &mut **decoder;
                    let chunk = self.tape.chunks_of(thread)[cursor.chunks - 1];
                    walk.take(columns, self.piece, &mut cursor.ahead)
                        .map_err(|what| self.tape.damaged_chunk(chunk, what))?;
                }
                decoder => {
                    *decoder = None;
                    let Some(&chunk) = self.tape.chunks_of(thread).get(cursor.chunks) else {
                        cursor.ahead = Vec::new();
                        return Ok(None);
                    };
                    cursor.chunks += 1;
                    let (columns, walk) = self.tape.columns(chunk, &mut self.scratch)?;
                    if self.tape.is_whole() && walk.allocations != cursor.made {
                        return Err(self.tape.damaged_chunk(
                            chunk,
                            "its first allocation does not follow the one before",
                        ));
                    }
                    cursor.made = walk.allocations;
                    *decoder = Some(Box::new((columns, walk)));
                }
            }
        }
    }

    fn step(&mut self) -> Result<Option<MergedEvent>, TapeError> {
        loop {
            let Some(thread) = self.turn()? else {
                return Ok(None);
            };
            let Some(event) = self.peek(thread)? else {
                continue;
            };
            let place = Reverse((event.time_ns, thread));
            let time_passes = !self.parked.is_empty() && event.time_ns > self.now;
            if time_passes {
                self.ready.push(place);
                continue;
            }
            if self.ready.peek().is_some_and(|&first| first > place) {
                if !self.parked.is_empty() {
                    self.ready.push(place);
                } else if let Some(mut first) = self.ready.peek_mut() {
                    // One for the other: with thousands of threads cheaper than to put one in and then to take one out.
                    let Reverse((_, next)) = std::mem::replace(&mut *first, place);
                    self.current = Some(next);
                }
                continue;
            }
            if let Some(block) = event.kind.releases()
                && block.thread != thread
                && self.forced != Some(thread)
                && !self.is_made(block)
            {
                // It waits until the block is made, which must happen at the very same time.
                self.now = event.time_ns;
                self.parked.push((thread, block));
                continue;
            }
            self.forced = None;
            return Ok(Some(self.take(thread, event)));
        }
    }

    /// The thread that may have the next event.
    fn turn(&mut self) -> Result<Option<ThreadIndex>, TapeError> {
        if let Some(thread) = self.current.take() {
            return Ok(Some(thread));
        }
        match self.ready.peek() {
            Some(&Reverse((time_ns, _))) if self.parked.is_empty() || time_ns <= self.now => {
                Ok(self.ready.pop().map(|Reverse((_, thread))| thread))
            }
            // Time would pass, but a release still waits for its block.
            _ => match self.parked.first() {
                None => Ok(None),
                Some(&(thread, _)) if !self.tape.is_whole() => {
                    self.parked.remove(0);
                    self.forced = Some(thread);
                    Ok(Some(thread))
                }
                Some(&(thread, block)) => Err(TapeError::NotCausal {
                    thread,
                    time_ns: self.now,
                    block,
                    why: "which is made later or never",
                }),
            },
        }
    }

    fn take(&mut self, thread: ThreadIndex, event: Event) -> MergedEvent {
        let cursor = &mut self.cursors[thread as usize];
        cursor.at += 1;
        let mut made = None;
        if event.kind.makes_block() {
            made = Some(BlockId {
                thread,
                index: cursor.made,
            });
            cursor.made += 1;
            if !self.parked.is_empty() {
                self.wake(thread);
            }
        }
        self.current = Some(thread);
        MergedEvent {
            thread,
            event,
            made,
        }
    }

    /// Brings back the threads that waited for a block of `maker` that is there now.
    fn wake(&mut self, maker: ThreadIndex) {
        let made = self.cursors[maker as usize].made;
        let (now, ready) = (self.now, &mut self.ready);
        self.parked.retain(|&(thread, block)| {
            let waits = block.thread != maker || block.index >= made;
            if !waits {
                ready.push(Reverse((now, thread)));
            }
            waits
        });
    }
}

impl<S: ReadAt> Iterator for Merged<'_, S> {
    type Item = Result<MergedEvent, TapeError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let step = self.step().transpose();
        self.done = !matches!(step, Some(Ok(_)));
        step
    }
}
