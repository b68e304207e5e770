//! The checker of a cache's invariants.

use super::{Cache, State};
use crate::base::class::BINS;
use crate::base::error::Broken;
use crate::base::medium::bin_bytes;
use crate::chunk::owner;

impl<const N: usize> Cache<N> {
    /// Tests the invariant of the lists.
    ///
    /// # Errors
    /// [`Broken`] names the first list that does not fit its count, or holds what is not cached.
    pub fn check(&self) -> Result<(), Broken> {
        for (kind, bins) in [1..BINS, BINS..N].into_iter().enumerate() {
            let sum = |of: fn(&State) -> u64| -> u64 {
                let each = |bin| of(&self.states[bin]) * bin_bytes(bin);
                bins.clone().map(each).sum()
            };
            let bounds = &self.bounds[kind];
            if sum(|state| state.limit as u64) != bounds.limits {
                return broken("the sum of the cache's limits is wrong", bounds.limits);
            }
            if sum(|state| u64::from(state.spares)) != bounds.spared {
                return broken("the sum of the cache's spares is wrong", bounds.spared);
            }
        }
        for bin in 1..N {
            let counts = [self.listed(bin) as u64, u64::from(self.states[bin].spares)];
            for (first, count) in self.heads(bin).into_iter().zip(counts) {
                self.check_list(bin, first, count)?;
            }
        }
        Ok(())
    }

    fn check_list(&self, bin: usize, mut at: u64, count: u64) -> Result<(), Broken> {
        let mut length = 0;
        while at != 0 && length <= count {
            // SAFETY: the cache holds blocks of heaps of this space, and the header names the kind of each.
            unsafe {
                if self.space.owner_before(at) != owner::FREE {
                    return broken("a block in the cache is not marked so", at);
                }
                let fits = match bin < BINS {
                    true => self.space.run_bin(self.space.run_of(at)) == bin,
                    false => self.space.bin(at) == bin && self.space.is_binned(at),
                };
                if !fits {
                    return broken("a block is in another bin's cache", at);
                }
                at = self.space.link(at);
            }
            length += 1;
        }
        if length != count {
            return broken("a bin's count of cached blocks is wrong", bin as u64);
        }
        Ok(())
    }
}

fn broken(what: &'static str, position: u64) -> Result<(), Broken> {
    Err(Broken { what, position })
}
