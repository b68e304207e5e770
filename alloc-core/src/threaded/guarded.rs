//! Memory between pages that nobody may touch: where large blocks lie, hardened.
//!
//! ```text
//! … │ guard │ memory │ guard │ unmapped: 0 to 15 pages, at random │ …
//! ```
//! The payload ends where the guard begins (but for alignment), so an overflow meets it at once. Nothing is kept for reuse:
//! a block that was freed is not mapped any more, and a look at it faults.

use core::ptr::{self, NonNull};
use core::sync::atomic::{AtomicU64, Ordering};

use crate::base::align::{self, PAGE};
use crate::harden;
use crate::source::{Acquired, MemorySource};

/// Bytes of this kind of memory now, without the guards.
static MAPPED: AtomicU64 = AtomicU64::new(0);
/// The most pages that lie at random between two blocks, plus one.
const APART: u64 = 16;

/// See [`MAPPED`].
pub fn mapped_bytes() -> u64 {
    MAPPED.load(Ordering::Relaxed)
}

/// How far a payload of `asked` bytes, which begins `lead` bytes into memory of `bytes`, may move towards the end at a
/// multiple of `align`.
pub fn slack(bytes: u64, lead: u64, asked: u64, align: u64) -> u64 {
    (bytes - lead - asked) & !(align.max(align::ALIGN) - 1)
}

/// The source.
#[derive(Clone, Copy, Debug, Default)]
pub struct Guarded;

/// Unmaps without a change of errno, as `free` must.
///
/// # Safety
/// The range is ours and used by nobody.
unsafe fn unmap(start: usize, bytes: u64) {
    if bytes != 0 {
        // SAFETY: the caller's promise; the address is that of this thread's errno.
        unsafe {
            let errno = *libc::__errno_location();
            libc::munmap(ptr::without_provenance_mut(start), bytes as usize);
            *libc::__errno_location() = errno;
        }
    }
}

// SAFETY: the memory is a fresh mapping, made accessible and exposed here, and given back whole.
unsafe impl MemorySource for Guarded {
    fn acquire(&mut self, bytes: u64, align: u64) -> Option<Acquired> {
        let (bytes, align) = (align::up(bytes, PAGE)?, align.max(PAGE));
        let apart = harden::below(APART) * PAGE;
        let wide = bytes
            .checked_add(2 * PAGE)?
            .checked_add(align - PAGE)?
            .checked_add(apart)?;
        // SAFETY: a fresh mapping without access; what is cut off or made accessible lies within it, and nobody has seen it.
        unsafe {
            let region = libc::mmap(
                ptr::null_mut(),
                usize::try_from(wide).ok()?,
                libc::PROT_NONE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE,
                -1,
                0,
            );
            if region == libc::MAP_FAILED {
                return None;
            }
            region.expose_provenance();
            // The kernel goes down with its addresses: what is left above is too little for the next block.
            let first = region.addr() as u64 + PAGE;
            let lead = first + align::gap(first, align) - region.addr() as u64;
            let start = region.cast::<u8>().add(lead as usize);
            let end = lead + bytes + PAGE;
            let accessible = libc::PROT_READ | libc::PROT_WRITE;
            if libc::mprotect(start.cast(), bytes as usize, accessible) != 0
                || !harden::map(start.addr(), bytes as usize)
            {
                unmap(region.addr(), wide);
                return None;
            }
            unmap(region.addr(), lead - PAGE);
            unmap(region.addr() + end as usize, wide - end);
            MAPPED.fetch_add(bytes, Ordering::Relaxed);
            Some(Acquired {
                start: NonNull::new(start)?,
                bytes,
                zeroed: true,
            })
        }
    }

    unsafe fn release(&mut self, start: NonNull<u8>, bytes: u64) {
        let at = start.as_ptr().addr();
        harden::unmap(at, bytes as usize);
        MAPPED.fetch_sub(bytes, Ordering::Relaxed);
        // SAFETY: the caller's promise; the guards are ours too.
        unsafe { unmap(at - PAGE as usize, bytes + 2 * PAGE) }
    }

    /// The pages move to new memory between new guards.
    #[cfg(target_os = "linux")]
    unsafe fn resize(
        &mut self,
        start: NonNull<u8>,
        bytes: u64,
        new_bytes: u64,
    ) -> Option<Acquired> {
        let new = self.acquire(new_bytes, PAGE)?;
        let moved = bytes.min(new.bytes);
        let at = start.as_ptr().addr();
        // SAFETY: both ranges are ours; what was at the new one is seen by nobody. The pages that moved are not ours any
        // more at the old place, so only what lies around them goes back.
        unsafe {
            let flags = libc::MREMAP_MAYMOVE | libc::MREMAP_FIXED;
            let (from, to) = (start.as_ptr().cast(), new.start.as_ptr().cast::<u8>());
            let got = libc::mremap(
                from,
                moved as usize,
                moved as usize,
                flags,
                to.cast::<libc::c_void>(),
            );
            if got == libc::MAP_FAILED {
                self.release(new.start, new.bytes);
                return None;
            }
            harden::unmap(at, bytes as usize);
            MAPPED.fetch_sub(bytes, Ordering::Relaxed);
            unmap(at - PAGE as usize, PAGE);
            unmap(at + moved as usize, bytes - moved + PAGE);
        }
        Some(Acquired {
            zeroed: false,
            ..new
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_keeps_its_contents_through_a_move() {
        let mut source = Guarded;
        for (bytes, new_bytes) in [(1u64 << 20, 3u64 << 20), (3 << 20, 1 << 20)] {
            let got = source.acquire(bytes, PAGE).expect("memory");
            assert!(harden::pages::has(got.start.as_ptr().addr()));
            assert!(!harden::pages::has(got.start.as_ptr().addr() - 1));
            // SAFETY: within the memory just got, which is given back once.
            unsafe {
                got.start.write_bytes(7, bytes as usize);
                let new = source
                    .resize(got.start, got.bytes, new_bytes)
                    .expect("memory");
                let kept =
                    core::slice::from_raw_parts(new.start.as_ptr(), bytes.min(new_bytes) as usize);
                assert!(kept.iter().all(|byte| *byte == 7));
                assert!(!harden::pages::has(got.start.as_ptr().addr()) || new.start == got.start);
                source.release(new.start, new.bytes);
                assert!(!harden::pages::has(new.start.as_ptr().addr()));
            }
        }
        let wide = source.acquire(PAGE, 1 << 20).expect("memory");
        assert!(wide.start.as_ptr().addr().is_multiple_of(1 << 20));
        // SAFETY: got above.
        unsafe { source.release(wide.start, wide.bytes) };
    }

    #[test]
    fn a_payload_moves_to_the_end() {
        assert_eq!(slack(8192, 64, 8000, 16), 128);
        assert_eq!(slack(8192, 64, 7999, 16), 128);
        assert_eq!(slack(12288, 4096, 5000, 4096), 0);
    }
}
