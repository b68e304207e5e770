//! `libfancy.so`: the malloc family for `LD_PRELOAD` or linking, and the C interface `fancy_*` (`include/fancy.h`).
//!
//! ```sh
//! LD_PRELOAD=./libfancy.so FANCY_RECLAIM=on FANCY_STATS=1 program
//! ```
//! Every entry point is a thin cover of [`alloc_core::global`]; what C demands beyond that (errno, argument checks) is
//! added here.

mod c_api;
mod family;
mod print;
mod settings;
mod text;
