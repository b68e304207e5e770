//! Replays a tape in parallel against an allocator, and measures.
//!
//! Layers, each imports only those above it:
//!
//! | layer | what it knows |
//! | --- | --- |
//! | [`results`] | what a measurement says: `results.json` |
//! | `mapping` | memory past every allocator |
//! | [`mod@plan`] | tape → programs of eight bytes an operation |
//! | [`engine`] | programs → threads that run them |
//! | [`allocators`] | what they run against |
//! | [`measure`] | fresh processes, repetitions, statistics |

pub mod results;

pub mod mapping;

pub mod plan;

pub mod engine;

pub mod allocators;

pub mod measure;

pub use allocators::{Allocator, AllocatorName, NameError};
pub use engine::Touch;
pub use measure::{
    Progress, ReplayError, Settings, WORKER_COMMAND, Worker, run_matrix, worker_main,
};
pub use plan::{Plan, PlanError, plan};
