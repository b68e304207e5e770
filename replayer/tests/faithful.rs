//! The replay does what the tape says: each thread asks for the same things in the same order, every block is freed once, by the
//! right thread, and nobody waits for ever.

#[path = "common/checking.rs"]
mod checking;
mod common;

use checking::{CALLS, Checking};
use common::{Request, cases, plan_of, plan_with, run, sample};
use proptest::prelude::*;
use replayer::engine::Touch;
use replayer::plan::PlanOptions;
use trace_format::{BlockId, Event, EventKind};

proptest! {
    #![proptest_config(cases(96))]

    #[test]
    fn random_programs_are_replayed_request_by_request(
        seed in any::<u64>(), threads in 1usize..=16, steps in 1usize..1500, touch in 0usize..4, beat in 1u64..300,
    ) {
        let sample = sample(seed, threads, steps);
        let plan = plan_with(&sample.threads, &PlanOptions { beat_events: Some(beat), ..PlanOptions::default() });
        // Refused requests and frees of unknown blocks take time on the tape and are no operations.
        prop_assert!(plan.facts().counts.beats >= steps as u64 / beat / 2, "{:?}", plan.facts());
        let touch = [Touch::None, Touch::Ends, Touch::Pages, Touch::All][touch];
        let checking = Checking::begin(0);
        let (outcome, board) = run(&plan, CALLS, touch);
        let mut seen = checking.end();
        let mut asked: Vec<Vec<Request>> = sample.requests.into_iter().filter(|r| !r.is_empty()).collect();
        seen.sort_unstable();
        asked.sort_unstable();
        prop_assert_eq!(&seen, &asked);

        let count = |which: fn(&Request) -> bool| asked.iter().flatten().filter(|r| which(r)).count() as u64;
        let tally = outcome.tally;
        prop_assert_eq!(tally.mallocs, count(|r| matches!(r, Request::Malloc(_) | Request::Calloc(_) | Request::Aligned(_))));
        prop_assert_eq!(tally.frees, tally.mallocs);
        prop_assert_eq!(tally.reallocs, count(|r| matches!(r, Request::Realloc(..))));
        prop_assert_eq!(tally.failed, 0);
        prop_assert_eq!(board.live_bytes(), 0);
        prop_assert!(plan.facts().counts.ops as usize <= asked.iter().flatten().count() * 2);
    }

    /// Refused requests are counted, and nobody waits for a block that never comes.
    #[test]
    fn refused_requests_hang_nobody(
        seed in any::<u64>(), threads in 1usize..=16, steps in 1usize..800, beat in 1u64..300,
    ) {
        let sample = sample(seed, threads, steps);
        let plan = plan_with(&sample.threads, &PlanOptions { beat_events: Some(beat), ..PlanOptions::default() });
        let refused = sample.requests.iter().flatten().filter(|r| match r {
            Request::Malloc(size) | Request::Calloc(size) | Request::Aligned(size) | Request::Realloc(_, size) => size % 3 == 0,
            Request::Free(_) => false,
        }).count() as u64;
        let checking = Checking::begin(3);
        let (outcome, board) = run(&plan, CALLS, Touch::Pages);
        checking.end();
        prop_assert_eq!(outcome.tally.failed, refused);
        prop_assert_eq!(board.live_bytes(), 0);
    }
}

/// A tape that is long enough to be cut into beats as tapes of programs are: 16 threads, blocks that cross them, more than ten beats.
#[test]
fn a_long_tape_is_replayed_beat_by_beat() {
    for seed in [1, 2] {
        let sample = sample(seed, 16, 60_000);
        let plan = plan_of(&sample.threads);
        let counts = plan.facts().counts;
        assert!(counts.beats > 10 && counts.shared > 5_000, "{counts:?}");
        let checking = Checking::begin(0);
        let (outcome, board) = run(&plan, CALLS, Touch::Ends);
        let mut seen = checking.end();
        let mut asked = sample.requests;
        seen.sort_unstable();
        asked.retain(|requests| !requests.is_empty());
        asked.sort_unstable();
        // Not shown whole: there are too many.
        assert!(seen == asked);
        assert_eq!(outcome.tally.mallocs, outcome.tally.frees);
        assert_eq!((outcome.tally.failed, board.live_bytes()), (0, 0));
    }
}

/// 512 threads in a ring, each freeing what its neighbour made: many more edges than cores, no deadlock.
#[test]
fn many_threads_and_edges() {
    const THREADS: usize = 512;
    const ROUNDS: u64 = 200;
    let mut threads = vec![Vec::new(); THREADS];
    let mut ns = 0;
    for index in 0..ROUNDS {
        for (thread, events) in threads.iter_mut().enumerate() {
            ns += 1;
            events.push(Event {
                time_ns: ns,
                kind: EventKind::Malloc {
                    size: 1 + thread as u64,
                },
            });
        }
        for (thread, events) in threads.iter_mut().enumerate() {
            ns += 1;
            let block = BlockId {
                thread: ((thread + 1) % THREADS) as u32,
                index,
            };
            events.push(Event {
                time_ns: ns,
                kind: EventKind::Free { block },
            });
        }
    }
    let plan = plan_of(&threads);
    assert_eq!(plan.facts().counts.shared, THREADS as u64 * ROUNDS);
    assert!(
        plan.facts().bytes <= 24 * plan.facts().counts.ops,
        "{:?}",
        plan.facts()
    );
    let checking = Checking::begin(0);
    let (outcome, _) = run(&plan, CALLS, Touch::Ends);
    let seen = checking.end();
    assert_eq!(outcome.tally.frees, THREADS as u64 * ROUNDS);
    assert_eq!(seen.len(), THREADS);
    for requests in seen {
        // Every thread frees the blocks of one neighbour only: those of one size.
        let Some(Request::Malloc(own)) = requests.first().copied() else {
            panic!("{requests:?}")
        };
        let next = own % THREADS + 1;
        assert!(
            requests
                .chunks(2)
                .all(|pair| pair == [Request::Malloc(own), Request::Free(next)])
        );
    }
}

/// Sizes beyond the field of an operation, and blocks of no bytes.
#[test]
fn sizes_at_the_edges_of_the_encoding() {
    let sizes = [0, 1, (1 << 27) - 1, 1 << 27, (1 << 27) + 1];
    let mut events = Vec::new();
    for (index, size) in sizes.into_iter().enumerate() {
        let block = BlockId {
            thread: 0,
            index: index as u64,
        };
        events.push(Event {
            time_ns: 1,
            kind: EventKind::Malloc { size },
        });
        events.push(Event {
            time_ns: 1,
            kind: EventKind::Free { block },
        });
    }
    let checking = Checking::begin(0);
    let (outcome, board) = run(&plan_of(&[events]), CALLS, Touch::Ends);
    let seen = checking.end();
    let asked: Vec<Request> = sizes
        .iter()
        .flat_map(|&s| [Request::Malloc(s as usize), Request::Free(s as usize)])
        .collect();
    assert_eq!(seen, [asked]);
    assert_eq!((outcome.tally.failed, board.live_bytes()), (0, 0));
}

/// A tape without events is replayed, to nothing.
#[test]
fn an_empty_tape() {
    let checking = Checking::begin(0);
    let (outcome, _) = run(&plan_of(&[]), CALLS, Touch::Pages);
    assert!(checking.end().is_empty());
    assert_eq!(outcome.tally.mallocs, 0);
    assert!(outcome.latencies.malloc.is_none());
}
