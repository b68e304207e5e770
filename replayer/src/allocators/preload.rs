//! `preload:PATH`: any shared object that defines malloc. The worker is started with it in LD_PRELOAD, so that all of the process,
//! the C library included, uses it, as a program would that was started so.

use std::collections::BTreeMap;
use std::ffi::{CStr, c_int, c_void};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use super::{Allocator, known, symbols};
use crate::engine::Calls;
use crate::plan::Counts;
use crate::results::AllocatorInfo;

/// An allocator in a shared object.
pub struct Preload {
    /// The object.
    pub path: PathBuf,
}

/// What was found in the object, once [`prepare`](Allocator::prepare) has looked.
static FOUND: OnceLock<Calls> = OnceLock::new();

impl Allocator for Preload {
    fn describe(&self) -> AllocatorInfo {
        let mut info = AllocatorInfo {
            name: format!("preload:{}", self.path.display()),
            reached_by: format!("preload:{}", self.path.display()),
            ..AllocatorInfo::default()
        };
        if FOUND.get().is_some() {
            let known = known::ask();
            info.version = known.version;
            info.settings = known.settings;
        }
        info
    }

    fn calls(&self) -> Calls {
        FOUND.get().copied().unwrap_or(super::system::CALLS)
    }

    fn prepare(&self, counts: &Counts) -> Result<(), String> {
        let calls = find(&self.path, counts.align_log2 > 0)?;
        FOUND.get_or_init(|| calls);
        Ok(())
    }

    fn statistics(&self) -> BTreeMap<String, u64> {
        known::ask().statistics
    }
}

fn find(path: &Path, needs_aligned: bool) -> Result<Calls, String> {
    let shown = path.display();
    if !symbols::is_loaded(path) {
        return Err(match symbols::why_not(path) {
            Some(reason) => format!("{shown} cannot be loaded: {reason}"),
            None => format!(
                "{shown} was not preloaded: the loader ignored it (LD_PRELOAD is ignored for programs with raised privileges)"
            ),
        });
    }
    let function = |name: &CStr| -> Result<*mut c_void, String> {
        let found = symbols::global(name);
        let home = found.and_then(|address| symbols::object_of(address.cast_const()));
        match (found, home) {
            (Some(address), Some(home)) if same_file(&home, path) => Ok(address),
            (_, home) => Err(format!(
                "{shown} defines no {}{}",
                name.to_string_lossy(),
                home.map_or(String::new(), |home| format!(
                    ": it still comes from {}",
                    home.display()
                ))
            )),
        }
    };
    let (malloc, calloc) = (function(c"malloc")?, function(c"calloc")?);
    let (realloc, free) = (function(c"realloc")?, function(c"free")?);
    let aligned = function(c"aligned_alloc").or_else(|_| function(c"memalign"));
    // SAFETY: these are the C library's names, and whoever defines them does so with the C library's types; otherwise no program
    // could be started with the object. memalign takes what aligned_alloc takes.
    unsafe {
        let aligned = match aligned {
            Ok(address) => std::mem::transmute::<
                *mut c_void,
                unsafe extern "C" fn(usize, usize) -> *mut c_void,
            >(address),
            Err(_) => match function(c"posix_memalign") {
                Ok(address) => {
                    POSIX_MEMALIGN.get_or_init(|| std::mem::transmute(address));
                    by_posix_memalign
                }
                Err(reason) if needs_aligned => return Err(reason),
                Err(_) => none,
            },
        };
        Ok(Calls {
            malloc: std::mem::transmute::<*mut c_void, unsafe extern "C" fn(usize) -> *mut c_void>(
                malloc,
            ),
            calloc: std::mem::transmute::<
                *mut c_void,
                unsafe extern "C" fn(usize, usize) -> *mut c_void,
            >(calloc),
            aligned,
            realloc: std::mem::transmute::<
                *mut c_void,
                unsafe extern "C" fn(*mut c_void, usize) -> *mut c_void,
            >(realloc),
            free: std::mem::transmute::<*mut c_void, unsafe extern "C" fn(*mut c_void)>(free),
            begin: None,
            end: None,
        })
    }
}

fn same_file(one: &Path, other: &Path) -> bool {
    match (one.canonicalize(), other.canonicalize()) {
        (Ok(one), Ok(other)) => one == other,
        _ => one == other,
    }
}

type PosixMemalign = unsafe extern "C" fn(*mut *mut c_void, usize, usize) -> c_int;

static POSIX_MEMALIGN: OnceLock<PosixMemalign> = OnceLock::new();

unsafe extern "C" fn by_posix_memalign(align: usize, size: usize) -> *mut c_void {
    let mut block = std::ptr::null_mut();
    if let Some(allocate) = POSIX_MEMALIGN.get() {
        // SAFETY: the contract of posix_memalign: a place for the block, a power of two of at least a pointer's size.
        let failed = unsafe { allocate(&mut block, align.max(size_of::<usize>()), size) };
        if failed != 0 {
            return std::ptr::null_mut();
        }
    }
    block
}

unsafe extern "C" fn none(_align: usize, _size: usize) -> *mut c_void {
    std::ptr::null_mut()
}
