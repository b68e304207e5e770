//! Replays a tape in parallel against an allocator, and measures.
//!
//! Layers, each imports only those above it:
//!
//! | layer | what it knows |
//! | --- | --- |
//! | [`results`] | what a measurement says: `results.json` |
//! | `mapping` | memory past every allocator |
//! | [`mod@plan`] | tape → programs of ten bytes an operation |
//! | [`engine`] | programs → threads that run them |
//! | [`allocators`] | what they run against |
//! | [`measure`] | fresh processes, repetitions, statistics |
//!
//! All but [`results`] stand behind the feature `engine`, which is on by default.

pub mod results;

#[cfg(feature = "engine")]
pub mod mapping;

#[cfg(feature = "engine")]
pub mod plan;

#[cfg(feature = "engine")]
pub mod engine;

#[cfg(feature = "engine")]
pub mod allocators;

#[cfg(feature = "engine")]
pub mod measure;

#[cfg(feature = "engine")]
pub use allocators::{Allocator, AllocatorName, NameError};
#[cfg(feature = "engine")]
pub use engine::Touch;
#[cfg(feature = "engine")]
pub use measure::{
    Measurement, Progress, ReplayError, Settings, WORKER_COMMAND, Worker, run_matrix, worker_main,
};
#[cfg(feature = "engine")]
pub use plan::{Order, Pace, Plan, PlanError, PlanOptions, plan};
