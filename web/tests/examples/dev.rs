//! Pictures while one works on the page: `cargo run -p web-tests --example dev -- PAGE TAPE FOLDER`.

use std::env;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};
use web_tests::browser::Chromium;
use web_tests::hosting::Hosting;

fn main() -> Result<()> {
    let mut args = env::args_os().skip(1).map(PathBuf::from);
    let usage = "usage: dev PAGE TAPE FOLDER";
    let (page, tape, folder) = (
        args.next().context(usage)?,
        args.next().context(usage)?,
        args.next().context(usage)?,
    );
    fs::create_dir_all(&folder)?;
    fs::copy(&tape, page.join("dev.tape"))?;
    let hosting = Hosting::start(&page, true)?;
    let chromium = Chromium::start()?;
    let shot = |page: &web_tests::browser::Page, name: &str| -> Result<()> {
        page.run("new Promise((done) => setTimeout(done, 600))")?;
        fs::write(folder.join(format!("{name}.png")), page.screenshot()?)?;
        println!("{name}: {}", page.message()?);
        Ok(())
    };
    let page = chromium.open(&hosting.url)?;
    page.resize(1440, 900)?;
    page.theme(false)?;
    shot(&page, "welcome")?;
    let page = chromium.open(&format!("{}?tape=dev.tape", hosting.url))?;
    page.resize(1440, 900)?;
    page.theme(false)?;
    if let Err(error) = page.wait_ready() {
        shot(&page, "failed")?;
        return Err(error);
    }
    println!(
        "ready after {:.0} ms",
        page.eval::<f64>("performance.now()")?
    );
    page.point(500.0, 400.0)?;
    shot(&page, "peak")?;
    page.click_at(500.0, 180.0)?;
    for _ in 0..30 {
        page.press("+")?;
    }
    shot(&page, "close")?;
    page.theme(true)?;
    page.press("v")?;
    page.press("0")?;
    shot(&page, "dark-size")?;
    page.press("v")?;
    shot(&page, "dark-age")?;
    page.press("v")?;
    shot(&page, "dark-thread")?;
    page.press("w")?;
    page.wait("heaptape.view.policies.length === 2")?;
    shot(&page, "dark-two")?;
    page.theme(false)?;
    shot(&page, "two")?;
    page.resize(390, 844)?;
    shot(&page, "phone")?;
    Ok(())
}
