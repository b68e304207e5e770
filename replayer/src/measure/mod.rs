//! From tapes to results: fresh processes, an outside watcher, repetitions, statistics.

mod busy;
mod job;
mod kernel;
mod machine;
mod matrix;
mod statistics;
mod supervise;
mod tape_file;
mod watch;
mod worker;

pub use job::WORKER_COMMAND;
pub use machine::machine;
pub use matrix::{Progress, ReplayError, Settings, run_matrix};
pub use statistics::{REFERENCE, median, ratio, summarize};
pub use supervise::Worker;
pub use worker::worker_main;
