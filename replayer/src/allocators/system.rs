//! `system`: the C library's malloc.

use std::collections::BTreeMap;

use super::Allocator;
use crate::engine::Calls;
use crate::plan::Counts;
use crate::results::AllocatorInfo;

/// The C library's malloc.
pub struct System;

/// The functions of these names, wherever the loader found them.
pub(super) const CALLS: Calls = Calls {
    malloc: libc::malloc,
    calloc: libc::calloc,
    aligned: libc::aligned_alloc,
    realloc: libc::realloc,
    free: libc::free,
    begin: None,
    end: None,
};

impl Allocator for System {
    fn describe(&self) -> AllocatorInfo {
        // What changes glibc's malloc from outside; it can't be asked for what it made of it.
        let settings = [
            "GLIBC_TUNABLES",
            "MALLOC_ARENA_MAX",
            "MALLOC_TRIM_THRESHOLD_",
            "MALLOC_MMAP_THRESHOLD_",
            "MALLOC_TOP_PAD_",
        ]
        .into_iter()
        .filter_map(|name| {
            std::env::var(name)
                .ok()
                .map(|value| format!("{name}={value}"))
        })
        .collect();
        AllocatorInfo {
            name: "system".into(),
            version: libc_version(),
            reached_by: "libc".into(),
            settings,
            ..AllocatorInfo::default()
        }
    }

    fn calls(&self) -> Calls {
        CALLS
    }

    fn prepare(&self, _counts: &Counts) -> Result<(), String> {
        Ok(())
    }

    #[cfg(target_env = "gnu")]
    fn statistics(&self) -> BTreeMap<String, u64> {
        // SAFETY: returns numbers; may be called at any time.
        let info = unsafe { libc::mallinfo2() };
        BTreeMap::from([
            ("heap_bytes".to_owned(), info.arena as u64),
            ("mapped_bytes".to_owned(), info.hblkhd as u64),
            ("used_bytes".to_owned(), info.uordblks as u64),
            ("free_bytes".to_owned(), info.fordblks as u64),
            ("trimmable_bytes".to_owned(), info.keepcost as u64),
        ])
    }
}

/// The C library's name and version.
#[cfg(target_env = "gnu")]
pub fn libc_version() -> Option<String> {
    // SAFETY: the function returns a constant C string.
    let version = unsafe { std::ffi::CStr::from_ptr(libc::gnu_get_libc_version()) };
    Some(format!("glibc {}", version.to_string_lossy()))
}

/// The C library can't be asked.
#[cfg(not(target_env = "gnu"))]
pub fn libc_version() -> Option<String> {
    None
}
