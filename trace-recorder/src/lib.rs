//! Records what a program asks of its allocator, and holds the scenarios to record.
//!
//! The way of an event, and the layers of this crate (each imports only what stands above it):
//!
//! * [`runtime`]: an event is caught in a buffer of its own thread, as an address and a stamp;
//! * [`finish`]: afterwards, addresses are paired to blocks over all threads in the order of time, and the tape is written;
//! * [`recording`]: [`RecordingAlloc`], a wrapper around any allocator that records what it is asked;
//! * [`scenarios`]: multi-threaded programs worth recording;
//! * [`mod@info`]: what is on a tape.

pub mod units;

mod error;

pub mod runtime;

pub mod finish;

pub mod recording;

pub mod scenarios;

pub mod info;

pub use error::RecordError;
pub use finish::{Phase, Progress, Repairs};
pub use info::{Info, info};

pub use recording::{Recorded, Recording, RecordingAlloc, RecordingOptions};
pub use scenarios::{Scale, Scenario, ScenarioOptions, record_scenario, record_scenario_to};
