//! What the harness itself costs: replays a tape under an allocator in this process, and says what an operation took.
//!
//! ```text
//! cargo run --release -p replayer --example harness -- TAPE [ALLOCATOR [TOUCH [REPETITIONS [BEAT]]]]
//! valgrind --tool=callgrind --toggle-collect='*perform::thread*' target/release/examples/harness TAPE null none 1
//! ```
//! `BEAT` is how many events a beat has. Nanoseconds are those of `harness_ns_per_op`: wall time × threads that run at once ÷ operations.

use std::ops::ControlFlow;
use std::sync::Arc;

use replayer::AllocatorName;
use replayer::engine::{Board, Engine, Options, Touch};
use replayer::mapping::MemoryFile;
use replayer::plan::{PlanOptions, PlanView};
use trace_format::{FileSource, Tape};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().ok_or("which tape?")?;
    let name: AllocatorName = arguments.next().as_deref().unwrap_or("null").parse()?;
    let touch: Touch = arguments.next().as_deref().unwrap_or("none").parse()?;
    let repetitions: u32 = arguments.next().as_deref().unwrap_or("5").parse()?;

    let beat: Option<u64> = arguments.next().map(|text| text.parse()).transpose()?;

    let tape = Tape::open(FileSource::open(&path)?)?;
    let options = PlanOptions {
        beat_events: beat,
        ..PlanOptions::default()
    };
    let plan = replayer::plan(&tape, &options, &|_| ControlFlow::Continue(()))?;
    let view = Arc::new(PlanView::open(plan.file())?);
    let counts = *view.counts();
    let allocator = name.allocator();
    allocator.prepare(&counts)?;
    let at_once = std::thread::available_parallelism()?
        .get()
        .min(counts.lanes as usize);
    let options = Options {
        touch,
        sample_every: 1024,
        pin: false,
    };
    let mut all = Vec::new();
    for _ in 0..repetitions {
        let file = MemoryFile::new(c"board", Board::bytes(view.lane_slots().len()))?;
        let board = Arc::new(Board::open(file.file(), view.lane_slots().len())?);
        let engine = Engine::prepare(Arc::clone(&view), board, allocator.calls(), &options)?;
        let outcome = engine.run(&mut ())?;
        let ops = outcome.tally.mallocs + outcome.tally.frees + outcome.tally.reallocs;
        all.push(outcome.elapsed_ns as f64 * at_once as f64 / ops as f64);
    }
    all.sort_unstable_by(f64::total_cmp);
    let told: Vec<String> = all.iter().map(|ns| format!("{ns:.2}")).collect();
    println!("{name}, touch {touch}: {} ns an operation", told.join(" "));
    Ok(())
}
