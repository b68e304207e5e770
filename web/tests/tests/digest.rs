//! One core: the heap in the browser is, byte for byte, the native one.

use std::fs;

use anyhow::{Context, Result};
use web::session::Session;
use web_tests::browser::Chromium;
use web_tests::server::Server;
use web_tests::tapes;

/// The heap's digest after each of the positions, natively.
fn native(bytes: Vec<u8>, heap: u32, positions: &[u32]) -> Result<Vec<String>> {
    let mut session = Session::open(bytes)?;
    while session.load(10_000) < 1.0 {}
    session.select(heap)?;
    while session.survey(10_000)? < 1.0 {}
    let digest = |&position: &u32| {
        session.seek(position)?;
        Ok(format!("{:016x}", session.digest()?))
    };
    positions.iter().map(digest).collect()
}

fn in_the_browser(bytes: &[u8], heap: u32, positions: &[u32]) -> Result<Vec<String>> {
    let folder = tempfile::tempdir()?;
    let tape = folder.path().join("digest.tape");
    fs::write(&tape, bytes)?;
    let server = Server::start(Some(&tape))?;
    let chromium = Chromium::start()?;
    let page = chromium.open(&server.url)?;
    page.wait_ready()?;
    page.run(&format!("heaptape.chooseHeap({heap})"))?;
    let digest = |position: &u32| {
        page.eval(&format!(
            "heaptape.session.seek({position}).then(() => heaptape.session.digest())"
        ))
    };
    positions.iter().map(digest).collect()
}

#[test]
fn a_heap_of_100_000_events_has_the_same_layout_natively_and_in_the_browser() -> Result<()> {
    let bytes = tapes::mixed(100_000, 1, 42)?;
    // The end first, then back and forth, so that key frames are part of it.
    let positions = [
        100_000, 1, 50_000, 99_999, 12_345, 77_777, 33_333, 0, 64_000,
    ];
    let here = native(bytes.clone(), 0, &positions)?;
    assert_eq!(in_the_browser(&bytes, 0, &positions)?, here);
    let distinct: std::collections::HashSet<_> = here.iter().collect();
    assert_eq!(
        distinct.len(),
        positions.len(),
        "different layouts have different digests: {here:?}"
    );
    Ok(())
}

#[test]
fn heaps_whose_blocks_other_threads_free_are_the_same_too() -> Result<()> {
    let bytes = tapes::mixed(30_000, 3, 5)?;
    let positions = [30_000, 7000, 15_001];
    for heap in 0..3 {
        assert_eq!(
            in_the_browser(&bytes, heap, &positions)?,
            native(bytes.clone(), heap, &positions)?,
            "heap {heap}"
        );
    }
    Ok(())
}

#[test]
fn a_recorded_tape_is_the_same_too() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let bytes = fs::read(tapes::recorded("ephemeral", folder.path())?)?;
    let mut session = Session::open(bytes.clone())?;
    while session.load(10_000) < 1.0 {}
    let end = session.log().len();
    let positions = [end, end / 3, end / 2];
    let heap = session
        .log()
        .heaps()
        .iter()
        .position(|heap| !heap.events.is_empty())
        .context("no heap has events")? as u32;
    assert_eq!(
        in_the_browser(&bytes, heap, &positions)?,
        native(bytes, heap, &positions)?
    );
    Ok(())
}
