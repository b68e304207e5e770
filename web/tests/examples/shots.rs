//! Pictures of the page: `cargo run -p web-tests --example shots -- TAPE FOLDER`.

use std::env;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};
use web_tests::browser::Chromium;
use web_tests::server::Server;

fn main() -> Result<()> {
    let mut args = env::args_os().skip(1).map(PathBuf::from);
    let usage = "usage: shots TAPE FOLDER";
    let (tape, folder) = (args.next().context(usage)?, args.next().context(usage)?);
    fs::create_dir_all(&folder)?;
    let chromium = Chromium::start()?;
    for dark in [false, true] {
        let theme = if dark { "dark" } else { "light" };
        let empty = Server::start(None)?;
        let page = chromium.open(&empty.url)?;
        page.resize(1440, 900)?;
        page.theme(dark)?;
        page.wait("globalThis.heaptape")?;
        fs::write(
            folder.join(format!("welcome-{theme}.png")),
            page.screenshot()?,
        )?;

        let server = Server::start(Some(&tape))?;
        let page = chromium.open(&server.url)?;
        page.resize(1440, 900)?;
        page.theme(dark)?;
        page.wait_ready()?;
        page.point(500.0, 400.0)?;
        page.run("new Promise((done) => setTimeout(done, 500))")?;
        fs::write(folder.join(format!("peak-{theme}.png")), page.screenshot()?)?;
        page.run("heaptape.goTo(Math.round(heaptape.session.summary.events / 3))")?;
        page.click_at(500.0, 180.0)?;
        for _ in 0..5 {
            page.press("+")?;
        }
        page.run("new Promise((done) => setTimeout(done, 300))")?;
        fs::write(
            folder.join(format!("close-{theme}.png")),
            page.screenshot()?,
        )?;
        page.click("#scope-all")?;
        page.press("0")?;
        page.press("End")?;
        page.run("new Promise((done) => setTimeout(done, 1500))")?;
        fs::write(folder.join(format!("all-{theme}.png")), page.screenshot()?)?;
    }
    Ok(())
}
