//! What makes many heaps safe together.
//!
//! - [`lock`]: the lock of everything that is shared and slow.
//! - [`pool`]: memory that no heap uses at the moment, the source of all heaps; one lock a size.
//! - [`inbox`]: blocks on their way to a home whose lock was taken.
//! - [`home`]: arenas with a lock and an inbox.
//! - [`depot`]: lists of small blocks on their way from one cache to another.
//! - [`homes`]: all of them, and which one a thread takes from.
//! - [`medium`]: blocks of 1 to 32 KiB that a thread freed a moment ago, kept for its next request.
//! - [`owner`]: what one thread has: its cache, the medium blocks it keeps, its home.
//! - [`manager`]: all owners by number, those without a thread, and adoption.
//! - [`large`]: spans, which belong to no thread.
//! - [`reclaimer`]: the background thread that returns what is free.

pub mod depot;
pub mod home;
pub mod homes;
pub mod inbox;
pub mod large;
pub mod lock;
pub mod manager;
pub mod medium;
pub mod owner;
pub mod pool;
pub mod reclaimer;
