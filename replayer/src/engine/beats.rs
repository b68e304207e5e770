//! Beats: what holds the threads together.
//!
//! Locks, queues and barriers of the recorded program are not on its tape. Without them a replayed thread that gets a core first may be
//! through before the next one begins, and what was alive at once in the recording never is. So the tape's time is cut into beats, and
//! a thread begins its part of a beat only when all parts of the beats that lie more than a few before are done.
//!
//! Nobody waits for ever: of all operations that are not done, the earliest waits for none of its beat's or a later one, and its
//! thread has been started, as whatever the coordinator waits for at that moment would be an earlier operation.

use std::sync::atomic::{AtomicU32, Ordering};

use super::clock::now_ns;
use super::futex;
use super::lane::Waits;
use crate::plan::PlanView;

/// Nobody waits, and nobody may go.
const SHUT: u32 = 0;
/// Somebody sleeps.
const AWAITED: u32 = 1;
/// All may go.
const OPEN: u32 = 2;

/// So many parts that can be run at the same time are enough to keep a core busy while threads fall asleep and wake.
const PARTS_A_CORE: u64 = 4;

/// The threads may be so many beats apart at least.
const LEAST_LEAD: u64 = 2;

/// The beats of a run.
#[derive(Debug)]
pub(super) struct Beats {
    /// For each beat, how many of its parts are not done.
    left: Vec<AtomicU32>,
    /// For each beat, whether its parts may begin.
    open: Vec<AtomicU32>,
    /// The earliest beat that is not done.
    front: AtomicU32,
    /// A beat may begin when those that lie more than so many before are done.
    lead: usize,
}

impl Beats {
    /// The beats of a plan, for a machine with so many cores.
    pub fn new(view: &PlanView, cores: usize) -> Beats {
        let count = view.counts().beats as usize;
        let mut left = vec![0; count];
        for part in view.parts() {
            left[part.beat as usize] += 1;
        }
        let mean = (view.counts().parts / count as u64).max(1);
        let lead = (PARTS_A_CORE * cores as u64).div_ceil(mean).max(LEAST_LEAD);
        Beats::of(left, lead as usize)
    }

    fn of(left: Vec<u32>, lead: usize) -> Beats {
        let open = (0..left.len())
            .map(|beat| AtomicU32::new(if beat <= lead { OPEN } else { SHUT }))
            .collect();
        let beats = Beats {
            left: left.into_iter().map(AtomicU32::new).collect(),
            open,
            front: AtomicU32::new(0),
            lead,
        };
        // The first ones may have no parts.
        beats.advance();
        beats
    }

    /// Waits until the parts of the beat may begin. Adds what that took to `waits`.
    #[inline]
    pub fn wait(&self, beat: u64, waits: &mut Waits) {
        let open = &self.open[beat as usize];
        if open.load(Ordering::Acquire) != OPEN {
            let began = now_ns();
            waits.of_the_kernel(|| sleep(open));
            waits.beats_ns += now_ns() - began;
        }
    }

    /// A part of the beat is done.
    #[inline]
    pub fn done(&self, beat: u64) {
        // Sequentially consistent, as in `advance`: of two threads that end two beats at once, one sees that both are over.
        if self.left[beat as usize].fetch_sub(1, Ordering::SeqCst) == 1 {
            self.advance();
        }
    }

    /// Moves the front over all beats that are done.
    fn advance(&self) {
        loop {
            let front = self.front.load(Ordering::SeqCst);
            let Some(left) = self.left.get(front as usize) else {
                return;
            };
            if left.load(Ordering::SeqCst) != 0 {
                return;
            }
            let moved =
                self.front
                    .compare_exchange(front, front + 1, Ordering::SeqCst, Ordering::SeqCst);
            if moved.is_ok()
                && let Some(open) = self.open.get(front as usize + 1 + self.lead)
                && open.swap(OPEN, Ordering::AcqRel) == AWAITED
            {
                futex::wake(open.as_ptr(), i32::MAX);
            }
        }
    }
}

#[cold]
fn sleep(open: &AtomicU32) {
    while open.load(Ordering::Acquire) != OPEN {
        // Fails if somebody sleeps already, or if it is open by now.
        let _ = open.compare_exchange(SHUT, AWAITED, Ordering::AcqRel, Ordering::Acquire);
        // SAFETY: the atomic lives through the call.
        unsafe { futex::sleep(open.as_ptr(), AWAITED) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Threads with parts in most beats: all come to their end, and none begins a beat while one is left that lies further back than
    /// the lead.
    #[test]
    fn nobody_gets_far_ahead_and_nobody_waits_for_ever() {
        const BEATS: usize = 300;
        const THREADS: usize = 8;
        let takes_part = |thread: usize, beat: usize| {
            beat % 50 != 3 && (beat.is_multiple_of(97) || thread % 3 != beat % 7)
        };
        let parts = |beat| (0..THREADS).filter(|&t| takes_part(t, beat)).count() as u32;
        for lead in [1, 2, 5] {
            let beats = Beats::of((0..BEATS).map(parts).collect(), lead);
            // Counted before the beats are told, so never more than they know of.
            let left: Vec<AtomicU32> = (0..BEATS).map(|b| AtomicU32::new(parts(b))).collect();
            std::thread::scope(|scope| {
                for thread in 0..THREADS {
                    let (beats, left, takes_part) = (&beats, &left, &takes_part);
                    scope.spawn(move || {
                        for beat in (0..BEATS).filter(|&beat| takes_part(thread, beat)) {
                            beats.wait(beat as u64, &mut Waits::default());
                            let behind = &left[..beat.saturating_sub(lead)];
                            let over = behind.iter().all(|l| l.load(Ordering::SeqCst) == 0);
                            left[beat].fetch_sub(1, Ordering::SeqCst);
                            beats.done(beat as u64);
                            assert!(over, "thread {thread} began beat {beat} too early");
                        }
                    });
                }
            });
            assert_eq!(beats.front.load(Ordering::SeqCst) as usize, BEATS);
        }
    }
}
