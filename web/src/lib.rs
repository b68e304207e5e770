//! The browser part: a tape is replayed on fancy's own single-threaded core and drawn.
//!
//! One core heap for each recorded thread. A heap sees what its thread asked for, and every
//! release of its blocks, whoever made it, in the tape's causal order. So heaps do not depend on
//! one another, and only those that are looked at need memory.
//!
//! Layers, each imports only those above it:
//!
//! | module | what it holds |
//! | --- | --- |
//! | [`error`] | what can go wrong, in sentences for the page |
//! | [`source`] | the tape's bytes, read where they are wanted |
//! | [`policy`] | a heap's settings as text |
//! | [`times`], [`log`] | the tape's events in memory, as columns, in causal order |
//! | [`overview`] | the whole tape at a glance |
//! | [`replay`] | one heap, event by event: the only place that touches a core heap |
//! | [`glance`] | what a heap's bytes are used for |
//! | [`timeline`] | live bytes and footprint over the events |
//! | [`load`] | the way from the tape to the log, slice by slice |
//! | [`preface`], [`view`] | one heap at any event: key frames, forward and back |
//! | [`palette`], [`map`] | the heap's address space as pixels |
//! | [`session`] | a tape opened: all of the above together |
//! | [`search`], [`facts`], [`panels`] | what the page is told, as JSON |
//! | [`chart`] | lines over the events, drawn by `reports` |
//! | [`page`] | the same for JavaScript |
//!
//! Everything but `page` is plain Rust that runs natively too, so a test can compare the layout of
//! a heap in the browser with the native one.

#![forbid(unsafe_code)]

pub mod chart;
pub mod error;
pub mod facts;
pub mod glance;
pub mod load;
pub mod log;
pub mod map;
pub mod overview;
pub mod page;
pub mod palette;
pub mod panels;
pub mod policy;
pub mod preface;
pub mod replay;
pub mod search;
pub mod session;
pub mod source;
pub mod timeline;
pub mod times;
pub mod view;
