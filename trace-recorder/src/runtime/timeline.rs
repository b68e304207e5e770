//! From stamps to nanoseconds.

use trace_capture::clock::{Clock, Moment};

/// Fraction bits of the scale.
const BITS: u32 = 32;

/// A clock's stamps as nanoseconds since time 0.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct Timeline {
    /// The stamp that is time 0.
    zero: u64,
    /// Nanoseconds of a tick, times 2^32.
    scale: u64,
}

impl Timeline {
    /// Stamps that are nanoseconds.
    pub fn nanoseconds(zero: u64) -> Timeline {
        Timeline {
            zero,
            scale: 1 << BITS,
        }
    }

    /// Stamps of `clock`, whose rate the widest of some pairs of moments tells. `None` when none of them does.
    pub fn new(
        clock: Clock,
        zero: u64,
        pairs: impl IntoIterator<Item = (Moment, Moment)>,
    ) -> Option<Timeline> {
        if clock == Clock::Monotonic {
            return Some(Timeline::nanoseconds(zero));
        }
        let widths = pairs.into_iter().filter_map(|(first, last)| {
            let ticks = last.stamp.checked_sub(first.stamp)?;
            let ns = last.monotonic_ns.checked_sub(first.monotonic_ns)?;
            (ticks > 0 && ns > 0).then_some((ns, ticks))
        });
        let (ns, ticks) = widths.max()?;
        let scale = (u128::from(ns) << BITS) / u128::from(ticks);
        // A tick is shorter than a second.
        let scale = u64::try_from(scale)
            .ok()
            .filter(|&s| s > 0 && s >> BITS < 1_000_000_000)?;
        Some(Timeline { zero, scale })
    }

    /// Nanoseconds since time 0; 0 for what was before.
    #[inline]
    pub fn ns(&self, stamp: u64) -> u64 {
        let ticks = stamp.saturating_sub(self.zero);
        ((u128::from(ticks) * u128::from(self.scale)) >> BITS) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_widest_pair_tells_the_rate() {
        let moment = |stamp, monotonic_ns| Moment {
            stamp,
            monotonic_ns,
        };
        let pairs = [
            (moment(10, 100), moment(40, 110)),
            (moment(1000, 0), moment(3_001_000, 1_000_000)),
            (moment(5, 5), moment(5, 5)),
        ];
        let timeline = Timeline::new(Clock::Cycles, 1000, pairs).unwrap();
        assert_eq!(timeline.ns(1000), 0);
        assert_eq!(timeline.ns(0), 0);
        assert!(timeline.ns(3_001_000).abs_diff(1_000_000) <= 1);
        // A year of ticks at 3 GHz.
        let year = timeline.ns(1000 + 94_608_000_000_000_000);
        assert!(year.abs_diff(31_536_000_000_000_000) < 31_536_000_000_000_000 / 1_000_000);
        assert_eq!(Timeline::new(Clock::Cycles, 0, []), None);
        assert_eq!(
            Timeline::new(Clock::Monotonic, 7, []),
            Some(Timeline::nanoseconds(7))
        );
    }
}
