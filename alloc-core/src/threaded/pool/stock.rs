//! Free spans of large blocks, by address: what is known of them stands here, their pages are not touched.
//!
//! ```text
//! invariant: spans are sorted by address and don't overlap
//! invariant: two of them touch only when the place where they meet could not be remembered
//! invariant: bytes = sum of their lengths
//! ```

use super::clock::Stamp;
use super::pieces::Pieces;
use super::seams::Seams;
use super::system::Range;
use crate::base::align;

/// How many spans there can be.
pub const SPANS: usize = 256;
/// Less than this is not cut off from what is handed out. Bytes.
const SLIVER: u64 = 64 << 10;
/// A span whose mappings are shorter than this on average is not worth to be kept. Bytes.
const SHORT: u64 = 128 << 10;
/// Less than this is not moved: new pages cost no more. Bytes.
const LIGHT: u64 = 64 << 10;

#[derive(Clone, Copy, Default)]
struct Free {
    at: Range,
    since: Stamp,
}

/// The free spans, and the seams in these and in those that are in use.
pub struct Stock {
    spans: [Free; SPANS],
    count: usize,
    bytes: u64,
    /// Where mappings meet.
    pub seams: Seams,
}

impl Stock {
    /// None.
    pub const fn new() -> Stock {
        const NONE: Free = Free {
            at: Range { start: 0, bytes: 0 },
            since: Stamp { ms: 0, tick: 0 },
        };
        Stock {
            spans: [NONE; SPANS],
            count: 0,
            bytes: 0,
            seams: Seams::new(),
        }
    }

    /// Bytes of the free spans.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The free spans, by address.
    #[cfg(test)]
    pub fn ranges(&self) -> impl Iterator<Item = Range> {
        self.spans[..self.count].iter().map(|span| span.at)
    }

    /// Adds memory, merged with free neighbours. `false`: it is of too many parts, or there is no room; it is not taken
    /// then, and nobody may use it but to give it back.
    pub fn put(&mut self, new: Range, since: Stamp) -> bool {
        let parts = self.seams.between(new.start, new.end()).count() as u64 + 1;
        if parts > 1 && new.bytes / parts < SHORT {
            return false;
        }
        let mut free = Free { at: new, since };
        let mut place = self.spans[..self.count].partition_point(|span| span.at.start < new.start);
        if place < self.count
            && self.spans[place].at.start == new.end()
            && self.seams.heal(new.end())
        {
            free = merged(free, self.remove(place));
        }
        if place > 0 && self.spans[place - 1].at.end() == new.start && self.seams.heal(new.start) {
            place -= 1;
            free = merged(self.remove(place), free);
        }
        self.insert(place, free)
    }

    fn remove(&mut self, place: usize) -> Free {
        let free = self.spans[place];
        self.spans.copy_within(place + 1..self.count, place);
        self.count -= 1;
        self.bytes -= free.at.bytes;
        free
    }

    fn insert(&mut self, place: usize, free: Free) -> bool {
        if self.count == SPANS {
            return false;
        }
        self.spans.copy_within(place..self.count, place + 1);
        self.spans[place] = free;
        self.count += 1;
        self.bytes += free.at.bytes;
        true
    }

    /// Takes `bytes` from `skip` on out of a span; what is left of it stays, but for slivers behind.
    fn carve(&mut self, place: usize, skip: u64, bytes: u64, least_left: u64) -> Range {
        let Free { at, since } = self.remove(place);
        let mut taken = Range {
            start: at.start + skip,
            bytes,
        };
        let left = at.end() - taken.end();
        let rest = Range {
            start: taken.end(),
            bytes: left,
        };
        // Behind first, so that the place stays right.
        if left >= least_left.max(1) && self.insert(place, Free { at: rest, since }) {
            self.seams.cut(rest.start);
        } else {
            taken.bytes += left;
        }
        let lead = Range {
            start: at.start,
            bytes: skip,
        };
        if skip > 0 {
            let there_was_room = self.insert(place, Free { at: lead, since });
            debug_assert!(there_was_room);
            self.seams.cut(taken.start);
        }
        taken
    }

    /// The best fit for `bytes` at a multiple of `align`.
    pub fn take(&mut self, bytes: u64, align: u64) -> Option<Range> {
        if self.bytes < bytes {
            return None;
        }
        let fits = |at: Range| {
            let skip = align::gap(at.start, align);
            (at.bytes >= skip && at.bytes - skip >= bytes).then_some(skip)
        };
        let (place, skip) = (0..self.count)
            .filter_map(|place| Some((place, fits(self.spans[place].at)?)))
            .min_by_key(|&(place, _)| self.spans[place].at.bytes)?;
        // In front there must be room for a span of its own: the block's address is fixed.
        if skip > 0 && self.count + 1 >= SPANS {
            return None;
        }
        Some(self.carve(place, skip, bytes, SLIVER))
    }

    /// `need` bytes from `start` on, if they are free, and up to `wish`.
    pub fn take_at(&mut self, start: u64, need: u64, wish: u64) -> Option<Range> {
        let spans = &self.spans[..self.count];
        let place = spans
            .binary_search_by_key(&start, |span| span.at.start)
            .ok()?;
        let bytes = spans[place].at.bytes;
        if bytes < need || !self.seams.heal(start) {
            return None;
        }
        Some(self.carve(place, 0, bytes.min(wish), SLIVER))
    }

    /// Memory for an arena, whose seams stay known: `wish` bytes, or less, but at least `need`.
    pub fn take_within(&mut self, need: u64, wish: u64) -> Option<Range> {
        if self.bytes < need {
            return None;
        }
        let longest = (0..self.count).max_by_key(|&place| self.spans[place].at.bytes)?;
        if self.spans[longest].at.bytes < need {
            return None;
        }
        let bytes = wish.min(self.spans[longest].at.bytes);
        let place = (0..self.count)
            .filter(|&place| self.spans[place].at.bytes >= bytes)
            .min_by_key(|&place| self.spans[place].at.bytes)?;
        Some(self.carve(place, 0, bytes, 1))
    }

    /// Adds parts of the free spans to `pieces`, `least` to `enough` bytes in all or what there is: long spans first, so that few are
    /// needed. They are to be moved away at once.
    pub fn gather(&mut self, pieces: &mut Pieces, least: u64, enough: u64) {
        while pieces.bytes < least {
            let Some(place) = self.nearest(enough - pieces.bytes) else {
                return;
            };
            let at = self.spans[place].at;
            let mut wanted = (enough - pieces.bytes).min(at.bytes);
            if wanted < at.bytes
                && let Some(seam) = self.seams.between(at.start, at.start + wanted).last()
                && pieces.bytes + (seam - at.start) >= least
            {
                // No new seam.
                wanted = seam - at.start;
            }
            let part = Range {
                start: at.start,
                bytes: wanted,
            };
            if pieces.list().len() + 2 > self.seams.room() || !pieces.push_all(part, &self.seams) {
                return;
            }
            let taken = self.carve(place, 0, wanted, 1);
            debug_assert_eq!(taken, part);
            self.seams.clear(taken.start, taken.end());
        }
    }

    /// The shortest span of at least so many bytes, or else the longest, if that is worth a move.
    fn nearest(&self, bytes: u64) -> Option<usize> {
        let length = |place: &usize| self.spans[*place].at.bytes;
        (0..self.count)
            .filter(|place| length(place) >= bytes)
            .min_by_key(length)
            .or_else(|| (0..self.count).max_by_key(length))
            .filter(|place| length(place).min(bytes) >= LIGHT)
    }

    /// Takes out the span that is free for longest among those for which `ripe` holds; of a span longer than `most`, its
    /// end.
    pub fn oldest(&mut self, ripe: impl Fn(Stamp) -> bool, most: u64) -> Option<Range> {
        let place = (0..self.count)
            .filter(|&place| ripe(self.spans[place].since))
            .min_by_key(|&place| self.spans[place].since.ms)?;
        let at = self.spans[place].at;
        let taken = if at.bytes > most + SLIVER {
            self.spans[place].at.bytes -= most;
            self.bytes -= most;
            Range {
                start: at.end() - most,
                bytes: most,
            }
        } else {
            self.remove(place).at
        };
        self.seams.clear(taken.start, taken.end());
        Some(taken)
    }
}

/// Two that touch; what is free for how long is decided by the longer.
fn merged(low: Free, high: Free) -> Free {
    let since = if low.at.bytes >= high.at.bytes {
        low.since
    } else {
        high.since
    };
    Free {
        at: Range {
            start: low.at.start,
            bytes: low.at.bytes + high.at.bytes,
        },
        since,
    }
}
