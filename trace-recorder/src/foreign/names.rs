//! Names for what a tape numbers: places for blocks, numbers for threads.

use super::book::Spread;
use std::collections::{HashMap, HashSet};
use trace_format::{BlockId, MergedEvent, ThreadIndex, ThreadInfo};

/// Places of living blocks: small numbers, used again after a release, the last released first.
#[derive(Default, Debug)]
pub(super) struct Places {
    of: HashMap<BlockId, u64, Spread>,
    vacant: Vec<u64>,
    places: u64,
}

/// The places that an event is about.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub(super) struct Placed {
    /// Of the block that is gone; for a block that the tape does not know a place where nothing lives.
    pub old: u64,
    /// Of the block that is made.
    pub new: u64,
}

impl Places {
    /// Takes the next event of the merged order.
    pub fn take(&mut self, merged: &MergedEvent) -> Placed {
        let old = match merged
            .event
            .kind
            .releases()
            .and_then(|block| self.of.remove(&block))
        {
            Some(place) => {
                self.vacant.push(place);
                place
            }
            None => self.nobody(),
        };
        let new = match merged.made {
            Some(block) => {
                let place = self.vacant.pop().unwrap_or_else(|| {
                    self.places += 1;
                    self.places - 1
                });
                self.of.insert(block, place);
                place
            }
            None => 0,
        };
        Placed { old, new }
    }

    /// A place where nothing lives.
    fn nobody(&self) -> u64 {
        self.vacant.last().copied().unwrap_or(self.places)
    }
}

/// Numbers of threads: the system's, where it is known and no other thread has it at the time.
#[derive(Default, Debug)]
pub(super) struct Numbers {
    of: HashMap<ThreadIndex, u64>,
    taken: HashSet<u64>,
    fresh: u64,
}

impl Numbers {
    /// For a tape with these threads.
    pub fn new(threads: &[ThreadInfo]) -> Numbers {
        let most = threads
            .iter()
            .map(|thread| thread.os_tid)
            .max()
            .unwrap_or(0);
        Numbers {
            fresh: most.min(u64::MAX / 2),
            ..Numbers::default()
        }
    }

    /// The number of a thread.
    pub fn of(&mut self, thread: ThreadIndex, threads: &[ThreadInfo]) -> u64 {
        if let Some(&number) = self.of.get(&thread) {
            return number;
        }
        let system = threads.get(thread as usize).map_or(0, |info| info.os_tid);
        let number = if system != 0 && self.taken.insert(system) {
            system
        } else {
            self.fresh += 1;
            self.taken.insert(self.fresh);
            self.fresh
        };
        self.of.insert(thread, number);
        number
    }

    /// The thread has ended: a later one may have its number.
    pub fn end(&mut self, thread: ThreadIndex) {
        if let Some(number) = self.of.remove(&thread) {
            self.taken.remove(&number);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use trace_format::{Event, EventKind};

    fn merged(kind: EventKind, made: Option<u64>) -> MergedEvent {
        let made = made.map(|index| BlockId { thread: 0, index });
        MergedEvent {
            thread: 0,
            event: Event { time_ns: 0, kind },
            made,
        }
    }

    #[test]
    fn places_are_used_again_but_never_twice() {
        let mut places = Places::default();
        let malloc = EventKind::Malloc { size: 1 };
        let free = |index| EventKind::Free {
            block: BlockId { thread: 0, index },
        };
        assert_eq!(places.take(&merged(malloc, Some(0))).new, 0);
        assert_eq!(places.take(&merged(EventKind::FreeUnknown, None)).old, 1);
        assert_eq!(places.take(&merged(malloc, Some(1))).new, 1);
        assert_eq!(places.take(&merged(free(0), None)).old, 0);
        assert_eq!(places.take(&merged(EventKind::FreeUnknown, None)).old, 0);
        let realloc = EventKind::Realloc {
            old: BlockId {
                thread: 0,
                index: 1,
            },
            size: 9,
        };
        assert_eq!(
            places.take(&merged(realloc, Some(2))),
            Placed { old: 1, new: 1 }
        );
        assert_eq!(places.take(&merged(malloc, Some(3))).new, 0);
    }

    #[test]
    fn two_threads_never_have_one_number() {
        let info = |os_tid| ThreadInfo {
            os_tid,
            ..ThreadInfo::default()
        };
        let threads = [info(7), info(0), info(7), info(7)];
        let mut numbers = Numbers::new(&threads);
        assert_eq!(numbers.of(0, &threads), 7);
        assert_eq!(numbers.of(1, &threads), 8);
        assert_eq!(numbers.of(2, &threads), 9);
        numbers.end(0);
        assert_eq!(numbers.of(3, &threads), 7);
        assert_eq!(numbers.of(2, &threads), 9);
    }
}
