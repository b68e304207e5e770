//! Measuring as a user has it: broken off, killed and resumed, under allocators that misbehave, on tapes longer than memory.

mod common;
#[path = "replay/ended.rs"]
mod ended;
#[path = "replay/faults.rs"]
mod faults;
#[path = "replay/length.rs"]
mod length;
#[path = "replay/started.rs"]
mod started;
