//! Playing a heap that is too large to be painted as often as it is shown.

use std::fs;

use anyhow::Result;
use web_tests::browser::Chromium;
use web_tests::server::Server;
use web_tests::tapes;

/// What the map shows, as a number.
const PIXELS: &str = "(() => {
    const map = document.querySelector('#pane-1 .cells');
    const { data } = map.getContext('2d').getImageData(0, 0, map.width, map.height);
    return new Uint32Array(data.buffer).reduce((sum, pixel) => (Math.imul(sum, 31) + pixel) >>> 0, 7);
})()";

/// The shares of the map that the frames of the next two seconds painted.
const SHARES: &str = "(async () => {
    const [drawn, shares] = [heaptape.view.onDrawn, []];
    heaptape.view.onDrawn = (seen) => {
        const { columns, rows } = heaptape.map.window;
        if (seen.pixels) shares.push(seen.pixels[0].length / (columns * rows * 4));
        drawn(seen);
    };
    await new Promise((done) => setTimeout(done, 2000));
    heaptape.view.onDrawn = drawn;
    return shares;
})()";

#[test]
fn a_million_blocks_are_painted_in_parts_while_they_play_and_whole_when_they_stop() -> Result<()> {
    const BLOCKS: u64 = 1_000_000;
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("crowded.tape");
    fs::write(&path, tapes::crowded(BLOCKS, 300_000)?)?;
    let (server, chromium) = (Server::start(Some(&path))?, Chromium::start()?);
    let page = chromium.open(&server.url)?;
    page.wait_ready()?;
    page.run(&format!("heaptape.goTo({BLOCKS})"))?;
    assert_eq!(page.eval::<u64>("heaptape.standing.live_blocks")?, BLOCKS);
    let before: u32 = page.eval(PIXELS)?;
    page.click("#play")?;
    let shares: Vec<f64> = page.eval(SHARES)?;
    page.click("#play")?;
    page.wait("document.getElementById('play').ariaPressed === 'false'")?;
    assert!(shares.iter().any(|share| *share < 1.0), "{shares:?}");
    assert!(shares.iter().all(|share| *share > 0.0), "{shares:?}");
    // Once it stands, all of it is there: the same as after having been elsewhere.
    page.run("heaptape.view.refresh()")?;
    let (position, stopped): (u64, u32) =
        (page.eval("heaptape.standing.position")?, page.eval(PIXELS)?);
    assert!(position > BLOCKS);
    assert_ne!(stopped, before);
    page.run("heaptape.goTo(400000)")?;
    page.run(&format!("heaptape.goTo({position})"))?;
    assert_eq!(page.eval::<u32>(PIXELS)?, stopped);
    assert_eq!(page.eval::<String>("heaptape.session.broken()")?, "");
    assert_eq!(page.message()?, "");
    Ok(())
}
