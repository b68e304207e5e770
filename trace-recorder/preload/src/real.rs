//! The functions that the program would have called: the next ones of their names in the loader's order.

use crate::boot;
use core::ffi::{CStr, c_char, c_int, c_void};
use core::mem::transmute;
use core::ptr;
use std::sync::atomic::{AtomicBool, AtomicPtr, Ordering};

/// Set while they are looked for: what is asked for meanwhile, mostly by the search itself, is answered from [`boot`].
static SEARCHING: AtomicBool = AtomicBool::new(false);

/// A function of the malloc family: its real address, or at first a function that looks for all of them.
macro_rules! family {
    ($($slot:ident $name:ident $text:literal ($($arg:ident: $type:ty),*) -> $result:ty, $early:expr;)*) => {
        $(
            static $slot: AtomicPtr<c_void> = AtomicPtr::new(early::$name as *mut c_void);

            /// The real function.
            ///
            /// # Safety
            /// As in C.
            #[inline(always)]
            pub unsafe fn $name($($arg: $type),*) -> $result {
                let function = $slot.load(Ordering::Relaxed);
                // SAFETY: `early::$name` or what the loader found under this name, which have this signature.
                let function = unsafe {
                    transmute::<*mut c_void, unsafe extern "C" fn($($type),*) -> $result>(function)
                };
                // SAFETY: the caller's promise.
                unsafe { function($($arg),*) }
            }
        )*

        mod early {
            use super::*;
            $(
                pub unsafe extern "C" fn $name($($arg: $type),*) -> $result {
                    if search() {
                        // SAFETY: the caller's promise; the pointer is not this function any more.
                        unsafe { super::$name($($arg),*) }
                    } else {
                        $early
                    }
                }
            )*
        }

        fn store_all() {
            $(
                if let Some(function) = find($text) {
                    $slot.store(function, Ordering::Release);
                }
            )*
        }
    };
}

family! {
    MALLOC malloc c"malloc" (size: usize) -> *mut c_void, boot::allocate(size, 16);
    CALLOC calloc c"calloc" (count: usize, size: usize) -> *mut c_void,
        count.checked_mul(size).map_or(ptr::null_mut(), |bytes| boot::allocate(bytes, 16));
    REALLOC realloc c"realloc" (block: *mut c_void, size: usize) -> *mut c_void, {
        // Only blocks of `boot` can be there, and those are moved by `family::realloc`.
        let _ = block;
        boot::allocate(size, 16)
    };
    FREE free c"free" (block: *mut c_void) -> (), { let _ = block; };
    ALIGNED_ALLOC aligned_alloc c"aligned_alloc" (align: usize, size: usize) -> *mut c_void,
        early_aligned(align, size);
    MEMALIGN memalign c"memalign" (align: usize, size: usize) -> *mut c_void,
        early_aligned(align, size);
    POSIX_MEMALIGN posix_memalign c"posix_memalign" (out: *mut *mut c_void, align: usize, size: usize) -> c_int, {
        let block = early_aligned(align, size);
        if block.is_null() {
            libc::ENOMEM
        } else {
            // SAFETY: the caller's promise.
            unsafe { out.write(block) };
            0
        }
    };
    VALLOC valloc c"valloc" (size: usize) -> *mut c_void, early_aligned(4096, size);
    PVALLOC pvalloc c"pvalloc" (size: usize) -> *mut c_void, early_aligned(4096, size);
    FORK fork c"fork" () -> libc::pid_t, -1;
    EXECVE execve c"execve" (path: *const c_char, argv: *const *const c_char, envp: *const *const c_char) -> c_int, -1;
    EXECVPE execvpe c"execvpe" (file: *const c_char, argv: *const *const c_char, envp: *const *const c_char) -> c_int, -1;
    FEXECVE fexecve c"fexecve" (fd: c_int, argv: *const *const c_char, envp: *const *const c_char) -> c_int, -1;
    EXECVEAT execveat c"execveat" (dir: c_int, path: *const c_char, argv: *const *const c_char, envp: *const *const c_char, flags: c_int) -> c_int, -1;
    POSIX_SPAWN posix_spawn c"posix_spawn" (pid: *mut libc::pid_t, path: *const c_char, actions: *const c_void, attributes: *const c_void, argv: *const *const c_char, envp: *const *const c_char) -> c_int, libc::ENOSYS;
    POSIX_SPAWNP posix_spawnp c"posix_spawnp" (pid: *mut libc::pid_t, file: *const c_char, actions: *const c_void, attributes: *const c_void, argv: *const *const c_char, envp: *const *const c_char) -> c_int, libc::ENOSYS;
    EXIT_NOW exit_now c"_exit" (status: c_int) -> (), { let _ = status; };
    QUICK_EXIT quick_exit c"quick_exit" (status: c_int) -> (), { let _ = status; };
    SETNAME pthread_setname_np c"pthread_setname_np" (thread: libc::pthread_t, name: *const c_char) -> c_int, libc::ENOSYS;
}

fn early_aligned(align: usize, size: usize) -> *mut c_void {
    if align.is_power_of_two() {
        boot::allocate(size, align)
    } else {
        ptr::null_mut()
    }
}

/// Looks for all functions. False when that is going on already, or there are none.
#[cold]
fn search() -> bool {
    if SEARCHING.swap(true, Ordering::Acquire) {
        return false;
    }
    store_all();
    let found = MALLOC.load(Ordering::Relaxed) != early::malloc as *mut c_void;
    SEARCHING.store(!found, Ordering::Release);
    found
}

fn find(name: &CStr) -> Option<*mut c_void> {
    // SAFETY: the name ends with a zero; the answer is only kept.
    let function = unsafe { libc::dlsym(libc::RTLD_NEXT, name.as_ptr()) };
    (!function.is_null()).then_some(function)
}
