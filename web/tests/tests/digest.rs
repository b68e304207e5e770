//! One core: the heap in the browser is, byte for byte, the native one.

use std::fs;
use std::sync::Arc;

use anyhow::{Context, Result};
use web::policy;
use web::session::Session;
use web_tests::browser::Chromium;
use web_tests::server::Server;
use web_tests::tapes;

/// A tape loaded natively, with a heap surveyed under these policies.
fn session(bytes: &[u8], heap: u32, policies: &[&str]) -> Result<Session> {
    let mut session = Session::open(Arc::new(bytes.to_vec()))?;
    session.choose(0, session.events())?;
    while session.load(10_000) < 1.0 {}
    let policies: Result<Vec<_>, _> = policies.iter().map(|text| policy::parse(text)).collect();
    session.select(heap, &policies?)?;
    while session.survey(10_000)? < 1.0 {}
    Ok(session)
}

/// The heap's digests after each of the positions, under each policy, natively.
fn native(bytes: &[u8], heap: u32, policies: &[&str], positions: &[u32]) -> Result<Vec<String>> {
    let mut session = session(bytes, heap, policies)?;
    let mut digests = Vec::new();
    for &position in positions {
        session.seek(position)?;
        for pane in 0..policies.len() {
            digests.push(format!("{:016x}", session.digest(pane)?));
        }
    }
    Ok(digests)
}

/// The same in the browser, for several heaps of a tape.
fn in_the_browser(
    bytes: &[u8],
    heaps: &[(u32, &[&str])],
    positions: &[u32],
) -> Result<Vec<Vec<String>>> {
    let folder = tempfile::tempdir()?;
    let tape = folder.path().join("digest.tape");
    fs::write(&tape, bytes)?;
    let server = Server::start(Some(&tape))?;
    let chromium = Chromium::start()?;
    let page = chromium.open(&server.url)?;
    page.wait_ready()?;
    heaps
        .iter()
        .map(|(heap, policies)| {
            page.eval(&format!(
                "(async () => {{
                    const digests = [];
                    await heaptape.session.select({heap}, {policies:?});
                    for (const position of {positions:?}) {{
                        await heaptape.session.seek(position);
                        for (let pane = 0; pane < {}; pane += 1) digests.push(await heaptape.session.digest(pane));
                    }}
                    return digests;
                }})()",
                policies.len()
            ))
        })
        .collect()
}

const AS_IT_SHIPS: &[&str] = &[""];

#[test]
fn a_heap_of_100_000_events_has_the_same_layout_natively_and_in_the_browser() -> Result<()> {
    let bytes = tapes::mixed(100_000, 1, 42)?;
    // The end first, then back and forth, so that key frames are part of it.
    let positions = [
        100_000, 1, 50_000, 99_999, 12_345, 77_777, 33_333, 0, 64_000,
    ];
    let here = native(&bytes, 0, AS_IT_SHIPS, &positions)?;
    assert_eq!(
        in_the_browser(&bytes, &[(0, AS_IT_SHIPS)], &positions)?,
        std::slice::from_ref(&here)
    );
    let distinct: std::collections::HashSet<_> = here.iter().collect();
    assert_eq!(
        distinct.len(),
        positions.len(),
        "different layouts have different digests: {here:?}"
    );
    Ok(())
}

#[test]
fn heaps_whose_blocks_other_threads_free_are_the_same_too_under_every_policy() -> Result<()> {
    let bytes = tapes::mixed(30_000, 3, 5)?;
    let positions = [30_000, 7000, 15_001];
    let heaps: [(u32, &[&str]); 4] = [
        (0, &["", "coalesce=off"]),
        (1, &["fit=first,arena=1M", "bins=0"]),
        (2, &["cache=64,limit=64", "run=16384,span=64K,most=64K"]),
        (1, &["bins=128", ""]),
    ];
    let there = in_the_browser(&bytes, &heaps, &positions)?;
    for ((heap, policies), there) in heaps.iter().zip(there) {
        let here = native(&bytes, *heap, policies, &positions)?;
        assert_eq!(there, here, "heap {heap} under {policies:?}");
        assert_ne!(here[0], here[1], "the policies {policies:?} do the same");
    }
    Ok(())
}

#[test]
fn every_scenarios_tape_has_the_same_layouts_at_20_random_events() -> Result<()> {
    let folder = tempfile::tempdir()?;
    for scenario in tapes::SCENARIOS {
        let bytes = fs::read(tapes::recorded(scenario, folder.path())?)?;
        let whole = session(&bytes, 0, AS_IT_SHIPS)?;
        let end = whole.log().end();
        let mut positions: Vec<u32> = tapes::random(u64::from(end), 20)
            .map(|event| event as u32)
            .collect();
        // The heap with the most to do, also right after its thread's end and when all is over.
        let heaps = whole.log().heaps().iter().enumerate();
        let busiest = heaps.max_by_key(|(_, heap)| heap.events.len());
        let (heap, events) = busiest.context("no heap has events")?;
        let heap = heap as u32;
        let ended = events.end.context("its thread does not end")?;
        positions.extend([ended.event + 1, end]);
        let here = native(&bytes, heap, AS_IT_SHIPS, &positions)?;
        let there = in_the_browser(&bytes, &[(heap, AS_IT_SHIPS)], &positions)?;
        assert_eq!(there, [here], "{scenario}, heap {heap}, at {positions:?}");
        println!(
            "{scenario}: {end} events, heap {heap}: {} layouts alike",
            positions.len()
        );
    }
    Ok(())
}
