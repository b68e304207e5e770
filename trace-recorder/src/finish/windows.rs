//! Cutting a capture into windows of time with about the same number of events.

use crate::runtime::Capture;
use rayon::prelude::*;

/// One in so many events is looked at to find where to cut.
const STEP: usize = 64;

/// Ends of the windows, ascending, in nanoseconds since the start; the last is the end of time.
pub(super) fn boundaries(capture: &Capture<'_>, window_events: usize) -> Vec<u64> {
    let mut samples: Vec<u64> = capture
        .threads
        .par_iter()
        .flat_map_iter(|thread| thread.slices(0, u64::MAX))
        .flat_map_iter(|slots| slots.iter().step_by(STEP))
        .filter_map(|slot| Some(slot.get()?.stamp.saturating_sub(capture.started_stamp)))
        .collect();
    samples.par_sort_unstable();
    let mut ends: Vec<u64> = samples
        .chunks((window_events / STEP).max(1))
        .skip(1)
        .map(|window| window[0])
        .filter(|&end| end > 0)
        .collect();
    ends.dedup();
    ends.push(u64::MAX);
    ends
}
