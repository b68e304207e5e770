//! Live bytes in the order of time, and their peak.
//!
//! Sorting all events by time would cost more than everything else. So a window is cut into many short stretches; per
//! stretch, the net change and the sum of all growth bound the live bytes within. Only stretches that may hold a new
//! peak are sorted. The result is exact.

use rayon::prelude::*;
use trace_format::{BlockId, LiveTotals};

/// A change of live bytes.
#[derive(Copy, Clone, PartialEq, Debug)]
pub(super) struct Delta {
    time_ns: u64,
    bytes: i64,
    blocks: i32,
}

impl Delta {
    /// A block of size `made` is made and one of size `gone` is gone, both at once.
    pub fn new(time_ns: u64, made: Option<u64>, gone: Option<u64>) -> Delta {
        Delta {
            time_ns,
            bytes: made.unwrap_or(0) as i64 - gone.unwrap_or(0) as i64,
            blocks: i32::from(made.is_some()) - i32::from(gone.is_some()),
        }
    }

    /// A block, if it is known, is gone.
    pub fn released(time_ns: u64, block: Option<(BlockId, u64)>) -> Delta {
        Delta::new(time_ns, None, block.map(|(_, size)| size))
    }
}

/// Stretches per window.
const STRETCHES: usize = 8192;

/// Live bytes up to now.
#[derive(Clone, PartialEq, Default, Debug)]
pub(super) struct Peak {
    /// Changes by thread that were raised past the end of their window: they belong to a later one.
    later: Vec<Vec<Delta>>,
    live_bytes: i64,
    live_blocks: i64,
    peak_bytes: i64,
    peak_ns: u64,
}

impl Peak {
    /// Adds the changes of a window that ends at `end_ns`, by thread, each in the order of time.
    pub fn add(&mut self, mut deltas: Vec<Vec<Delta>>, end_ns: u64) {
        self.later.resize_with(deltas.len(), Vec::new);
        for (later, mine) in self.later.iter_mut().zip(&mut deltas) {
            if !later.is_empty() {
                later.append(mine);
                std::mem::swap(later, mine);
            }
            if mine.last().is_some_and(|last| last.time_ns >= end_ns) && end_ns != u64::MAX {
                *later = mine.split_off(mine.partition_point(|delta| delta.time_ns < end_ns));
            }
        }
        self.add_in_order(&deltas);
    }

    /// Adds changes that are all later than those before.
    fn add_in_order(&mut self, deltas: &[Vec<Delta>]) {
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
        let width = (last - first) / STRETCHES as u64 + 1;
        let stretch = |delta: &Delta| ((delta.time_ns - first) / width) as usize;

        let group = deltas.len().div_ceil(rayon::current_num_threads() * 2);
        let sums = deltas
            .par_chunks(group)
            .map(|some| {
                let mut sums = vec![(0i64, 0i64, 0i64); STRETCHES];
                for delta in some.iter().flatten() {
                    let sum = &mut sums[stretch(delta)];
                    sum.0 += delta.bytes;
                    sum.1 += delta.bytes.max(0);
                    sum.2 += i64::from(delta.blocks);
                }
                sums
            })
            .reduce_with(|mut a, b| {
                for (a, b) in a.iter_mut().zip(b) {
                    *a = (a.0 + b.0, a.1 + b.1, a.2 + b.2);
                }
                a
            })
            .unwrap_or_default();

        let mut before = Vec::with_capacity(STRETCHES);
        let mut live = self.live_bytes;
        let mut least_peak = self.peak_bytes;
        for (net, _, _) in &sums {
            before.push(live);
            live += net;
            least_peak = least_peak.max(live);
        }
        // The bound is not reached by a stretch that only equals it, unless the true peak does: `>=` keeps the one where it is first reached.
        let may_hold: Vec<bool> = sums
            .iter()
            .zip(&before)
            .map(|((_, grown, _), before)| {
                *grown > 0 && before + grown >= least_peak && before + grown > self.peak_bytes
            })
            .collect();
        let mut close: Vec<Delta> = deltas
            .par_iter()
            .flat_map_iter(|thread| {
                thread
                    .iter()
                    .filter(|delta| may_hold[stretch(delta)])
                    .copied()
            })
            .collect();
        close.par_sort_by_key(|delta| delta.time_ns);
        for together in close.chunk_by(|a, b| stretch(a) == stretch(b)) {
            let mut live = before[stretch(&together[0])];
            for delta in together {
                live += delta.bytes;
                if live > self.peak_bytes {
                    (self.peak_bytes, self.peak_ns) = (live, delta.time_ns);
                }
            }
        }
        self.live_bytes = live;
        self.live_blocks += sums.iter().map(|sum| sum.2).sum::<i64>();
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
                live += delta.bytes;
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
            peak.add(half(&|t| t < cut), cut);
            peak.add(half(&|t| t >= cut), u64::MAX);
            prop_assert_eq!((peak.peak_bytes, peak.peak_ns), plain);
            prop_assert_eq!((peak.live_bytes, peak.live_blocks), (0, 0));
        }
    }
}
