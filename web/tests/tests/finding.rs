//! Ways to an event or a block without knowing where it is: leaps, searches, a range of a long tape.

use anyhow::Result;
use web_tests::open::Open;
use web_tests::tapes;

fn ready(threads: u32) -> Result<Open> {
    Open::ready(&tapes::mixed(20_000, threads, 3)?)
}

#[test]
fn leaps_lead_to_what_happens() -> Result<()> {
    let open = ready(1)?;
    let page = &open.page;
    page.press("Home")?;
    page.wait("heaptape.standing.position === 0")?;
    for (key, counter) in [("m", "coalesces"), ("a", "arenas_made")] {
        let before: u64 = page.eval(&format!("heaptape.standing.{counter}"))?;
        page.press(key)?;
        page.wait(&format!("heaptape.standing.{counter} > {before}"))?;
        let after = open.position()?;
        // The event before was the last without it.
        let earlier: u64 = page.eval(&format!(
            "heaptape.session.step({after}, -1).then((at) => heaptape.session.seek(at)).then((one) => one.{counter})"
        ))?;
        assert_eq!(earlier, before, "{counter} at {after}");
    }
    // Far on, and back to the last one before.
    page.run("heaptape.goTo(15000)")?;
    let there = "heaptape.session.find(15000, 'coalesce', false)";
    let last: u64 = page.eval(there)?;
    let next: u64 = page.eval(&format!(
        "heaptape.session.find({last} - 1, 'coalesce', true)"
    ))?;
    assert!(last < 15_000 && next == last, "{last} {next}");
    page.click("#first-failure")?;
    page.wait("document.getElementById('note').textContent.includes('No request is refused')")?;
    assert_eq!(page.message()?, "");
    Ok(())
}

#[test]
fn searches_find_events_addresses_and_blocks() -> Result<()> {
    let open = ready(2)?;
    let page = &open.page;
    let search = |query: &str| -> Result<()> {
        page.press("/")?;
        page.run(&format!(
            "(() => {{ document.getElementById('search').value = {query:?}; }})()"
        ))?;
        page.press("Enter")
    };
    search("#4321")?;
    page.wait("heaptape.standing.position === 4322")?;
    // Whosever heap it is of: what was asked for is what is shown.
    for event in 4321..4329 {
        search(&format!("#{event}"))?;
        page.wait(&format!(
            "document.getElementById('event-facts').innerText.replaceAll(',', '').includes('#{event} ')"
        ))?;
    }
    search("size>20K")?;
    page.wait("heaptape.view.place?.requested > 20480 && heaptape.view.pinned")?;
    let first: u64 = page.eval("heaptape.view.place.made.event")?;
    page.press("Enter")?;
    page.wait(&format!("heaptape.view.place?.made.event !== {first}"))?;
    let address: String = page.eval("'0x' + heaptape.view.place.position.toString(16)")?;
    search(&address)?;
    page.wait(&format!(
        "heaptape.view.place?.position === {address} && heaptape.view.pinned"
    ))?;
    search("size>9999G")?;
    page.wait("document.getElementById('found').innerText.includes('no live block')")?;
    search("what is this")?;
    page.wait("document.getElementById('found').innerText.includes('#1234')")?;
    page.press("Escape")?;
    page.run("document.activeElement.blur()")?;
    // Where the heap has no memory now, that is said.
    page.run("heaptape.goTo(1)")?;
    page.run("(async () => { const { map } = heaptape; map.goTo(6, 1e12); await heaptape.view.refresh(); })()")?;
    page.wait("document.querySelector('#pane-1 .map-empty').innerText.includes('no memory here')")?;
    page.press("0")?;
    page.wait("document.querySelector('#pane-1 .map-empty').hidden")?;
    page.run("heaptape.goTo(9000)")?;
    // Without a mouse: from block to block, to its malloc, to its free.
    page.press("j")?;
    page.wait("heaptape.view.place?.made")?;
    let at: f64 = page.eval("heaptape.view.place.position")?;
    page.press("j")?;
    page.wait(&format!("heaptape.view.place?.position > {at}"))?;
    let made: u64 = page.eval("heaptape.view.place.made.event")?;
    page.press("b")?;
    page.wait(&format!("heaptape.standing.position === {made} + 1"))?;
    assert_eq!(page.message()?, "");
    Ok(())
}

#[test]
fn after_so_many_events_or_so_much_time() -> Result<()> {
    let open = ready(1)?;
    let page = &open.page;
    let go = |text: &str| -> Result<()> {
        page.run("document.activeElement.blur()")?;
        page.press("g")?;
        page.wait("document.activeElement.id === 'number'")?;
        page.run("document.getElementById('number').select()")?;
        for key in text.chars() {
            page.press(&key.to_string())?;
        }
        page.press("Enter")
    };
    go("4321")?;
    page.wait("heaptape.standing.position === 4321")?;
    go("12,345")?;
    page.wait("heaptape.standing.position === 12345")?;
    // An event every 100 ns or so: the first that comes then, or later.
    go("1.5 ms")?;
    page.wait("Math.abs(heaptape.standing.time_ns - 1.5e6) < 400")?;
    let there = open.position()?;
    go("nowhere")?;
    page.wait("document.getElementById('note').textContent.includes('“nowhere” is neither')")?;
    assert_eq!(open.position()?, there);
    // What is beyond the end is the end.
    go("99999999")?;
    page.wait("heaptape.standing.position === 20000")?;
    assert_eq!(page.message()?, "");
    Ok(())
}

#[test]
fn a_range_shows_the_heap_as_the_whole_tape_does() -> Result<()> {
    let open = ready(2)?;
    let page = &open.page;
    page.run("heaptape.goTo(12345)")?;
    let digest: String = page.eval("heaptape.session.digest()")?;
    let heap: u32 = page.eval("heaptape.view.heap")?;
    page.click("#range-button")?;
    page.wait("!document.getElementById('range-form').hidden")?;
    page.run(
        "(() => { for (const [id, value] of [['range-from', 9000], ['range-to', 14000]]) { const f = document.getElementById(id); f.value = value; f.dispatchEvent(new Event('input', { bubbles: true })); } })()",
    )?;
    page.click("#range-load")?;
    page.wait("heaptape.session?.summary.range[0] === 9000 && document.documentElement.dataset.state === 'ready'")?;
    page.run(&format!("heaptape.chooseHeap({heap})"))?;
    page.run("heaptape.goTo(12345)")?;
    assert_eq!(page.eval::<String>("heaptape.session.digest()")?, digest);
    assert_eq!(page.eval::<String>("heaptape.session.broken()")?, "");
    page.run("heaptape.goTo(0)")?;
    assert_eq!(open.position()?, 9000);
    page.wait("location.hash.includes('range=9000-14000')")?;
    Ok(())
}
