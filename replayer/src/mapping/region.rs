//! One mapping, unmapped when it goes out of scope.

use std::fs::File;
use std::os::fd::AsRawFd;

use super::{MapError, page_size};

/// What a mapping of a file allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Reading.
    Read,
    /// Reading and writing, seen by everyone who maps the file.
    Shared,
}

/// A range of mapped memory. Page-aligned; zeroed where it is new.
#[derive(Debug)]
pub struct Region {
    start: *mut u8,
    len: usize,
}

// SAFETY: a Region is an address range that belongs to whoever holds the Region; nothing of it is tied to a thread.
unsafe impl Send for Region {}
// SAFETY: a shared reference gives out the address and, through `bytes` (unsafe, its contract forbids writers), a view for reading.
unsafe impl Sync for Region {}

impl Region {
    /// New zeroed memory. `populate`: every page is there before this returns, so that no later access faults.
    pub fn anonymous(what: &'static str, len: usize, populate: bool) -> Result<Region, MapError> {
        let mut flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
        if populate {
            flags |= libc::MAP_POPULATE;
        }
        Region::map(what, len, libc::PROT_READ | libc::PROT_WRITE, flags, -1)
    }

    /// The first `len` bytes of `file`.
    pub fn of_file(
        what: &'static str,
        file: &File,
        len: usize,
        access: Access,
    ) -> Result<Region, MapError> {
        let (protection, flags) = match access {
            Access::Read => (libc::PROT_READ, libc::MAP_SHARED),
            Access::Shared => (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED),
        };
        Region::map(what, len, protection, flags, file.as_raw_fd())
    }

    fn map(
        what: &'static str,
        len: usize,
        protection: i32,
        flags: i32,
        fd: i32,
    ) -> Result<Region, MapError> {
        let page = page_size();
        let rounded = len.max(1).checked_add(page - 1).map(|l| l & !(page - 1));
        let Some(rounded) = rounded.filter(|&l| isize::try_from(l).is_ok()) else {
            return Err(MapError {
                what,
                bytes: len as u64,
                error: std::io::ErrorKind::OutOfMemory.into(),
            });
        };
        // SAFETY: a null hint lets the kernel choose a range that nothing else uses; no existing mapping is replaced.
        let start = unsafe { libc::mmap(std::ptr::null_mut(), rounded, protection, flags, fd, 0) };
        if start == libc::MAP_FAILED {
            return Err(MapError::last(what, rounded as u64));
        }
        Ok(Region {
            start: start.cast(),
            len: rounded,
        })
    }

    /// The first byte.
    pub fn start(&self) -> *mut u8 {
        self.start
    }

    /// Bytes mapped: what was asked for, rounded up to whole pages.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Never: a mapping has at least one page.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The bytes, for reading.
    ///
    /// # Safety
    /// Nothing may write to the range while the slice lives, in this process or through the file.
    pub unsafe fn bytes(&self) -> &[u8] {
        // SAFETY: start..start+len is mapped and readable as long as self lives; the caller vouches that nobody writes.
        unsafe { std::slice::from_raw_parts(self.start, self.len) }
    }

    /// Takes the page at `offset` away, so that whatever runs into it stops there.
    pub fn guard(&self, offset: usize) -> Result<(), MapError> {
        let page = page_size();
        if !offset.is_multiple_of(page) || offset + page > self.len {
            return Err(MapError {
                what: "guard page",
                bytes: page as u64,
                error: std::io::ErrorKind::InvalidInput.into(),
            });
        }
        // SAFETY: the page lies inside this mapping (checked above), which belongs to self alone.
        let failed =
            unsafe { libc::mprotect(self.start.add(offset).cast(), page, libc::PROT_NONE) } != 0;
        if failed {
            Err(MapError::last("guard page", page as u64))
        } else {
            Ok(())
        }
    }

    /// Takes the pages of `from..to` out of this process's memory; what they hold stays in the file. Offsets are rounded to whole pages
    /// inwards.
    pub fn drop_pages(&self, from: usize, to: usize) {
        let page = page_size();
        let (from, to) = (from.next_multiple_of(page), to.min(self.len) & !(page - 1));
        if from < to {
            // SAFETY: the range lies in this mapping; a shared mapping of a file gets its pages back from the file.
            unsafe { libc::madvise(self.start.add(from).cast(), to - from, libc::MADV_DONTNEED) };
        }
    }

    /// Brings the pages of `from..to` of a readable mapping into this process's memory. Offsets are rounded to whole pages outwards.
    pub fn load_pages(&self, from: usize, to: usize) {
        let page = page_size();
        let (from, to) = (from & !(page - 1), to.next_multiple_of(page).min(self.len));
        if from >= to {
            return;
        }
        // SAFETY: the range lies in this mapping; the call changes no contents.
        let failed = unsafe {
            libc::madvise(
                self.start.add(from).cast(),
                to - from,
                libc::MADV_POPULATE_READ,
            ) != 0
        };
        if failed {
            // An older kernel: touch each page.
            for at in (from..to).step_by(page) {
                // SAFETY: at < self.len, and the mapping is readable.
                unsafe { self.start.add(at).read_volatile() };
            }
        }
    }

    /// Makes the pages of `offset..offset+len` present by writing a zero into each; they must still be unused (zero).
    pub fn prefault(&self, offset: usize, len: usize) {
        let end = offset.saturating_add(len).min(self.len);
        for at in (offset..end).step_by(page_size()) {
            // SAFETY: at < self.len, and the range is writable memory that nobody has begun to use.
            unsafe { self.start.add(at).write_volatile(0) };
        }
    }
}

impl Drop for Region {
    fn drop(&mut self) {
        // SAFETY: the range was mapped by `map` and is unmapped once, here; borrows of it end with self.
        unsafe { libc::munmap(self.start.cast(), self.len) };
    }
}
