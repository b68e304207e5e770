//! `rpmalloc`: linked from its crate, which has version 1.4. Wants to be told of each thread's beginning and end.

use std::ffi::{c_int, c_void};

use rpmalloc_sys as rp;

use super::Allocator;
use crate::engine::Calls;
use crate::plan::Counts;
use crate::results::AllocatorInfo;

/// rpmalloc.
pub struct Rpmalloc;

/// The last version that the library's list of changes names, and the crate's commit. The library can't be asked.
const VERSION: &str = "1.4.3 (b097fd0)";

unsafe extern "C" {
    // As in rpmalloc.h of this version; the crate declares it without its argument.
    #[link_name = "rpmalloc_thread_finalize"]
    fn thread_finalize(release_caches: c_int);
}

impl Allocator for Rpmalloc {
    fn describe(&self) -> AllocatorInfo {
        AllocatorInfo {
            name: "rpmalloc".into(),
            version: Some(VERSION.to_owned()),
            reached_by: "linked".into(),
            // The defaults of rpmalloc.c, which the crate leaves as they are.
            settings: vec!["thread_cache=on".to_owned(), "global_cache=on".to_owned()],
            ..AllocatorInfo::default()
        }
    }

    fn calls(&self) -> Calls {
        Calls {
            malloc: rp::rpmalloc,
            calloc: rp::rpcalloc,
            aligned,
            realloc: rp::rprealloc,
            free: rp::rpfree,
            begin: Some(begin),
            end: Some(end),
        }
    }

    fn prepare(&self, _counts: &Counts) -> Result<(), String> {
        // SAFETY: may be called more than once; it makes the calling thread ready as well.
        match unsafe { rp::rpmalloc_initialize() } {
            0 => Ok(()),
            code => Err(format!("rpmalloc_initialize failed with {code}")),
        }
    }
}

/// An alignment of less than a pointer's is as good as none; rpmalloc takes it for what it is, and 0 for an error.
unsafe extern "C" fn aligned(align: usize, size: usize) -> *mut c_void {
    // SAFETY: the same contract as aligned_alloc's.
    unsafe { rp::rpaligned_alloc(align.max(size_of::<usize>()), size) }
}

unsafe extern "C" fn begin() {
    // SAFETY: the process was initialised by `prepare`; a thread that is ready already stays so.
    unsafe { rp::rpmalloc_thread_initialize() };
}

unsafe extern "C" fn end() {
    // SAFETY: the thread's last call. 1: what it has cached goes to the global cache.
    unsafe { thread_finalize(1) };
}
