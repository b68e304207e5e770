//! Children: `fork` and `posix_spawn` are events, and spawned programs are recorded too.

use crate::events::STORE;
use crate::exec::Environment;
use crate::process::{is_followed, write_other};
use crate::real;
use core::ffi::{c_char, c_int, c_void};
use trace_capture::raw::Op;

fn note_child(pid: libc::pid_t) {
    if pid > 0 {
        write_other(|local| STORE.note(local, Op::Fork, pid as u64));
    }
}

/// fork(2).
#[unsafe(no_mangle)]
pub extern "C" fn fork() -> libc::pid_t {
    // SAFETY: takes nothing.
    let pid = unsafe { real::fork() };
    note_child(pid);
    pid
}

type Strings = *const *const c_char;
type Spawn = unsafe fn(
    *mut libc::pid_t,
    *const c_char,
    *const c_void,
    *const c_void,
    Strings,
    Strings,
) -> c_int;

/// Spawns with the recorder in the child's environment.
///
/// # Safety
/// As `spawn` asks.
unsafe fn spawn_followed(
    spawn: Spawn,
    pid: *mut libc::pid_t,
    path: *const c_char,
    actions: *const c_void,
    attributes: *const c_void,
    argv: Strings,
    envp: Strings,
) -> c_int {
    if !is_followed() {
        // SAFETY: the caller's promise.
        return unsafe { spawn(pid, path, actions, attributes, argv, envp) };
    }
    let mut child = 0;
    let mut environment = Environment::new();
    // SAFETY: the caller's promise about envp.
    let envp = unsafe { environment.with_recorder(envp) };
    // SAFETY: the caller's promise; `child` is valid to write to, and `environment` outlives the call.
    let result = unsafe { spawn(&mut child, path, actions, attributes, argv, envp) };
    if result == 0 {
        if !pid.is_null() {
            // SAFETY: the caller's promise.
            unsafe { pid.write(child) };
        }
        note_child(child);
    }
    result
}

/// posix_spawn(3).
///
/// # Safety
/// As in C.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn posix_spawn(
    pid: *mut libc::pid_t,
    path: *const c_char,
    actions: *const c_void,
    attributes: *const c_void,
    argv: Strings,
    envp: Strings,
) -> c_int {
    // SAFETY: the caller's promise.
    unsafe {
        spawn_followed(
            real::posix_spawn,
            pid,
            path,
            actions,
            attributes,
            argv,
            envp,
        )
    }
}

/// posix_spawnp(3).
///
/// # Safety
/// As in C.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn posix_spawnp(
    pid: *mut libc::pid_t,
    file: *const c_char,
    actions: *const c_void,
    attributes: *const c_void,
    argv: Strings,
    envp: Strings,
) -> c_int {
    // SAFETY: the caller's promise.
    unsafe {
        spawn_followed(
            real::posix_spawnp,
            pid,
            file,
            actions,
            attributes,
            argv,
            envp,
        )
    }
}
