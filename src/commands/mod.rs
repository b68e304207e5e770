//! One file a command. Each has the arguments with their help, and `run`, which returns the exit code.

pub mod allocators;
pub mod compare;
pub mod info;
pub mod record;
pub mod replay;
pub mod report;
pub mod verify;
pub mod view;
pub mod worker;
