//! Positions, and loads and stores at them.

use core::ptr::{self, NonNull};

use crate::harden;

/// The frame of reference of a heap: position 0 is `base`.
///
/// Every load and store of the heap's own data goes through here. Each is unsafe for one reason: the position must lie in
/// memory that the heap got from its source, hold (or be about to hold) the heap's own data, and be aligned to the width.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Space {
    base: usize,
}

macro_rules! access {
    ($load:ident, $store:ident, $int:ty) => {
        /// The integer at a position.
        ///
        /// # Safety
        /// See [`Space`].
        #[inline(always)]
        pub unsafe fn $load(self, position: u64) -> $int {
            // SAFETY: the caller's promise, see `Space`.
            unsafe { self.pointer(position).cast::<$int>().read() }
        }

        /// Writes an integer at a position.
        ///
        /// # Safety
        /// See [`Space`].
        #[inline(always)]
        pub unsafe fn $store(self, position: u64, value: $int) {
            // SAFETY: the caller's promise, see `Space`.
            unsafe { self.pointer(position).cast::<$int>().write(value) }
        }
    };
}

impl Space {
    /// The space with position 0 at the address of `base`.
    #[inline]
    pub fn new(base: NonNull<u8>) -> Space {
        Space {
            base: base.as_ptr().expose_provenance(),
        }
    }

    /// The space whose positions are addresses: for heaps of one process that free each other's blocks.
    pub const fn absolute() -> Space {
        Space { base: 0 }
    }

    /// Whether positions are addresses: the space of a process's heaps, which alone is hardened.
    #[inline(always)]
    pub fn is_process(self) -> bool {
        self.base == 0
    }

    /// The link at a position, see [`harden::encode`].
    ///
    /// # Safety
    /// See [`Space`].
    #[inline(always)]
    pub unsafe fn load_link(self, position: u64) -> u64 {
        // SAFETY: the caller's promise.
        let word = unsafe { self.load64(position) };
        if self.is_process() {
            harden::decode(position, word)
        } else {
            word
        }
    }

    /// Writes a link at a position.
    ///
    /// # Safety
    /// See [`Space`].
    #[inline(always)]
    pub unsafe fn store_link(self, position: u64, link: u64) {
        let word = if self.is_process() {
            harden::encode(position, link)
        } else {
            link
        };
        // SAFETY: the caller's promise.
        unsafe { self.store64(position, word) }
    }

    /// The address of position 0.
    #[inline(always)]
    pub fn base(self) -> usize {
        self.base
    }

    /// The pointer to a position. Sources have exposed the provenance of all their memory.
    #[inline(always)]
    pub fn pointer(self, position: u64) -> *mut u8 {
        ptr::with_exposed_provenance_mut(self.base.wrapping_add(position as usize))
    }

    /// The position of an address.
    #[inline(always)]
    pub fn position(self, pointer: *mut u8) -> u64 {
        pointer.addr().wrapping_sub(self.base) as u64
    }

    access!(load8, store8, u8);
    access!(load16, store16, u16);
    access!(load32, store32, u32);
    access!(load64, store64, u64);
}
