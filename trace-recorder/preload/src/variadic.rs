//! `execl`, `execlp`, `execle`: the forms of exec that take their arguments one by one.
//!
//! Stable Rust can't define a function with a variable number of arguments. In C's calling convention for x86-64 the
//! first six are in registers and the rest on the stack; a few instructions lay the registers down, and a plain
//! function gathers the list.

use crate::exec::{execv, execve, execvp};
use core::arch::naked_asm;
use core::ffi::{c_char, c_int};
use core::ptr;

type Strings = *const *const c_char;

/// Arguments that an exec of this form may have; with more it fails with `E2BIG`.
const MOST: usize = 1024;

/// Words between the arguments laid down from registers and those on the stack: the return address.
const REGISTERS: usize = 5;

struct List {
    words: [*const c_char; MOST + 1],
    len: usize,
}

/// Reads the arguments up to the null; `None` if there are too many. What stands behind the null is word number `len + 1`.
///
/// # Safety
/// `laid` is what the entry points below lay down, and the caller ended the list with null.
unsafe fn gather(laid: Strings) -> Option<List> {
    let mut list = List {
        words: [ptr::null(); MOST + 1],
        len: 0,
    };
    loop {
        // SAFETY: the null has not been reached, so there is a word.
        let word = unsafe { word(laid, list.len) };
        if word.is_null() {
            return Some(list);
        }
        if list.len == MOST {
            return None;
        }
        if let Some(place) = list.words.get_mut(list.len) {
            *place = word;
        }
        list.len += 1;
    }
}

/// Argument number `at` behind the path.
///
/// # Safety
/// There is one.
unsafe fn word(laid: Strings, at: usize) -> *const c_char {
    // Behind the registers stands the return address.
    let at = if at < REGISTERS { at } else { at + 1 };
    // SAFETY: the caller's promise.
    unsafe { laid.add(at).read() }
}

fn too_many() -> c_int {
    // SAFETY: the address is that of the calling thread's errno.
    unsafe { *libc::__errno_location() = libc::E2BIG };
    -1
}

unsafe extern "C" fn listed(path: *const c_char, laid: Strings) -> c_int {
    // SAFETY: called by `execl` only, with what it laid down.
    match unsafe { gather(laid) } {
        // SAFETY: the list ends with null.
        Some(list) => unsafe { execv(path, list.words.as_ptr()) },
        None => too_many(),
    }
}

unsafe extern "C" fn listed_on_path(file: *const c_char, laid: Strings) -> c_int {
    // SAFETY: called by `execlp` only, with what it laid down.
    match unsafe { gather(laid) } {
        // SAFETY: the list ends with null.
        Some(list) => unsafe { execvp(file, list.words.as_ptr()) },
        None => too_many(),
    }
}

unsafe extern "C" fn listed_with_environment(path: *const c_char, laid: Strings) -> c_int {
    // SAFETY: called by `execle` only, with what it laid down.
    match unsafe { gather(laid) } {
        // SAFETY: the list ends with null, and the environment stands behind that.
        Some(list) => unsafe {
            let envp = word(laid, list.len + 1).cast();
            execve(path, list.words.as_ptr(), envp)
        },
        None => too_many(),
    }
}

/// Lays the arguments behind the first down, first to last, and calls `$to` with the first and their address. The stack
/// is aligned as a call asks: the return address and five words make 48 bytes.
macro_rules! entry {
    ($(#[$doc:meta])* $name:ident, $to:ident) => {
        $(#[$doc])*
        ///
        /// # Safety
        /// As in C.
        #[unsafe(no_mangle)]
        #[unsafe(naked)]
        pub unsafe extern "C" fn $name() {
            naked_asm!(
                "push r9",
                "push r8",
                "push rcx",
                "push rdx",
                "push rsi",
                "mov rsi, rsp",
                "call {to}",
                "add rsp, 40",
                "ret",
                to = sym $to,
            )
        }
    };
}

entry! {
    /// execl(3).
    execl, listed
}
entry! {
    /// execlp(3).
    execlp, listed_on_path
}
entry! {
    /// execle(3).
    execle, listed_with_environment
}
