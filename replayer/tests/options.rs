//! Whatever the options, a replay asks for the same things, frees every block once, and never before it was made.

#[path = "common/checking.rs"]
mod checking;
mod common;

use checking::{CALLS, Checking};
use common::{Request, cases, plan_with, run, sample};
use proptest::prelude::*;
use replayer::engine::Touch;
use replayer::plan::{Order, Pace, PlanOptions};

/// All requests, in any order of threads and of requests.
fn all(requests: &[Vec<Request>]) -> Vec<Request> {
    let mut all: Vec<Request> = requests.iter().flatten().copied().collect();
    all.sort_unstable();
    all
}

proptest! {
    #![proptest_config(cases(64))]

    #[test]
    fn folded_threads_ask_for_the_same(
        seed in any::<u64>(), threads in 1usize..=16, steps in 1usize..1500, workers in 1u32..=5, tiny in any::<bool>(),
    ) {
        let sample = sample(seed, threads, steps);
        let options = PlanOptions {
            threads: Some(workers),
            // A few operations lie in memory at once: many windows.
            memory: tiny.then_some(512),
            ..PlanOptions::default()
        };
        let plan = plan_with(&sample.threads, &options);
        let checking = Checking::begin(0);
        let (outcome, board) = run(&plan, CALLS, Touch::Pages);
        let seen = checking.end();
        prop_assert!(seen.len() <= workers as usize);
        prop_assert_eq!(all(&seen), all(&sample.requests));
        prop_assert_eq!(outcome.tally.mallocs, outcome.tally.frees);
        prop_assert_eq!((outcome.tally.failed, board.live_bytes()), (0, 0));
    }

    /// In windows each thread still does the same in the same order, be they finer or coarser than the beats.
    #[test]
    fn windows_change_nothing(seed in any::<u64>(), threads in 1usize..=16, steps in 1usize..1500, beat in 1u64..600) {
        let sample = sample(seed, threads, steps);
        let options = PlanOptions { memory: Some(1024), beat_events: Some(beat), ..PlanOptions::default() };
        let plan = plan_with(&sample.threads, &options);
        if steps > 400 {
            prop_assert!(plan.facts().counts.windows > 1, "{:?}", plan.facts());
        }
        let checking = Checking::begin(0);
        let (outcome, board) = run(&plan, CALLS, Touch::Ends);
        let mut seen = checking.end();
        let mut asked: Vec<Vec<Request>> = sample.requests.into_iter().filter(|r| !r.is_empty()).collect();
        seen.sort_unstable();
        asked.sort_unstable();
        prop_assert_eq!(&seen, &asked);
        prop_assert_eq!((outcome.tally.failed, board.live_bytes()), (0, 0));
    }

    /// On one thread in the tape's own order, no slot waits for anything.
    #[test]
    fn total_order_is_one_thread_that_never_waits(seed in any::<u64>(), threads in 1usize..=16, steps in 1usize..1500) {
        let sample = sample(seed, threads, steps);
        let options = PlanOptions { order: Order::Total, ..PlanOptions::default() };
        let plan = plan_with(&sample.threads, &options);
        prop_assert_eq!((plan.facts().counts.shared, plan.facts().counts.lanes), (0, 1));
        let checking = Checking::begin(0);
        let (outcome, _) = run(&plan, CALLS, Touch::Ends);
        let seen = checking.end();
        prop_assert!(seen.len() <= 1);
        prop_assert_eq!(all(&seen), all(&sample.requests));
        prop_assert_eq!(outcome.tally.waits.count, 0);
    }

    /// At the recorded pace it takes at least as long as the recording, and asks for the same.
    #[test]
    fn the_recorded_pace_is_kept(seed in any::<u64>(), threads in 1usize..=8, workers in 0u32..4) {
        let mut sample = sample(seed, threads, 100);
        // From nanoseconds to hundreds of microseconds.
        let mut last = 0;
        for event in sample.threads.iter_mut().flatten() {
            event.time_ns *= 100_000;
            last = last.max(event.time_ns);
        }
        let first = sample.threads.iter().flatten().map(|e| e.time_ns).min().unwrap_or(0);
        // What has no operation of its own, as a request that was refused, is not waited for at the end.
        let plan = plan_with(&sample.threads, &PlanOptions {
            pace: Pace::Recorded,
            threads: Some(workers).filter(|&n| n > 0),
            ..PlanOptions::default()
        });
        let with_ops = sample.threads.iter().flatten()
            .filter(|e| e.kind.makes_block() || e.kind.releases().is_some())
            .map(|e| e.time_ns).max().unwrap_or(first);
        let checking = Checking::begin(0);
        let (outcome, _) = run(&plan, CALLS, Touch::Ends);
        prop_assert_eq!(all(&checking.end()), all(&sample.requests));
        prop_assert!(outcome.elapsed_ns >= with_ops - first, "{} < {}", outcome.elapsed_ns, with_ops - first);
        prop_assert!(last >= with_ops);
    }

    /// Refused requests hang nobody, folded or not.
    #[test]
    fn refused_requests_hang_no_worker(seed in any::<u64>(), threads in 1usize..=16, steps in 1usize..800) {
        let sample = sample(seed, threads, steps);
        let plan = plan_with(&sample.threads, &PlanOptions { threads: Some(3), ..PlanOptions::default() });
        let checking = Checking::begin(3);
        let (outcome, board) = run(&plan, CALLS, Touch::Pages);
        checking.end();
        prop_assert_eq!(board.live_bytes(), 0);
        prop_assert!(outcome.tally.failed > 0 || steps < 100);
    }
}
