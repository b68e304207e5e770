//! `jemalloc`: linked from its crate, under prefixed names.

use std::collections::BTreeMap;
use std::ffi::{CStr, c_char};

use tikv_jemalloc_sys as je;

use super::Allocator;
use super::known::{Known, Mallctl};
use crate::engine::Calls;
use crate::plan::Counts;
use crate::results::AllocatorInfo;

/// jemalloc.
pub struct Jemalloc;

impl Allocator for Jemalloc {
    fn describe(&self) -> AllocatorInfo {
        let known = ask(je::mallctl);
        AllocatorInfo {
            name: "jemalloc".into(),
            version: known.version,
            reached_by: "linked".into(),
            settings: known.settings,
            ..AllocatorInfo::default()
        }
    }

    fn calls(&self) -> Calls {
        Calls {
            malloc: je::malloc,
            calloc: je::calloc,
            aligned: je::aligned_alloc,
            realloc: je::realloc,
            free: je::free,
            begin: None,
            end: None,
        }
    }

    fn prepare(&self, _counts: &Counts) -> Result<(), String> {
        Ok(())
    }

    fn statistics(&self) -> BTreeMap<String, u64> {
        ask(je::mallctl).statistics
    }
}

/// What a jemalloc tells of itself. Types are those that its manual ("MALLCTL NAMESPACE") states for these names.
pub(super) fn ask(mallctl: Mallctl) -> Known {
    let tree = Tree { mallctl };
    // Statistics are as of the last advance of the epoch.
    tree.advance();
    // SAFETY: the manual's types.
    unsafe {
        let settings = [
            tree.read::<u32>(c"opt.narenas")
                .map(|v| format!("narenas={v}")),
            tree.read::<bool>(c"opt.background_thread")
                .map(|v| format!("background_thread={v}")),
            tree.read::<isize>(c"opt.dirty_decay_ms")
                .map(|v| format!("dirty_decay_ms={v}")),
            tree.read::<isize>(c"opt.muzzy_decay_ms")
                .map(|v| format!("muzzy_decay_ms={v}")),
            tree.read::<bool>(c"opt.tcache")
                .map(|v| format!("tcache={v}")),
            tree.text(c"opt.thp").map(|v| format!("thp={v}")),
        ];
        let statistics = [
            ("allocated_bytes", c"stats.allocated"),
            ("active_bytes", c"stats.active"),
            ("resident_bytes", c"stats.resident"),
            ("mapped_bytes", c"stats.mapped"),
            ("retained_bytes", c"stats.retained"),
            ("metadata_bytes", c"stats.metadata"),
        ];
        Known {
            // The part behind the dash is the commit.
            version: tree
                .text(c"version")
                .map(|v| v.split('-').next().unwrap_or_default().to_owned()),
            settings: settings.into_iter().flatten().collect(),
            statistics: statistics
                .into_iter()
                .filter_map(|(name, entry)| {
                    Some((name.to_owned(), tree.read::<usize>(entry)? as u64))
                })
                .collect(),
        }
    }
}

/// jemalloc's tree of settings and statistics.
struct Tree {
    mallctl: Mallctl,
}

impl Tree {
    fn advance(&self) {
        let mut epoch = 1u64;
        // SAFETY: the epoch is a u64 that is written with its own size.
        unsafe {
            (self.mallctl)(
                c"epoch".as_ptr(),
                std::ptr::null_mut(),
                std::ptr::null_mut(),
                (&raw mut epoch).cast(),
                size_of::<u64>(),
            )
        };
    }

    /// A value; `None` if this build has no such entry.
    ///
    /// # Safety
    /// The entry's type must be `T`.
    unsafe fn read<T: Copy + Default>(&self, name: &CStr) -> Option<T> {
        let mut value = T::default();
        let mut len = size_of::<T>();
        // SAFETY: value and len live through the call; jemalloc writes at most len bytes, and only if len is the entry's own size.
        let failed = unsafe {
            (self.mallctl)(
                name.as_ptr(),
                (&raw mut value).cast(),
                &mut len,
                std::ptr::null_mut(),
                0,
            )
        };
        (failed == 0 && len == size_of::<T>()).then_some(value)
    }

    /// A text.
    ///
    /// # Safety
    /// The entry's type must be a constant C string.
    unsafe fn text(&self, name: &CStr) -> Option<String> {
        // A pointer travels as an integer, for which zero is a default.
        // SAFETY: pointer and usize have the same size; the caller vouches for the type.
        let address = unsafe { self.read::<usize>(name) }?;
        let start: *const c_char = std::ptr::with_exposed_provenance(address);
        if start.is_null() {
            return None;
        }
        // SAFETY: the entry is a C string that lives as long as the process.
        let text = unsafe { CStr::from_ptr(start) };
        Some(text.to_string_lossy().into_owned())
    }
}
