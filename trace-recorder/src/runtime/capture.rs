//! What a session caught, read back thread by thread.

use super::raw::RawSlot;
use super::reserve::{Chunk, Reserve};
use super::session::Session;

/// The events of all threads of a session that has ended.
#[derive(Debug)]
pub struct Capture<'s> {
    /// The threads, by number.
    pub threads: Vec<CapturedThread<'s>>,
    /// The stamp that is time 0.
    pub started_stamp: u64,
    /// Events that found no room in the reserve.
    pub lost: u64,
    /// Names of phases; the address field of an [`Op::Mark`](super::raw::Op::Mark) is a number in it.
    pub marks: Vec<String>,
    reserve: Option<&'s Reserve>,
}

/// The events of one thread in its order.
#[derive(Debug)]
pub struct CapturedThread<'s> {
    /// The system's number.
    pub os_tid: u64,
    /// The name.
    pub name: String,
    chunks: Vec<&'s [RawSlot]>,
    len: u64,
}

impl<'s> Capture<'s> {
    /// Reads what `session` caught. Events that arrive later are not part of it.
    pub fn of(session: &'s Session) -> Capture<'s> {
        let mut found: Vec<((u32, u32), &Chunk)> = session
            .reserve()
            .taken()
            .filter_map(|chunk| Some((chunk.owner()?, chunk)))
            .collect();
        found.sort_unstable_by_key(|(owner, _)| *owner);
        let mut threads: Vec<CapturedThread> = Vec::new();
        // A thread that was killed between joining and taking its first chunk has a number and no chunk: numbers close up.
        for chunks in found.chunk_by(|a, b| a.0.0 == b.0.0) {
            let first = chunks[0].1;
            let slots = chunks.iter().map(|(_, chunk)| chunk.slots()).collect();
            threads.push(CapturedThread::new(first.os_tid(), first.name(), slots));
        }
        Capture {
            threads,
            started_stamp: session.started_stamp(),
            lost: session.lost(),
            marks: session.marks(),
            reserve: Some(session.reserve()),
        }
    }

    /// A capture of slots that are kept elsewhere, for tests.
    pub fn from_threads(threads: Vec<CapturedThread<'s>>, started_stamp: u64) -> Capture<'s> {
        Capture {
            threads,
            started_stamp,
            lost: 0,
            marks: Vec::new(),
            reserve: None,
        }
    }

    /// All events.
    pub fn events(&self) -> u64 {
        self.threads.iter().map(|t| t.len).sum()
    }

    /// Gives back the memory of a thread's events from `from` to before `to`.
    pub fn forget(&self, thread: usize, from: u64, to: u64) {
        if let Some(reserve) = self.reserve {
            for slots in self.threads[thread].slices(from, to) {
                reserve.forget(slots);
            }
        }
    }
}

impl<'s> CapturedThread<'s> {
    /// A thread whose events are in `chunks`, each full up to its first empty slot, all but the last one full.
    pub fn new(os_tid: u64, name: String, chunks: Vec<&'s [RawSlot]>) -> CapturedThread<'s> {
        let mut kept = Vec::with_capacity(chunks.len());
        let mut len = 0;
        for slots in chunks {
            let filled = slots.partition_point(|slot| !slot.is_empty());
            len += filled as u64;
            kept.push(slots);
            if filled < slots.len() {
                break;
            }
        }
        CapturedThread {
            os_tid,
            name,
            chunks: kept,
            len,
        }
    }

    /// Number of events.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The slots of events `from` to before `to`, in order.
    pub fn slices(&self, from: u64, to: u64) -> impl Iterator<Item = &'s [RawSlot]> + '_ {
        let to = to.min(self.len);
        let mut start = 0u64;
        self.chunks.iter().filter_map(move |slots| {
            let (first, end) = (start, start + slots.len() as u64);
            start = end;
            let (a, b) = (from.max(first), to.min(end));
            (a < b).then(|| &slots[(a - first) as usize..(b - first) as usize])
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::raw::{Op, Raw};

    fn slots(filled: usize, size: usize) -> Vec<RawSlot> {
        (0..size)
            .map(|n| {
                let slot = RawSlot::empty();
                if n < filled {
                    slot.put(Raw {
                        op: Op::Free,
                        align_log2: 0,
                        size: 0,
                        address: n as u64,
                        stamp: 0,
                    });
                }
                slot
            })
            .collect()
    }

    #[test]
    fn slices_cross_chunks() {
        let (a, b, c) = (slots(4, 4), slots(4, 4), slots(1, 4));
        let thread = CapturedThread::new(1, "t".into(), vec![&a, &b, &c]);
        assert_eq!(thread.len(), 9);
        let lens = |from, to| {
            thread
                .slices(from, to)
                .map(<[RawSlot]>::len)
                .collect::<Vec<_>>()
        };
        assert_eq!(lens(0, 9), [4, 4, 1]);
        assert_eq!(lens(3, 5), [1, 1]);
        assert_eq!(lens(5, 5), [0usize; 0]);
        assert_eq!(lens(8, 100), [1]);
    }
}
