//! Live bytes in the order of time, and their peak.
//!
//! Sorting all events by time would cost more than everything else. So a window is cut into many short stretches; per
//! stretch, the net change and the sum of all growth bound the live bytes within. Only stretches that may hold a new
//! peak are sorted. The result is exact.

use rayon::prelude::*;
use trace_format::LiveTotals;

/// A change of live bytes: 16 bytes, since there is one for nearly every event.
#[derive(Copy, Clone, PartialEq, Debug)]
pub(super) struct Delta {
    time_ns: u64,
    /// By how many bytes, times 4, and [`BLOCKS_BASE`] more than by how many blocks.
    change: i64,
}

/// What stands for no change of the number of blocks.
const BLOCKS_BASE: i64 = 1;

/// Sizes count as at most this many bytes: no address space is larger. What a damaged capture says may wrap round.
const MOST_BYTES: u64 = 1 << 57;

impl Delta {
    /// A block of size `made` is made and one of size `gone` is gone, both at once.
    #[inline(always)]
    pub fn new(time_ns: u64, made: Option<u64>, gone: Option<u64>) -> Delta {
        let bytes = |size: Option<u64>| size.unwrap_or(0).min(MOST_BYTES) as i64;
        let blocks = i64::from(made.is_some()) - i64::from(gone.is_some());
        Delta {
            time_ns,
            change: (bytes(made) - bytes(gone)) * 4 + blocks + BLOCKS_BASE,
        }
    }

    #[inline(always)]
    fn bytes(self) -> i64 {
        self.change >> 2
    }

    #[inline(always)]
    fn blocks(self) -> i64 {
        (self.change & 3) - BLOCKS_BASE
    }
}

/// Stretches per window.
const STRETCHES: usize = 8192;

/// What some threads' changes add up to.
struct Sums {
    /// By stretch: all changes of live bytes, and those upwards.
    stretches: Vec<(i64, i64)>,
    /// All changes of the number of blocks.
    blocks: i64,
}

impl Sums {
    fn none() -> Sums {
        Sums {
            stretches: vec![(0, 0); STRETCHES],
            blocks: 0,
        }
    }

    fn add(mut self, other: Sums) -> Sums {
        for (mine, other) in self.stretches.iter_mut().zip(other.stretches) {
            *mine = (mine.0.wrapping_add(other.0), mine.1.wrapping_add(other.1));
        }
        self.blocks += other.blocks;
        self
    }
}

/// Live bytes up to now.
#[derive(Clone, PartialEq, Default, Debug)]
pub(super) struct Peak {
    /// Changes by thread that were raised past the end of their window: they belong to a later one.
    later: Vec<Vec<Delta>>,
    has_later: bool,
    live_bytes: i64,
    live_blocks: i64,
    peak_bytes: i64,
    peak_ns: u64,
}

impl Peak {
    /// Adds the changes of a window up to and with `last_ns`, by thread, each in the order of time.
    pub fn add(&mut self, deltas: &[&[Delta]], last_ns: u64) {
        let is_late = |mine: &&[Delta]| mine.last().is_some_and(|last| last.time_ns > last_ns);
        if !self.has_later && !deltas.iter().any(is_late) {
            self.add_in_order(deltas);
            return;
        }
        self.later.resize_with(deltas.len(), Vec::new);
        let mut now: Vec<Vec<Delta>> = Vec::with_capacity(deltas.len());
        for (later, mine) in self.later.iter_mut().zip(deltas) {
            let mut mine = [later.as_slice(), mine].concat();
            *later = mine.split_off(mine.partition_point(|delta| delta.time_ns <= last_ns));
            now.push(mine);
        }
        self.has_later = self.later.iter().any(|later| !later.is_empty());
        let now: Vec<&[Delta]> = now.iter().map(Vec::as_slice).collect();
        self.add_in_order(&now);
    }

    /// Adds changes that are all later than those before.
    fn add_in_order(&mut self, deltas: &[&[Delta]]) {
        let first = deltas
            .iter()
            .filter_map(|d| d.first())
            .map(|d| d.time_ns)
            .min();
        let last = deltas
            .iter()
            .filter_map(|d| d.last())
            .map(|d| d.time_ns)
            .max();
        let (Some(first), Some(last)) = (first, last) else {
            return;
        };
        // As wide as a power of two, so that nothing has to be divided.
        let width_log2 = u64::BITS - ((last - first) / STRETCHES as u64).leading_zeros();
        let stretch = |delta: &Delta| ((delta.time_ns - first) >> width_log2) as usize;

        let group = deltas.len().div_ceil(rayon::current_num_threads());
        let sums = deltas
            .par_chunks(group)
            .map(|some| {
                let mut sums = Sums::none();
                for delta in some.iter().copied().flatten() {
                    let bytes = delta.bytes();
                    let (net, grown) = &mut sums.stretches[stretch(delta) % STRETCHES];
                    *net = net.wrapping_add(bytes);
                    *grown = grown.wrapping_add(bytes.max(0));
                    sums.blocks += delta.blocks();
                }
                sums
            })
            .reduce_with(Sums::add)
            .unwrap_or_else(Sums::none);

        let mut before = Vec::with_capacity(STRETCHES);
        let mut live = self.live_bytes;
        let mut least_peak = self.peak_bytes;
        for (net, _) in &sums.stretches {
            before.push(live);
            live = live.wrapping_add(*net);
            least_peak = least_peak.max(live);
        }
        // The bound is not reached by a stretch that only equals it, unless the true peak does: `>=` keeps the one where it is first reached.
        let may_hold: Vec<bool> = sums
            .stretches
            .iter()
            .zip(&before)
            .map(|(&(_, grown), before)| {
                let most = before.wrapping_add(grown);
                grown > 0 && most >= least_peak && most > self.peak_bytes
            })
            .collect();
        if may_hold.contains(&true) {
            let mut close: Vec<Delta> = deltas
                .par_iter()
                .flat_map_iter(|thread| {
                    let close = |delta: &&Delta| may_hold[stretch(delta) % STRETCHES];
                    thread.iter().filter(close).copied()
                })
                .collect();
            close.par_sort_by_key(|delta| delta.time_ns);
            for together in close.chunk_by(|a, b| stretch(a) == stretch(b)) {
                let mut live = before[stretch(&together[0]) % STRETCHES];
                for delta in together {
                    live = live.wrapping_add(delta.bytes());
                    if live > self.peak_bytes {
                        (self.peak_bytes, self.peak_ns) = (live, delta.time_ns);
                    }
                }
            }
        }
        self.live_bytes = live;
        self.live_blocks += sums.blocks;
    }

    /// The figures for the tape's totals.
    pub fn totals(&self) -> LiveTotals {
        LiveTotals {
            peak_live_bytes: self.peak_bytes as u64,
            peak_live_ns: self.peak_ns,
            live_bytes_at_end: self.live_bytes as u64,
            live_blocks_at_end: self.live_blocks as u64,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Against the plain way: sort everything, add up.
        #[test]
        fn as_if_all_were_sorted(sizes in prop::collection::vec((0u64..4, 0u64..50_000, 1u64..100), 0..400)) {
            let mut threads = vec![Vec::new(); 4];
            let mut clock = 0;
            for (thread, pause, size) in sizes {
                clock += pause;
                threads[thread as usize].push(Delta::new(clock, Some(size), None));
                threads[(thread as usize + 1) % 4].push(Delta::new(clock + 20_000 * size, None, Some(size)));
            }
            for thread in &mut threads {
                thread.sort_by_key(|d| d.time_ns);
            }
            let mut all: Vec<Delta> = threads.iter().flatten().copied().collect();
            all.sort_by_key(|d| d.time_ns);
            let (mut live, mut plain) = (0, (0, 0));
            for delta in &all {
                live += delta.bytes();
                if live > plain.0 {
                    plain = (live, delta.time_ns);
                }
            }
            let mut peak = Peak::default();
            // In two windows, cut by time.
            let cut = clock / 2;
            let half = |keep: &dyn Fn(u64) -> bool| -> Vec<Vec<Delta>> {
                threads.iter().map(|t| t.iter().filter(|d| keep(d.time_ns)).copied().collect()).collect()
            };
            let mut add = |deltas: Vec<Vec<Delta>>, last_ns| {
                let deltas: Vec<&[Delta]> = deltas.iter().map(Vec::as_slice).collect();
                peak.add(&deltas, last_ns);
            };
            // What was raised beyond the first window counts in the second.
            add(half(&|t| t < cut + 30), cut);
            add(half(&|t| t >= cut + 30), u64::MAX);
            prop_assert_eq!((peak.peak_bytes, peak.peak_ns), plain);
            prop_assert_eq!((peak.live_bytes, peak.live_blocks), (0, 0));
        }
    }
}
