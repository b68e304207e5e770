//! Functions by their names, as the dynamic loader finds them.

use std::ffi::{CStr, CString, OsStr, c_void};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// What a name stands for in this process, for everybody who does not link it statically; null-checked.
pub(super) fn global(name: &CStr) -> Option<*mut c_void> {
    // SAFETY: the name is a C string; dlsym only looks it up.
    let found = unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) };
    (!found.is_null()).then_some(found)
}

/// The file of the object that holds an address.
pub(super) fn object_of(address: *const c_void) -> Option<PathBuf> {
    let mut info = std::mem::MaybeUninit::<libc::Dl_info>::zeroed();
    // SAFETY: dladdr takes any address and fills the structure if it knows it.
    let info = unsafe {
        if libc::dladdr(address, info.as_mut_ptr()) == 0 {
            return None;
        }
        info.assume_init()
    };
    if info.dli_fname.is_null() {
        return None;
    }
    // SAFETY: the loader's own name of the object, which stays as long as the object is loaded.
    let name = unsafe { CStr::from_ptr(info.dli_fname) };
    Some(PathBuf::from(OsStr::from_bytes(name.to_bytes())))
}

/// Whether the loader has the object already.
pub(super) fn is_loaded(path: &Path) -> bool {
    open(path, libc::RTLD_NOW | libc::RTLD_NOLOAD).is_ok()
}

/// Why the loader does not load the object; `None` if it does.
pub(super) fn why_not(path: &Path) -> Option<String> {
    open(path, libc::RTLD_NOW | libc::RTLD_LOCAL).err()
}

/// Opens and leaves open: an allocator must never go.
fn open(path: &Path, flags: i32) -> Result<(), String> {
    let Ok(name) = CString::new(path.as_os_str().as_bytes()) else {
        return Err("a path has no zero bytes".to_owned());
    };
    // SAFETY: the name is a C string. Constructors of the object run, as they would if it were preloaded: it is what we were asked
    // to measure.
    let handle = unsafe { libc::dlopen(name.as_ptr(), flags) };
    if !handle.is_null() {
        return Ok(());
    }
    // SAFETY: dlerror returns null or a C string that is valid until the next call on this thread.
    let error = unsafe {
        let text = libc::dlerror();
        if text.is_null() {
            return Err("the loader does not say why".to_owned());
        }
        CStr::from_ptr(text).to_string_lossy().into_owned()
    };
    Err(error)
}
