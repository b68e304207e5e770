//! `mimalloc`: linked from its crate, under its own names.

use std::collections::BTreeMap;
use std::ffi::c_void;

use libmimalloc_sys as mi;

use super::Allocator;
use crate::engine::Calls;
use crate::plan::Counts;
use crate::results::AllocatorInfo;

/// mimalloc.
pub struct Mimalloc;

/// Numbers of options in `mi_option_e` of mimalloc.h, version 3; the crate names only some.
const OPTIONS: [(&str, mi::mi_option_t); 4] = [
    ("arena_eager_commit", 4),
    ("purge_decommits", 5),
    ("allow_large_os_pages", mi::mi_option_large_os_pages),
    ("purge_delay", 15),
];

impl Allocator for Mimalloc {
    fn describe(&self) -> AllocatorInfo {
        // SAFETY: the function returns a number and has no preconditions.
        let version = unsafe { mi::mi_version() };
        let settings = OPTIONS.map(|(name, option)| {
            // SAFETY: the option is one of the enum of this version; reading it has no preconditions.
            format!("{name}={}", unsafe { mi::mi_option_get(option) })
        });
        AllocatorInfo {
            name: "mimalloc".into(),
            version: Some(version_text(version)),
            reached_by: "linked".into(),
            settings: settings.into(),
            ..AllocatorInfo::default()
        }
    }

    fn calls(&self) -> Calls {
        Calls {
            malloc: mi::mi_malloc,
            calloc: mi::mi_calloc,
            aligned,
            realloc: mi::mi_realloc,
            free: mi::mi_free,
            begin: None,
            end: None,
        }
    }

    fn prepare(&self, _counts: &Counts) -> Result<(), String> {
        Ok(())
    }

    fn statistics(&self) -> BTreeMap<String, u64> {
        let (mut commit, mut peak_commit, mut other) = (0, 0, [0; 6]);
        let [elapsed, user, sys, rss, peak_rss, faults] = &mut other;
        // SAFETY: eight places for integers that live through the call.
        unsafe {
            mi::mi_process_info(
                elapsed,
                user,
                sys,
                rss,
                peak_rss,
                &mut commit,
                &mut peak_commit,
                faults,
            )
        };
        BTreeMap::from([
            ("committed_bytes".to_owned(), commit as u64),
            ("peak_committed_bytes".to_owned(), peak_commit as u64),
        ])
    }
}

/// mimalloc.h: major, then two digits each of minor and patch.
pub(super) fn version_text(version: i32) -> String {
    format!(
        "{}.{}.{}",
        version / 10_000,
        version / 100 % 100,
        version % 100
    )
}

/// mimalloc takes size and alignment in the other order, and accepts sizes that are no multiple of the alignment.
unsafe extern "C" fn aligned(align: usize, size: usize) -> *mut c_void {
    // SAFETY: the same contract as aligned_alloc's.
    unsafe { mi::mi_malloc_aligned(size, align) }
}
