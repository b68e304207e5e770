//! libfancy.so as a program has it: each test compiles a program of `tests/c` and runs it under the object.

mod burst;
#[path = "../common/mod.rs"]
mod common;

mod family;
#[cfg(feature = "hardened")]
mod hardened;
mod lifetimes;
mod misuse;
mod settings;
