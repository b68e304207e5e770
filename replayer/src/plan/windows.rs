//! Windows of time, for plans that are longer than what may lie in memory at once.
//!
//! A window ends at a moment of the tape: each thread's operations before it belong to the window, so nothing in a window waits for
//! anything in a later one, and a replay can stop all threads at its end without a circle.

use trace_format::{ReadAt, Tape};

/// Bins into which the tape's time is divided to find out where its events are.
const BINS: usize = 8192;

/// Where windows end.
#[derive(Debug, Default)]
pub(super) struct Windows {
    /// Moments: a window has the events before its own. The last window has none.
    ends_ns: Vec<u64>,
}

impl Windows {
    /// As few windows as have no more than `most` events each, as far as the index of the tape tells; an event counts as one
    /// operation or two.
    pub fn new<S: ReadAt>(tape: &Tape<S>, most: u64) -> Windows {
        let events = tape.totals().events;
        let last = tape.chunks().iter().map(|c| c.end_ns).max().unwrap_or(0);
        if events <= most || last == 0 {
            return Windows::default();
        }
        // A chunk's events are taken to be spread evenly over its time.
        let bin_of = |ns: u64| (u128::from(ns) * BINS as u128 / (u128::from(last) + 1)) as usize;
        let mut bins = vec![0u64; BINS];
        for chunk in tape.chunks() {
            let (first, end) = (bin_of(chunk.start_ns), bin_of(chunk.end_ns));
            let share = u64::from(chunk.events).div_ceil((end - first + 1) as u64);
            for bin in &mut bins[first..=end] {
                *bin += share;
            }
        }
        let mut ends_ns = Vec::new();
        let mut so_far = 0;
        for (bin, &count) in bins.iter().enumerate() {
            if so_far > 0 && so_far + count > most {
                let moment = (u128::from(last) + 1) * bin as u128 / BINS as u128;
                ends_ns.push(moment as u64);
                so_far = 0;
            }
            so_far += count;
        }
        Windows { ends_ns }
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.ends_ns.len() + 1
    }

    /// Whether the window is over when an event of this time comes.
    #[inline]
    pub fn ends_before(&self, window: usize, ns: u64) -> bool {
        self.ends_ns.get(window).is_some_and(|&end| end <= ns)
    }

    /// The moments at which windows end, but for the last.
    pub fn ends_ns(&self) -> &[u64] {
        &self.ends_ns
    }
}
