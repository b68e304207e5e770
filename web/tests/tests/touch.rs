//! The page by touch, on a telephone: a tap shows, a drag moves, two fingers zoom.

use anyhow::{Context, Result};
use web_tests::browser::Page;
use web_tests::open::Open;
use web_tests::tapes;

fn ready() -> Result<Open> {
    let open = Open::ready(&tapes::mixed(20_000, 2, 3)?)?;
    open.page.telephone(390, 844)?;
    Ok(open)
}

/// The middle of an element, scrolled to where all of it is seen.
fn middle(page: &Page, selector: &str) -> Result<(f64, f64)> {
    page.run(&format!(
        "document.querySelector({selector:?}).scrollIntoView({{ block: 'center' }})"
    ))?;
    page.pause(100)?;
    page.eval(&format!(
        "(() => {{ const b = document.querySelector({selector:?}).getBoundingClientRect(); return [b.x + b.width / 2, b.y + b.height / 2]; }})()"
    ))
}

/// A finger goes from one place to another in so many steps.
fn swipe(page: &Page, from: (f64, f64), to: (f64, f64)) -> Result<()> {
    let between = |step: u32| {
        let part = f64::from(step) / 12.0;
        [(
            from.0 + (to.0 - from.0) * part,
            from.1 + (to.1 - from.1) * part,
        )]
    };
    let places: Vec<[(f64, f64); 1]> = (0..=12).map(between).collect();
    let places: Vec<&[(f64, f64)]> = places.iter().map(|place| &place[..]).collect();
    page.touch(&places)
}

/// Two fingers on one line, so far apart at the beginning and at the end.
fn pinch(page: &Page, (x, y): (f64, f64), from: f64, to: f64) -> Result<()> {
    let apart = |step: u32| {
        let half = (from + (to - from) * f64::from(step) / 24.0) / 2.0;
        [(x, y - half), (x, y + half)]
    };
    let places: Vec<[(f64, f64); 2]> = (0..=24).map(apart).collect();
    let places: Vec<&[(f64, f64)]> = places.iter().map(|place| &place[..]).collect();
    page.touch(&places)
}

#[test]
fn the_page_is_as_wide_as_the_screen() -> Result<()> {
    let narrow = |page: &Page, what: &str| -> Result<()> {
        // What was wider for a moment, as the screen changed, has its new size by then.
        page.wait("document.documentElement.scrollWidth === 390 && innerWidth === 390")
            .context(what.to_string())
    };
    let open = Open::of(None)?;
    open.page.telephone(390, 844)?;
    open.page.wait("globalThis.heaptape")?;
    narrow(&open.page, "without a tape")?;
    let open = ready()?;
    let page = &open.page;
    narrow(page, "with a tape")?;
    page.press("w")?;
    page.wait("heaptape.view.standings.length === 2")?;
    narrow(page, "with two panes")?;
    page.press("r")?;
    page.wait("!document.getElementById('range-form').hidden")?;
    narrow(page, "where a range is chosen")
}

#[test]
fn on_the_map_a_tap_shows_a_drag_moves_and_two_fingers_zoom() -> Result<()> {
    let open = ready()?;
    let page = &open.page;
    let (x, y) = middle(page, "#map-1")?;
    // Aside from the column of addresses.
    let x = x + 40.0;
    page.touch(&[&[(x, y - 80.0)]])?;
    page.wait("heaptape.view.pinned && !document.getElementById('brief').hidden")?;
    let brief: String = page.eval("document.getElementById('brief').innerText")?;
    assert!(brief.contains("0x"), "{brief}");

    // All of the heap is in view: a finger moves the page.
    page.run("scrollTo(0, 0)")?;
    swipe(page, (x, 700.0), (x, 500.0))?;
    page.wait("scrollY > 100")?;
    assert_eq!(page.eval::<f64>("heaptape.map.from")?, 0.0);

    let (_, y) = middle(page, "#map-1")?;
    pinch(page, (x, y), 40.0, 340.0)?;
    page.wait("heaptape.map.zoomLevel >= 4")?;
    let zoomed: u32 = page.eval("heaptape.map.zoomLevel")?;
    assert!(zoomed <= 7, "{zoomed} steps of √2 from 40 to 340");
    assert_eq!(
        page.eval::<f64>("visualViewport.scale")?,
        1.0,
        "the map, not the page"
    );

    // Now there is something to move.
    let (from, stood): (f64, f64) = page.eval("[heaptape.map.from, scrollY]")?;
    swipe(page, (x, y + 60.0), (x, y - 60.0))?;
    page.wait(&format!("heaptape.map.from > {from}"))?;
    assert_eq!(page.eval::<f64>("scrollY")?, stood);
    pinch(page, (x, y), 340.0, 30.0)?;
    page.wait("heaptape.map.zoomLevel === 0")?;
    assert_eq!(page.message()?, "");
    Ok(())
}

#[test]
fn on_the_chart_a_finger_scrubs_aside_and_moves_the_page_up_and_down() -> Result<()> {
    let open = ready()?;
    let page = &open.page;
    page.run("heaptape.goTo(10000)")?;
    let (x, y) = middle(page, "#timeline-box")?;
    let stood: f64 = page.eval("scrollY")?;
    swipe(page, (x - 80.0, y + 20.0), (x - 80.0, y - 150.0))?;
    page.wait(&format!("scrollY > {stood}"))?;
    assert_eq!(open.position()?, 10_000);

    let (x, y) = middle(page, "#timeline-box")?;
    swipe(page, (x, y), (x - 100.0, y))?;
    page.wait("heaptape.standing.position < 7000")?;
    page.touch(&[&[(x + 60.0, y)]])?;
    page.wait("heaptape.standing.position > 12000")?;
    Ok(())
}
