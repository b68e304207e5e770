//! One file a command. Each has the arguments with their help, and `run`, which returns the exit code.

pub mod allocators;
pub mod compare;
pub mod export;
pub mod import;
pub mod info;
pub mod live_worker;
pub mod measure;
pub mod record;
pub mod replay;
pub mod report;
pub mod run;
pub mod salvage;
pub mod validate;
pub mod verify;
pub mod view;
pub mod worker;
