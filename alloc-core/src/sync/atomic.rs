//! Atomics, cells, barriers and waiting: the machine's, or in a build with `--cfg loom` those of a model that tries every
//! order of the threads' steps (the crate loom), so that what is tested there is the code that ships.

#[cfg(not(loom))]
pub use core::sync::atomic::{
    AtomicBool, AtomicPtr, AtomicU32, AtomicU64, AtomicUsize, Ordering, fence,
};
#[cfg(loom)]
pub use loom::sync::atomic::{
    AtomicBool, AtomicPtr, AtomicU32, AtomicU64, AtomicUsize, Ordering, fence,
};

/// Defines a constructor that is const; loom's types have none that is.
macro_rules! constructor {
    ($(#[$about:meta])* pub fn $name:ident($($arg:ident: $type:ty),*) -> $made:ty $body:block) => {
        $(#[$about])*
        #[cfg(not(loom))]
        pub const fn $name($($arg: $type),*) -> $made $body

        $(#[$about])*
        #[cfg(loom)]
        pub fn $name($($arg: $type),*) -> $made $body
    };
}
pub(super) use constructor;

#[cfg(not(loom))]
use core::cell::UnsafeCell;
#[cfg(loom)]
use loom::cell::UnsafeCell;

/// A value that threads take turns with.
pub struct Cell<T>(UnsafeCell<T>);

impl<T> Cell<T> {
    constructor! {
        /// With this value.
        pub fn new(value: T) -> Cell<T> {
            Cell(UnsafeCell::new(value))
        }
    }

    /// For a look at the value; loom notes one.
    #[inline]
    pub fn read(&self) -> *const T {
        #[cfg(not(loom))]
        return self.0.get();
        #[cfg(loom)]
        self.0.with(|value| value)
    }

    /// For a change of the value; loom notes one.
    #[inline]
    pub fn write(&self) -> *mut T {
        #[cfg(not(loom))]
        return self.0.get();
        #[cfg(loom)]
        self.0.with_mut(|value| value)
    }
}

/// Spins before the processor is given to somebody else; the sections that are waited for are a few dozen instructions.
#[cfg(not(loom))]
const SPINS: u32 = 64;

/// A moment of waiting, after `spins` others.
#[inline]
pub fn pause(spins: &mut u32) {
    *spins += 1;
    #[cfg(loom)]
    loom::thread::yield_now();
    #[cfg(not(loom))]
    if *spins < SPINS {
        core::hint::spin_loop();
    } else {
        // SAFETY: no arguments, no memory.
        unsafe { libc::sched_yield() };
    }
}

/// The half of an asymmetric barrier that costs nothing: stores before it and loads after it are in order for whoever uses
/// [`heavy_barrier`] between two steps of his own.
#[inline(always)]
pub fn light_barrier() {
    #[cfg(not(loom))]
    core::sync::atomic::compiler_fence(Ordering::SeqCst);
    // For the model both halves are full.
    #[cfg(loom)]
    fence(Ordering::SeqCst);
}

/// A full barrier in every running thread of the process. `false`: the system has none to offer.
pub fn heavy_barrier() -> bool {
    #[cfg(not(loom))]
    return membarrier();
    #[cfg(loom)]
    {
        fence(Ordering::SeqCst);
        true
    }
}

#[cfg(all(not(loom), target_os = "linux"))]
fn membarrier() -> bool {
    use core::sync::atomic::AtomicU8;
    const REGISTER_PRIVATE_EXPEDITED: libc::c_int = 1 << 4;
    const PRIVATE_EXPEDITED: libc::c_int = 1 << 3;
    // 0: not asked yet; 1: there is; 2: there is none.
    static KNOWN: AtomicU8 = AtomicU8::new(0);
    // SAFETY: a call without pointers.
    let call =
        |command: libc::c_int| unsafe { libc::syscall(libc::SYS_membarrier, command, 0, 0) == 0 };
    if KNOWN.load(Ordering::Relaxed) == 0 {
        let there = call(REGISTER_PRIVATE_EXPEDITED);
        KNOWN.store(if there { 1 } else { 2 }, Ordering::Relaxed);
    }
    KNOWN.load(Ordering::Relaxed) == 1 && call(PRIVATE_EXPEDITED)
}

/// No such barrier is known here.
#[cfg(all(not(loom), not(target_os = "linux")))]
fn membarrier() -> bool {
    false
}
