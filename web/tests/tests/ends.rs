//! Heaps whose thread ends, and heaps that live for a short time only: what the page says of them.

use anyhow::Result;
use web_tests::open::Open;
use web_tests::tapes;

#[test]
fn an_end_is_told_before_it_comes_and_after() -> Result<()> {
    let open = Open::ready(&tapes::ending(16_000, 12, 9000)?)?;
    let page = &open.page;
    page.run("heaptape.chooseHeap(1)")?;
    let says = || page.eval::<String>("document.getElementById('heap-end').innerText");
    page.run("heaptape.goTo(5000)")?;
    let before = says()?;
    assert!(
        before.starts_with("Its thread ends at #9,000 (") && before.contains("and leaves "),
        "{before}"
    );
    // The number leads to the end itself.
    page.click("#heap-end button")?;
    page.wait("heaptape.standing.position === 9001")?;
    let after = says()?;
    assert!(
        after.starts_with("Its thread has ended, at #9,000 (")
            && after.contains("and left ")
            && after.contains("no cache any more"),
        "{after}"
    );
    page.click("#tab-threads")?;
    page.wait("document.querySelector('#lists tbody tr:nth-child(2) td:nth-child(2)')?.innerText === '#9,000'")?;
    let other: String =
        page.eval("document.querySelector('#lists tbody tr td:nth-child(2)').innerText")?;
    assert_eq!(other, "", "the first thread does not end");
    // All that it left is freed in the end, and the map says why nothing is there.
    page.run("heaptape.goTo(16000)")?;
    let empty: String = page.eval("document.querySelector('#pane-1 .map-empty').innerText")?;
    assert_eq!(
        empty,
        "The thread has ended, and all memory of its heap went back."
    );
    page.run("heaptape.chooseHeap(0)")?;
    assert!(page.eval::<bool>("document.getElementById('heap-end').hidden")?);
    assert_eq!(page.message()?, "");
    Ok(())
}

#[test]
fn the_chart_of_a_short_life_ends_at_its_last_request() -> Result<()> {
    let open = Open::ready(&tapes::waiting(40_000, 900)?)?;
    let page = &open.page;
    page.run("heaptape.chooseHeap(1)")?;
    page.wait("!document.getElementById('life').hidden")?;
    let span = "heaptape.session.chart({ what: 'heap', life: heaptape.view.timeline.life, width: 800, height: 150, ratio: 1, dark: false })
        .then(({ plot }) => [plot.from, plot.to])";
    let (from, to): (f64, f64) = page.eval(span)?;
    assert!(from == 0.0 && (1800.0..2000.0).contains(&to), "{from} {to}");
    page.click("#life")?;
    page.wait("document.getElementById('life').ariaPressed === 'false'")?;
    assert_eq!(page.eval::<(f64, f64)>(span)?, (0.0, 40_000.0));
    // The link keeps it.
    page.wait("location.hash.includes('whole')")?;
    // A heap that lives all the time has no choice.
    page.run("heaptape.chooseHeap(0)")?;
    assert!(page.eval::<bool>("document.getElementById('life').hidden")?);
    assert_eq!(page.message()?, "");
    Ok(())
}

#[test]
fn what_others_free_after_a_short_life_is_not_a_part_of_it() -> Result<()> {
    // The second thread's last request is about event 9,000; then the first one frees what is left.
    let open = Open::ready(&tapes::ending(60_000, 3, 9000)?)?;
    let page = &open.page;
    page.run("heaptape.chooseHeap(1)")?;
    page.wait("!document.getElementById('life').hidden")?;
    let (from, to): (f64, f64) = page.eval(
        "heaptape.session.chart({ what: 'heap', life: true, width: 800, height: 150, ratio: 1, dark: false })
            .then(({ plot }) => [plot.from, plot.to])",
    )?;
    assert!(from == 0.0 && (8900.0..9240.0).contains(&to), "{from} {to}");
    // The heap goes on beyond that, for there are blocks left to free.
    page.run("heaptape.goTo(9240)")?;
    assert!(page.eval::<u64>("heaptape.standing.live_blocks")? > 0);
    assert_eq!(page.message()?, "");
    Ok(())
}
