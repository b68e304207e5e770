//! `exec`: the program that a process becomes is recorded too, also when its environment is made by hand.

use crate::process::{folder, is_followed, is_over};
use crate::{exit, real};
use core::ffi::{CStr, c_char, c_int};
use core::ptr;
use trace_capture::control::FOLDER_VARIABLE;
use trace_capture::layout::State;
use trace_capture::sys;

type Strings = *const *const c_char;

const PRELOAD: &[u8] = b"LD_PRELOAD=";

/// Entries of an environment that need no memory of their own.
const FEW: usize = 510;

const LINE_BYTES: usize = libc::PATH_MAX as usize + 64;

/// An environment with the recorder in it. It lives on the stack, since exec may be called where nothing may be
/// allocated: in a child that shares its parent's memory, or in a signal handler.
pub struct Environment {
    entries: [*const c_char; FEW + 2],
    folder: [u8; LINE_BYTES],
    preload: [u8; LINE_BYTES],
}

impl Environment {
    /// Empty.
    pub fn new() -> Environment {
        Environment {
            entries: [ptr::null(); FEW + 2],
            folder: [0; LINE_BYTES],
            preload: [0; LINE_BYTES],
        }
    }

    /// `envp` if it has the recorder, else a copy that has, which lives as long as `self`. When the recording is over, a copy in
    /// which its folder is called nothing: the program would look for it in vain, and say so.
    ///
    /// # Safety
    /// `envp` is null or a list of strings that ends with null.
    pub unsafe fn with_recorder(&mut self, envp: Strings) -> Strings {
        let mut path = [0; libc::PATH_MAX as usize];
        let over = is_over();
        let folder = if over { &[] } else { folder(&mut path) };
        let library = library();
        let (mut count, mut has_folder, mut preload) = (0, over, None);
        // SAFETY: the caller's promise: entries up to the null are strings.
        while let Some(entry) = unsafe { entry(envp, count) } {
            if let Some(named) = value(entry, FOLDER_VARIABLE.as_bytes()) {
                has_folder = named == folder;
            }
            if let Some(value) = entry.strip_prefix(PRELOAD) {
                preload = Some((count, value));
            }
            count += 1;
        }
        let mut names = preload
            .map_or(&[][..], |(_, value)| value)
            .split(|&b| b == b':' || b == b' ');
        let has_library = over || names.any(|name| name == library);
        if (has_folder && has_library) || library.is_empty() {
            return envp;
        }
        let mut line = Line::new(&mut self.folder);
        let fits = line.push(FOLDER_VARIABLE.as_bytes()) && line.push(b"=") && line.push(folder);
        let mut line = Line::new(&mut self.preload);
        let before = preload.map_or(&[][..], |(_, value)| value);
        let fits = fits
            && line.push(PRELOAD)
            && line.push(library)
            && (before.is_empty() || has_library || line.push(b":") && line.push(before));
        let entries = match self.entries.get_mut(..count + 3) {
            Some(entries) => entries,
            None => match sys::map_private((count + 3) * size_of::<*const c_char>()) {
                // SAFETY: a new mapping of that size; it is gone with the program that this process is about to leave.
                Ok(base) => unsafe { core::slice::from_raw_parts_mut(base.cast(), count + 3) },
                Err(_) => return envp,
            },
        };
        if !fits {
            return envp;
        }
        let mut len = 0;
        let mut add = |entry: *const c_char| {
            if let Some(place) = entries.get_mut(len) {
                *place = entry;
                len += 1;
            }
        };
        for at in 0..count {
            // SAFETY: `at` is before the null.
            let pointer = unsafe { envp.add(at).read() };
            // SAFETY: the caller's promise.
            let is_folder = unsafe { entry(envp, at) }
                .is_some_and(|entry| value(entry, FOLDER_VARIABLE.as_bytes()).is_some());
            let is_replaced = !has_library && preload.is_some_and(|(place, _)| place == at);
            if !(is_folder || is_replaced) {
                add(pointer);
            }
        }
        add(self.folder.as_ptr().cast());
        if !has_library {
            add(self.preload.as_ptr().cast());
        }
        add(ptr::null());
        entries.as_ptr()
    }
}

/// Entry `at` of an environment; `None` at its end.
///
/// # Safety
/// `envp` is null or a list of strings that ends with null, which is not before `at`.
unsafe fn entry<'a>(envp: Strings, at: usize) -> Option<&'a [u8]> {
    if envp.is_null() {
        return None;
    }
    // SAFETY: the caller's promise.
    let entry = unsafe { envp.add(at).read() };
    // SAFETY: the caller's promise: not null is a string.
    (!entry.is_null()).then(|| unsafe { CStr::from_ptr(entry) }.to_bytes())
}

/// The value of an entry that is called `name`.
fn value<'a>(entry: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    entry.strip_prefix(name)?.strip_prefix(b"=")
}

/// The path under which the loader has this shared object; empty if it does not say.
fn library() -> &'static [u8] {
    // SAFETY: Dl_info is plain pointers, valid as zeros, and dladdr fills it; the name is the loader's and stays.
    unsafe {
        let mut info: libc::Dl_info = core::mem::zeroed();
        if libc::dladdr(library as *const libc::c_void, &mut info) == 0 || info.dli_fname.is_null()
        {
            return &[];
        }
        CStr::from_ptr(info.dli_fname).to_bytes()
    }
}

/// A line that is put together; what is behind it stays zero.
struct Line<'a> {
    bytes: &'a mut [u8; LINE_BYTES],
    len: usize,
}

impl<'a> Line<'a> {
    fn new(bytes: &'a mut [u8; LINE_BYTES]) -> Line<'a> {
        Line { bytes, len: 0 }
    }

    /// False when there is no room.
    fn push(&mut self, more: &[u8]) -> bool {
        let end = self.len + more.len();
        match self.bytes.get_mut(self.len..end) {
            Some(place) if end < LINE_BYTES => {
                place.copy_from_slice(more);
                self.len = end;
                true
            }
            _ => false,
        }
    }
}

/// Calls `exec` with the recorder in the environment.
///
/// # Safety
/// As for execve(2), for `envp`.
unsafe fn replaced(envp: Strings, exec: impl FnOnce(Strings) -> c_int) -> c_int {
    if !is_followed() {
        return exec(envp);
    }
    let mut environment = Environment::new();
    // SAFETY: the caller's promise.
    let envp = unsafe { environment.with_recorder(envp) };
    exit::ends(State::Replaced, None);
    let result = exec(envp);
    // It failed: the program goes on.
    exit::ends(State::Running, None);
    result
}

/// The environment of the calling program.
fn environ() -> Strings {
    unsafe extern "C" {
        static environ: Strings;
    }
    // SAFETY: the C library's variable; a program that changes it in another thread at the same time breaks POSIX's rules.
    unsafe { (&raw const environ).read() }
}

/// execve(2).
///
/// # Safety
/// As in C.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn execve(path: *const c_char, argv: Strings, envp: Strings) -> c_int {
    // SAFETY: the caller's promise.
    unsafe { replaced(envp, |envp| real::execve(path, argv, envp)) }
}

/// execv(3).
///
/// # Safety
/// As in C.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn execv(path: *const c_char, argv: Strings) -> c_int {
    // SAFETY: the caller's promise.
    unsafe { execve(path, argv, environ()) }
}

/// execvpe(3).
///
/// # Safety
/// As in C.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn execvpe(file: *const c_char, argv: Strings, envp: Strings) -> c_int {
    // SAFETY: the caller's promise.
    unsafe { replaced(envp, |envp| real::execvpe(file, argv, envp)) }
}

/// execvp(3).
///
/// # Safety
/// As in C.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn execvp(file: *const c_char, argv: Strings) -> c_int {
    // SAFETY: the caller's promise.
    unsafe { execvpe(file, argv, environ()) }
}

/// fexecve(3).
///
/// # Safety
/// As in C.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fexecve(fd: c_int, argv: Strings, envp: Strings) -> c_int {
    // SAFETY: the caller's promise.
    unsafe { replaced(envp, |envp| real::fexecve(fd, argv, envp)) }
}

/// execveat(2).
///
/// # Safety
/// As in C.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn execveat(
    dir: c_int,
    path: *const c_char,
    argv: Strings,
    envp: Strings,
    flags: c_int,
) -> c_int {
    // SAFETY: the caller's promise.
    unsafe { replaced(envp, |envp| real::execveat(dir, path, argv, envp, flags)) }
}
