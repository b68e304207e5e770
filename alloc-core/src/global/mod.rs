//! The allocator of a process: requests, `GlobalAlloc`, configuration, statistics.
//!
//! ```no_run
//! #[global_allocator]
//! static ALLOCATOR: alloc_core::Fancy = alloc_core::Fancy::new();
//!
//! fn main() {
//!     // Give free memory back to the system every half second.
//!     alloc_core::global::configure(alloc_core::global::Config {
//!         reclaim: alloc_core::global::Reclaim::On { interval: std::time::Duration::from_millis(500) },
//!         ..Default::default()
//!     });
//! }
//! ```

#[cfg(feature = "hardened")]
mod admit;
mod config;
mod current;
mod fancy;
mod fork;
mod requests;
mod stats;
mod tidy;
mod tls;

pub use config::{Config, Reclaim, config, configure, reclaims};
pub use current::prepare;
pub use fancy::Fancy;
pub use requests::{aligned, calloc, free, malloc, realloc, usable_size};
pub use stats::{Stats, stats};
pub use tidy::{trim, validate};
