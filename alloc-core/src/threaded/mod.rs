//! What makes many heaps safe together.
//!
//! - [`lock`]: the lock of everything that is shared and slow.
//! - [`pool`]: memory that no heap uses at the moment, the source of all heaps; one lock a size.
//! - [`inbox`]: blocks that other threads freed, on their way to their owner.
//! - [`medium`]: blocks of 1 to 32 KiB that a thread freed a moment ago, kept for its next request.
//! - [`owner`]: a heap with its inbox, its outgoing batches and its state.
//! - [`manager`]: all owners by number, those without a thread, and adoption.
//! - [`large`]: spans, which belong to no thread.
//! - [`reclaimer`]: the background thread that returns what is free.
//! - [`fork`]: the locks around `fork`.

pub mod fork;
pub mod inbox;
pub mod large;
pub mod lock;
pub mod manager;
pub mod medium;
pub mod owner;
pub mod pool;
pub mod reclaimer;
