//! The time of every event in half the space.
//!
//! Events come in time order, so a group of neighbours lies close together: the group keeps one full stamp, each event
//! its distance from it in 32 bits. Where a group spans more than 2³² ns (4.3 s), distances are kept in coarser steps;
//! order is kept, and the error is below 2⁻³² of the group's span.

const GROUP: usize = 64;

#[derive(Clone, Copy, Debug)]
struct Base {
    ns: u64,
    shift: u8,
}

/// Stamps in ascending order, in nanoseconds since the tape's start.
#[derive(Clone, Debug, Default)]
pub struct Times {
    bases: Vec<Base>,
    distances: Vec<u32>,
}

impl Times {
    /// None yet, with room for so many.
    pub fn with_room(stamps: usize) -> Times {
        Times {
            bases: Vec::with_capacity(stamps.div_ceil(GROUP)),
            distances: Vec::with_capacity(stamps),
        }
    }

    /// Appends a stamp; one below its predecessor counts as equal to it.
    pub fn push(&mut self, ns: u64) {
        if self.distances.len().is_multiple_of(GROUP) {
            self.bases.push(Base { ns, shift: 0 });
        }
        let Some(base) = self.bases.last_mut() else {
            return;
        };
        let distance = ns.saturating_sub(base.ns);
        let from = self.distances.len() / GROUP * GROUP;
        while distance >> base.shift > u64::from(u32::MAX) {
            base.shift += 1;
            self.distances[from..]
                .iter_mut()
                .for_each(|distance| *distance >>= 1);
        }
        self.distances.push((distance >> base.shift) as u32);
    }

    /// The stamp of an event, or `None` beyond the last.
    pub fn get(&self, event: usize) -> Option<u64> {
        let distance = u64::from(*self.distances.get(event)?);
        let base = self.bases.get(event / GROUP)?;
        Some(base.ns.saturating_add(distance << base.shift))
    }

    /// How many stamps there are.
    pub fn len(&self) -> usize {
        self.distances.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.distances.is_empty()
    }

    /// The first event at `ns` or later; the number of events if there is none.
    pub fn first_from(&self, ns: u64) -> usize {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low + (high - low) / 2;
            if self.get(middle).is_some_and(|at| at < ns) {
                low = middle + 1
            } else {
                high = middle
            }
        }
        low
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn close_stamps_are_exact_and_far_ones_nearly() {
        let mut times = Times::default();
        let exact: Vec<u64> = (0..200)
            .map(|i| 5_000_000_000 * (i / 64) + i * 17)
            .collect();
        exact.iter().for_each(|&ns| times.push(ns));
        assert_eq!(
            (0..200).filter_map(|i| times.get(i)).collect::<Vec<_>>(),
            exact
        );
        assert_eq!(times.first_from(exact[130]), 130);
        assert_eq!(times.first_from(u64::MAX), 200);
        assert_eq!(times.get(200), None);

        let mut times = Times::default();
        for i in 0..100u64 {
            times.push(i * 3_600_000_000_000);
        }
        for i in 0..100 {
            let (got, want) = (
                times.get(i).unwrap_or(u64::MAX),
                i as u64 * 3_600_000_000_000,
            );
            assert!(got <= want && want - got < 1_000_000, "{got} {want}");
        }
    }
}
