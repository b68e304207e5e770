//! A file of events, read. It may be one that is still written, was cut, or holds nonsense.

use std::fs::File;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use trace_capture::layout::{
    CHUNK_BYTES, CHUNK_PAGES, Chunk, FileHead, HEAD_BYTES, MAGIC, Page, SegmentInfo, VERSION,
};
use trace_capture::sys::page_size;

/// Why a file of events can't be read.
#[derive(Debug, thiserror::Error)]
pub enum EventsError {
    /// The system refuses.
    #[error("{}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Another kind of file, or one whose writer died before the first event.
    #[error("{}: not a file of events of this version of heaptape: {why}", path.display())]
    Kind {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: &'static str,
    },
}

/// A file of events, mapped for reading.
#[derive(Debug)]
pub struct EventsFile {
    base: *mut libc::c_void,
    bytes: usize,
    chunks: usize,
}

// SAFETY: the mapping belongs to this value alone, and everything in it is atomic.
unsafe impl Send for EventsFile {}
// SAFETY: as above.
unsafe impl Sync for EventsFile {}

/// A part of a thread's events: whose it is, the number of its first page in the chunk, and the pages.
pub(super) type Piece<'f> = (SegmentInfo, usize, &'f [Page]);

impl EventsFile {
    /// Maps a file.
    ///
    /// # Errors
    /// [`EventsError`]. A file that was cut is read up to there.
    pub fn open(path: &Path) -> Result<EventsFile, EventsError> {
        let error = |source| EventsError::Read {
            path: path.to_owned(),
            source,
        };
        let kind = |why| EventsError::Kind {
            path: path.to_owned(),
            why,
        };
        let file = File::open(path).map_err(error)?;
        let there = file.metadata().map_err(error)?.len();
        if there < HEAD_BYTES as u64 {
            return Err(kind("it is shorter than a head"));
        }
        let head = EventsFile::map(&file, there, HEAD_BYTES).map_err(error)?;
        if head.head().magic.load(Ordering::Acquire) != MAGIC {
            return Err(kind("it does not begin as one"));
        }
        if head.head().version.load(Ordering::Relaxed) != VERSION {
            return Err(kind("it has another version's layout"));
        }
        let taken = head.head().chunks.load(Ordering::Relaxed) as usize;
        let room = (there as usize - HEAD_BYTES).div_ceil(CHUNK_BYTES);
        let chunks = taken.min(room);
        let bytes = HEAD_BYTES + chunks * CHUNK_BYTES;
        EventsFile::map(&file, there, bytes).map_err(error)
    }

    /// Maps `bytes`, of which the file has `there`; what it does not have reads as zeros.
    fn map(file: &File, there: u64, bytes: usize) -> std::io::Result<EventsFile> {
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
        // SAFETY: a new mapping at an address of the kernel's choice touches no memory that is in use.
        let base =
            unsafe { libc::mmap(std::ptr::null_mut(), bytes, libc::PROT_READ, flags, -1, 0) };
        if base == libc::MAP_FAILED {
            return Err(std::io::Error::last_os_error());
        }
        let events = EventsFile {
            base,
            bytes,
            chunks: bytes.saturating_sub(HEAD_BYTES) / CHUNK_BYTES,
        };
        // Only pages that the file has: beyond its end the system would end this process.
        let whole = usize::try_from(there).unwrap_or(usize::MAX);
        let mapped = whole.min(bytes).next_multiple_of(page_size()).min(bytes);
        // SAFETY: replaces the first part of the mapping just made.
        let placed = unsafe {
            libc::mmap(
                base,
                mapped,
                libc::PROT_READ,
                libc::MAP_SHARED | libc::MAP_FIXED,
                file.as_raw_fd(),
                0,
            )
        };
        if placed == libc::MAP_FAILED {
            return Err(std::io::Error::last_os_error());
        }
        Ok(events)
    }

    /// The head.
    pub fn head(&self) -> &FileHead {
        // SAFETY: every mapping has at least HEAD_BYTES, which hold a head; it is all atomics, valid with any bytes.
        unsafe { &*self.base.cast::<FileHead>() }
    }

    fn chunk(&self, number: usize) -> Option<&Chunk> {
        // SAFETY: number < chunks, so the chunk lies in the mapping, aligned to a page; a chunk is all atomics, valid with any bytes.
        (number < self.chunks).then(|| unsafe {
            &*self
                .base
                .byte_add(HEAD_BYTES + number * CHUNK_BYTES)
                .cast::<Chunk>()
        })
    }

    /// What each thread wrote, in the order of threads and of what they wrote.
    pub(super) fn pieces(&self) -> Vec<Piece<'_>> {
        let mut pieces = Vec::new();
        for chunk in (0..self.chunks).filter_map(|number| self.chunk(number)) {
            let segments: Vec<SegmentInfo> = chunk
                .head()
                .segments
                .iter()
                .map_while(|segment| segment.info())
                .collect();
            for (at, segment) in segments.iter().enumerate() {
                let from = (segment.first as usize).min(CHUNK_PAGES);
                let to = segments
                    .get(at + 1)
                    .map_or(CHUNK_PAGES, |next| next.first as usize)
                    .clamp(from, CHUNK_PAGES);
                // Pages are used one after the other.
                let used = (from..to).take_while(|page| chunk.is_used(*page)).count();
                if used > 0 {
                    pieces.push((segment.clone(), from, &chunk.pages[from..from + used]));
                }
            }
        }
        pieces.sort_by_key(|(segment, _, _)| (segment.thread, segment.sequence));
        pieces
    }

    /// Lets go of the memory of pages that were read. They can be read again.
    pub(super) fn forget(&self, pages: &[Page]) {
        if !self.has(pages) {
            return;
        }
        let range = pages.as_ptr_range();
        let page = page_size();
        let (start, end) = (
            range.start.addr() / page * page,
            range.end.addr() / page * page,
        );
        if start < end {
            // SAFETY: the pages lie within this mapping of a file, which has what they hold.
            unsafe {
                libc::madvise(
                    std::ptr::without_provenance_mut(start),
                    end - start,
                    libc::MADV_DONTNEED,
                )
            };
        }
    }

    /// Whether pages are of this file.
    pub(super) fn has(&self, pages: &[Page]) -> bool {
        let range = pages.as_ptr_range();
        range.start.addr() >= self.base.addr() && range.end.addr() <= self.base.addr() + self.bytes
    }
}

impl Drop for EventsFile {
    fn drop(&mut self) {
        // SAFETY: the mapping is ours, and what borrows from it borrows from self.
        unsafe { libc::munmap(self.base, self.bytes) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nonsense_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.events");
        std::fs::write(&path, b"short").unwrap();
        assert!(matches!(
            EventsFile::open(&path),
            Err(EventsError::Kind { .. })
        ));
        std::fs::write(&path, vec![7; HEAD_BYTES]).unwrap();
        assert!(matches!(
            EventsFile::open(&path),
            Err(EventsError::Kind { .. })
        ));
        assert!(matches!(
            EventsFile::open(&folder.path().join("none")),
            Err(EventsError::Read { .. })
        ));
    }
}
