//! fancy: a per-thread arena allocator with boundary tags, immediate coalescing, segregated free lists and
//! thread-local caches of small blocks.
//!
//! Layers, each imports only those above it:
//!
//! | layer | what it holds |
//! | --- | --- |
//! | [`base`] | alignment, size classes, the bin bitmap, errors |
//! | [`harden`] | what the feature `hardened` adds; empty without it |
//! | [`source`] | where memory comes from: [`source::MemorySource`] and its implementations |
//! | [`chunk`] | boundary tags and neighbour arithmetic: the only place that computes addresses |
//! | [`heap`] | the single-threaded core: cache, arenas, bins, split, coalesce, realloc, walk, check |
//! | [`sandbox`] | a heap with memory of its own and a safe interface, and its key frames: for the browser |
//! | `sync` | how threads take turns, hand things over and find each other |
//! | `threaded` | many heaps together: owners, remote frees, the arena manager, thread exit, the reclaimer |
//! | `global` | `GlobalAlloc`, start-up, configuration |
//!
//! Without the feature `os` only the first six are built: `no_std`, no atomics, no clock, the same code on every target.
#![no_std]

extern crate alloc;
// For the calling thread's word where that is not defined in assembly (`global::tls`), and for tests.
#[cfg(all(
    feature = "os",
    any(
        test,
        loom,
        not(all(feature = "initial-exec", target_os = "linux", target_arch = "x86_64"))
    )
))]
extern crate std;

pub mod base;
pub mod chunk;
#[cfg(all(feature = "os", not(loom)))]
pub mod global;
pub mod harden;
pub mod heap;
pub mod sandbox;
pub mod source;
#[cfg(feature = "os")]
pub mod sync;
#[cfg(all(feature = "os", not(loom)))]
pub mod threaded;

#[cfg(all(feature = "os", not(loom)))]
pub use global::Fancy;
