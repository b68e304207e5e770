//! Replays a tape in parallel against an allocator, and measures.
//!
//! Layers, each imports only those above it: [`results`] (what a replay says), plan, engine, measure, allocators.

pub mod results;
