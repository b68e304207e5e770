//! From a capture to a tape.
//!
//! The capture knows addresses, the tape names blocks. Which block an address meant is decided by what happened to the
//! address before, in any thread. So the capture is walked in windows of time, and per window:
//!
//! 1. `stream`: every thread's events are read, and what they do to addresses is sorted into partitions by address;
//! 2. `pairing`: each partition goes through its addresses in the order of time and says which block was released;
//! 3. `order`: where stamps contradict what must have happened, times are raised;
//! 4. `emit`: each thread's events are made and encoded as chunks;
//! 5. `peak`: live bytes are summed up in the order of time.
//!
//! Steps 1, 2 and 4 run on all cores. Memory is bounded by the window, the blocks that live, and a budget of events
//! that wait for their chunk to be full; what was read of the capture is given back window by window.

pub(crate) mod address;
mod emit;
mod order;
pub mod pairing;
mod peak;
mod stream;
mod windows;

use crate::RecordError;
use crate::runtime::{Capture, Position};
use emit::Emitter;
use pairing::{Pairing, Raise, Touch};
use peak::Peak;
use rayon::prelude::*;
use std::io::Write;
use stream::{Found, Slice, Stream};
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
    /// Events in a window, roughly.
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

/// Partitions by address: enough that all cores are busy, few enough that each has a good stretch of work.
const PARTITION_BITS: u32 = 5;

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
    let mut streams: Vec<Stream> = (0u32..)
        .zip(&capture.threads)
        .map(|(n, t)| Stream::new(n, t, capture.timeline))
        .collect();
    let mut partitions: Vec<Partition> = (0..1 << PARTITION_BITS)
        .map(|_| Partition {
            pairing: Pairing::new(settings.skew_ns),
            touches: Vec::new(),
        })
        .collect();
    let mut boards: Vec<Board> = Vec::new();
    let mut kept = vec![Position::default(); streams.len()];
    let mut emitter = Emitter::new(streams.len(), settings.waiting_events);
    let mut peak = Peak::default();
    let mut repairs = Repairs::default();
    let mut done = 0;
    progress(Phase::Finish, 0, total);

    for end_ns in windows::boundaries(capture, settings.window_events) {
        let mut slices = gather(&streams, end_ns, &mut boards);
        for slice in &mut slices {
            let marks = slice.marks.iter();
            slice.mark_numbers = marks
                .map(|name| writer.mark(&String::from_utf8_lossy(name)))
                .collect();
        }
        let first_made: Vec<u64> = streams.iter().map(Stream::made).collect();
        let mut raises = pair(&mut partitions, &boards, &slices, &first_made);
        order::settle(
            &streams,
            &slices,
            &first_made,
            &mut raises,
            partitions
                .iter_mut()
                .map(|partition| &mut partition.pairing),
            &mut repairs,
        );
        let deltas = emitter.emit(&mut streams, &slices, raises);
        emitter.write_full(writer)?;
        peak.add(deltas, end_ns);
        for (number, (slice, kept)) in slices.iter().zip(&mut kept).enumerate() {
            if slice.to.position.page >= kept.page + FORGET_PAGES {
                capture.forget(number, *kept, slice.to.position);
                *kept = slice.to.position;
            }
            done += slice.to.position.words() - slice.from.words();
        }
        progress(Phase::Finish, done, total);
    }
    emitter.write_rest(writer)?;
    for partition in &partitions {
        repairs.add(partition.pairing.repairs());
    }
    Ok(Finished {
        live: peak.totals(),
        repairs,
    })
}

/// Some addresses: who lives there, and what happens to them in the window.
struct Partition {
    pairing: Pairing,
    touches: Vec<Touch>,
}

/// What some threads do to addresses in the window, by partition.
type Board = Vec<Vec<Touch>>;

/// Reads all threads up to `end_ns`: what each does; what happens to addresses is left on `boards`.
fn gather(streams: &[Stream], end_ns: u64, boards: &mut Vec<Board>) -> Vec<Slice> {
    let group = streams
        .len()
        .div_ceil(rayon::current_num_threads() * 4)
        .max(1);
    boards.resize_with(streams.len().div_ceil(group), || {
        vec![Vec::new(); 1 << PARTITION_BITS]
    });
    let slices: Vec<Vec<Slice>> = streams
        .par_chunks(group)
        .zip(boards)
        .map(|(streams, board)| {
            board.iter_mut().for_each(Vec::clear);
            streams
                .iter()
                .map(|s| s.gather(end_ns, PARTITION_BITS, board))
                .collect()
        })
        .collect();
    slices.into_iter().flatten().collect()
}

/// Finds the owner of every release in the window. What comes back are the releases whose time has to be raised.
fn pair(
    partitions: &mut [Partition],
    boards: &[Board],
    slices: &[Slice],
    first_made: &[u64],
) -> Vec<Raise> {
    partitions
        .par_iter_mut()
        .enumerate()
        .flat_map_iter(|(number, Partition { pairing, touches })| {
            touches.clear();
            for board in boards {
                touches.extend_from_slice(&board[number]);
            }
            // Stable: events of one thread keep their order where the clock shows the same time.
            touches.sort_by_key(|touch| touch.time_ns);
            let mut raises = Vec::new();
            pairing.run(touches, first_made, &mut |touch, made| {
                if let Some(made) = made {
                    if made.thread != touch.thread && made.time_ns >= touch.time_ns {
                        raises.push(Raise {
                            thread: touch.thread,
                            at: touch.at,
                            least_ns: made.time_ns + 1,
                        });
                    }
                    slices[touch.thread as usize].found[touch.at as usize].set(Found::of(&made));
                }
            });
            raises
        })
        .collect()
}
