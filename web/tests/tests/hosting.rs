//! The page on any web server: a plain folder, no token, no headers of ours, and no answers to requests for ranges.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Result, ensure};
use web_tests::browser::Chromium;
use web_tests::hosting::Hosting;
use web_tests::server::Server;
use web_tests::tapes;

/// Names of files in the text of another: all that stands in quotes and ends as the page's files do.
fn named(text: &str) -> impl Iterator<Item = &str> {
    let quoted = text.split(['"', '\'', '`']);
    let endings = [".js", ".css", ".svg", ".wasm", ".tape"];
    quoted.filter(move |name| {
        endings.iter().any(|end| name.ends_with(end)) && !name.contains([' ', '$', ':'])
    })
}

/// Copies the page out of the binary, from its first file on to all that these name.
fn copy_page(folder: &Path) -> Result<BTreeSet<String>> {
    let server = Server::start(None)?;
    let (own, path) = (server.host().to_string(), server.path());
    let (mut waiting, mut done) = (vec!["index.html".to_string()], BTreeSet::new());
    while let Some(name) = waiting.pop() {
        if !done.insert(name.clone()) {
            continue;
        }
        let (head, body) = server.request("GET", &format!("{path}{name}"), &[("Host", &own)])?;
        if !head.contains(" 200 ") {
            done.remove(&name);
            continue;
        }
        if let Ok(text) = std::str::from_utf8(&body) {
            for other in named(text) {
                let other = other.trim_start_matches("./");
                waiting.push(other.to_string());
                // Samples are named without their folder.
                waiting.push(format!("samples/{other}"));
            }
        }
        let file = folder.join(&name);
        fs::create_dir_all(file.parent().unwrap_or(folder))?;
        fs::write(file, body)?;
    }
    Ok(done)
}

#[test]
fn it_works_from_a_plain_folder_and_needs_nothing_from_elsewhere() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let files = copy_page(folder.path())?;
    for needed in [
        "app.js",
        "worker.js",
        "wasm/web.js",
        "wasm/web_bg.wasm",
        "samples/basic.tape",
    ] {
        ensure!(files.contains(needed), "{needed} is missing of {files:?}");
    }
    fs::write(folder.path().join("mine.tape"), tapes::mixed(9000, 2, 3)?)?;
    let chromium = Chromium::start()?;
    for ranges in [false, true] {
        let hosting = Hosting::start(folder.path(), ranges)?;
        let page = chromium.open(&format!("{}?tape=mine.tape", hosting.url))?;
        page.wait_ready()?;
        assert_eq!(page.eval::<u64>("heaptape.session.summary.events")?, 9000);
        page.run("heaptape.goTo(4567)")?;
        assert_eq!(page.eval::<String>("heaptape.session.broken()")?, "");
        let elsewhere: Vec<String> = page.eval(
            "performance.getEntriesByType('resource').map((one) => one.name).filter((name) => !name.startsWith(location.origin))",
        )?;
        assert!(elsewhere.is_empty(), "{elsewhere:?}");
        let missing: Vec<String> = page.eval(
            "performance.getEntriesByType('resource').filter((one) => one.responseStatus >= 400).map((one) => one.name)",
        )?;
        assert!(missing.is_empty(), "{missing:?}");
        assert_eq!(page.message()?, "");
    }
    Ok(())
}

#[test]
fn a_tape_from_afar_is_read_in_ranges_and_a_near_one_whole() -> Result<()> {
    const EVENTS: u64 = 3_000_000;
    let folder = tempfile::tempdir()?;
    copy_page(folder.path())?;
    let tape = tapes::long(EVENTS)?;
    let length = tape.len() as u64;
    assert!(length > 4 << 20, "{length} bytes would be got whole");
    fs::write(folder.path().join("long.tape"), tape)?;
    let chromium = Chromium::start()?;
    let mut digests = Vec::new();
    for near in [true, false] {
        let hosting = Hosting::start(folder.path(), true)?;
        // Browsers take every name below localhost to this machine; the page takes it for another.
        let url = match near {
            true => hosting.url.clone(),
            false => hosting.url.replace("127.0.0.1", "far.localhost"),
        };
        let page = chromium.open(&format!("{url}?tape=long.tape"))?;
        page.wait_ready()?;
        assert_eq!(page.eval::<u64>("heaptape.session.summary.events")?, EVENTS);
        page.run("heaptape.goTo(1234567)")?;
        digests.push(page.eval::<String>("heaptape.session.digest()")?);
        let longest = hosting.longest();
        match near {
            true => assert_eq!(longest, length),
            false => assert!(longest <= 1 << 20, "{longest} bytes at once"),
        }
        assert_eq!(page.message()?, "");
    }
    assert_eq!(digests[0], digests[1]);
    Ok(())
}

#[test]
fn the_samples_are_tapes_that_can_be_opened() -> Result<()> {
    let server = Server::start(None)?;
    let page = Chromium::start()?;
    let page = page.open(&server.url)?;
    page.wait("globalThis.heaptape && document.querySelectorAll('.sample').length > 0")?;
    let samples: u32 = page.eval("document.querySelectorAll('.sample').length")?;
    for number in 0..samples {
        page.run(&format!("(() => {{ delete globalThis.done; document.querySelectorAll('.sample')[{number}].click(); }})()"))?;
        page.wait_ready()?;
        page.wait(&format!("document.getElementById('tape-name').textContent === document.querySelectorAll('.sample b')[{number}].textContent"))?;
        assert_eq!(page.message()?, "");
        assert_eq!(page.eval::<String>("heaptape.session.broken()")?, "");
        // A reload, or the link, opens the same sample.
        assert!(page.eval::<String>("location.search")?.contains("samples/"));
    }
    Ok(())
}

#[test]
fn the_module_is_small() -> Result<()> {
    let folder = tempfile::tempdir()?;
    copy_page(folder.path())?;
    let module = fs::read(folder.path().join("wasm/web_bg.wasm"))?;
    // As a browser gets it from a server that compresses: here by Zstandard at its highest usual level, close to what
    // gzip and Brotli make of it.
    let packed = zstd::bulk::compress(&module, 19)?;
    println!(
        "module {} bytes, compressed {} (at most 400,000)",
        module.len(),
        packed.len()
    );
    assert!(packed.len() < 400_000);
    Ok(())
}
