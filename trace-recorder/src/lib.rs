//! Records what a program asks of its allocator, and holds the scenarios to record.
//!
//! The way of an event, and the layers of this crate (each imports only what stands above it):
//!
//! * [`runtime`]: an event is caught in a buffer of its own thread, as an address and a stamp, and read back;
//! * [`finish`]: afterwards, addresses are paired to blocks over all threads in the order of time, and the tape is written;
//! * [`harvest`]: which process goes on which tape, and how it ended;
//! * [`recording`]: [`RecordingAlloc`], a wrapper around any allocator that records what it is asked;
//! * [`mod@salvage`]: a whole tape of what is left of a damaged one;
//! * [`scenarios`]: multi-threaded programs worth recording;
//! * [`mod@info`]: what is on a tape;
//! * [`foreign`]: traces of other tools, taken in and written out.

pub mod units;

mod error;
mod events;

pub mod runtime;

pub mod finish;

pub mod harvest;

pub mod recording;

pub mod salvage;

pub mod scenarios;

pub mod info;

#[cfg(feature = "foreign")]
pub mod foreign;

pub use error::RecordError;
pub use finish::{Phase, Progress, Repairs};
pub use harvest::{Harvest, Recorded, RecordingOptions};
pub use info::{Info, info};

pub use recording::{Recording, RecordingAlloc};
pub use scenarios::{
    Scale, Scenario, ScenarioOptions, record_scenario, record_scenario_to, run_scenario,
};
