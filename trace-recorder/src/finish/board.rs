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

/// Touches that a visitor is told at a time, at most.
const TOLD: usize = 32;

/// Touches on their way to the visitor.
struct Telling<'b, V: FnMut(&[&'b Touch])> {
    some: [&'b Touch; TOLD],
    len: usize,
    visit: V,
}

impl<'b, V: FnMut(&[&'b Touch])> Telling<'b, V> {
    #[inline(always)]
    fn push(&mut self, touch: &'b Touch) {
        self.some[self.len % TOLD] = touch;
        self.len += 1;
        if self.len == TOLD {
            self.tell();
        }
    }

    #[inline(always)]
    fn tell(&mut self) {
        (self.visit)(&self.some[..self.len]);
        self.len = 0;
    }
}

/// A thread's touches that were not told yet, at least one, and when the first of them is.
#[derive(Copy, Clone)]
struct Run<'b> {
    time_ns: u64,
    thread: u32,
    touches: &'b [Touch],
}

impl<'b> Run<'b> {
    fn of(touches: &'b [Touch]) -> Option<Run<'b>> {
        touches.first().map(|first| Run {
            time_ns: first.time_ns,
            thread: first.thread,
            touches,
        })
    }

    #[inline(always)]
    fn place(&self) -> (u64, u32) {
        (self.time_ns, self.thread)
    }
}

/// Visits one lane of all boards in the order of time; at one time, in the order of threads. `visit` is told some touches at
/// a time, so that it can look ahead.
///
/// Threads that run at the same time take turns every few touches, others after long stretches: so the one whose turn it
/// is goes on until it passes the next one's time, and there is nothing to sort. The next one stands apart from those that
/// wait: as a rule the two of them take turns many times before a third has one.
#[inline(always)]
pub(super) fn in_order<'b>(boards: &[&'b Board], lane: usize, visit: impl FnMut(&[&'b Touch])) {
    let runs = boards.iter().flat_map(|board| board.runs(lane));
    // By time of the first touch, the soonest last: who has just passed another is mostly soon next again.
    let mut waiting: Vec<Run> = runs.filter_map(Run::of).collect();
    waiting.sort_unstable_by_key(|run| Reverse(run.place()));
    let Some(mut current) = waiting.pop() else {
        return;
    };
    let mut telling = Telling {
        some: [&current.touches[0]; TOLD],
        len: 0,
        visit,
    };
    let mut next = waiting.pop();
    loop {
        // Times that are still its turn are below this.
        let limit = match next {
            Some(next) => next
                .time_ns
                .saturating_add(u64::from(current.thread < next.thread)),
            None => u64::MAX,
        };
        let mut touches = current.touches;
        while let [first, rest @ ..] = touches
            && (first.time_ns < limit || next.is_none())
        {
            telling.push(first);
            touches = rest;
        }
        let Some(soon) = next else { break };
        match Run::of(touches) {
            // Mostly the two have turns again before anybody else has one.
            Some(passed)
                if waiting
                    .last()
                    .is_none_or(|third| passed.place() < third.place()) =>
            {
                next = Some(passed);
            }
            Some(passed) => {
                let behind = waiting
                    .iter()
                    .rposition(|run| run.place() > passed.place())
                    .map_or(0, |at| at + 1);
                waiting.insert(behind, passed);
                next = waiting.pop();
            }
            None => next = waiting.pop(),
        }
        current = soon;
    }
    telling.tell();
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
                in_order(&boards.iter().collect::<Vec<_>>(), lane, |some| seen.extend(some.iter().copied().copied()));
                prop_assert_eq!(seen, wanted);
            }
        }
    }
}
