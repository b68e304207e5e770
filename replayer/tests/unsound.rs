//! Tapes whose order is impossible are refused, and the error names the thread and the event.

mod common;

use std::ops::ControlFlow;

use common::tape_of;
use replayer::{PlanError, PlanOptions};
use trace_format::{BlockId, Event, EventKind};

fn malloc(time_ns: u64) -> Event {
    Event {
        time_ns,
        kind: EventKind::Malloc { size: 8 },
    }
}

fn free(time_ns: u64, thread: u32, index: u64) -> Event {
    Event {
        time_ns,
        kind: EventKind::Free {
            block: BlockId { thread, index },
        },
    }
}

fn error_of(threads: &[Vec<Event>]) -> PlanError {
    replayer::plan(&tape_of(threads), &PlanOptions::default(), &|_| {
        ControlFlow::Continue(())
    })
    .expect_err("no plan can be made of this")
}

#[test]
fn a_free_before_its_malloc() {
    let error = error_of(&[vec![malloc(1), malloc(50)], vec![malloc(2), free(40, 0, 1)]]);
    assert!(
        matches!(
            error,
            PlanError::FreeBeforeMalloc {
                thread: 1,
                event: 1,
                block: BlockId {
                    thread: 0,
                    index: 1
                }
            }
        ),
        "{error:?}"
    );
    assert!(error.to_string().contains("event 1 of thread 1"));
}

#[test]
fn a_free_before_its_malloc_when_the_releaser_is_planned_first() {
    let error = error_of(&[vec![malloc(2), free(40, 1, 0)], vec![malloc(50)]]);
    assert!(
        matches!(
            error,
            PlanError::FreeBeforeMalloc {
                thread: 0,
                event: 1,
                ..
            }
        ),
        "{error:?}"
    );
}

#[test]
fn a_double_free_by_one_thread() {
    let error = error_of(&[vec![malloc(1), free(2, 0, 0), free(3, 0, 0)]]);
    assert!(
        matches!(
            error,
            PlanError::DoubleFree {
                thread: 0,
                event: 2,
                ..
            }
        ),
        "{error:?}"
    );
}

#[test]
fn a_double_free_by_two_others() {
    let error = error_of(&[
        vec![malloc(1)],
        vec![free(5, 0, 0)],
        vec![malloc(2), free(6, 0, 0)],
    ]);
    assert!(
        matches!(
            error,
            PlanError::DoubleFree {
                thread: 2,
                event: 1,
                ..
            }
        ),
        "{error:?}"
    );
}

#[test]
fn a_double_free_by_the_maker_and_another() {
    let error = error_of(&[vec![malloc(1), free(9, 0, 0)], vec![free(5, 0, 0)]]);
    assert!(
        matches!(
            error,
            PlanError::DoubleFree {
                thread: 0,
                event: 1,
                ..
            }
        ),
        "{error:?}"
    );
}

#[test]
fn a_block_that_nobody_makes() {
    let error = error_of(&[vec![malloc(1)], vec![malloc(2), malloc(3), free(5, 0, 1)]]);
    assert!(
        matches!(
            error,
            PlanError::UnknownBlock {
                thread: 1,
                event: 2,
                ..
            }
        ),
        "{error:?}"
    );
    // Of a thread that is not there the tape itself complains.
    let error = error_of(&[vec![malloc(1), free(5, 77, 0)]]);
    assert!(matches!(error, PlanError::Tape(_)), "{error:?}");
}

#[test]
fn threads_that_wait_in_a_circle() {
    // At the same stamp each frees the other's block before it makes its own.
    let error = error_of(&[
        vec![malloc(1), free(7, 1, 0), malloc(7)],
        vec![free(7, 0, 1), malloc(7)],
    ]);
    assert!(matches!(error, PlanError::Deadlock { .. }), "{error:?}");
    // The same stamps in a possible order are no circle.
    let tape = tape_of(&[
        vec![malloc(7), free(7, 1, 0)],
        vec![malloc(7), free(7, 0, 0)],
    ]);
    assert!(
        replayer::plan(&tape, &PlanOptions::default(), &|_| ControlFlow::Continue(
            ()
        ))
        .is_ok()
    );
}

#[test]
fn an_alignment_that_no_address_space_has() {
    let event = Event {
        time_ns: 1,
        kind: EventKind::AlignedMalloc {
            size: 8,
            align_log2: 60,
        },
    };
    assert!(matches!(
        error_of(&[vec![event]]),
        PlanError::Alignment {
            thread: 0,
            event: 0,
            align_log2: 60
        }
    ));
}
