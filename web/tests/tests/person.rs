//! The page from the first to the last, as a person would: drop a tape, scrub to its peak, read a block's header, step
//! back, look at two policies, send the link to somebody, who sees the same.

use anyhow::Result;
use serde_json::Value;
use web_tests::browser::{Chromium, Page};
use web_tests::server::Server;
use web_tests::tapes;

/// What the page shows, in short: the map's pixels, and where one is.
const SEEN: &str = "(() => {
    const hash = (canvas) => {
        const data = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
        return new Uint32Array(data.buffer).reduce((sum, pixel) => (Math.imul(sum, 31) + pixel) >>> 0, canvas.width * 7919);
    };
    return {
        heap: heaptape.view.heap,
        position: heaptape.standing.position,
        policies: heaptape.view.policies,
        colouring: heaptape.view.colouring,
        chart: heaptape.view.timeline.what,
        tab: heaptape.view.tab,
        zoom: heaptape.map.zoomLevel,
        from: heaptape.map.from,
        block: heaptape.view.place?.made?.event,
        fields: document.getElementById('place-fields').innerText,
        maps: [...document.querySelectorAll('.pane:not([hidden]) .cells')].map(hash),
    };
})()";

fn settle(page: &Page) -> Result<()> {
    page.run("heaptape.view.refresh()")?;
    page.pause(300)
}

#[test]
fn from_a_drop_to_a_link_that_shows_the_same() -> Result<()> {
    let server = Server::start(None)?;
    let chromium = Chromium::start()?;
    let page = chromium.open(&server.url)?;
    page.wait("globalThis.heaptape && document.documentElement.dataset.state === 'empty'")?;
    page.drop_file("dropped.tape", &tapes::mixed(30_000, 3, 17)?)?;
    page.wait_ready()?;
    page.wait("performance.getEntriesByName('heaptape-ready').length > 0")?;

    // Scrub to the peak, by hand, and then the last events to it by its key.
    page.press("Home")?;
    page.wait("heaptape.standing.position === 0")?;
    let (x, y, peak): (f64, f64, f64) = page.eval(
        "(() => {
            const box = document.getElementById('timeline-box').getBoundingClientRect();
            const { peak } = heaptape.session.summary.threads[heaptape.view.heap];
            return [box.left + heaptape.view.timeline.x(peak), box.top + 60, peak];
        })()",
    )?;
    page.click_at(x, y)?;
    page.wait(&format!(
        "Math.abs(heaptape.standing.position - {peak}) < 60"
    ))?;
    page.press("p")?;
    page.wait(&format!("heaptape.standing.position === {peak}"))?;
    let at_peak: String = page.eval("heaptape.session.digest()")?;

    // Point at a block that is large enough to be hit, and read the fields of its header.
    let (x, y, size, event): (f64, f64, u64, u64) = page.eval(
        "(async () => {
            const { blocks } = await heaptape.session.search(0, 'size>3000');
            for (const [position, size, event] of blocks) {
                const at = heaptape.map.middleOf(position + size / 2);
                if (at && size < 30000) return [...at, size, event];
            }
            return null;
        })()",
    )?;
    page.point(x, y)?;
    page.wait(&format!("heaptape.view.place?.made?.event === {event}"))?;
    let fields: Vec<(String, String)> = page.eval(
        "[...document.querySelectorAll('#place-fields tr')].map((row) => [row.cells[0].innerText, row.cells[2].innerText.replaceAll(',', '')])",
    )?;
    assert!(
        fields.contains(&("asked".to_string(), format!("{size} B"))),
        "{fields:?}"
    );
    assert!(
        fields
            .iter()
            .any(|(name, says)| name == "size and flags" && says.ends_with("in use")),
        "{fields:?}"
    );
    page.click_at(x, y)?;
    page.wait("heaptape.view.pinned !== null")?;

    // Back by one, and on again: the very same heap.
    page.run("document.activeElement.blur()")?;
    page.press("ArrowLeft")?;
    page.wait(&format!("heaptape.standing.position < {peak}"))?;
    assert_ne!(page.eval::<String>("heaptape.session.digest()")?, at_peak);
    page.press("ArrowRight")?;
    page.wait(&format!("heaptape.standing.position === {peak}"))?;
    assert_eq!(page.eval::<String>("heaptape.session.digest()")?, at_peak);

    // Two policies in step, and the line between them.
    page.press("w")?;
    page.wait(
        "heaptape.view.standings.length === 2 && heaptape.view.timeline.what === 'footprint'",
    )?;
    let footprints: Vec<f64> =
        page.eval("heaptape.view.standings.map((one) => one.footprint_bytes)")?;
    assert!(
        footprints[1] > footprints[0],
        "without coalescing: {footprints:?}"
    );
    let difference: Vec<(String, f64)> =
        page.eval(&format!("heaptape.session.chartAt('footprint', {peak})"))?;
    assert!(difference[0].1.abs() > 0.0, "{difference:?}");
    page.press("v")?;
    page.press("+")?;
    page.press("+")?;
    page.click("#tab-arenas")?;
    settle(&page)?;

    // The link, in a new page.
    page.run(
        "Object.defineProperty(navigator, 'clipboard', { value: { writeText: async (text) => { globalThis.copied = text; } } })",
    )?;
    page.click("#copy-link")?;
    page.wait("globalThis.copied")?;
    let link: String = page.eval("copied")?;
    let seen: Value = page.eval(SEEN)?;
    let other = chromium.open(&link)?;
    other.wait_ready()?;
    other.wait("performance.getEntriesByName('heaptape-ready').length > 0")?;
    settle(&other)?;
    assert_eq!(other.eval::<Value>(SEEN)?, seen, "{link}");
    assert_eq!(
        (page.message()?, other.message()?),
        (String::new(), String::new())
    );
    Ok(())
}

#[test]
fn a_link_to_a_file_that_nobody_has_says_which() -> Result<()> {
    let server = Server::start(None)?;
    let chromium = Chromium::start()?;
    let page = chromium.open(&format!(
        "{}#heap=0&event=1234&tape=00000000000000ab&name=far.tape",
        server.url
    ))?;
    page.wait("!document.getElementById('alert').hidden")?;
    let message = page.message()?;
    assert!(
        message.contains("far.tape") && message.contains("1,234"),
        "{message}"
    );
    // Dropped here, the view opens where the link says.
    page.drop_file("far.tape", &tapes::mixed(5000, 2, 3)?)?;
    page.wait_ready()?;
    page.wait("heaptape.standing.position === 1234 && heaptape.view.heap === 0")?;
    Ok(())
}
