use super::*;
use crate::error::SessionError;
use trace_format::{BlockId, Event, EventKind};

fn threads(count: usize) -> Vec<ThreadInfo> {
    vec![ThreadInfo::default(); count]
}

fn event(kind: EventKind) -> Event {
    Event { time_ns: 7, kind }
}

fn block(thread: u32, index: u64) -> BlockId {
    BlockId { thread, index }
}

/// Thread 0 makes, thread 1 moves, thread 0 frees.
fn handed_around() -> [(u32, Event); 3] {
    [
        (0, event(EventKind::Malloc { size: 100 })),
        (
            1,
            event(EventKind::Realloc {
                old: block(0, 0),
                size: 1 << 33,
            }),
        ),
        (0, event(EventKind::Free { block: block(1, 0) })),
    ]
}

#[test]
fn a_block_freed_by_another_thread_belongs_to_its_makers_heap() -> Result<(), SessionError> {
    let mut log = Log::new(&threads(2), 0, 3, false);
    for (thread, event) in handed_around() {
        log.push(thread, &event)?;
    }
    assert_eq!(log.heaps()[0].events, [0, 1]);
    assert_eq!(log.heaps()[1].events, [1, 2]);
    assert_eq!(log.heaps()[1].peak, Some((1, 1 << 33)));
    assert_eq!(log.live_bytes(), 0);
    let realloc = log.get(1).map(|e| (e.value, e.made_by, e.released_by));
    assert_eq!(realloc, Some((1 << 33, Some(0), Some(2))));
    assert_eq!(log.get(2).and_then(|e| e.made_by), Some(1));
    assert_eq!((log.releaser(0), log.releaser(1)), (Some(1), Some(0)));
    assert_eq!(log.get(3), None);
    Ok(())
}

#[test]
fn a_log_that_begins_later_knows_what_lived_then_and_nothing_else() -> Result<(), SessionError> {
    for first in 1..=3 {
        let mut log = Log::new(&threads(2), first, 3 - first, false);
        let mut whole = Log::new(&threads(2), 0, 3, false);
        for (thread, event) in handed_around() {
            log.push(thread, &event)?;
            whole.push(thread, &event)?;
        }
        assert_eq!((log.first(), log.end()), (first, 3));
        assert_eq!(log.len(), 3 - first as usize);
        for number in first..3 {
            assert_eq!(log.get(number), whole.get(number), "{number} from {first}");
        }
        // The block that lives when the log begins, and who releases it.
        let maker = first - 1;
        match first {
            3 => assert_eq!(log.get(2), None),
            _ => {
                let (made, all) = (log.get(maker), whole.get(maker));
                assert_eq!(made.map(|e| e.value), all.map(|e| e.value));
                assert_eq!(made.map(|e| e.released_by), all.map(|e| e.released_by));
                assert_eq!(log.time_ns(maker), Some(7));
            }
        }
        assert_eq!(log.live_bytes(), 0);
    }
    Ok(())
}

#[test]
fn a_second_release_and_one_of_no_block_are_errors() -> Result<(), SessionError> {
    let mut log = Log::new(&threads(1), 0, 4, false);
    log.push(0, &event(EventKind::Malloc { size: 8 }))?;
    log.push(0, &event(EventKind::Free { block: block(0, 0) }))?;
    for block in [block(0, 0), block(0, 1), block(9, 0)] {
        let twice = log.push(0, &event(EventKind::Free { block }));
        assert!(
            matches!(twice, Err(SessionError::NotLive { event: 2, .. })),
            "{block}"
        );
    }
    Ok(())
}

#[test]
fn on_a_tape_with_gaps_a_release_of_no_block_is_of_an_unknown_one() -> Result<(), SessionError> {
    let mut log = Log::new(&threads(1), 0, 4, true);
    log.push(0, &event(EventKind::Malloc { size: 8 }))?;
    log.skip_to(0, 5);
    log.push(0, &event(EventKind::Malloc { size: 20 }))?;
    log.push(0, &event(EventKind::Free { block: block(0, 3) }))?;
    log.push(0, &event(EventKind::Free { block: block(0, 5) }))?;
    assert_eq!(log.get(2).map(|e| e.kind), Some(Kind::FreeUnknown));
    assert_eq!(log.get(3).and_then(|e| e.made_by), Some(1));
    assert_eq!(log.live_bytes(), 8);
    Ok(())
}

#[test]
fn a_threads_end_is_an_event_of_its_heap_and_tells_what_it_leaves() -> Result<(), SessionError> {
    for first in 0..4 {
        let mut log = Log::new(&threads(2), first, 4 - first, false);
        for (thread, kind) in [
            (0, EventKind::Malloc { size: 100 }),
            (0, EventKind::Malloc { size: 20 }),
            (0, EventKind::ThreadEnd),
            (1, EventKind::Free { block: block(0, 0) }),
        ] {
            log.push(thread, &event(kind))?;
        }
        let heap = &log.heaps()[0];
        let left = heap.end.map(|end| (end.event, end.blocks, end.bytes));
        assert_eq!(left, Some((2, 2, 120)), "from {first}");
        let all = [0, 1, 2, 3];
        assert_eq!(heap.events, all[first as usize..], "from {first}");
        assert_eq!(log.heaps().get(1).and_then(|heap| heap.end), None);
    }
    Ok(())
}
