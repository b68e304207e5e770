//! What makes many heaps safe together. Its protocols are in [`crate::sync`].
//!
//! - [`pool`]: memory that no heap uses at the moment, the source of all heaps; one lock a size.
//! - [`home`]: arenas with a lock and an inbox.
//! - [`depot`]: lists of free blocks on their way from one cache to another.
//! - [`homes`]: all of them, and which one a thread takes from.
//! - [`owner`]: what one thread has: its cache and its home.
//! - [`manager`]: all owners by number, those without a thread, and adoption.
//! - [`ways_home`]: what happens to a block when no cache keeps it.
//! - [`process`]: whether the program has ended but for the reclaimer.
//! - `guarded`: memory between pages without access, for spans of the feature `hardened`.
//! - [`large`]: spans, which belong to no thread.
//! - [`reclaimer`]: the background thread that returns what is free.

pub mod depot;
#[cfg(feature = "hardened")]
pub mod guarded;
pub mod home;
pub mod homes;
pub mod large;
pub mod manager;
pub mod owner;
pub mod pool;
pub mod process;
pub mod reclaimer;
pub mod ways_home;
