//! The statistics as text.

use alloc_core::global;

use crate::text::say;

/// Prints the statistics to standard error.
pub fn stats() {
    let s = global::stats();
    say!(
        "fancy: Alloc calls: {}, Free calls: {}, Failed: {}, Current usage: {} bytes, Peak usage: {} bytes\n\
         fancy: footprint {} bytes ({} wait for reuse), {} heaps, {} arenas, {} bytes reclaimed\n",
        s.alloc_calls,
        s.free_calls,
        s.failed,
        s.current_bytes,
        s.peak_bytes,
        s.footprint_bytes,
        s.pooled_bytes,
        s.heaps,
        s.arenas,
        s.reclaimed_bytes
    );
}
