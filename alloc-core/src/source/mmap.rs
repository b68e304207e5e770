//! Memory from the operating system, by `mmap`.

use core::ptr::{self, NonNull};

use super::{Acquired, MemorySource};
use crate::base::align::{self, PAGE};

/// Anonymous private mappings; each span is one of its own and goes back by `munmap`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Mmap;

fn map(bytes: usize) -> Option<NonNull<u8>> {
    // SAFETY: an anonymous mapping at an address of the kernel's choice touches no memory that is in use.
    let start = unsafe {
        libc::mmap(
            ptr::null_mut(),
            bytes,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE,
            -1,
            0,
        )
    };
    if start == libc::MAP_FAILED {
        return None;
    }
    start.expose_provenance();
    NonNull::new(start.cast())
}

/// Unmaps `bytes` from `start`.
///
/// # Safety
/// The range was mapped by [`map`], and is used by nobody.
unsafe fn unmap(start: *mut u8, bytes: usize) {
    if bytes != 0 {
        // SAFETY: the caller's promise. A failure (the kernel's limit of mappings) leaves the range mapped: a leak, no
        // danger; errno is kept, since free must not change it. The address is that of this thread's errno.
        unsafe {
            let errno = *libc::__errno_location();
            libc::munmap(start.cast(), bytes);
            *libc::__errno_location() = errno;
        }
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
        Some(Acquired {
            start: NonNull::new(moved.cast())?,
            bytes: new_bytes,
            zeroed: false,
        })
    }
}
