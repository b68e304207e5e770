//! The scenarios, recorded at the small scale.

use std::collections::BTreeMap;
use trace_format::{EventKind, Tape, totals_of, verify};
use trace_recorder::{
    RecordError, Scale, Scenario, ScenarioOptions, info, record_scenario, record_scenario_to,
};

fn small() -> ScenarioOptions {
    ScenarioOptions {
        scale: Scale::Small,
        ..Default::default()
    }
}

fn record(scenario: Scenario, options: &ScenarioOptions) -> Tape<Vec<u8>> {
    let mut bytes = Vec::new();
    let recorded = record_scenario_to(scenario, options, &mut bytes, &|_, _, _| ()).unwrap();
    assert_eq!(recorded.bytes, bytes.len() as u64);
    assert_eq!((recorded.lost, recorded.repairs), (0, Default::default()));
    let report = verify(&bytes);
    assert!(report.sound, "{report}");
    let tape = Tape::open(bytes).unwrap();
    assert_eq!(tape.totals().events, recorded.events);
    tape
}

/// The requests of each thread, by name: sizes of mallocs, and of reallocs with a mark.
fn requests(tape: &Tape<Vec<u8>>) -> BTreeMap<String, Vec<(bool, u64)>> {
    let mut requests: BTreeMap<String, Vec<(bool, u64)>> = BTreeMap::new();
    for (number, thread) in tape.threads().iter().enumerate() {
        let mine = requests.entry(thread.name.clone()).or_default();
        for &chunk in tape.chunks_of(number as u32) {
            for event in tape.decode(chunk).unwrap().events {
                match event.kind {
                    EventKind::Malloc { size } => mine.push((false, size)),
                    EventKind::Realloc { size, .. } => mine.push((true, size)),
                    _ => (),
                }
            }
        }
    }
    requests
}

#[test]
fn everything_is_freed_and_the_totals_are_those_of_the_events() {
    for scenario in Scenario::ALL {
        let tape = record(scenario, &small());
        let totals = *tape.totals();
        assert!(totals.mallocs > 100, "{scenario}");
        assert_eq!(totals.mallocs, totals.frees, "{scenario}");
        assert_eq!((totals.failed, totals.unknown_frees), (0, 0), "{scenario}");
        assert_eq!(
            (totals.live_blocks_at_end, totals.live_bytes_at_end),
            (0, 0),
            "{scenario}"
        );
        assert_eq!(totals_of(&tape, |_, _| ()).unwrap(), totals, "{scenario}");
        assert_eq!(tape.header().name, scenario.name());
    }
}

#[test]
fn threads_start_and_end_on_the_tape() {
    for (scenario, threads) in [
        (Scenario::Basic, 8),
        (Scenario::Ephemeral, 8),
        (Scenario::Large, 8 * 8),
    ] {
        let tape = record(scenario, &small());
        assert_eq!(tape.threads().len(), threads, "{scenario}");
        for (number, thread) in tape.threads().iter().enumerate() {
            assert!(
                thread.started && thread.ended && thread.os_tid > 0,
                "{scenario}: {thread:?}"
            );
            assert!(thread.name.starts_with(scenario.name()), "{thread:?}");
            let chunks = tape.chunks_of(number as u32);
            let (first, last) = (
                tape.decode(chunks[0]).unwrap(),
                tape.decode(chunks[chunks.len() - 1]).unwrap(),
            );
            assert_eq!(first.events[0].kind, EventKind::ThreadStart);
            assert_eq!(
                last.events[last.events.len() - 1].kind,
                EventKind::ThreadEnd
            );
        }
    }
}

#[test]
fn the_seed_fixes_the_requests_of_each_thread() {
    for scenario in [
        Scenario::Ephemeral,
        Scenario::EphemeralVisits,
        Scenario::Large,
    ] {
        let first = requests(&record(scenario, &small()));
        assert!(first == requests(&record(scenario, &small())), "{scenario}");
        assert!(
            first != requests(&record(scenario, &ScenarioOptions { seed: 2, ..small() })),
            "{scenario}"
        );
    }
    // With one thread nobody else fills or empties a slot.
    let alone = ScenarioOptions {
        threads: Some(1),
        ..small()
    };
    assert!(
        requests(&record(Scenario::Basic, &alone)) == requests(&record(Scenario::Basic, &alone))
    );
}

#[test]
fn blocks_go_from_thread_to_thread() {
    // Threads that run one after the other by chance do not meet, so there is no telling how many do.
    let options = ScenarioOptions {
        ops: Some(20_000),
        ..small()
    };
    assert!(record(Scenario::Basic, &options).totals().remote_frees > 0);
    let large = record(Scenario::Large, &small());
    assert!(large.totals().remote_frees > 1000);
    assert!(large.totals().reallocs > 100);
}

#[test]
fn ephemeral_blocks_live_for_their_time() {
    let options = ScenarioOptions {
        threads: Some(1),
        ops: Some(20_000),
        ttl: Some((10, 20)),
        ring: Some(21),
        ..small()
    };
    let tape = record(Scenario::Ephemeral, &options);
    // 15.5 blocks of 2,309 bytes live at a time.
    assert!(
        (30_000..400_000).contains(&tape.totals().peak_live_bytes),
        "{}",
        tape.totals().peak_live_bytes
    );
    for &chunk in tape.chunks_of(0) {
        let chunk = tape.decode(chunk).unwrap();
        let mut made = chunk.info.first_allocation;
        for event in chunk.events {
            if let EventKind::Free { block } = event.kind {
                assert!(
                    (10..=20).contains(&(made - block.index)),
                    "{} {}",
                    made,
                    block.index
                );
            } else if event.kind.makes_block() {
                made += 1;
            }
            if made == 20_000 {
                return; // What is left is freed early.
            }
        }
    }
}

#[test]
fn ephemeral_visits_refuses_what_does_not_fit() {
    let result = record_scenario_to(
        Scenario::EphemeralVisits,
        &ScenarioOptions::default(),
        &mut Vec::new(),
        &|_, _, _| (),
    );
    match result {
        // 512 threads × 500,000 slots × 2,309 bytes.
        Err(RecordError::Memory { needed, .. }) => assert!(needed >= 512 * 500_000 * 2_309),
        other => panic!("{other:?}"),
    }
}

#[test]
fn no_file_is_left_of_a_recording_that_was_refused() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("x.tape");
    let wrong = ScenarioOptions {
        threads: Some(0),
        ..small()
    };
    assert!(matches!(
        record_scenario(Scenario::Basic, &wrong, &out, &|_, _, _| ()),
        Err(RecordError::Option {
            flag: "--threads",
            ..
        })
    ));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    record_scenario(Scenario::Basic, &small(), &out, &|_, _, _| ()).unwrap();
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn info_agrees_with_the_totals() {
    let tape = record(Scenario::Large, &small());
    let (info, totals) = (info(&tape).unwrap(), tape.totals());
    assert_eq!(info.kinds.malloc, totals.mallocs);
    assert_eq!(info.kinds.free, totals.frees);
    assert_eq!(info.kinds.realloc, totals.reallocs);
    assert_eq!(info.sizes.total(), totals.mallocs + totals.reallocs);
    // Everything was released, so every block has a lifetime.
    assert_eq!(info.lifetimes.total(), totals.frees + totals.reallocs);
    assert!(info.remote_releases >= totals.remote_frees);
    let text = info.render(80);
    assert!(
        text.contains("every block was freed") && text.contains('█'),
        "{text}"
    );
    let json: serde_json::Value = serde_json::to_value(&info).unwrap();
    assert_eq!(json["kinds"]["malloc"], totals.mallocs);
    assert_eq!(json["ending"], "complete");
}
