//! What is written is read, in each thread's order and in one causal order of all.

mod common;

use common::{events_of, header, run, steps, write};
use proptest::prelude::*;
use std::collections::HashSet;
use trace_format::{
    BlockId, Ending, Event, EventKind, LiveTotals, MAX_CHUNK_EVENTS, Tape, TapeError, TapeWriter,
    totals_of, verify,
};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn events_come_back(steps in steps(400), threads in 1u8..6, chunk in 1usize..90, plain in 1usize..4) {
        let events = run(&steps, threads);
        let bytes = write(&events, chunk, plain);
        let report = verify(&bytes);
        prop_assert!(report.sound, "{}", report);
        let tape = Tape::open(bytes).unwrap();
        prop_assert_eq!(tape.header(), &header());
        prop_assert_eq!(tape.ending(), &Ending::Complete);
        prop_assert_eq!(&events_of(&tape), &events);
        prop_assert_eq!(totals_of(&tape, |_, _| {}).unwrap(), *tape.totals());
        for (thread, info) in tape.threads().iter().enumerate() {
            prop_assert_eq!(info.events, events[thread].len() as u64);
            prop_assert_eq!(info.os_tid, 1000 + thread as u64);
            for event in 0..info.events {
                let chunk = tape.chunk_with_event(thread as u32, event).unwrap();
                let first = tape.chunks()[chunk].first_event;
                let wanted = events[thread][event as usize];
                prop_assert_eq!(tape.decode(chunk).unwrap().events[(event - first) as usize], wanted);
                let by_time = tape.chunk_at_time(thread as u32, wanted.time_ns).unwrap();
                prop_assert!(by_time <= chunk);
            }
            prop_assert_eq!(tape.chunk_with_event(thread as u32, info.events), None);
        }
    }

    #[test]
    fn the_merged_order_is_causal(
        steps in steps(400),
        threads in 1u8..6,
        chunk in 1usize..90,
        most in 1usize..60,
    ) {
        let events = run(&steps, threads);
        let tape = Tape::open(write(&events, chunk, 2)).unwrap();
        // Event by event, or many at a time: the same.
        let (mut merged, mut visited) = (tape.merged(), Vec::new());
        let mut visit = |event| {
            visited.push(event);
            Ok::<(), TapeError>(())
        };
        while merged.visit(most, &mut visit).unwrap() == most {}
        let one_by_one: Vec<_> = tape.merged().map(|merged| merged.unwrap()).collect();
        prop_assert_eq!(visited, one_by_one);
        let mut next = vec![0; events.len()];
        let mut live = HashSet::new();
        let mut time_ns = 0;
        for merged in tape.merged() {
            let merged = merged.unwrap();
            let thread = merged.thread as usize;
            prop_assert_eq!(merged.event, events[thread][next[thread]]);
            next[thread] += 1;
            prop_assert!(merged.event.time_ns >= time_ns);
            time_ns = merged.event.time_ns;
            if let Some(block) = merged.event.kind.releases() {
                prop_assert!(live.remove(&block), "{:?} was not made before", block);
            }
            prop_assert_eq!(merged.made.is_some(), merged.event.kind.makes_block());
            if let Some(block) = merged.made {
                prop_assert!(live.insert(block));
            }
        }
        prop_assert_eq!(next, events.iter().map(Vec::len).collect::<Vec<_>>());
    }

    #[test]
    fn a_scan_finds_what_a_footer_would_have_told(steps in steps(300), threads in 1u8..5, chunk in 1usize..60) {
        let events = run(&steps, threads);
        let bytes = write(&events, chunk, 3);
        let (scanned, damages) = Tape::scan(bytes.clone()).unwrap();
        prop_assert_eq!(damages, vec![]);
        let tape = Tape::open(bytes).unwrap();
        prop_assert_eq!(scanned.totals(), tape.totals());
        prop_assert_eq!(scanned.threads(), tape.threads());
        prop_assert_eq!(scanned.marks(), tape.marks());
        prop_assert_eq!(scanned.chunks(), tape.chunks());
        prop_assert_eq!(scanned.ending(), tape.ending());
    }
}

fn at(time_ns: u64, kind: EventKind) -> Event {
    Event { time_ns, kind }
}

fn tape_of(threads: &[&[Event]]) -> Tape<Vec<u8>> {
    let mut writer = TapeWriter::new(Vec::new(), &header()).unwrap();
    for (thread, events) in threads.iter().enumerate() {
        writer.write_chunk(thread as u32, events).unwrap();
    }
    Tape::open(
        writer
            .finish(Ending::Complete, LiveTotals::default())
            .unwrap(),
    )
    .unwrap()
}

const fn block(thread: u32, index: u64) -> BlockId {
    BlockId { thread, index }
}

#[test]
fn at_one_time_a_block_is_made_before_it_is_freed() {
    // Thread 0 comes first at equal times, but frees what thread 2 makes, which waits for thread 1.
    let tape = tape_of(&[
        &[
            at(5, EventKind::Free { block: block(2, 0) }),
            at(5, EventKind::ThreadEnd),
        ],
        &[at(5, EventKind::Malloc { size: 1 })],
        &[
            at(
                5,
                EventKind::Realloc {
                    old: block(1, 0),
                    size: 2,
                },
            ),
            at(6, EventKind::FreeUnknown),
        ],
    ]);
    let order: Vec<_> = tape.merged().map(|merged| merged.unwrap().thread).collect();
    assert_eq!(order, [1, 2, 0, 0, 2]);
}

#[test]
fn a_block_that_is_freed_before_it_is_made_is_an_error() {
    let tape = tape_of(&[
        &[at(5, EventKind::Free { block: block(1, 0) })],
        &[at(6, EventKind::Malloc { size: 1 })],
    ]);
    let last = tape.merged().last().unwrap();
    let Err(
        error @ TapeError::NotCausal {
            thread: 0,
            time_ns: 5,
            ..
        },
    ) = last
    else {
        panic!("{last:?}")
    };
    assert!(error.to_string().contains("block 0 of thread 1"), "{error}");
    let visited = tape.merged().visit(9, |_| Ok::<(), TapeError>(()));
    assert!(matches!(visited, Err(TapeError::NotCausal { .. })));
    // Who listens may end it, and go on behind what it was shown.
    let four = tape_of(&[&[at(1, EventKind::Malloc { size: 1 }); 4]]);
    let (mut merged, mut shown) = (four.merged(), 0);
    let ended = merged.visit(9, |_| {
        shown += 1;
        match shown {
            3 => Err(TapeError::NoSuchChunk {
                chunk: 7,
                chunks: 7,
            }),
            _ => Ok(()),
        }
    });
    assert!(matches!(ended, Err(TapeError::NoSuchChunk { .. })));
    assert_eq!(merged.visit(9, |_| Ok::<(), TapeError>(())).unwrap(), 1);
    assert!(totals_of(&tape, |_, _| {}).is_err());

    // Two threads that wait for each other at one time.
    let tape = tape_of(&[
        &[
            at(5, EventKind::Free { block: block(1, 0) }),
            at(5, EventKind::Malloc { size: 1 }),
        ],
        &[
            at(5, EventKind::Free { block: block(0, 0) }),
            at(5, EventKind::Malloc { size: 1 }),
        ],
    ]);
    assert!(
        tape.merged()
            .any(|merged| matches!(merged, Err(TapeError::NotCausal { .. })))
    );

    // A thread that is alone, and goes on to later events.
    let tape = tape_of(&[
        &[
            at(5, EventKind::Free { block: block(1, 9) }),
            at(9, EventKind::FreeUnknown),
        ],
        &[at(1, EventKind::Malloc { size: 1 })],
    ]);
    assert!(
        tape.merged()
            .any(|merged| matches!(merged, Err(TapeError::NotCausal { .. })))
    );
}

#[test]
fn a_block_that_is_freed_twice_is_an_error_of_the_totals() {
    let free = at(5, EventKind::Free { block: block(0, 0) });
    let tape = tape_of(&[&[at(1, EventKind::Malloc { size: 1 }), free, free]]);
    assert!(matches!(
        totals_of(&tape, |_, _| {}),
        Err(TapeError::NotCausal { .. })
    ));
}

#[test]
fn an_empty_tape_is_sound() {
    let tape = tape_of(&[]);
    assert!(verify(tape.source()).sound);
    assert_eq!(tape.merged().count(), 0);
    assert!(matches!(
        tape.decode(0),
        Err(TapeError::NoSuchChunk {
            chunk: 0,
            chunks: 0
        })
    ));
}

#[test]
fn a_full_chunk_and_many_of_one_thread() {
    let events: Vec<_> = (0..3 * u64::from(MAX_CHUNK_EVENTS) + 7)
        .map(|at| Event {
            time_ns: at * 40,
            kind: if at % 2 == 0 {
                EventKind::Malloc { size: at % 5000 }
            } else {
                EventKind::Free {
                    block: block(0, at / 2),
                }
            },
        })
        .collect();
    let bytes = write(std::slice::from_ref(&events), MAX_CHUNK_EVENTS as usize, 2);
    assert!(verify(&bytes).sound);
    let tape = Tape::open(bytes).unwrap();
    assert_eq!(tape.chunks().len(), 4);
    assert_eq!(events_of(&tape), [events]);
}
