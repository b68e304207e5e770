//! Telling in the file how the process ended, as far as it knows itself.

use crate::events::STORE;
use crate::real;
use core::ffi::{c_int, c_void};
use std::sync::atomic::Ordering;
use trace_capture::layout::State;
use trace_capture::sys::{self, KeptErrno};

unsafe extern "C" {
    /// on_exit(3): calls back with the status when the process exits, the first registered last.
    fn on_exit(function: extern "C" fn(c_int, *mut c_void), argument: *mut c_void) -> c_int;
}

/// Registers for `exit`. Once, before the program's own handlers, so that it runs after them.
pub fn prepare() {
    // SAFETY: the function has the signature that is called back, and stays loaded (-z nodelete).
    unsafe { on_exit(at_exit, core::ptr::null_mut()) };
}

extern "C" fn at_exit(status: c_int, _: *mut c_void) {
    ends(State::Exited, Some(status as u32));
}

/// The process ends, or becomes another program; unless what calls is a child that shares this memory or has not
/// recorded anything: the file in sight is its parent's then.
pub fn ends(state: State, status: Option<u32>) {
    if STORE.is_fresh() {
        return;
    }
    let _errno = KeptErrno::keep();
    let mine =
        |head: &trace_capture::layout::FileHead| head.pid.load(Ordering::Relaxed) == sys::process();
    if STORE.head().is_some_and(mine) {
        STORE.end(state, status);
    }
}

/// _exit(2).
#[unsafe(no_mangle)]
pub extern "C" fn _exit(status: c_int) -> ! {
    ends(State::Exited, Some(status as u32));
    // SAFETY: ends the process; the system call after it stands for a C library that has no such function.
    unsafe {
        real::exit_now(status);
        libc::syscall(libc::SYS_exit_group, status);
    }
    loop {
        core::hint::spin_loop();
    }
}

/// _Exit(3).
#[unsafe(no_mangle)]
pub extern "C" fn _Exit(status: c_int) -> ! {
    _exit(status)
}

/// quick_exit(3). Its handlers run afterwards, and what they ask for is recorded.
#[unsafe(no_mangle)]
pub extern "C" fn quick_exit(status: c_int) -> ! {
    ends(State::Exited, Some(status as u32));
    // SAFETY: any status may be given; it does not return, unless the C library has no such function.
    unsafe { real::quick_exit(status) };
    _exit(status)
}
