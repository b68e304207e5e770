//! The hot path: catching an event in a buffer of its own thread.
//!
//! No lock, no system call and no allocation from the request to the stored event; once per 65,530 events a thread
//! takes the next chunk of a big reserve of address space. A [`raw`] event holds an address and a stamp; what block
//! that was is found out afterwards.

pub mod capture;
pub mod clock;
mod local;
pub mod raw;
pub mod reserve;
pub mod session;
mod thread_end;

pub use capture::{Capture, CapturedThread};
pub use session::{Pen, Session};
