//! Stretches of the tape's time, cut where so many events are over.
//!
//! Two things go by them. *Windows*, for plans that are longer than what may lie in memory at once: nothing in a window waits for
//! anything in a later one, so a replay can stop all threads at its end without a circle. And *beats*, finer, by which the replay
//! holds the threads together: see [`Beats`](crate::engine).

use trace_format::{ReadAt, Tape};

/// Stretches of time, one after the other.
#[derive(Debug, Default)]
pub(super) struct Stretches {
    /// Moments, rising: a stretch has the events before its own. The last stretch has none.
    ends_ns: Vec<u64>,
}

impl Stretches {
    /// As few as have no more than about `most` events each, as far as the index of the tape tells: a chunk's events are taken to be
    /// spread evenly over its time.
    pub fn new<S: ReadAt>(tape: &Tape<S>, most: u64) -> Stretches {
        if tape.totals().events <= most {
            return Stretches::default();
        }
        let chunks = tape.chunks().iter();
        Stretches::of_chunks(
            chunks.map(|c| (c.start_ns, c.end_ns, c.events)),
            most.max(1),
        )
    }

    /// `chunks`: first time, last time, events.
    fn of_chunks(chunks: impl Iterator<Item = (u64, u64, u32)>, most: u64) -> Stretches {
        // Events a nanosecond, and how that changes where a chunk begins and behind its last event.
        let mut changes: Vec<(u64, f64)> = chunks
            .flat_map(|(first, last, events)| {
                let rate = f64::from(events) / ((last - first) as f64).max(1.0);
                [(first, rate), (last.max(first + 1), -rate)]
            })
            .collect();
        changes.sort_unstable_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
        let mut ends_ns = Vec::new();
        let (mut now, mut rate, mut count) = (0u64, 0f64, 0f64);
        for (moment, change) in changes {
            // Up to this moment the rate stays.
            while rate > 0.0 && count + rate * (moment - now) as f64 >= most as f64 {
                let full = now + (((most as f64 - count) / rate).ceil() as u64).max(1);
                if full > moment {
                    break;
                }
                ends_ns.push(full);
                (now, count) = (full, 0.0);
            }
            count += rate * (moment - now) as f64;
            now = moment;
            // What is left of many additions and subtractions is no rate.
            rate = if (rate + change).abs() < 1e-12 {
                0.0
            } else {
                rate + change
            };
        }
        Stretches { ends_ns }
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.ends_ns.len() + 1
    }

    /// Whether the stretch is over when an event of this time comes.
    #[inline]
    pub fn ends_before(&self, stretch: usize, ns: u64) -> bool {
        self.ends_ns.get(stretch).is_some_and(|&end| end <= ns)
    }

    /// The stretch of an event of this time.
    pub fn at(&self, ns: u64) -> usize {
        self.ends_ns.partition_point(|&end| end <= ns)
    }

    /// The moments at which they end, but for the last.
    pub fn ends_ns(&self) -> &[u64] {
        &self.ends_ns
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_shared_out_evenly() {
        // A thousand events in a thousand nanoseconds, and five hundred more at double pace in the middle.
        let stretches = Stretches::of_chunks([(0, 1000, 1000), (400, 900, 500)].into_iter(), 250);
        assert_eq!(stretches.ends_ns(), [250, 450, 575, 700, 825, 1000]);
        assert_eq!(stretches.count(), 7);
        assert_eq!(
            [0, 249, 250, 999, 5000].map(|ns| stretches.at(ns)),
            [0, 0, 1, 5, 6]
        );
        assert!(stretches.ends_before(0, 250) && !stretches.ends_before(0, 249));
        assert!(!stretches.ends_before(6, u64::MAX));
    }

    #[test]
    fn moments_rise_however_dense_the_events_are() {
        let dense = Stretches::of_chunks([(7, 7, 60_000), (9, 9, 60_000)].into_iter(), 100);
        assert!(dense.ends_ns().is_sorted_by(|a, b| a < b));
        assert!(dense.at(7) < dense.at(9));
        assert_eq!(Stretches::of_chunks(std::iter::empty(), 1).count(), 1);
    }
}
