//! `snmalloc`: linked from its crate, under prefixed names.

use std::collections::BTreeMap;
use std::ffi::c_void;

use snmalloc_sys as sn;

use super::Allocator;
use crate::engine::Calls;
use crate::plan::Counts;
use crate::results::AllocatorInfo;

/// snmalloc.
pub struct Snmalloc;

/// The version of the crate, which has the library's own. The library can't be asked.
const VERSION: &str = "0.7.6";

impl Allocator for Snmalloc {
    fn describe(&self) -> AllocatorInfo {
        AllocatorInfo {
            name: "snmalloc".into(),
            version: Some(VERSION.to_owned()),
            reached_by: "linked".into(),
            settings: vec!["checks=off".to_owned()],
            ..AllocatorInfo::default()
        }
    }

    fn calls(&self) -> Calls {
        Calls {
            malloc: sn::sn_malloc,
            calloc: sn::sn_calloc,
            aligned,
            realloc: sn::sn_realloc,
            free: sn::sn_free,
            begin: None,
            end: None,
        }
    }

    fn prepare(&self, _counts: &Counts) -> Result<(), String> {
        Ok(())
    }

    fn statistics(&self) -> BTreeMap<String, u64> {
        let (mut current, mut peak) = (0, 0);
        // SAFETY: both are integers that live through the call.
        unsafe { sn::sn_rust_statistics(&mut current, &mut peak) };
        BTreeMap::from([
            ("current_memory_bytes".to_owned(), current as u64),
            ("peak_memory_bytes".to_owned(), peak as u64),
        ])
    }
}

/// Blocks of the crate's Rust interface are blocks as any other: `sn_free` takes them.
unsafe extern "C" fn aligned(align: usize, size: usize) -> *mut c_void {
    // SAFETY: the alignment is a power of two, as for aligned_alloc.
    unsafe { sn::sn_rust_alloc(align, size.max(1)) }
}
