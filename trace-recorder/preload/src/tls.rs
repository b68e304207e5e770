//! The calling thread's place in the recording. The one place that knows how thread-local storage is reached.
//!
//! In a shared object stable Rust calls `__tls_get_addr` for a `thread_local!`, which may allocate, and would so call
//! the very `malloc` that asks. So the place is defined in assembly, and its offset from the thread pointer is read from
//! the table that the loader fills: the initial-exec model, two loads and no call. It is zero in a new thread, and is
//! there until the thread's very last instruction.

use trace_capture::Local;

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod place {
    use super::Local;
    use core::arch::{asm, global_asm};

    global_asm!(
        ".pushsection .tbss,\"awT\",@nobits",
        ".balign 64",
        ".globl heaptape_place",
        ".hidden heaptape_place",
        ".type heaptape_place, @object",
        ".size heaptape_place, {bytes}",
        "heaptape_place:",
        ".zero {bytes}",
        ".popsection",
        bytes = const size_of::<[Local; 2]>(),
    );

    #[inline(always)]
    pub fn address() -> *const [Local; 2] {
        let address: *const [Local; 2];
        // SAFETY: computes an address from the thread pointer and a constant of the loader; reads nothing that changes
        // within a thread.
        unsafe {
            asm!(
                "mov {address}, qword ptr fs:[0]",
                "add {address}, qword ptr [rip + heaptape_place@GOTTPOFF]",
                address = out(reg) address,
                options(nostack, readonly, pure),
            );
        }
        address
    }
}

#[cfg(not(all(target_os = "linux", target_arch = "x86_64")))]
mod place {
    use super::Local;

    std::thread_local! {
        // Const and without a destructor: no registration.
        static PLACE: [Local; 2] = const { [Local::new(), Local::new()] };
    }

    pub fn address() -> *const [Local; 2] {
        PLACE.with(std::ptr::from_ref)
    }
}

/// The calling thread's place. In a signal handler that interrupted the writing of an event it is another one, which is
/// another thread for the recording; `None` should that be interrupted as well.
#[inline(always)]
pub fn local<'a>() -> Option<&'a Local> {
    // SAFETY: the address is that of the thread's own places, which are zero at first, valid `Local`s, and last as long
    // as the thread; the references are used within one call of this thread and not handed to others (`Local` is not Sync).
    let [usual, nested] = unsafe { &*place::address() };
    if !usual.is_writing() {
        Some(usual)
    } else if !nested.is_writing() {
        Some(nested)
    } else {
        None
    }
}
