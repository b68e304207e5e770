//! What `info` counts, against a walk through the tape in causal order.

use super::collect::{Counted, collect_in};
use super::{Info, info};
use proptest::prelude::*;
use std::collections::HashMap;
use trace_format::{
    BlockId, Clock, Ending, Event, EventKind, Header, LiveTotals, Tape, TapeWriter, totals_of,
};

/// Writes a tape in chunks of `chunk` events.
fn tape(threads: &[Vec<Event>], chunk: usize, clock: Clock) -> Tape<Vec<u8>> {
    let write = |live: LiveTotals| {
        let header = Header {
            recorder: "test".into(),
            name: "made up".into(),
            command: vec![],
            pid: 0,
            started_unix_ns: 0,
            clock,
            page_size: 0,
            pointer_width: 0,
            notes: vec![],
        };
        let mut writer = TapeWriter::new(Vec::new(), &header).unwrap();
        writer.mark("never set");
        writer.mark("warm");
        for (thread, events) in (0u32..).zip(threads) {
            writer.thread(thread, 0, "");
            for events in events.chunks(chunk) {
                writer.write_chunk(thread, events).unwrap();
            }
        }
        Tape::open(writer.finish(Ending::Complete, live).unwrap()).unwrap()
    };
    let live = totals_of(&write(LiveTotals::default()), |_, _| ())
        .unwrap()
        .live();
    write(live)
}

/// Runs random steps on five threads; most releases are of other threads' blocks.
fn program(steps: &[(u8, u8, u16, u64)]) -> Vec<Vec<Event>> {
    let mut threads = vec![Vec::new(); 5];
    let mut made = [0u64; 5];
    let mut live: Vec<BlockId> = Vec::new();
    for (time_ns, &(thread, what, pick, size)) in (0u64..).zip(steps) {
        let thread = thread % 5;
        let kind = match what % 8 {
            0..=3 => EventKind::Malloc { size },
            4 if pick % 4 == 0 => EventKind::Mark { name: 1 },
            _ if live.is_empty() => EventKind::FreeUnknown,
            what => {
                let old = live.swap_remove(usize::from(pick) % live.len());
                if what == 7 {
                    EventKind::Realloc { old, size }
                } else {
                    EventKind::Free { block: old }
                }
            }
        };
        let at = usize::from(thread);
        if kind.makes_block() {
            live.push(BlockId {
                thread: thread.into(),
                index: made[at],
            });
            made[at] += 1;
        }
        threads[at].push(Event {
            time_ns: time_ns * 10,
            kind,
        });
    }
    threads
}

/// The same figures by one walk.
fn walked(tape: &Tape<Vec<u8>>) -> Counted {
    let mut all = Counted::default();
    let mut live: HashMap<BlockId, (u64, u64)> = HashMap::new();
    for merged in tape.merged() {
        let merged = merged.unwrap();
        let (kind, now) = (merged.event.kind, merged.event.time_ns);
        if let Some(block) = kind.releases() {
            let (made, size) = live.remove(&block).unwrap();
            all.releases += 1;
            all.remote_releases += u64::from(block.thread != merged.thread);
            all.lifetimes.add(now - made);
            all.blocks.add(size, Some(now - made));
        }
        if let (Some(block), Some(size)) = (merged.made, kind.size()) {
            live.insert(block, (now, size));
            all.sizes.add(size);
            all.requested_bytes = all.requested_bytes.saturating_add(size);
        }
    }
    for (_, size) in live.into_values() {
        all.leaked.add(size);
        all.blocks.add(size, None);
    }
    all
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn rounds_count_what_a_walk_counts(
        steps in prop::collection::vec((any::<u8>(), any::<u8>(), any::<u16>(), 0u64..5000), 0..400),
        chunk in 1usize..60,
        round in 1u64..200,
    ) {
        let tape = tape(&program(&steps), chunk, Clock::Monotonic);
        let (counted, wanted) = (collect_in(&tape, round, &|_, _| ()).unwrap(), walked(&tape));
        prop_assert_eq!(counted.releases, wanted.releases);
        prop_assert_eq!(counted.remote_releases, wanted.remote_releases);
        prop_assert_eq!(counted.requested_bytes, wanted.requested_bytes);
        prop_assert_eq!(counted.sizes, wanted.sizes);
        prop_assert_eq!(counted.lifetimes, wanted.lifetimes);
        prop_assert_eq!(counted.leaked, wanted.leaked);
        prop_assert_eq!(counted.blocks, wanted.blocks);
    }
}

fn small(clock: Clock) -> Info {
    let at = |time_ns, kind| Event { time_ns, kind };
    let block = |thread, index| BlockId { thread, index };
    let first = vec![
        at(0, EventKind::ThreadStart),
        at(10, EventKind::Malloc { size: 1000 }),
        at(20, EventKind::Malloc { size: 3 }),
        at(30, EventKind::Mark { name: 1 }),
        at(50, EventKind::Mark { name: 1 }),
    ];
    let second = vec![at(110, EventKind::Free { block: block(0, 0) })];
    info(&tape(&[first, second], 3, clock)).unwrap()
}

#[test]
fn every_figure_of_a_small_tape() {
    let info = small(Clock::Monotonic);
    assert_eq!(
        (
            info.events,
            info.kinds.malloc,
            info.kinds.free,
            info.kinds.mark
        ),
        (6, 2, 1, 2)
    );
    assert_eq!((info.peak_live_bytes, info.peak_live_ns), (1003, 20));
    assert_eq!((info.live_blocks_at_end, info.live_bytes_at_end), (1, 3));
    assert_eq!((info.remote_releases, info.remote_share), (1, Some(1.0)));
    assert_eq!(info.leaked_sizes.buckets()[0].least, 2);
    assert_eq!(info.lifetimes.buckets()[0].least, 64);
    let [mark] = &info.marks[..] else {
        panic!(
            "a mark that was never set is not on the list: {:?}",
            info.marks
        );
    };
    assert_eq!(
        (mark.name.as_str(), mark.count, mark.first_ns, mark.last_ns),
        ("warm", 2, 30, 50)
    );
    assert!(
        info.events_per_second
            .is_some_and(|rate| (rate - 6.0 / 110e-9).abs() < 1.0)
    );
    assert_eq!((info.chunks, info.chunks_weighed), (3, 3));
    // Columns and framing are the chunks; header, lists and footer come on top.
    let stored: f64 = info
        .columns
        .iter()
        .map(|column| column.stored_bytes_per_event)
        .sum();
    assert!(
        stored * 6.0 < info.tape_bytes as f64 && stored > 32.0,
        "{stored}"
    );
}

#[test]
fn the_text_says_it_all() {
    let text = small(Clock::Monotonic).render(100);
    for wanted in [
        "ending       complete",
        "1003 bytes",
        "1 block, 3 B, never freed",
        "100.0 %",
        "warm after 30 ns, 2 times in all",
        "thread 0",
        "opcodes",
        "framing",
        "sizes requested",
        "lifetimes",
        "never freed",
    ] {
        assert!(
            text.contains(wanted) || text.replace(',', "").contains(wanted),
            "{wanted}:\n{text}"
        );
    }
}

#[test]
fn an_order_is_not_called_a_time() {
    let info = small(Clock::Order);
    assert_eq!(info.events_per_second, None);
    let text = info.render(100);
    assert!(
        text.contains("only their order") && text.contains("lifetimes, in events"),
        "{text}"
    );
}
