//! `heaptape_mark`: the program names its phases. See `include/heaptape.h`.

use crate::events::STORE;
use crate::process::write_other;
use core::ffi::{CStr, c_char};

/// Records that a phase called `name` begins. Does nothing when nothing is recorded.
///
/// # Safety
/// `name` is null or ends with a zero.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn heaptape_mark(name: *const c_char) {
    if name.is_null() {
        return;
    }
    // SAFETY: the caller's promise.
    let name = unsafe { CStr::from_ptr(name) };
    write_other(|local| STORE.mark(local, name.to_bytes()));
}
