//! The protocols of the threads: how they take turns, hand things over and find each other.
//!
//! - [`atomic`]: atomics, cells and barriers, the machine's or a model's.
//! - [`lock`]: the lock of everything that is shared and slow.
//! - [`inbox`]: blocks on their way to whoever holds a lock.
//! - [`gate`]: a lock with an inbox.
//! - [`table`]: things by number, found without a lock.
//! - [`slabs`]: things by the lower halves of their addresses, found without a lock.
//! - [`turn`]: a lock that costs its owner next to nothing.
//! - [`order`]: which background thread shall run.
//!
//! None has a static of its own, so that `tests/loom.rs` can make what it needs: in a build with `--cfg loom` the atomics are
//! a model's, and every order of the threads' steps is tried.

pub mod atomic;
pub mod gate;
pub mod inbox;
pub mod lock;
pub mod order;
pub mod slabs;
pub mod table;
pub mod turn;
