//! One word of the calling thread: its owner. The one place that knows how thread-local storage is reached.
//!
//! In an executable a const `thread_local!` without a destructor is one instruction already. In a shared object stable
//! Rust calls `__tls_get_addr` for it, so there (feature `initial-exec`) the word is defined in assembly, and its offset
//! from the thread pointer is read from the table that the loader fills: the initial-exec model, two loads and no call.
//! A shared object with such a word takes 8 bytes of the loader's static reserve when it comes by `dlopen`.

use crate::threaded::manager::NOBODY;
use crate::threaded::owner::Owner;

#[cfg(all(feature = "initial-exec", target_os = "linux", target_arch = "x86_64"))]
mod word {
    use super::{NOBODY, Owner};
    use core::arch::{asm, global_asm};

    global_asm!(
        ".pushsection .tdata,\"awT\",@progbits",
        ".balign 8",
        ".globl fancy_current_owner",
        ".hidden fancy_current_owner",
        ".type fancy_current_owner, @object",
        ".size fancy_current_owner, 8",
        "fancy_current_owner:",
        ".quad {nobody}",
        ".popsection",
        nobody = sym NOBODY,
    );

    #[inline(always)]
    pub fn get() -> *mut Owner {
        let owner;
        // SAFETY: reads the calling thread's own word, which the loader has set and only `set` changes. Not `pure`: the
        // compiler must not keep an answer across a call that attaches a heap.
        unsafe {
            asm!(
                "mov {owner}, qword ptr [rip + fancy_current_owner@GOTTPOFF]",
                "mov {owner}, qword ptr fs:[{owner}]",
                owner = out(reg) owner,
                options(nostack, preserves_flags, readonly),
            );
        }
        owner
    }

    #[inline]
    pub fn set(owner: *mut Owner) {
        // SAFETY: writes the calling thread's own word.
        unsafe {
            asm!(
                "mov {offset}, qword ptr [rip + fancy_current_owner@GOTTPOFF]",
                "mov qword ptr fs:[{offset}], {owner}",
                offset = out(reg) _,
                owner = in(reg) owner,
                options(nostack, preserves_flags),
            );
        }
    }
}

#[cfg(not(all(feature = "initial-exec", target_os = "linux", target_arch = "x86_64")))]
mod word {
    use super::{NOBODY, Owner};
    use core::cell::Cell;

    std::thread_local! {
        // Const and without a destructor: a plain word of the thread, no call, no registration.
        static CURRENT: Cell<*mut Owner> = const { Cell::new(NOBODY.pointer()) };
    }

    #[inline(always)]
    pub fn get() -> *mut Owner {
        CURRENT.with(Cell::get)
    }

    #[inline]
    pub fn set(owner: *mut Owner) {
        CURRENT.set(owner);
    }
}

pub use word::{get, set};
