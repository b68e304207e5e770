//! Files that are no whole tape: the page says what and where, shows what there is, and stays alive.

use std::fs::File;
use std::ops::Deref;
use std::path::Path;

use anyhow::Result;
use web_tests::open::Open;
use web_tests::tapes;

/// The page with a sound tape of 20,000 events.
struct Sound(Open);

fn ready() -> Result<Sound> {
    Open::ready(&tapes::mixed(20_000, 2, 3)?).map(Sound)
}

impl Deref for Sound {
    type Target = Open;

    fn deref(&self) -> &Open {
        &self.0
    }
}

impl Sound {
    /// Chooses a file; the message that the page then shows, once it is at rest.
    fn choose(&self, path: &Path) -> Result<String> {
        self.page
            .run("document.getElementById('alert').hidden = true")?;
        self.page.choose_file("#file", path)?;
        self.page.wait("!document.getElementById('alert').hidden && document.documentElement.dataset.state === 'ready'")?;
        self.page.message()
    }

    fn events(&self) -> Result<u64> {
        self.page.eval("heaptape.session.summary.events")
    }

    fn alive(&self, why: &str) -> Result<()> {
        self.page.run("heaptape.goTo(77)")?;
        assert_eq!(self.page.eval::<u64>("heaptape.position")?, 77, "{why}");
        assert_eq!(
            self.page.eval::<String>("heaptape.session.broken()")?,
            "",
            "{why}"
        );
        Ok(())
    }
}

#[test]
fn files_that_are_no_tapes_leave_the_open_one() -> Result<()> {
    let open = ready()?;
    let text = b"{ \"this\": \"is no tape\", \"padding\": \"0123456789abcdef\" }";
    for (name, bytes, says) in [
        ("empty.tape", &[][..], "empty (0 bytes)"),
        ("foreign.tape", text, "not a tape"),
        ("one-byte.tape", &[0x89], "byte 1"),
    ] {
        let message = open.choose(&open.file(name, bytes)?)?;
        assert!(
            message.contains(name) && message.contains(says),
            "{message}"
        );
        assert_eq!(open.events()?, 20_000);
        open.alive(name)?;
    }
    Ok(())
}

#[test]
fn five_gigabytes_are_refused_or_read_where_they_are_wanted() -> Result<()> {
    let open = ready()?;
    let sound = tapes::mixed(4000, 1, 13)?;
    for (name, start, says) in [
        (
            "foreign.bin",
            &b"MZ\x90\0no tape, and very long"[..],
            "not a tape",
        ),
        (
            "endless.tape",
            &sound[..sound.len() / 2],
            "heaptape salvage",
        ),
    ] {
        let path = open.file(name, start)?;
        let file = File::options().write(true).open(&path)?;
        // A hole: it takes no room on the disk.
        file.set_len(5 << 30)?;
        let start = std::time::Instant::now();
        let message = open.choose(&path)?;
        assert!(
            message.contains(name) && message.contains(says),
            "{message}"
        );
        assert!(
            start.elapsed().as_secs() < 20,
            "{name} took {:?}",
            start.elapsed()
        );
        if name == "endless.tape" {
            assert!(
                message.contains("5,368,709,120"),
                "it says where: {message}"
            );
        }
        open.alive(name)?;
    }
    Ok(())
}

#[test]
fn of_a_cut_tape_the_rest_is_shown() -> Result<()> {
    let open = ready()?;
    let sound = tapes::mixed(30_000, 1, 13)?;
    let message = open.choose(&open.file("cut.tape", &sound[..sound.len() / 2])?)?;
    assert!(
        message.contains("cut.tape is not whole") && message.contains("byte"),
        "{message}"
    );
    let events = open.events()?;
    assert!((5000..30_000).contains(&events), "{events}");
    open.alive("cut.tape")?;
    // And a sound one after it, without a word.
    open.page
        .choose_file("#file", &open.file("sound-too.tape", &sound)?)?;
    open.page.wait("heaptape.session?.summary.events === 30000 && document.documentElement.dataset.state === 'ready'")?;
    assert_eq!(open.page.message()?, "");
    Ok(())
}

#[test]
fn a_broken_chunk_in_the_middle_costs_nothing_else() -> Result<()> {
    let open = ready()?;
    let mut bytes = tapes::mixed(60_000, 3, 21)?;
    let middle = bytes.len() * 5 / 12;
    bytes[middle] ^= 0x40;
    let message = open.choose(&open.file("broken.tape", &bytes)?)?;
    assert!(
        message.contains("byte") && message.contains("thread"),
        "{message}"
    );
    // A chunk of these tapes has 5000 events at most.
    let events = open.events()?;
    assert!((55_000..60_000).contains(&events), "{events}");
    open.page.run(&format!("heaptape.goTo({events})"))?;
    open.alive("broken.tape")
}

#[test]
fn a_bad_named_tape_is_told_on_the_page_too() -> Result<()> {
    let open = Open::of(Some(b"no tape at all, though long enough to look at"))?;
    let page = &open.page;
    page.wait("!document.getElementById('alert').hidden")?;
    let message = page.message()?;
    assert!(
        message.contains("test.tape") && message.contains("not a tape"),
        "{message}"
    );
    assert_eq!(
        page.eval::<String>("document.documentElement.dataset.state")?,
        "empty"
    );
    Ok(())
}
