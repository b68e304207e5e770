//! `libfancy.so`: the malloc family for `LD_PRELOAD` or linking, and the C interface `fancy_*` (`include/fancy.h`).
//!
//! ```sh
//! LD_PRELOAD=./libfancy.so FANCY_RECLAIM=on FANCY_STATS=1 program
//! ```
//! Every entry point is a thin cover of [`alloc_core::global`]; what C demands beyond that (errno, argument checks) is
//! added here.
//!
//! As it ships (panic = "abort") it is without the standard library, whose code for backtraces is five times as large as the
//! allocator and would be in the memory of every process. Elsewhere the standard library brings what unwinding needs.
#![cfg_attr(panic = "abort", no_std)]

mod c_api;
mod family;
#[cfg(panic = "abort")]
mod panic;
mod print;
mod settings;
mod text;
