//! What opening and seeking cost natively, phase by phase, for a profiler: `cargo run --release -p web --example phases --
//! TAPE [HEAP]`. The page's own figures are those of `web-tests`' example `speed`.

use std::cell::Cell;
use std::fs;
use std::sync::Arc;
use std::time::{Duration, Instant};

use trace_format::{ReadAt, ReadError};
use web::map::{self, Window};
use web::palette::{COLOURS, Mode, Palette};
use web::policy::Policy;
use web::session::Session;
use web::source::Blocks;

/// Counts what is read.
struct Counted {
    bytes: Vec<u8>,
    reads: Cell<u64>,
}

impl ReadAt for &Counted {
    fn len(&self) -> u64 {
        self.bytes.len() as u64
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<(), ReadError> {
        self.reads.set(self.reads.get() + 1);
        self.bytes.read_at(offset, buf)
    }
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let path = args.next().ok_or("usage: phases TAPE [HEAP]")?;
    let heap: Option<u32> = args.next().map(|text| text.parse()).transpose()?;
    let counted: &'static Counted = Box::leak(Box::new(Counted {
        bytes: fs::read(path)?,
        reads: Cell::new(0),
    }));
    let mut last = Instant::now();
    let mut phase = |name: &str| {
        let took = last.elapsed();
        println!(
            "{name:<12} {:9.1} ms, {} reads so far",
            milliseconds(took),
            counted.reads.get()
        );
        last = Instant::now();
    };
    #[allow(
        clippy::arc_with_non_send_sync,
        reason = "nothing here runs in two threads"
    )]
    let mut session = Session::open(Arc::new(Blocks::new(counted)))?;
    phase("open");
    session.choose(0, session.events())?;
    while session.load(100_000) < 1.0 {}
    phase("load");
    let peaks = session
        .log()
        .heaps()
        .iter()
        .map(|heap| heap.peak_live_bytes);
    let largest = peaks.enumerate().max_by_key(|&(_, peak)| peak);
    let heap = heap.or(largest.map(|(heap, _)| heap as u32)).unwrap_or(0);
    session.select(heap, &[Policy::DEFAULT])?;
    while session.survey(100_000)? < 1.0 {}
    phase("survey");
    let (bytes, frames) = session.view()?.frames();
    println!(
        "heap {heap}: {} events, {frames} key frames of {bytes} bytes",
        session.log().heaps()[heap as usize].events.len()
    );
    let mut seed = 12345u64;
    let (mut seeks, mut paints) = (Vec::new(), Vec::new());
    let palette = Palette::from_bytes(&[128; COLOURS * 3]).ok_or("no palette")?;
    let window = Window {
        from: 0,
        cell: (session.view()?.extent() / 30_000)
            .max(16)
            .next_power_of_two(),
        columns: 256,
        rows: 128,
    };
    for _ in 0..100 {
        seed = seed * 48271 % 2_147_483_647;
        let target = seed * u64::from(session.events()) / 2_147_483_647;
        let start = Instant::now();
        session.seek(target as u32)?;
        let sought = Instant::now();
        let (view, now) = (session.view()?, session.position());
        let pixels = map::paint(
            view,
            false,
            session.log(),
            now,
            window,
            &palette,
            Mode::State,
        );
        assert!(!pixels.is_empty());
        seeks.push(milliseconds(sought - start));
        paints.push(milliseconds(sought.elapsed()));
    }
    for (name, times) in [("seek", &mut seeks), ("paint", &mut paints)] {
        times.sort_by(f64::total_cmp);
        println!(
            "{name}: median {:.1} ms, 95th percentile {:.1} ms, most {:.1} ms",
            times[50], times[95], times[99]
        );
    }
    phase("seeks");
    while session.survey_all(100_000)? < 1.0 {}
    phase("all heaps");
    Ok(())
}
