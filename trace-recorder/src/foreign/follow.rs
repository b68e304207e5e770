//! Following a source in its order: from addresses to blocks, from its threads to ours, and what is out of order put right.

use super::book::{Book, Living};
use super::request::{Asked, NULL, Request, Stamps};
use super::weave::Weave;
use std::collections::HashMap;
use trace_format::{BlockId, Event, EventKind, LiveTotals, ThreadIndex};

/// What was odd in a source, and what was made of it.
#[derive(Copy, Clone, PartialEq, Eq, Debug, Default)]
pub struct Oddities {
    /// Blocks whose address was given out again without a release: the release is put right before.
    pub lost_frees: u64,
    /// Reallocs that the source tells of after their old address was given out again: they stand on the tape as a free
    /// where the address was given out, and a malloc.
    pub late_reallocs: u64,
    /// Frees and reallocs of addresses where no block was known: blocks older than the trace.
    pub unknown_releases: u64,
    /// Frees of null, which do nothing and are not on the tape.
    pub null_frees: u64,
    /// Times that ran back against the order of the source, and were raised.
    pub raised_times: u64,
}

/// How times come to be.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub(super) enum Times {
    /// One nanosecond an event.
    Order,
    /// From the requests' stamps.
    Stamps,
    /// From marks between the requests.
    Marks,
}

/// A tape in the making.
#[derive(Debug)]
pub(super) struct Follow {
    pub weave: Weave,
    pub oddities: Oddities,
    /// The source's number of each of our threads.
    pub system_numbers: Vec<u64>,
    book: Book,
    /// Our number of each thread of the source that goes on.
    threads: HashMap<u64, ThreadIndex>,
    times: Times,
    /// The first stamp, which is the tape's time 0.
    base_ns: Option<u64>,
    /// Time of the last event, and whose it was.
    last: Option<(u64, ThreadIndex)>,
    events: u64,
    marked_ns: u64,
    /// Addresses that were given out again lately without a release.
    doubtful: HashMap<u64, Doubt>,
}

/// An address that was given out twice.
#[derive(Copy, Clone, Debug)]
struct Doubt {
    /// Events before it.
    at: u64,
}

/// A realloc is told of after it was done. So another thread may be told to have its old address before; but not much
/// before: within so many events.
const LATE: u64 = 4096;

/// No tape has room for more threads.
#[derive(Debug)]
pub(super) struct TooManyThreads;

/// Times above this are cut down to it, so that sums with them fit.
const LATEST_NS: u64 = 1 << 62;

impl Follow {
    pub fn new(times: Times) -> Follow {
        Follow {
            weave: Weave::default(),
            oddities: Oddities::default(),
            system_numbers: Vec::new(),
            book: Book::default(),
            threads: HashMap::new(),
            times,
            base_ns: None,
            last: None,
            events: 0,
            marked_ns: 0,
            doubtful: HashMap::new(),
        }
    }

    /// Live bytes and blocks.
    pub fn totals(&self) -> LiveTotals {
        self.book.totals()
    }

    /// The source says how late it is.
    pub fn mark_time(&mut self, ns: u64) {
        self.marked_ns = self.marked_ns.max(ns.min(LATEST_NS));
    }

    /// Takes the next request. `mark` gives the number of a mark's name.
    pub fn take(
        &mut self,
        request: &Request,
        mark: impl FnOnce(&'static str) -> u32,
    ) -> Result<(), TooManyThreads> {
        let system = request.thread.unwrap_or(0);
        let stamps = request.stamps;
        let kind = match request.asked {
            // A null that is freed is no event, and makes no thread.
            Asked::Free { address: NULL } => {
                self.oddities.null_frees += 1;
                return Ok(());
            }
            Asked::Realloc {
                old: NULL,
                size: 0,
                address: NULL,
            } => EventKind::Failed { size: 0 },
            Asked::Malloc { size, address }
            | Asked::Realloc {
                old: NULL,
                size,
                address,
            } => return self.make(system, stamps, address, EventKind::Malloc { size }),
            Asked::Calloc { size, address } => {
                return self.make(system, stamps, address, EventKind::Calloc { size });
            }
            Asked::Aligned {
                size,
                align_log2,
                address,
            } => {
                let kind = EventKind::AlignedMalloc { size, align_log2 };
                return self.make(system, stamps, address, kind);
            }
            // glibc and others free the block, and give null.
            Asked::Realloc {
                old,
                size: 0,
                address: NULL,
            }
            | Asked::Free { address: old } => self.release(old),
            Asked::Realloc {
                size,
                address: NULL,
                ..
            }
            | Asked::Refused { size } => EventKind::Failed { size },
            Asked::Realloc { old, size, address } => {
                return self.realloc(system, stamps, old, address, size);
            }
            Asked::ThreadEnd => EventKind::ThreadEnd,
            Asked::Mark { name } => EventKind::Mark { name: mark(name) },
        };
        let thread = self.thread(system)?;
        let releases = matches!(kind, EventKind::Free { .. } | EventKind::FreeUnknown);
        let stamp = stamps.map(|s| if releases { s.start_ns } else { s.end_ns });
        self.emit(thread, stamp, kind);
        if kind == EventKind::ThreadEnd {
            self.threads.remove(&system);
        }
        Ok(())
    }

    /// Our number of a thread of the source.
    fn thread(&mut self, system: u64) -> Result<ThreadIndex, TooManyThreads> {
        if let Some(&thread) = self.threads.get(&system) {
            return Ok(thread);
        }
        let thread = self.weave.thread().ok_or(TooManyThreads)?;
        self.threads.insert(system, thread);
        self.system_numbers.push(system);
        Ok(thread)
    }

    fn release(&mut self, address: u64) -> EventKind {
        match self.book.strike(address) {
            Some(block) => EventKind::Free { block },
            None => {
                self.oddities.unknown_releases += 1;
                EventKind::FreeUnknown
            }
        }
    }

    /// A block is made, unless the address is null.
    fn make(
        &mut self,
        system: u64,
        stamps: Option<Stamps>,
        address: u64,
        kind: EventKind,
    ) -> Result<(), TooManyThreads> {
        let thread = self.thread(system)?;
        let size = kind.size().unwrap_or(0);
        let stamp = stamps.map(|s| s.end_ns);
        if address == NULL {
            self.emit(thread, stamp, EventKind::Failed { size });
            return Ok(());
        }
        self.clear(thread, stamp, address);
        let (made, time_ns) = self.emit(thread, stamp, kind);
        if let Some(block) = made {
            self.book.enter(address, Living { block, size }, time_ns);
        }
        Ok(())
    }

    /// Releases what lives at an address that is given out: its own release is missing, or is told of later.
    fn clear(&mut self, thread: ThreadIndex, stamp: Option<u64>, address: u64) {
        let Some(block) = self.book.strike(address) else {
            return;
        };
        self.oddities.lost_frees += 1;
        if self.doubtful.len() as u64 >= LATE {
            let now = self.events;
            self.doubtful.retain(|_, doubt| now - doubt.at < LATE);
        }
        self.doubtful.insert(address, Doubt { at: self.events });
        self.emit(thread, stamp, EventKind::Free { block });
    }

    fn realloc(
        &mut self,
        system: u64,
        stamps: Option<Stamps>,
        old: u64,
        address: u64,
        size: u64,
    ) -> Result<(), TooManyThreads> {
        let thread = self.thread(system)?;
        let stamp = stamps.map(|s| s.end_ns);
        let kind = if self.is_late(thread, old, address) {
            // Its old block was released where the address was given out again.
            self.doubtful.remove(&old);
            self.oddities.lost_frees -= 1;
            self.oddities.late_reallocs += 1;
            EventKind::Malloc { size }
        } else {
            match self.release(old) {
                EventKind::Free { block } => EventKind::Realloc { old: block, size },
                _ => EventKind::ReallocUnknown { size },
            }
        };
        self.clear(thread, stamp, address);
        let (made, time_ns) = self.emit(thread, stamp, kind);
        if let Some(block) = made {
            self.book.enter(address, Living { block, size }, time_ns);
        }
        Ok(())
    }

    /// Whether a realloc means the block that was at `old` before another thread was given that address, which it may
    /// have freed by now.
    fn is_late(&self, thread: ThreadIndex, old: u64, address: u64) -> bool {
        old != address
            && self
                .doubtful
                .get(&old)
                .is_some_and(|doubt| self.events - doubt.at <= LATE)
            && self
                .book
                .at(old)
                .is_none_or(|living| living.block.thread != thread)
    }

    /// Appends an event; the block it makes, and its time.
    fn emit(
        &mut self,
        thread: ThreadIndex,
        stamp: Option<u64>,
        kind: EventKind,
    ) -> (Option<BlockId>, u64) {
        let time_ns = self.time(thread, stamp);
        self.last = Some((time_ns, thread));
        self.events += 1;
        (self.weave.push(thread, Event { time_ns, kind }), time_ns)
    }

    /// The time of the next event. Between threads it always rises, so that the tape's order is the source's.
    fn time(&mut self, thread: ThreadIndex, stamp: Option<u64>) -> u64 {
        let least = match self.last {
            None => 0,
            Some((ns, last)) if last == thread => ns,
            Some((ns, _)) => ns + 1,
        };
        match self.times {
            Times::Order => self.events,
            Times::Marks => least.max(self.marked_ns),
            Times::Stamps => {
                let Some(stamp) = stamp else {
                    return least;
                };
                let stamp = stamp.min(LATEST_NS);
                let base = *self.base_ns.get_or_insert(stamp);
                let runs_back = match stamp.checked_sub(base) {
                    None => true,
                    Some(ns) => self.last.is_some_and(|(last, _)| ns < last),
                };
                self.oddities.raised_times += u64::from(runs_back);
                least.max(stamp.saturating_sub(base))
            }
        }
    }
}
