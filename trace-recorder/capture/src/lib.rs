//! Catching allocation events: the recorder's hot path, and the files in which they are kept.
//!
//! A recording is a folder. It holds one [`control`] file, through which whoever started the recording switches it on
//! and off, and for each program that a process runs one file of events, mapped into that process. From the request to
//! the stored event there is no lock, no system call and no allocation; the events are in the page cache, so they
//! outlive the process however it ends. Every few thousand events a thread prepares the next stretch of its buffer.
//!
//! * [`raw`]: one event: an address, a size and a stamp;
//! * [`code`]: an event as words, mostly one;
//! * [`clock`]: what stamps are made of;
//! * [`sys`]: the few system calls, none of which allocates;
//! * [`layout`]: what stands where in a file of events;
//! * [`control`]: the control file;
//! * [`place`]: what a thread keeps;
//! * [`store`]: a process's file of events;
//! * [`pages`]: the pages of it that threads take;
//! * [`pen`]: the writing of events.
//!
//! Nothing here allocates or uses thread-local storage: it runs inside `malloc`.

pub mod raw;

pub mod code;

pub mod clock;

pub mod sys;

pub mod layout;

pub mod control;

pub mod place;

pub mod store;

pub mod pages;

pub mod pen;

pub use place::Local;
pub use store::{Settings, Store, StoreError};
