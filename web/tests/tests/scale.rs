//! Ten million events: how long it takes until the page can be used, to go to any of them, how smoothly they play, and
//! what memory that takes. The figures are printed; the bounds are twice the targets, since machines are busy at times.

use std::fs;
use std::time::Instant;

use anyhow::Result;
use web_tests::browser::Chromium;
use web_tests::figures;
use web_tests::server::Server;
use web_tests::tapes;

const EVENTS: u64 = 10_000_000;

#[test]
fn ten_million_events_are_as_quick_as_a_few() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let tape = folder.path().join("long.tape");
    let start = Instant::now();
    let bytes = tapes::long(EVENTS)?;
    fs::write(&tape, &bytes)?;
    let (seconds, megabytes) = (start.elapsed().as_secs_f64(), bytes.len() / 1_000_000);
    println!("tape made in             {seconds:.1} s, {megabytes} MB");
    let (server, chromium) = (Server::start(Some(&tape))?, Chromium::start()?);
    let (page, figures) = figures::measure(&chromium, &server)?;
    println!("{figures}");

    assert_eq!(page.message()?, "");
    assert_eq!(page.eval::<u64>("heaptape.session.summary.events")?, EVENTS);
    page.run("heaptape.goTo(9999999)")?;
    assert_eq!(page.eval::<String>("heaptape.session.broken()")?, "");
    assert!(figures.usable < 6.0, "{figures}");
    assert!(figures.seeks[1] < 200.0, "{figures}");
    assert!(figures.frames > 25.0, "{figures}");
    assert!((1..1200).contains(&figures.memory), "{figures}");
    Ok(())
}

#[test]
fn of_a_longer_tape_a_range_is_chosen_before_anything_heavy_is_loaded() -> Result<()> {
    const LONG: u64 = 20_000_000;
    let folder = tempfile::tempdir()?;
    let tape = folder.path().join("longer.tape");
    fs::write(&tape, tapes::long(LONG)?)?;
    let (server, chromium) = (Server::start(Some(&tape))?, Chromium::start()?);
    let page = chromium.open(&server.url)?;
    page.wait("!document.getElementById('range-form').hidden")?;
    let asked: f64 = page.eval("performance.now() / 1000")?;
    println!("a range is asked for after {asked:.2} s");
    // The rate of events is there at once, from the index; live bytes while the tape is read.
    page.wait("document.querySelector('#whole-rate').width > 300 && document.querySelector('#loading-bar').value > 0")?;
    for (field, event) in [("range-from", 19_000_000), ("range-to", 19_400_000)] {
        page.run(&format!(
            "(() => {{ const f = document.getElementById('{field}'); f.value = {event}; f.dispatchEvent(new Event('input', {{ bubbles: true }})); }})()"
        ))?;
    }
    page.click("#range-load")?;
    page.wait_ready()?;
    page.wait("performance.getEntriesByName('heaptape-ready').length > 0")?;
    assert_eq!(
        page.eval::<(u64, u64)>("heaptape.session.summary.range")?,
        (19_000_000, 19_400_000)
    );
    page.run("heaptape.goTo(19234567)")?;
    assert_eq!(page.eval::<String>("heaptape.session.broken()")?, "");
    assert!(page.eval::<u64>("heaptape.standing.live_blocks")? > 10);
    let memory = chromium.page_memory()? / 1_000_000;
    println!("memory of the page       {memory} MB");
    assert_eq!(page.message()?, "");
    assert!((1..700).contains(&memory), "{memory} MB");
    Ok(())
}
