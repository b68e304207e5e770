//! What makes many heaps safe together.
//!
//! - [`atomic`]: atomics, cells and barriers, the machine's or a model's.
//! - [`lock`]: the lock of everything that is shared and slow.
//! - [`pool`]: memory that no heap uses at the moment, the source of all heaps; one lock a size.
//! - [`inbox`]: blocks on their way to a home whose lock was taken.
//! - [`gate`]: a lock with an inbox.
//! - [`home`]: arenas with a lock and an inbox.
//! - [`depot`]: lists of small blocks on their way from one cache to another.
//! - [`table`]: things by number, found without a lock.
//! - [`homes`]: all of them, and which one a thread takes from.
//! - [`medium`]: blocks of 1 to 32 KiB that a thread freed a moment ago, kept for its next request.
//! - [`turn`]: a lock that costs its owner next to nothing.
//! - [`owner`]: what one thread has: its cache, the medium blocks it keeps, its home.
//! - [`slabs`]: things by the lower halves of their addresses.
//! - [`manager`]: all owners by number, those without a thread, and adoption.
//! - [`process`]: whether the program has ended but for the reclaimer.
//! - [`large`]: spans, which belong to no thread.
//! - [`order`]: which background thread shall run.
//! - [`reclaimer`]: the background thread that returns what is free.
//!
//! In a build with `--cfg loom` only the modules that hold a protocol are there, without the process's statics: the tests
//! in `tests/loom.rs` make what they need of them.

pub mod atomic;
#[cfg(not(loom))]
pub mod depot;
pub mod gate;
#[cfg(not(loom))]
pub mod home;
#[cfg(not(loom))]
pub mod homes;
pub mod inbox;
#[cfg(not(loom))]
pub mod large;
pub mod lock;
#[cfg(not(loom))]
pub mod manager;
#[cfg(not(loom))]
pub mod medium;
pub mod order;
#[cfg(not(loom))]
pub mod owner;
#[cfg(not(loom))]
pub mod pool;
#[cfg(not(loom))]
pub mod process;
#[cfg(not(loom))]
pub mod reclaimer;
pub mod slabs;
pub mod table;
pub mod turn;
