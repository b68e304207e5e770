//! The page as a person uses it: open, look, step, scrub, play, err.

use anyhow::Result;
use web_tests::open::Open;
use web_tests::tapes;

const EVENTS: u64 = 20_000;

fn ready(threads: u32) -> Result<Open> {
    Open::ready(&tapes::mixed(EVENTS, threads, 3)?)
}

/// How many different colours the map shows.
const COLOURS: &str = "(() => {
    const shown = document.querySelector('#pane-1 .cells');
    const copy = new OffscreenCanvas(shown.width, shown.height).getContext('2d');
    copy.drawImage(shown, 0, 0);
    const data = copy.getImageData(0, 0, shown.width, shown.height).data;
    return new Set(new Uint32Array(data.buffer)).size;
})()";

#[test]
fn the_page_shows_the_named_tape() -> Result<()> {
    let open = ready(1)?;
    let page = &open.page;
    assert_eq!(page.message()?, "");
    assert!(page.eval::<u32>(COLOURS)? > 5, "the map is blank");
    let facts: String = page.eval("document.getElementById('tape-facts').textContent")?;
    assert!(
        facts.contains("20,000 events") && facts.contains("1 thread "),
        "{facts}"
    );
    // The heap is sound wherever one looks.
    for position in [0, 1, 7000, EVENTS] {
        page.run(&format!("heaptape.goTo({position})"))?;
        assert_eq!(
            page.eval::<String>("heaptape.session.broken()")?,
            "",
            "at {position}"
        );
    }
    let timeline: u32 = page.eval(&COLOURS.replace("#pane-1 .cells", "#timeline"))?;
    assert!(timeline > 5, "the timeline is blank");
    Ok(())
}

#[test]
fn steps_go_on_and_back_by_buttons_and_keys() -> Result<()> {
    let open = ready(1)?;
    let page = &open.page;
    page.run("heaptape.goTo(1000)")?;
    let digest: String = page.eval("heaptape.session.digest()")?;
    page.click("#forward")?;
    page.wait("heaptape.position === 1001 && heaptape.standing.position === 1001")?;
    page.click("#back")?;
    page.wait("heaptape.standing.position === 1000")?;
    assert_eq!(
        page.eval::<String>("heaptape.session.digest()")?,
        digest,
        "a step back is the very same heap"
    );
    page.run("document.activeElement.blur()")?;
    page.press("ArrowRight")?;
    page.wait("heaptape.position === 1001")?;
    page.press("ArrowLeft")?;
    page.press("ArrowLeft")?;
    page.wait("heaptape.position === 999")?;
    page.press("Home")?;
    page.wait("heaptape.standing.position === 0")?;
    page.press("ArrowLeft")?;
    assert_eq!(open.position()?, 0);
    page.press("End")?;
    page.wait("heaptape.standing.position === 20000")?;
    page.press("p")?;
    page.wait("heaptape.standing.position > 0 && heaptape.standing.position < 20000")?;
    let (at_peak, most): (f64, f64) = page.eval(
        "[heaptape.standing.requested_bytes, heaptape.session.summary.threads[heaptape.view.heap].peak_live_bytes]",
    )?;
    assert_eq!(at_peak, most);
    page.press("?")?;
    page.wait("document.getElementById('help').open")?;
    Ok(())
}

#[test]
fn scrubbing_and_the_number_go_to_an_event() -> Result<()> {
    let open = ready(1)?;
    let page = &open.page;
    // Where the events stand is known once the chart is drawn.
    page.wait(
        "(() => { try { return heaptape.view.timeline.x(0) >= 0; } catch { return false; } })()",
    )?;
    let at: (f64, f64) = page.eval(
        "(() => { const b = document.getElementById('timeline-box').getBoundingClientRect(); return [b.left + heaptape.view.timeline.x(5000), b.top + 50]; })()",
    )?;
    page.click_at(at.0, at.1)?;
    page.wait("Math.abs(heaptape.standing.position - 5000) < 40")?;
    let digest: String = page.eval("heaptape.session.digest()")?;
    let position = open.position()?;
    page.run(
        "(() => { const n = document.getElementById('number'); n.value = 12345; n.dispatchEvent(new Event('change')); })()",
    )?;
    page.wait("heaptape.standing.position === 12345")?;
    page.run(
        &format!("(() => {{ const s = document.getElementById('scrub'); s.value = {position}; s.dispatchEvent(new Event('input')); }})()"),
    )?;
    page.wait(&format!("heaptape.standing.position === {position}"))?;
    assert_eq!(page.eval::<String>("heaptape.session.digest()")?, digest);
    // The address keeps the place.
    page.wait(&format!("location.hash.includes('event={position}')"))?;
    Ok(())
}

#[test]
fn playing_moves_on_and_pauses() -> Result<()> {
    let open = ready(1)?;
    let page = &open.page;
    page.press("Home")?;
    page.wait("heaptape.standing.position === 0")?;
    page.press(" ")?;
    page.wait("heaptape.position > 50")?;
    assert_eq!(
        page.eval::<String>("document.getElementById('play').ariaPressed")?,
        "true"
    );
    page.press(" ")?;
    page.wait("document.getElementById('play').ariaPressed === 'false'")?;
    page.run("new Promise((done) => setTimeout(done, 200))")?;
    let stopped = open.position()?;
    page.run("new Promise((done) => setTimeout(done, 300))")?;
    assert_eq!(open.position()?, stopped);
    Ok(())
}

#[test]
fn pointing_at_a_block_tells_who_made_it() -> Result<()> {
    let open = ready(1)?;
    let page = &open.page;
    // The largest block that is live now, so that the pixel is its own; and the middle of it on the map.
    let (x, y, maker): (f64, f64, u64) = page.eval(
        "(async () => {
            const { blocks: [[position, size, event]] } = await heaptape.session.search(0, 'size>0');
            return [...heaptape.map.middleOf(position + size / 2), event];
        })()",
    )?;
    page.point(x, y)?;
    page.wait(&format!(
        "document.getElementById('place-facts').innerText.replaceAll(',', '').includes('#{maker}')"
    ))?;
    assert!(
        page.eval::<String>("document.getElementById('place-facts').innerText")?
            .contains("in use")
    );
    page.click_at(x, y)?;
    page.wait("document.getElementById('place-title').classList.contains('pinned')")?;
    page.click("#place-jumps button")?;
    page.wait(&format!("heaptape.standing.position === {}", maker + 1))?;
    Ok(())
}

#[test]
fn every_thread_has_a_heap() -> Result<()> {
    let open = ready(3)?;
    let page = &open.page;
    assert_eq!(
        page.eval::<u32>("document.getElementById('heap').options.length")?,
        3
    );
    page.run("heaptape.chooseHeap(0)")?;
    let first: String = page.eval("heaptape.session.digest()")?;
    page.press("]")?;
    page.wait("heaptape.standing.heap === 1")?;
    assert_ne!(page.eval::<String>("heaptape.session.digest()")?, first);
    page.click("[data-chart=all]")?;
    // Once all heaps are in the sum, there is memory wherever there are live bytes.
    let whole = "heaptape.session.chartAt('all', 15000).then(([live, footprint]) => footprint?.[1] >= live[1] && live[1] > 0)";
    page.wait(whole)?;
    page.click("#tab-threads")?;
    page.wait("document.querySelectorAll('#lists tbody tr').length === 3")?;
    page.click("#lists tbody tr:first-child button")?;
    page.wait("heaptape.standing.heap === 0")?;
    assert_eq!(page.message()?, "");
    Ok(())
}

#[test]
fn a_tape_can_be_chosen_and_dropped() -> Result<()> {
    let open = Open::of(None)?;
    let page = &open.page;
    page.wait("document.documentElement.dataset.state === 'empty' && globalThis.heaptape")?;
    let tape = open.file("chosen.tape", &tapes::mixed(500, 1, 9)?)?;
    page.choose_file("#file", &tape)?;
    page.wait_ready()?;
    assert_eq!(page.eval::<u32>("heaptape.session.summary.events")?, 500);

    page.drop_file("dropped.tape", &tapes::mixed(300, 2, 11)?)?;
    page.wait("heaptape.session?.summary.events === 300 && document.documentElement.dataset.state === 'ready'")?;
    assert_eq!(page.message()?, "");
    Ok(())
}

#[test]
fn pictures_and_charts_can_be_saved() -> Result<()> {
    let open = ready(1)?;
    let page = &open.page;
    let png: (f64, String) =
        page.eval("heaptape.map.picture().then((blob) => [blob.size, blob.type])")?;
    assert!(png.0 > 5000.0 && png.1 == "image/png", "{png:?}");
    let svg: String =
        page.eval("heaptape.session.svg({ what: 'heap', width: 800, height: 150, dark: false })")?;
    assert!(
        svg.starts_with("<svg ") && svg.ends_with("</svg>\n"),
        "{svg:.100}"
    );
    for words in ["live bytes", "footprint", "polyline", "polygon"] {
        assert!(svg.contains(words), "{words}");
    }
    let sound = "new DOMParser().parseFromString(globalThis.svg, 'image/svg+xml').querySelector('parsererror') === null";
    page.run(&format!(
        "(globalThis.svg = {}, null)",
        serde_json::to_string(&svg)?
    ))?;
    assert!(page.eval::<bool>(sound)?);
    page.click("#export-button")?;
    page.wait("!document.getElementById('export-menu').hidden")?;
    page.click("#export-svg")?;
    page.wait("document.getElementById('note').textContent.includes('.svg')")?;
    Ok(())
}

#[test]
fn every_part_has_a_name_for_those_who_do_not_see_it() -> Result<()> {
    let open = ready(2)?;
    let page = &open.page;
    page.press("w")?;
    page.wait("heaptape.view.standings.length === 2")?;
    let nameless: Vec<String> = page.eval(
        "[...document.querySelectorAll('button, select, input, a, [role=img], [role=tab], [role=tabpanel], section, aside, dialog')]
            .filter((one) => one.checkVisibility())
            .filter((one) => !one.ariaLabel && !one.textContent.trim() && !one.labels?.length && !one.getAttribute('aria-labelledby'))
            .map((one) => one.outerHTML.slice(0, 120))",
    )?;
    assert!(nameless.is_empty(), "{nameless:?}");
    let landmarks: Vec<bool> = page.eval("['header', 'main', 'search', 'aside', 'h1'].map((name) => document.querySelector(name) !== null)")?;
    assert!(landmarks.iter().all(|there| *there), "{landmarks:?}");
    // The list of keys names every one that does something.
    page.press("?")?;
    page.wait("document.getElementById('help').open && document.querySelectorAll('#key-list dt').length > 15")?;
    Ok(())
}
