//! One heap over time, coarsely: for the list of all threads.

use crate::timeline::Series;

/// Places that a heap's sums over all threads have: fewer than a timeline's, since there is one line for each thread.
const COARSE: usize = 256;

/// Arenas and footprint of one heap, at so many equally distant places of the timeline.
#[derive(Clone, Debug, Default)]
pub struct Course {
    arenas: Vec<u16>,
    footprint: Vec<u64>,
}

impl Course {
    pub(super) fn of(series: &Series) -> Course {
        let every = series.arenas().len().div_ceil(COARSE).max(1);
        Course {
            arenas: series.arenas().iter().step_by(every).copied().collect(),
            footprint: series.footprint().iter().step_by(every).copied().collect(),
        }
    }

    /// Arenas, and bytes from the source, about that far on the timeline (0 to 1).
    pub fn at(&self, share: f64) -> (u16, u64) {
        let last = self.arenas.len().saturating_sub(1);
        let index = ((share * self.arenas.len() as f64) as usize).min(last);
        let get = |values: &[u64]| values.get(index).copied().unwrap_or(0);
        (
            self.arenas.get(index).copied().unwrap_or(0),
            get(&self.footprint),
        )
    }
}
