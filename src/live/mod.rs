//! Programs run live under an allocator: which shared object stands for it, and the runs.

mod objects;
mod runs;

pub use objects::{LiveAllocator, find};
pub use runs::{LiveRuns, Plan, live_runs};
