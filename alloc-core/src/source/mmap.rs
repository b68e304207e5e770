//! Memory from the operating system, by `mmap`.

use core::ptr::{self, NonNull};

use super::{Acquired, MemorySource};
use crate::base::align::{self, PAGE};
use crate::harden;

/// Anonymous private mappings; each span is one of its own and goes back by `munmap`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Mmap;

const FLAGS: libc::c_int = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;

fn map(bytes: usize) -> Option<NonNull<u8>> {
    // SAFETY: an anonymous mapping at an address of the kernel's choice touches no memory that is in use.
    let start = unsafe {
        libc::mmap(
            ptr::null_mut(),
            bytes,
            libc::PROT_READ | libc::PROT_WRITE,
            FLAGS,
            -1,
            0,
        )
    };
    if start == libc::MAP_FAILED {
        return None;
    }
    start.expose_provenance();
    if !harden::map(start.addr(), bytes) {
        // SAFETY: the mapping was just made, and nobody has seen it.
        unsafe { libc::munmap(start, bytes) };
        return None;
    }
    NonNull::new(start.cast())
}

/// Unmaps `bytes` from `start`.
///
/// # Safety
/// The range was mapped by [`map`], and is used by nobody.
unsafe fn unmap(start: *mut u8, bytes: usize) {
    if bytes != 0 {
        harden::unmap(start.addr(), bytes);
        // SAFETY: the caller's promise. A failure (the kernel's limit of mappings) leaves the range mapped: a leak, no
        // danger; errno is kept, since free must not change it. The address is that of this thread's errno.
        unsafe {
            let errno = *libc::__errno_location();
            libc::munmap(start.cast(), bytes);
            *libc::__errno_location() = errno;
        }
    }
}

/// What became of pages that should move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moved {
    /// They are at their new address, and there is nothing at the old one.
    Yes,
    /// They are where they were; at the new address is memory that may have become zero.
    No,
    /// They are where they were; there is nothing of ours at the new address any more.
    Lost,
}

/// What pages are for, beside being handed out: to be moved to where they are wanted, without touching them.
impl Mmap {
    /// Whether pages can be moved here.
    pub const MOVES: bool = cfg!(target_os = "linux");

    /// Moves `bytes` of pages from one address to another, replacing the memory there.
    ///
    /// # Safety
    /// Both ranges are whole pages of mappings of ours, they don't overlap, and nobody uses what is at `to`. Unless the
    /// answer is [`Moved::No`] or [`Moved::Lost`], nobody uses `from` hereafter; after `Lost` nobody uses `to`.
    #[cfg(target_os = "linux")]
    pub unsafe fn relocate(self, from: NonNull<u8>, bytes: u64, to: NonNull<u8>) -> Moved {
        let (from, to) = (from.as_ptr().cast::<libc::c_void>(), to.as_ptr().cast());
        // Before others may have the addresses.
        harden::unmap(from.addr(), bytes as usize);
        // SAFETY: the caller's promise.
        unsafe {
            let at = libc::mremap(
                from,
                bytes as usize,
                bytes as usize,
                libc::MREMAP_MAYMOVE | libc::MREMAP_FIXED,
                to,
            );
            if at == to {
                return Moved::Yes;
            }
            harden::map(from.addr(), bytes as usize);
            // `from` is not one mapping: somebody set a property of a part of it. The kernel may have emptied the target
            // by then, so it is filled again, where nobody else was faster.
            let filled = libc::mmap(
                to,
                bytes as usize,
                libc::PROT_READ | libc::PROT_WRITE,
                FLAGS | libc::MAP_FIXED_NOREPLACE,
                -1,
                0,
            );
            if filled == to {
                return Moved::No;
            }
            if filled == libc::MAP_FAILED {
                // Either nothing was emptied, or another mapping is there now. A look that can't hurt tells them apart
                // only where the whole range is one of ours, which can't be known: it counts as lost, and leaks at worst.
                return Moved::Lost;
            }
            // A kernel before 4.17 takes the address for a hint.
            libc::munmap(filled, bytes as usize);
            Moved::Lost
        }
    }

    /// Elsewhere no pages move.
    #[cfg(not(target_os = "linux"))]
    #[allow(clippy::missing_safety_doc, reason = "as above")]
    pub unsafe fn relocate(self, _: NonNull<u8>, _: u64, _: NonNull<u8>) -> Moved {
        Moved::No
    }
}

// SAFETY: each span is a fresh mapping of the kernel's, exposed by `map`.
unsafe impl MemorySource for Mmap {
    fn acquire(&mut self, bytes: u64, align: u64) -> Option<Acquired> {
        let bytes = align::up(bytes, PAGE)?;
        let len = usize::try_from(bytes).ok()?;
        if align <= PAGE {
            return Some(Acquired {
                start: map(len)?,
                bytes,
                zeroed: true,
            });
        }
        // Too much is mapped, and both ends are given back.
        let wide = bytes.checked_add(align - PAGE)?;
        let start = map(usize::try_from(wide).ok()?)?;
        let skip = align::gap(start.as_ptr().addr() as u64, align);
        // SAFETY: skip + bytes <= wide, so both pieces lie within the mapping just made, and nobody has seen them.
        unsafe {
            let aligned = start.add(skip as usize);
            unmap(start.as_ptr(), skip as usize);
            unmap(aligned.as_ptr().add(len), (wide - skip - bytes) as usize);
            Some(Acquired {
                start: aligned,
                bytes,
                zeroed: true,
            })
        }
    }

    unsafe fn release(&mut self, start: NonNull<u8>, bytes: u64) {
        // SAFETY: the caller's promise.
        unsafe { unmap(start.as_ptr(), bytes as usize) }
    }

    #[cfg(target_os = "linux")]
    unsafe fn resize(
        &mut self,
        start: NonNull<u8>,
        bytes: u64,
        new_bytes: u64,
    ) -> Option<Acquired> {
        let new_bytes = align::up(new_bytes, PAGE)?;
        // SAFETY: the span is a mapping of its own by the caller's promise; the kernel may move it.
        let moved = unsafe {
            libc::mremap(
                start.as_ptr().cast(),
                bytes as usize,
                usize::try_from(new_bytes).ok()?,
                libc::MREMAP_MAYMOVE,
            )
        };
        if moved == libc::MAP_FAILED {
            return None;
        }
        moved.expose_provenance();
        harden::unmap(start.as_ptr().addr(), bytes as usize);
        harden::map(moved.addr(), new_bytes as usize);
        Some(Acquired {
            start: NonNull::new(moved.cast())?,
            bytes: new_bytes,
            zeroed: false,
        })
    }
}
