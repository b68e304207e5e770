//! From tapes to results: fresh processes, an outside watcher, repetitions, statistics.

mod busy;
mod error;
mod governor;
mod job;
mod kernel;
mod live;
mod machine;
mod matrix;
mod resume;
mod session;
mod settings;
mod statistics;
mod supervise;
mod tape_file;
mod watch;
mod worker;

pub use busy::Busy;
pub use error::ReplayError;
pub use job::WORKER_COMMAND;
pub use live::{
    LIVE_COMMAND, LiveError, LiveProgram, Lived, ask_to_end, live_worker_main, run_live,
    wait_unless,
};
pub use machine::machine;
pub use matrix::{Measurement, Progress, run_matrix};
pub use settings::Settings;
pub use statistics::{REFERENCE, median, ratio, summarize};
pub use supervise::{Worker, describe};
pub use worker::worker_main;
