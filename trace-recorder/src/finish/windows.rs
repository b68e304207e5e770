//! Cutting a capture into windows of time with about the same number of events.

use crate::runtime::Capture;
use rayon::prelude::*;
use trace_capture::layout::PAGE_WORDS;

/// One in so many pages of a large capture is looked at to find where to cut, so that few are read twice.
const LARGE_STEP: usize = 16;

/// A capture of more words is large.
const LARGE: u64 = 1 << 28;

/// The last moments of the windows, ascending, in nanoseconds since the start; the last one is the end of time.
pub(super) fn boundaries(capture: &Capture<'_>, window_events: usize) -> Vec<u64> {
    let step = if capture.words() > LARGE {
        LARGE_STEP
    } else {
        1
    };
    let mut samples: Vec<u64> = capture
        .threads
        .par_iter()
        .flat_map_iter(|thread| thread.stamps(step))
        .map(|stamp| capture.timeline.ns(stamp))
        .collect();
    samples.par_sort_unstable();
    let mut ends: Vec<u64> = samples
        .chunks((window_events / PAGE_WORDS / step).max(1))
        .skip(1)
        .filter_map(|window| window[0].checked_sub(1))
        .collect();
    ends.dedup();
    ends.push(u64::MAX);
    ends
}
