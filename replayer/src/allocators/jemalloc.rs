//! `jemalloc`: linked from its crate, under prefixed names.

use std::ffi::{CStr, c_char};

use tikv_jemalloc_sys as je;

use super::Allocator;
use crate::engine::Calls;
use crate::plan::Counts;
use crate::results::AllocatorInfo;

/// jemalloc.
pub struct Jemalloc;

impl Allocator for Jemalloc {
    fn describe(&self) -> AllocatorInfo {
        // SAFETY: jemalloc's manual ("MALLCTL NAMESPACE") states these types for these names.
        let settings = unsafe {
            [
                read::<u32>(c"opt.narenas").map(|v| format!("narenas={v}")),
                read::<bool>(c"opt.background_thread").map(|v| format!("background_thread={v}")),
                read::<isize>(c"opt.dirty_decay_ms").map(|v| format!("dirty_decay_ms={v}")),
                read::<isize>(c"opt.muzzy_decay_ms").map(|v| format!("muzzy_decay_ms={v}")),
                read::<bool>(c"opt.tcache").map(|v| format!("tcache={v}")),
                text(c"opt.thp").map(|v| format!("thp={v}")),
            ]
        };
        // SAFETY: as above; "version" is a string.
        let version = unsafe { text(c"version") };
        AllocatorInfo {
            name: "jemalloc".into(),
            // The part behind the dash is the commit.
            version: version.map(|v| v.split('-').next().unwrap_or_default().to_owned()),
            reached_by: "linked".into(),
            settings: settings.into_iter().flatten().collect(),
        }
    }

    fn calls(&self) -> Calls {
        Calls {
            malloc: je::malloc,
            calloc: je::calloc,
            aligned: je::aligned_alloc,
            realloc: je::realloc,
            free: je::free,
        }
    }

    fn prepare(&self, _counts: &Counts) -> Result<(), String> {
        Ok(())
    }
}

/// A value of jemalloc's tree of settings; `None` if this build has no such entry.
///
/// # Safety
/// The entry's type must be `T`.
unsafe fn read<T: Copy + Default>(name: &CStr) -> Option<T> {
    let mut value = T::default();
    let mut len = size_of::<T>();
    // SAFETY: value and len live through the call; jemalloc writes at most len bytes, and only if len is the entry's own size.
    let failed = unsafe {
        je::mallctl(
            name.as_ptr(),
            (&raw mut value).cast(),
            &mut len,
            std::ptr::null_mut(),
            0,
        )
    };
    (failed == 0 && len == size_of::<T>()).then_some(value)
}

/// A text of jemalloc's tree of settings.
///
/// # Safety
/// The entry's type must be a constant C string.
unsafe fn text(name: &CStr) -> Option<String> {
    // A pointer travels as an integer, for which zero is a default.
    // SAFETY: pointer and usize have the same size; the caller vouches for the type.
    let address = unsafe { read::<usize>(name) }?;
    let start: *const c_char = std::ptr::with_exposed_provenance(address);
    if start.is_null() {
        return None;
    }
    // SAFETY: the entry is a C string that lives as long as the process.
    let text = unsafe { CStr::from_ptr(start) };
    Some(text.to_string_lossy().into_owned())
}
