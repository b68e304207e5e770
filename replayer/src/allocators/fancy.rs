//! `fancy` and `fancy-reclaim`: our own allocator, without and with its reclamation thread. Reached as any other.

use std::collections::BTreeMap;
use std::ffi::c_void;
use std::time::Duration;

use alloc_core::global::{self, Config, Reclaim};

use super::Allocator;
use crate::engine::Calls;
use crate::plan::Counts;
use crate::results::AllocatorInfo;

/// Our allocator.
pub struct Fancy {
    /// Whether a thread in the background returns free arenas to the system.
    pub reclaim: bool,
}

/// How often the reclamation thread looks. A replay may be over in less than the second that it takes by default in a program that
/// runs for days.
const INTERVAL: Duration = Duration::from_millis(100);

impl Fancy {
    fn config(&self) -> Config {
        let reclaim = if self.reclaim {
            Reclaim::On { interval: INTERVAL }
        } else {
            Reclaim::Off
        };
        Config {
            reclaim,
            ..Config::default()
        }
    }
}

impl Allocator for Fancy {
    fn describe(&self) -> AllocatorInfo {
        let (name, reclaim) = match self.config().reclaim {
            Reclaim::Off => ("fancy", "reclaim=off".to_owned()),
            Reclaim::On { interval } => (
                "fancy-reclaim",
                format!("reclaim=on, every {} ms", interval.as_millis()),
            ),
        };
        AllocatorInfo {
            name: name.into(),
            version: Some(env!("CARGO_PKG_VERSION").to_owned()),
            reached_by: "linked".into(),
            settings: vec![reclaim],
            ..AllocatorInfo::default()
        }
    }

    fn calls(&self) -> Calls {
        Calls {
            malloc,
            calloc,
            aligned,
            realloc,
            free,
            begin: None,
            end: None,
        }
    }

    fn statistics(&self) -> BTreeMap<String, u64> {
        let stats = global::stats();
        [
            ("alloc_calls", stats.alloc_calls),
            ("free_calls", stats.free_calls),
            ("failed", stats.failed),
            ("current_bytes", stats.current_bytes),
            ("peak_bytes", stats.peak_bytes),
            ("footprint_bytes", stats.footprint_bytes),
            ("pooled_bytes", stats.pooled_bytes),
            ("reclaimed_bytes", stats.reclaimed_bytes),
            ("arenas", stats.arenas),
            ("heaps", stats.heaps),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
    }

    fn prepare(&self, _counts: &Counts) -> Result<(), String> {
        if global::configure(self.config()) {
            Ok(())
        } else {
            Err("the reclamation thread could not be started".to_owned())
        }
    }
}

unsafe extern "C" fn malloc(size: usize) -> *mut c_void {
    global::malloc(size).cast()
}

unsafe extern "C" fn calloc(count: usize, size: usize) -> *mut c_void {
    global::calloc(count, size).cast()
}

unsafe extern "C" fn aligned(align: usize, size: usize) -> *mut c_void {
    global::aligned(align, size).cast()
}

unsafe extern "C" fn realloc(block: *mut c_void, size: usize) -> *mut c_void {
    // SAFETY: the same contract.
    unsafe { global::realloc(block.cast(), size) }.cast()
}

unsafe extern "C" fn free(block: *mut c_void) {
    // SAFETY: the same contract.
    unsafe { global::free(block.cast()) }
}
