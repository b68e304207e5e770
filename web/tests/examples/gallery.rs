//! The pictures of the page for `docs/`: `cargo run -p web-tests --example gallery -- FOLDER` records a tape of the scenario
//! `large`, opens it in Chromium and writes PNG files into the folder: the whole heap, the lists of its tabs, single headers, two
//! policies, the choice of a range, light and dark, and a phone.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use web_tests::browser::{Chromium, Page};
use web_tests::server::Server;
use web_tests::tapes;

fn main() -> Result<()> {
    let folder = env::args_os()
        .nth(1)
        .map(PathBuf::from)
        .context("usage: gallery FOLDER")?;
    fs::create_dir_all(&folder)?;
    let kept = tempfile::tempdir()?;
    let tape = tapes::recorded_with(
        "large",
        kept.path(),
        &["--threads", "4", "--ops", "60000", "--seed", "3"],
    )?;
    let chromium = Chromium::start()?;
    for theme in ["light", "dark"] {
        let server = Server::start(Some(&tape))?;
        let shots = Shots {
            page: chromium.open(&server.url)?,
            folder: &folder,
            theme,
        };
        shots.all()?;
        let empty = Server::start(None)?;
        let page = chromium.open(&empty.url)?;
        let shots = Shots {
            page,
            folder: &folder,
            theme,
        };
        shots.begin(1440, 900)?;
        shots.page.wait("globalThis.heaptape")?;
        shots.take("welcome")?;
    }
    Ok(())
}

struct Shots<'f> {
    page: Page,
    folder: &'f Path,
    theme: &'static str,
}

impl Shots<'_> {
    fn begin(&self, width: u32, height: u32) -> Result<()> {
        self.page.resize(width, height)?;
        self.page.theme(self.theme == "dark")
    }

    /// The panel with the heap's lists, by itself, for each of its tabs but the first, which all other pictures show.
    fn tabs(&self) -> Result<()> {
        // Without a block's header above it there is more room for it.
        self.page.press("Escape")?;
        for tab in ["bins", "free", "arenas", "threads"] {
            self.page.click(&format!("#tab-{tab}"))?;
            self.page.pause(700)?;
            let file = format!("view-tab-{tab}-{}.png", self.theme);
            fs::write(
                self.folder.join(file),
                self.page.screenshot_of("aside .grow")?,
            )?;
        }
        self.page.click("#tab-heap")?;
        // Without the ring around what the keyboard would move from.
        self.page.run("document.activeElement.blur()")
    }

    fn take(&self, name: &str) -> Result<()> {
        self.page.pause(700)?;
        let file = self.folder.join(format!("view-{name}-{}.png", self.theme));
        fs::write(&file, self.page.screenshot()?)?;
        println!("{}", file.display());
        Ok(())
    }

    fn all(&self) -> Result<()> {
        let page = &self.page;
        self.begin(1440, 900)?;
        page.wait_ready()?;
        page.wait("performance.getEntriesByName('heaptape-ready').length > 0")?;
        // A block in the middle of the map, so that there is something to read beside it.
        page.run(
            "(async () => {
                const { blocks } = await heaptape.session.search(0, 'size>2000');
                await heaptape.view.pin({ pane: 0, position: blocks[Math.floor(blocks.length / 2)][0] });
            })()",
        )?;
        self.take("heap")?;
        self.tabs()?;
        page.run(
            "(async () => {
                const { blocks } = await heaptape.session.search(0, 'size<64');
                await heaptape.view.pin({ pane: 0, position: blocks[Math.floor(blocks.length / 2)][0] });
            })()",
        )?;
        for _ in 0..40 {
            page.press("+")?;
        }
        self.take("headers")?;
        page.press("0")?;
        page.press("v")?;
        page.press("v")?;
        self.take("age")?;
        page.press("w")?;
        page.wait("heaptape.view.standings.length === 2")?;
        self.take("what-if")?;
        page.press("w")?;
        page.wait("heaptape.view.standings.length === 1")?;
        page.press("r")?;
        page.wait("!document.getElementById('range-form').hidden")?;
        self.take("range")?;
        page.click("#range-cancel")?;
        page.wait_ready()?;
        page.run("heaptape.view.setColouring('state')")?;
        page.telephone(390, 844)?;
        self.take("phone")
    }
}
