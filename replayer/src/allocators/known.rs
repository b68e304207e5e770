//! Allocators that tell of themselves, found by the names that only they define.
//!
//! Types are those of `jemalloc/jemalloc.h`, `mimalloc.h`, `gperftools/tcmalloc.h` and `malloc_extension_c.h`, and our `fancy.h`.

use std::collections::BTreeMap;
use std::ffi::{CStr, c_char, c_int, c_void};

use super::symbols;

/// What an allocator tells.
#[derive(Default)]
pub(super) struct Known {
    pub version: Option<String>,
    pub settings: Vec<String>,
    pub statistics: BTreeMap<String, u64>,
}

/// Asks whichever of the allocators that we know is preloaded. Nothing from others.
pub(super) fn ask() -> Known {
    jemalloc()
        .or_else(mimalloc)
        .or_else(tcmalloc)
        .or_else(fancy)
        .unwrap_or_default()
}

pub(super) type Mallctl =
    unsafe extern "C" fn(*const c_char, *mut c_void, *mut usize, *mut c_void, usize) -> c_int;

fn jemalloc() -> Option<Known> {
    let address = symbols::global(c"mallctl")?;
    // SAFETY: jemalloc alone defines this name, with this type.
    let mallctl = unsafe { std::mem::transmute::<*mut c_void, Mallctl>(address) };
    Some(super::jemalloc::ask(mallctl))
}

fn mimalloc() -> Option<Known> {
    let address = symbols::global(c"mi_version")?;
    // SAFETY: mimalloc alone defines this name; the function takes nothing.
    let version =
        unsafe { std::mem::transmute::<*mut c_void, unsafe extern "C" fn() -> c_int>(address)() };
    let version = match version {
        // mimalloc.h: before version 2.1 one digit and two more of the patch, then major and two digits each.
        ..1000 => format!("{}.{}.{}", version / 100, version / 10 % 10, version % 10),
        _ => super::mimalloc::version_text(version),
    };
    Some(Known {
        version: Some(format!("mimalloc {version}")),
        ..Known::default()
    })
}

fn tcmalloc() -> Option<Known> {
    let address = symbols::global(c"tc_version")?;
    type Version =
        unsafe extern "C" fn(*mut c_int, *mut c_int, *mut *const c_char) -> *const c_char;
    let (mut major, mut minor, mut patch) = (0, 0, std::ptr::null());
    // SAFETY: gperftools alone defines this name, with this type; it returns a constant C string.
    let version = unsafe {
        let ask = std::mem::transmute::<*mut c_void, Version>(address);
        let text = ask(&mut major, &mut minor, &mut patch);
        (!text.is_null()).then(|| CStr::from_ptr(text).to_string_lossy().into_owned())
    };
    let mut known = Known {
        version,
        ..Known::default()
    };
    if let Some(address) = symbols::global(c"MallocExtension_GetNumericProperty") {
        type Property = unsafe extern "C" fn(*const c_char, *mut usize) -> c_int;
        // SAFETY: as above.
        let property = unsafe { std::mem::transmute::<*mut c_void, Property>(address) };
        let read = |name: &CStr| {
            let mut value = 0;
            // SAFETY: a C string, and a place for the value.
            (unsafe { property(name.as_ptr(), &mut value) } != 0).then_some(value as u64)
        };
        if let Some(bytes) = read(c"tcmalloc.max_total_thread_cache_bytes") {
            known
                .settings
                .push(format!("max_total_thread_cache_bytes={bytes}"));
        }
        for (name, property) in [
            ("allocated_bytes", c"generic.current_allocated_bytes"),
            ("heap_bytes", c"generic.heap_size"),
            ("pageheap_free_bytes", c"tcmalloc.pageheap_free_bytes"),
            (
                "thread_caches_bytes",
                c"tcmalloc.current_total_thread_cache_bytes",
            ),
        ] {
            known
                .statistics
                .extend(read(property).map(|value| (name.to_owned(), value)));
        }
    }
    Some(known)
}

fn fancy() -> Option<Known> {
    symbols::global(c"fancy_get_stats")?;
    Some(Known {
        version: Some(format!("fancy {}", env!("CARGO_PKG_VERSION"))),
        ..Known::default()
    })
}
