//! jemalloc as a peer in the benchmark.
//!
//! Empty without the feature `shared`. With it the archive carries the allocator's own objects, and nothing of ours.

#[cfg(feature = "shared")]
pub use tikv_jemalloc_sys as allocator;
