//! How fast the page is: `cargo run -p web-tests --example speed -- [EVENTS] [THREADS]` opens a tape of so many events
//! in Chromium and prints what opening, seeking and playing take.

use std::env;
use std::fs;

use anyhow::Result;
use web_tests::browser::Chromium;
use web_tests::server::Server;
use web_tests::tapes;

fn main() -> Result<()> {
    let mut args = env::args().skip(1);
    let events: u64 = args.next().map_or(Ok(1_000_000), |text| text.parse())?;
    let threads = args.next().map_or(Ok(1), |text| text.parse())?;
    let folder = tempfile::tempdir()?;
    let tape = folder.path().join("speed.tape");
    fs::write(&tape, tapes::mixed(events, threads, 1)?)?;
    let server = Server::start(Some(&tape))?;
    let chromium = Chromium::start()?;
    let page = chromium.open(&server.url)?;
    page.wait_ready()?;
    let opened: f64 = page.eval("performance.now()")?;
    let mut seeks: Vec<f64> = page.eval(
        "(async () => {
            const times = [];
            for (let i = 0; i < 100; i += 1) {
                const start = performance.now();
                await heaptape.session.seek(Math.floor(Math.random() * heaptape.session.summary.events));
                times.push(performance.now() - start);
            }
            return times;
        })()",
    )?;
    seeks.sort_by(f64::total_cmp);
    let frames: f64 = page.eval(
        "(async () => {
            await heaptape.goTo(0);
            document.getElementById('play').click();
            const paint = heaptape.session.paint.bind(heaptape.session);
            let frames = 0;
            heaptape.session.paint = (...args) => { frames += 1; return paint(...args); };
            await new Promise((done) => setTimeout(done, 3000));
            document.getElementById('play').click();
            delete heaptape.session.paint;
            return frames / 3;
        })()",
    )?;
    let paint: f64 = page.eval(
        "(async () => {
            const window = heaptape.map.window;
            const start = performance.now();
            for (let i = 0; i < 20; i += 1) await heaptape.session.paint(window, new Uint8Array(18));
            return (performance.now() - start) / 20;
        })()",
    )?;
    let draw: f64 = page.eval(
        "(async () => {
            const [window, start] = [heaptape.map.window, performance.now()];
            const pixels = await heaptape.session.paint(window, new Uint8Array(18));
            for (let i = 0; i < 20; i += 1) heaptape.map.show(window, pixels);
            return (performance.now() - start) / 20;
        })()",
    )?;
    println!("{events} events, {threads} threads");
    println!("open and ready           {opened:.0} ms after navigation");
    println!(
        "seek, median, 95th, most {:.1}, {:.1}, {:.1} ms",
        seeks[50], seeks[95], seeks[99]
    );
    println!("painting, showing        {paint:.1}, {draw:.1} ms");
    println!("frames while playing     {frames:.1} a second");
    Ok(())
}
