//! What happens to addresses in a window: sorted by address into lanes, and each lane read in the order of time.

use super::address::lane_of;
use super::touch::Touch;
use std::cmp::Reverse;

/// Lanes, as a power of two: enough that all cores are busy, few enough that each has a good stretch of work.
const LANE_BITS: u32 = 5;

/// Lanes of a board.
pub(super) const LANES: usize = 1 << LANE_BITS;

/// What some threads do in a window.
#[derive(Debug)]
pub(super) struct Board {
    lanes: Vec<Lane>,
}

/// Touches of some addresses: thread by thread, those of a thread in the order of time.
#[derive(Default, Debug)]
struct Lane {
    touches: Vec<Touch>,
    /// Where each thread's touches end, if it has some.
    ends: Vec<usize>,
}

impl Board {
    /// Empty.
    pub fn new() -> Board {
        Board {
            lanes: (0..LANES).map(|_| Lane::default()).collect(),
        }
    }

    /// Empties it, and keeps its memory.
    pub fn clear(&mut self) {
        for lane in &mut self.lanes {
            lane.touches.clear();
            lane.ends.clear();
        }
    }

    /// Adds a touch of the thread whose turn it is; its touches come in the order of time.
    #[inline(always)]
    pub fn push(&mut self, touch: Touch) {
        self.lanes[lane_of(touch.address, LANE_BITS)]
            .touches
            .push(touch);
    }

    /// The thread's turn is over.
    pub fn end_thread(&mut self) {
        for lane in &mut self.lanes {
            let end = lane.touches.len();
            if end > lane.ends.last().copied().unwrap_or(0) {
                lane.ends.push(end);
            }
        }
    }

    fn runs(&self, lane: usize) -> impl Iterator<Item = &[Touch]> {
        let Lane { touches, ends } = &self.lanes[lane];
        let starts = std::iter::once(0).chain(ends.iter().copied());
        starts.zip(ends).map(|(from, &to)| &touches[from..to])
    }
}

/// Visits one lane of all boards in the order of time; at one time, in the order of threads. `visit` is told some touches of
/// one thread at a time.
///
/// Threads that run at the same time take turns every few touches, others after long stretches: so the one whose turn it
/// is goes on until it passes the next one's time, and there is nothing to sort.
#[inline(always)]
pub(super) fn in_order(boards: &[&Board], lane: usize, mut visit: impl FnMut(&[Touch])) {
    let runs = boards.iter().flat_map(|board| board.runs(lane));
    // By time of the first touch, the soonest last: who has just passed another is mostly soon next again.
    let mut waiting: Vec<(u64, u32, &[Touch])> = runs
        .filter_map(|run| run.first().map(|touch| (touch.time_ns, touch.thread, run)))
        .collect();
    waiting.sort_unstable_by_key(|&(time_ns, thread, _)| Reverse((time_ns, thread)));
    while let Some((_, thread, run)) = waiting.pop() {
        // Times that are still its turn are below this.
        let limit = match waiting.last() {
            Some(&(time_ns, other, _)) => time_ns.saturating_add(u64::from(thread < other)),
            None => u64::MAX,
        };
        let more = run.iter().skip(1).take_while(|next| next.time_ns < limit);
        let (turn, rest) = run.split_at(run.len().min(1 + more.count()));
        visit(turn);
        if let Some(touch) = rest.first() {
            let place = (touch.time_ns, thread);
            let behind = waiting
                .iter()
                .rposition(|&(time_ns, other, _)| (time_ns, other) > place)
                .map_or(0, |at| at + 1);
            waiting.insert(behind, (touch.time_ns, thread, rest));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// As a stable sort of everything by time.
        #[test]
        fn lanes_are_in_the_order_of_time(
            threads in prop::collection::vec(prop::collection::vec((0u64..40, 0u64..200), 0..30), 0..8),
        ) {
            let mut boards = [Board::new(), Board::new(), Board::new(), Board::new()];
            let mut plain: Vec<Touch> = Vec::new();
            for (number, thread) in threads.iter().enumerate() {
                let mut time_ns = 0;
                for (at, (pause, address)) in thread.iter().enumerate() {
                    time_ns += pause;
                    let touch = Touch::release(*address * 16, time_ns, number as u32, at as u32);
                    boards[number % 4].push(touch);
                    plain.push(touch);
                }
                boards[number % 4].end_thread();
            }
            plain.sort_by_key(|touch| touch.time_ns);
            for lane in 0..LANES {
                let wanted: Vec<Touch> = plain.iter().copied().filter(|t| lane_of(t.address, LANE_BITS) == lane).collect();
                let mut seen = Vec::new();
                in_order(&boards.iter().collect::<Vec<_>>(), lane, |some| seen.extend_from_slice(some));
                prop_assert_eq!(seen, wanted);
            }
        }
    }
}
