//! Every choice that the page offers, once: each setting of each policy, each key of the list, each form of a search, each colouring
//! and theme.

use anyhow::{Context, Result};
use web_tests::open::Open;
use web_tests::tapes::{self, FAILED, MARKS};

#[test]
fn every_setting_of_what_if_gives_a_sound_heap_that_the_link_keeps() -> Result<()> {
    let open = Open::ready(&tapes::mixed(6000, 1, 5)?)?;
    let page = &open.page;
    page.press("w")?;
    page.wait("heaptape.view.policies.length === 2")?;
    let settings: Vec<(String, String)> = page.eval(
        "[...document.querySelectorAll('#pane-2 .policy-fields select')].flatMap((field) => [...field.options].filter((one) => one.value).map((one) => [field.name, one.value]))",
    )?;
    assert!(settings.len() > 20, "{settings:?}");
    let usual: String = page.eval("heaptape.session.digest(0)")?;
    let mut others = 0;
    for (name, value) in &settings {
        page.run(&format!(
            "(() => {{
                const form = document.querySelector('#pane-2 .policy-fields');
                for (const field of form.querySelectorAll('select')) field.value = field.name === {name:?} ? {value:?} : '';
                form.dispatchEvent(new Event('change', {{ bubbles: true }}));
            }})()"
        ))?;
        let policy = format!("{name}={value}");
        page.wait(&format!(
            "heaptape.view.policies[1] === {policy:?} && heaptape.view.standings.length === 2"
        ))
        .context(policy.clone())?;
        page.run("heaptape.goTo(5000)")?;
        assert_eq!(
            page.eval::<String>("heaptape.session.broken(1)")?,
            "",
            "{policy}"
        );
        let equal: bool = page.eval("heaptape.view.standings[0].requested_bytes === heaptape.view.standings[1].requested_bytes")?;
        assert!(
            equal,
            "both panes hold what the program asked for: {policy}"
        );
        others += u32::from(page.eval::<String>("heaptape.session.digest(1)")? != usual);
        let value = value.to_string();
        page.wait(&format!(
            "decodeURIComponent(location.hash).includes(';{name}={value}')"
        ))?;
    }
    assert!(
        others as usize > settings.len() / 2,
        "{others} of {} change the heap",
        settings.len()
    );
    // And back to what it ships with.
    page.run("document.querySelector('#pane-2 .policy-fields button').click()")?;
    page.wait("heaptape.view.policies[1] === ''")?;
    assert_eq!(page.message()?, "");
    Ok(())
}

#[test]
fn every_key_of_the_list_does_what_it_says() -> Result<()> {
    let open = Open::ready(&tapes::mixed(20_000, 2, 5)?)?;
    let page = &open.page;
    page.run("heaptape.chooseHeap(0)")?;
    let standing = |what: &str| page.eval::<f64>(&format!("heaptape.standing.{what}"));
    let press = |key: &str, then: &str| -> Result<()> {
        page.run("document.activeElement.blur()")?;
        page.press(key)?;
        page.wait(then).with_context(|| format!("after {key}"))
    };
    page.run("heaptape.goTo(9000)")?;
    let done = standing("done")?;
    press(
        "ArrowRight",
        &format!("heaptape.standing.done === {done} + 1"),
    )?;
    press("ArrowLeft", &format!("heaptape.standing.done === {done}"))?;
    // The leap looks for its goal first: who presses the next key before it is there is overtaken by it.
    let before = page.eval::<f64>("heaptape.position")?;
    press("M", &format!("heaptape.position !== {before}"))?;
    press("End", "heaptape.standing.position === 20000")?;
    press("Home", "heaptape.standing.position === 0")?;
    press(
        "p",
        "heaptape.standing.position === heaptape.session.summary.threads[0].peak",
    )?;
    press(
        "f",
        "document.getElementById('note').textContent.includes('No request is refused')",
    )?;
    // From where the heap begins.
    page.run("heaptape.view.pin({ pane: 0, position: 0 })")?;
    press(
        "j",
        "heaptape.view.pinned !== null && heaptape.view.place?.made",
    )?;
    let place = page.eval::<f64>("heaptape.view.place.position")?;
    press("j", &format!("heaptape.view.place?.position > {place}"))?;
    press("k", &format!("heaptape.view.place?.position === {place}"))?;
    let (made, freed): (f64, Option<f64>) = page.eval(
        "[heaptape.view.place.made.event, heaptape.view.place.made.released_by?.[0] ?? null]",
    )?;
    press("b", &format!("heaptape.standing.position === {made} + 1"))?;
    if let Some(freed) = freed {
        press("e", &format!("heaptape.standing.position === {freed} + 1"))?;
    }
    press("Escape", "heaptape.view.pinned === null")?;
    press("0", "heaptape.map.zoomLevel === 0")?;
    press("+", "heaptape.map.zoomLevel > 0")?;
    let from = page.eval::<f64>("heaptape.map.from")?;
    press("PageDown", &format!("heaptape.map.from > {from}"))?;
    press("PageUp", &format!("heaptape.map.from === {from}"))?;
    press("-", "heaptape.map.zoomLevel === 0")?;
    press("=", "heaptape.map.zoomLevel > 0")?;
    press("0", "heaptape.map.zoomLevel === 0")?;
    for colouring in ["size", "age", "thread", "class", "state"] {
        press(
            "v",
            &format!(
                "heaptape.view.colouring === '{colouring}' && document.getElementById('colour').value === '{colouring}'"
            ),
        )?;
    }
    press("]", "heaptape.standing.heap === 1")?;
    press("[", "heaptape.standing.heap === 0")?;
    press("w", "heaptape.view.standings.length === 2")?;
    press("w", "heaptape.view.standings.length === 1")?;
    press("g", "document.activeElement.id === 'number'")?;
    page.press("Escape")?;
    press("/", "document.activeElement.id === 'search'")?;
    page.press("Escape")?;
    page.wait("document.activeElement.id !== 'search'")?;
    let dark = "document.documentElement.style.colorScheme";
    let before: String = page.eval(dark)?;
    press(
        "d",
        &format!("{dark} !== {}", serde_json::to_string(&before)?),
    )?;
    press(
        "c",
        "document.getElementById('note').textContent.includes('link to this view')",
    )?;
    press("a", "document.documentElement.dataset.state === 'ready'")?;
    press("Home", "heaptape.standing.position === 0")?;
    press(
        " ",
        "document.getElementById('play').ariaPressed === 'true'",
    )?;
    press(
        " ",
        "document.getElementById('play').ariaPressed === 'false'",
    )?;
    press("r", "!document.getElementById('range-form').hidden")?;
    page.click("#range-cancel")?;
    page.wait_ready()?;
    press("?", "document.getElementById('help').open")?;
    assert_eq!(page.message()?, "");
    Ok(())
}

#[test]
fn every_form_of_a_search_finds() -> Result<()> {
    let open = Open::ready(&tapes::told()?)?;
    let page = &open.page;
    page.run("heaptape.goTo(5000)")?;
    let search = |query: &str, then: &str| -> Result<()> {
        page.press("/")?;
        page.run(&format!(
            "(() => {{ document.getElementById('search').value = {query:?}; }})()"
        ))?;
        page.press("Enter")?;
        page.wait(then)
            .with_context(|| format!("after a search for {query}"))
    };
    let [(warming, at), (_, later)] = MARKS;
    search(warming, &format!("heaptape.standing.position === {at} + 1"))?;
    // Part of a name, in any case.
    search(
        "steady",
        &format!("heaptape.standing.position === {later} + 1"),
    )?;
    search("4.5 ms", "heaptape.standing.position === 4500")?;
    search("777", "heaptape.standing.position === 777")?;
    page.run("heaptape.goTo(5000)")?;
    let found =
        "document.querySelector('#found p')?.innerText.includes('block') && heaptape.view.pinned";
    for (query, holds) in [
        ("size>=20K", "heaptape.view.place?.requested >= 20480"),
        ("size<10", "heaptape.view.place?.requested < 10"),
        ("age>1000", "heaptape.view.place?.made?.event < 4000"),
        ("age<=200", "heaptape.view.place?.made?.event >= 4800"),
        ("bin=4", "heaptape.view.place?.requested <= 64"),
        ("thread=0", "heaptape.view.place?.made?.released_by"),
    ] {
        search(query, &format!("{found} && ({holds})"))?;
        page.press("Escape")?;
        page.run("heaptape.view.pin(null)")?;
    }
    search(
        "size!4",
        "document.getElementById('found').innerText.includes('#1234')",
    )?;
    page.press("Escape")?;
    page.run("document.activeElement.blur()")?;
    // The refused request, by its key and by its button.
    page.press("f")?;
    page.wait(&format!("heaptape.standing.position === {FAILED} + 1"))?;
    page.run("heaptape.goTo(0)")?;
    page.click("#first-failure")?;
    page.wait(&format!("heaptape.standing.position === {FAILED} + 1"))?;
    assert_eq!(page.message()?, "");
    Ok(())
}
