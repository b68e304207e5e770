//! What the standard library brings elsewhere: the C library, the end of a program after a panic, which only a fault of the
//! allocator's own leads to, and an allocator for `alloc`, of which nothing here makes use.

use core::panic::PanicInfo;

use crate::text::say;

// The standard library would ask for it.
#[link(name = "c")]
unsafe extern "C" {}

#[global_allocator]
static ALLOCATOR: alloc_core::Fancy = alloc_core::Fancy::new();

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    say!("fancy: {info}\n");
    // SAFETY: takes nothing and does not return.
    unsafe { libc::abort() }
}
