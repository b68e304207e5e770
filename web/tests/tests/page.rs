//! The page as a person uses it: open, look, step, scrub, play, err.

use std::fs;
use std::path::PathBuf;

use anyhow::Result;
use tempfile::TempDir;
use web_tests::browser::{Chromium, Page};
use web_tests::server::Server;
use web_tests::tapes;

/// A page with a tape, and all that keeps it alive.
struct Open {
    page: Page,
    _browser: Chromium,
    _server: Server,
    folder: TempDir,
}

const EVENTS: u64 = 20_000;

fn open(bytes: Option<&[u8]>) -> Result<Open> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("test.tape");
    if let Some(bytes) = bytes {
        fs::write(&path, bytes)?;
    }
    let server = Server::start(bytes.map(|_| path.as_path()))?;
    let browser = Chromium::start()?;
    let page = browser.open(&server.url)?;
    Ok(Open {
        page,
        _browser: browser,
        _server: server,
        folder,
    })
}

fn ready(threads: u32) -> Result<Open> {
    let open = open(Some(&tapes::mixed(EVENTS, threads, 3)?))?;
    open.page.wait_ready()?;
    Ok(open)
}

impl Open {
    fn position(&self) -> Result<u64> {
        self.page.eval("heaptape.position")
    }

    fn file(&self, name: &str, bytes: &[u8]) -> Result<PathBuf> {
        let path = self.folder.path().join(name);
        fs::write(&path, bytes)?;
        Ok(path)
    }
}

/// How many different colours the map shows.
const COLOURS: &str = "(() => {
    const map = document.getElementById('map');
    const data = map.getContext('2d').getImageData(0, 0, map.width, map.height).data;
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
    let timeline: u32 = page.eval(&COLOURS.replace("'map'", "'timeline'"))?;
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
    page.wait("heaptape.position > 0 && heaptape.position < 20000")?;
    let (at_peak, most): (f64, f64) =
        page.eval("heaptape.session.course(false).then((c) => [heaptape.standing.requested_bytes, Math.max(...c.live)])")?;
    assert_eq!(at_peak, most);
    page.press("?")?;
    page.wait("document.getElementById('help').open")?;
    Ok(())
}

#[test]
fn scrubbing_and_the_number_go_to_an_event() -> Result<()> {
    let open = ready(1)?;
    let page = &open.page;
    let at: (f64, f64) = page.eval(
        "(() => { const b = document.getElementById('timeline').getBoundingClientRect(); return [b.left + 64 + (b.width - 72) / 4, b.top + 50]; })()",
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
            let [most, best] = [null, null];
            for (let number = 0; number < heaptape.position; number += 1) {
                const event = await heaptape.session.event(number);
                if (event.position !== null && event.size > (most ?? 0)) [most, best] = [event.size, event];
            }
            return [...heaptape.map.middleOf(best.position + most / 2), best.event];
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
    page.click("#scope-all")?;
    page.wait("heaptape.session.course(true).then((c) => Math.max(...c.footprint) > 0)")?;
    // Once all heaps are in the sum, there is memory wherever there are live bytes.
    let whole = "heaptape.session.course(true).then((c) => c.footprint.every((bytes, bucket) => bytes >= c.live[bucket]))";
    page.wait(whole)?;
    assert_eq!(page.message()?, "");
    Ok(())
}

#[test]
fn a_tape_can_be_chosen_and_dropped() -> Result<()> {
    let open = open(None)?;
    let page = &open.page;
    page.wait("document.documentElement.dataset.state === 'empty' && globalThis.heaptape")?;
    let tape = open.file("chosen.tape", &tapes::mixed(500, 1, 9)?)?;
    page.choose_file("#file", &tape)?;
    page.wait_ready()?;
    assert_eq!(page.eval::<u32>("heaptape.session.summary.events")?, 500);

    let bytes = tapes::mixed(300, 2, 11)?;
    page.run(&format!(
        "(() => {{
            const transfer = new DataTransfer();
            transfer.items.add(new File([new Uint8Array({bytes:?})], 'dropped.tape'));
            document.body.dispatchEvent(new DragEvent('drop', {{ dataTransfer: transfer, bubbles: true, cancelable: true }}));
        }})()"
    ))?;
    page.wait("heaptape.session?.summary.events === 300 && document.documentElement.dataset.state === 'ready'")?;
    assert_eq!(page.message()?, "");
    Ok(())
}

#[test]
fn bad_files_get_a_message_and_the_page_stays_alive() -> Result<()> {
    let open = ready(1)?;
    let page = &open.page;
    let sound = tapes::mixed(4000, 1, 13)?;
    let mut flipped = sound.clone();
    flipped[200] ^= 0xFF;
    let bad: [(&str, &[u8], &str); 4] = [
        ("empty.tape", &[], "empty"),
        (
            "foreign.tape",
            b"{ \"this\": \"is no tape\", \"padding\": \"0123456789abcdef\" }",
            "not a tape",
        ),
        ("cut.tape", &sound[..sound.len() / 2], "byte"),
        ("flipped.tape", &flipped, "amage"),
    ];
    for (name, bytes, says) in bad {
        page.run("document.getElementById('alert').hidden = true")?;
        page.choose_file("#file", &open.file(name, bytes)?)?;
        page.wait("!document.getElementById('alert').hidden && document.documentElement.dataset.state === 'ready'")?;
        let message = page.message()?;
        assert!(
            message.contains(name) && message.contains(says),
            "{name}: {message}"
        );
        page.run("heaptape.goTo(77)")?;
        assert_eq!(open.position()?, 77, "{name}: the page is alive");
    }
    page.choose_file("#file", &open.file("sound.tape", &sound)?)?;
    page.wait("heaptape.session?.summary.events === 4000 && document.documentElement.dataset.state === 'ready'")?;
    assert_eq!(page.message()?, "");
    Ok(())
}

#[test]
fn a_bad_named_tape_is_told_on_the_page_too() -> Result<()> {
    let open = open(Some(b"no tape at all, though long enough to look at"))?;
    open.page.wait("!document.getElementById('alert').hidden")?;
    let message = open.page.message()?;
    assert!(
        message.contains("test.tape") && message.contains("not a tape"),
        "{message}"
    );
    assert_eq!(
        open.page
            .eval::<String>("document.documentElement.dataset.state")?,
        "empty"
    );
    Ok(())
}
