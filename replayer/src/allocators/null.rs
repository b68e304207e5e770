//! `null`: hands out addresses and remembers nothing, so that a replay under it takes what the harness itself takes.
//!
//! All blocks lie over one another in one region, which is large enough for the largest request of the plan. So the harness may
//! touch them, but nobody may rely on what is in them. Each thread's blocks begin in a few KiB of its own, as memory that a good
//! allocator gives again and again would lie in the thread's cache: what the touching takes beyond that is an allocator's doing.

use std::cell::Cell;
use std::ffi::c_void;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};

use super::Allocator;
use crate::engine::Calls;
use crate::mapping::Region;
use crate::plan::Counts;
use crate::results::AllocatorInfo;

/// Does nothing.
pub struct Null;

/// A thread's blocks start at different places of so many bytes.
const SPREAD: usize = 4 * 1024;

/// The distance of two threads' places.
const STEP: usize = 16 * 1024;

/// So many threads have places of their own; more share them.
const PLACES: usize = 64;

/// Above this the region is not touched beforehand.
const MOST_PREFAULTED: usize = 256 << 20;

/// From here on the largest request of the plan has room at each place.
static BASE: AtomicPtr<u8> = AtomicPtr::new(std::ptr::null_mut());

/// The place of the next thread.
static NEXT: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    /// This thread's place, once it was told that it begins.
    static PLACE: Cell<*mut u8> = const { Cell::new(std::ptr::null_mut()) };
}

/// Every region that was ever in use stays mapped: a block of it may still be about.
static REGIONS: OnceLock<std::sync::Mutex<Vec<Region>>> = OnceLock::new();

impl Allocator for Null {
    fn describe(&self) -> AllocatorInfo {
        AllocatorInfo {
            name: "null".into(),
            version: None,
            reached_by: "linked".into(),
            settings: Vec::new(),
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
            begin: Some(begin),
            end: None,
        }
    }

    fn prepare(&self, counts: &Counts) -> Result<(), String> {
        let room = usize::try_from(counts.largest)
            .map_err(|_| "the largest request exceeds the address space".to_owned())?;
        let align = STEP.max(1usize << counts.align_log2);
        let bytes = room
            .checked_add(PLACES * STEP)
            .and_then(|b| b.checked_add(align))
            .ok_or("the largest request exceeds the address space")?;
        let region =
            Region::anonymous("null allocator", bytes, false).map_err(|error| error.to_string())?;
        if bytes <= MOST_PREFAULTED {
            region.prefault(0, bytes);
        }
        let start = region.start();
        let base = start.wrapping_add(start.addr().next_multiple_of(align) - start.addr());
        if let Ok(mut regions) = REGIONS.get_or_init(Default::default).lock() {
            regions.push(region);
        }
        BASE.store(base, Ordering::Relaxed);
        Ok(())
    }
}

/// The calling thread gets a place. Nothing is looked at again in a request: the plan was checked to ask for no more than its largest.
unsafe extern "C" fn begin() {
    let offset = NEXT.fetch_add(1, Ordering::Relaxed) % PLACES * STEP;
    PLACE.set(BASE.load(Ordering::Relaxed).wrapping_add(offset));
}

/// An address at which `size` bytes are mapped. Where in the thread's place follows from the size alone.
#[inline(always)]
fn place(size: usize) -> *mut c_void {
    PLACE
        .get()
        .wrapping_add(size.wrapping_mul(64) % SPREAD)
        .cast()
}

unsafe extern "C" fn malloc(size: usize) -> *mut c_void {
    place(size)
}

unsafe extern "C" fn calloc(count: usize, size: usize) -> *mut c_void {
    place(count.saturating_mul(size))
}

unsafe extern "C" fn aligned(align: usize, _size: usize) -> *mut c_void {
    // BASE is aligned to the plan's largest alignment and to STEP.
    if align <= STEP {
        PLACE.get().cast()
    } else {
        BASE.load(Ordering::Relaxed).cast()
    }
}

unsafe extern "C" fn realloc(_block: *mut c_void, size: usize) -> *mut c_void {
    place(size)
}

unsafe extern "C" fn free(_block: *mut c_void) {}
