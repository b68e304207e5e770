//! How quick the page is with a tape: what opening, seeking and playing take, measured in the page itself.

use std::fmt;
use std::path::Path;

use anyhow::Result;

use crate::browser::{Chromium, Page};
use crate::server::Server;

/// What was measured.
#[derive(Clone, Copy, Debug)]
pub struct Figures {
    /// From navigation until the tape is loaded and its heap drawn. Seconds.
    pub usable: f64,
    /// From the wish to be at a random event until the page is drawn: median, 95th percentile, and most of 100.
    /// Milliseconds.
    pub seeks: [f64; 3],
    /// Frames drawn a second while playing the whole heap in 20 s.
    pub frames: f64,
    /// The page's process, workers included. Megabytes.
    pub memory: u64,
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [median, high, most] = self.seeks;
        writeln!(
            f,
            "page usable after        {:.2} s (target 3)",
            self.usable
        )?;
        writeln!(
            f,
            "seek until drawn         {median:.1} ms median, {high:.1} ms 95th percentile (target 100), {most:.1} ms most"
        )?;
        writeln!(
            f,
            "frames while playing     {:.1} a second (target 50)",
            self.frames
        )?;
        write!(
            f,
            "memory of the page       {} MB (target 600)",
            self.memory
        )
    }
}

/// Opens a tape and measures. The page stays open for more.
///
/// # Errors
/// The page does not get ready.
pub fn measure(chromium: &Chromium, server: &Server) -> Result<(Page, Figures)> {
    measure_at(chromium, &server.url)
}

/// The same of the tape that an address names.
///
/// # Errors
/// As there.
pub fn measure_at(chromium: &Chromium, address: &str) -> Result<(Page, Figures)> {
    let page = chromium.open(address)?;
    page.wait_ready()?;
    page.wait("performance.getEntriesByName('heaptape-ready').length > 0")?;
    let usable: f64 =
        page.eval("performance.getEntriesByName('heaptape-ready')[0].startTime / 1000")?;
    let mut seeks: Vec<f64> = page.eval(
        "(async () => {
            const times = [];
            let seed = 12345;
            for (let i = 0; i < 100; i += 1) {
                seed = (seed * 48271) % 2147483647;
                const start = performance.now();
                await heaptape.goTo(Math.floor((seed / 2147483647) * heaptape.session.summary.events));
                times.push(performance.now() - start);
            }
            return times;
        })()",
    )?;
    seeks.sort_by(f64::total_cmp);
    page.run("heaptape.goTo(0)")?;
    page.click("#play")?;
    page.pause(500)?;
    let frames: f64 = page.eval(
        "(async () => {
            const [drawn, start] = [heaptape.view.onDrawn, performance.now()];
            let frames = 0;
            heaptape.view.onDrawn = (...args) => { frames += 1; drawn(...args); };
            await new Promise((done) => setTimeout(done, 4000));
            heaptape.view.onDrawn = drawn;
            return (frames * 1000) / (performance.now() - start);
        })()",
    )?;
    page.click("#play")?;
    let memory = chromium.page_memory()? / 1_000_000;
    let figures = Figures {
        usable,
        seeks: [seeks[50], seeks[95], seeks[99]],
        frames,
        memory,
    };
    Ok((page, figures))
}

/// Starts server and browser for a tape, and measures.
///
/// # Errors
/// One of them does not start, or the page does not get ready.
pub fn of_tape(tape: &Path) -> Result<Figures> {
    let (server, chromium) = (Server::start(Some(tape))?, Chromium::start()?);
    measure(&chromium, &server).map(|(_, figures)| figures)
}
