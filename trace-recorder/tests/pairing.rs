//! From captures with known truth to tapes: which block each release meant, and that time never contradicts it.

use proptest::prelude::*;
use std::collections::HashMap;
use trace_capture::layout::Page;
use trace_format::{BlockId, Event, EventKind, Header, Tape, TapeWriter, totals_of, verify};
use trace_recorder::finish::{Finished, Settings, finish};
use trace_recorder::runtime::capture::pages_of;
use trace_recorder::runtime::raw::{Op, Raw};
use trace_recorder::runtime::{Capture, CapturedThread};

const THREADS: usize = 5;

/// A history that a real program could have: what each thread did, and what the tape must say of it.
#[derive(Default, Debug)]
struct History {
    raw: Vec<Vec<Raw>>,
    truth: Vec<Vec<EventKind>>,
}

/// One step: who, what, which of the live blocks, bytes, nanoseconds until the next step.
type Step = (usize, u8, prop::sample::Index, u64, u64);

fn steps(most: usize, least_pause: u64) -> impl Strategy<Value = Vec<Step>> {
    prop::collection::vec(
        (
            0..THREADS,
            0u8..10,
            any::<prop::sample::Index>(),
            1u64..1000,
            least_pause..200,
        ),
        0..most,
    )
}

/// Plays the steps against an allocator that gives out the address freed last.
fn play(steps: &[Step]) -> History {
    let mut history = History {
        raw: vec![Vec::new(); THREADS],
        truth: vec![Vec::new(); THREADS],
    };
    let mut free: Vec<u64> = (1..20_000u64).rev().map(|n| n * 16).collect();
    let mut live: Vec<(u64, BlockId)> = Vec::new();
    let mut made = [0u64; THREADS];
    let mut clock = 1000;
    let raw = |op, address, size, stamp| Raw {
        op,
        align_log2: 0,
        size,
        address,
        stamp,
    };
    for (thread, what, which, size, pause) in steps {
        clock += pause;
        let thread = *thread;
        let (out, truth) = (&mut history.raw[thread], &mut history.truth[thread]);
        let mut make = |address, live: &mut Vec<(u64, BlockId)>| {
            live.push((
                address,
                BlockId {
                    thread: thread as u32,
                    index: made[thread],
                },
            ));
            made[thread] += 1;
        };
        match what {
            0..4 => {
                let address = free.pop().unwrap();
                make(address, &mut live);
                out.push(raw(Op::Malloc, address, *size, clock));
                truth.push(EventKind::Malloc { size: *size });
            }
            4..8 if !live.is_empty() => {
                let (address, block) = live.swap_remove(which.index(live.len()));
                free.push(address);
                out.push(raw(Op::Free, address, 0, clock));
                truth.push(EventKind::Free { block });
            }
            8 if !live.is_empty() => {
                let (address, old) = live.swap_remove(which.index(live.len()));
                let moved = if size % 2 == 0 {
                    address
                } else {
                    free.pop().unwrap()
                };
                make(moved, &mut live);
                if moved != address {
                    free.push(address);
                }
                out.push(raw(Op::ReallocOld, address, 0, clock));
                clock += pause;
                out.push(raw(Op::ReallocNew, moved, *size, clock));
                truth.push(EventKind::Realloc { old, size: *size });
            }
            _ => {
                // A block from before the recording, at an address that no block of the recording ever has.
                out.push(raw(Op::Free, 1 << 40 | size, 0, clock));
                truth.push(EventKind::FreeUnknown);
            }
        }
    }
    history
}

/// Makes a tape, in small windows and chunks.
fn tape_of(raw: &[Vec<Raw>], settings: &Settings) -> (Tape<Vec<u8>>, Finished) {
    let pages: Vec<Vec<Page>> = raw.iter().map(|events| pages_of(events, 64)).collect();
    let threads = pages
        .iter()
        .enumerate()
        .map(|(n, pages)| CapturedThread::new(n as u64 + 1, format!("thread {n}"), pages));
    let capture = Capture::from_threads(threads.collect(), 500);
    let header = Header {
        recorder: "test".into(),
        name: "history".into(),
        command: vec![],
        pid: 0,
        started_unix_ns: 0,
        clock: trace_format::Clock::Monotonic,
        page_size: 4096,
        pointer_width: 64,
        notes: vec![],
    };
    let mut writer = TapeWriter::new(Vec::new(), &header).unwrap();
    let finished = finish(&capture, &mut writer, settings, &|_, _, _| ()).unwrap();
    let bytes = writer
        .finish(trace_format::Ending::Complete, finished.live)
        .unwrap();
    let report = verify(&bytes);
    assert!(report.sound, "{report}");
    (Tape::open(bytes).unwrap(), finished)
}

fn events(tape: &Tape<Vec<u8>>, thread: usize) -> Vec<Event> {
    if thread >= tape.threads().len() {
        return Vec::new();
    }
    tape.chunks_of(thread as u32)
        .iter()
        .flat_map(|&chunk| tape.decode(chunk).unwrap().events)
        .collect()
}

/// Times never descend, no release comes before its making, no block is released twice, and the totals are those of the
/// merged order.
fn assert_causal(tape: &Tape<Vec<u8>>) {
    let mut made: HashMap<BlockId, u64> = HashMap::new();
    let all: Vec<Vec<Event>> = (0..tape.threads().len()).map(|t| events(tape, t)).collect();
    for (thread, events) in all.iter().enumerate() {
        assert!(events.is_sorted_by_key(|e| e.time_ns));
        for (index, event) in events.iter().filter(|e| e.kind.makes_block()).enumerate() {
            made.insert(
                BlockId {
                    thread: thread as u32,
                    index: index as u64,
                },
                event.time_ns,
            );
        }
    }
    for (thread, events) in all.iter().enumerate() {
        for event in events {
            if let Some(block) = event.kind.releases() {
                let made_ns = made.remove(&block).expect("made, and released once");
                assert!(
                    made_ns < event.time_ns
                        || (made_ns == event.time_ns && block.thread == thread as u32)
                );
            }
        }
    }
    assert_eq!(totals_of(tape, |_, _| ()).unwrap(), *tape.totals());
}

fn narrow(window_events: usize) -> Settings {
    Settings {
        window_events,
        waiting_events: 100,
        ..Settings::default()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// With stamps in order, every release is paired to its true block, whatever the windows.
    #[test]
    fn in_order_captures_give_the_truth(steps in steps(600, 1), window in prop::sample::select(vec![64usize, 128, 1 << 20])) {
        let history = play(&steps);
        let (tape, finished) = tape_of(&history.raw, &narrow(window));
        for (thread, truth) in history.truth.iter().enumerate() {
            let kinds: Vec<EventKind> = events(&tape, thread).iter().map(|e| e.kind).collect();
            prop_assert_eq!(&kinds, truth);
        }
        prop_assert_eq!(finished.repairs.lost_releases, 0);
        prop_assert_eq!(finished.repairs.raised, 0);
        assert_causal(&tape);
    }

    /// With stamps that are wrong by up to 40 ns between threads, and addresses used again at once: no event is lost or
    /// invented, and what the tape says is possible.
    #[test]
    fn out_of_order_captures_give_a_causal_tape(
        steps in steps(400, 1),
        skews in prop::array::uniform5(0u64..40),
        window in prop::sample::select(vec![64usize, 1 << 20]),
    ) {
        let mut history = play(&steps);
        for (raw, skew) in history.raw.iter_mut().zip(skews) {
            raw.iter_mut().for_each(|r| r.stamp += skew);
        }
        let settings = Settings { skew_ns: 40, ..narrow(window) };
        let (tape, _) = tape_of(&history.raw, &settings);
        for (thread, truth) in history.truth.iter().enumerate() {
            let events = events(&tape, thread);
            prop_assert_eq!(events.len(), truth.len());
            for (event, truth) in events.iter().zip(truth) {
                prop_assert_eq!(event.kind.size(), truth.size());
                prop_assert_eq!(event.kind.makes_block(), truth.makes_block());
            }
        }
        assert_causal(&tape);
    }

    /// Anything at all that memory may hold: no panic, and a causal tape.
    #[test]
    fn nonsense_gives_a_causal_tape(
        raw in prop::collection::vec(prop::collection::vec((1u8..=11, 0u64..6, 0u64..300, 0u64..50), 0..80), 0..4),
    ) {
        let ops = [Op::Malloc, Op::Calloc, Op::Aligned, Op::Free, Op::ReallocOld, Op::ReallocNew, Op::Failed,
            Op::ThreadStart, Op::ThreadEnd, Op::Mark, Op::Fork];
        let raw: Vec<Vec<Raw>> = raw.iter().map(|events| events.iter().map(|&(op, address, stamp, size)| Raw {
            op: ops[op as usize - 1], align_log2: 5, size, address, stamp: stamp + 450,
        }).collect()).collect();
        let (tape, _) = tape_of(&raw, &Settings { skew_ns: 30, ..narrow(64) });
        assert_causal(&tape);
    }
}

/// A malloc whose stamp came late: its release, in another thread, is stamped before it.
#[test]
fn a_release_is_raised_past_its_making() {
    let raw = |op, address, stamp| Raw {
        op,
        align_log2: 0,
        size: 8,
        address,
        stamp,
    };
    let maker = vec![raw(Op::Malloc, 16, 1020), raw(Op::Malloc, 16, 1100)];
    let releaser = vec![raw(Op::Free, 16, 1010), raw(Op::Malloc, 32, 1015)];
    let third = vec![raw(Op::Free, 32, 1016), raw(Op::Free, 16, 1200)];
    let (tape, finished) = tape_of(&[maker, releaser, third], &narrow(1 << 20));
    assert_causal(&tape);
    assert_eq!(finished.repairs.reordered, 1);
    assert_eq!(
        finished.repairs.raised, 2,
        "the release, and that of what its thread made next"
    );
    assert_eq!(
        events(&tape, 1)[0],
        Event {
            time_ns: 521,
            kind: EventKind::Free {
                block: BlockId {
                    thread: 0,
                    index: 0
                }
            }
        }
    );
    assert_eq!(events(&tape, 1)[1].time_ns, 521);
    assert_eq!(
        events(&tape, 2)[0],
        Event {
            time_ns: 522,
            kind: EventKind::Free {
                block: BlockId {
                    thread: 1,
                    index: 0
                }
            }
        }
    );
    assert_eq!(tape.totals().live_blocks_at_end, 0);
}

/// A thread's end is written last, also where thread-local destructors still free.
#[test]
fn the_end_of_a_thread_is_its_last_event() {
    let raw = |op, address, stamp| Raw {
        op,
        align_log2: 0,
        size: 8,
        address,
        stamp,
    };
    let thread = vec![
        raw(Op::Malloc, 16, 600),
        raw(Op::ThreadEnd, 0, 700),
        raw(Op::Free, 16, 800),
    ];
    let (tape, _) = tape_of(&[thread], &narrow(64));
    let kinds: Vec<EventKind> = events(&tape, 0).iter().map(|e| e.kind).collect();
    let block = BlockId {
        thread: 0,
        index: 0,
    };
    assert_eq!(
        kinds,
        [
            EventKind::Malloc { size: 8 },
            EventKind::Free { block },
            EventKind::ThreadEnd
        ]
    );
}

/// A program that was killed within realloc.
#[test]
fn half_a_realloc_at_the_end_is_a_free() {
    let raw = |op, address, stamp| Raw {
        op,
        align_log2: 0,
        size: 8,
        address,
        stamp,
    };
    let (tape, _) = tape_of(
        &[vec![raw(Op::Malloc, 16, 600), raw(Op::ReallocOld, 16, 700)]],
        &narrow(64),
    );
    assert_eq!(
        events(&tape, 0)[1].kind,
        EventKind::Free {
            block: BlockId {
                thread: 0,
                index: 0
            }
        }
    );
    assert_causal(&tape);
}
