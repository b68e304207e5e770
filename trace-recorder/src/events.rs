//! A file of events, read. It may be one that is still written, was cut, or holds nonsense.

use std::fs::File;
use std::ops::Range;
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
        // Only pages that the file has: beyond its end the system would end this process. And no holes: looking at one takes
        // room on disk in some file systems, and where there is none the system would end this process too.
        let whole = usize::try_from(there).unwrap_or(usize::MAX).min(bytes);
        for part in data(file, whole) {
            let end = part.end.next_multiple_of(page_size()).min(bytes);
            // SAFETY: replaces a part of the mapping just made, from a page's start.
            let placed = unsafe {
                libc::mmap(
                    base.byte_add(part.start),
                    end - part.start,
                    libc::PROT_READ,
                    libc::MAP_SHARED | libc::MAP_FIXED,
                    file.as_raw_fd(),
                    part.start as libc::off_t,
                )
            };
            if placed == libc::MAP_FAILED {
                return Err(std::io::Error::last_os_error());
            }
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

/// Parts of a file that are mapped at most, since a process may have only some ten thousand mappings. What comes behind is
/// mapped with its holes.
const MOST_PARTS: usize = 16 << 10;

/// The parts of the first `bytes` of a file that have room on disk, each from a page's start. All of it where the file system
/// does not say.
fn data(file: &File, bytes: usize) -> Vec<Range<usize>> {
    let seek = |from: usize, what| {
        // SAFETY: moves the place of the file's descriptor, which nobody else uses.
        let at = unsafe { libc::lseek(file.as_raw_fd(), from as libc::off_t, what) };
        usize::try_from(at).map_err(|_| std::io::Error::last_os_error())
    };
    let (mut parts, mut at) = (Vec::new(), 0);
    while at < bytes && parts.len() < MOST_PARTS {
        let from = match seek(at, libc::SEEK_DATA) {
            Ok(from) => (from / page_size() * page_size()).max(at),
            // Nothing but a hole comes.
            Err(error) if error.raw_os_error() == Some(libc::ENXIO) => return parts,
            Err(_) => break,
        };
        let to = seek(from, libc::SEEK_HOLE).map_or(bytes, |to| to.max(from + 1));
        if from >= bytes {
            return parts;
        }
        at = to.next_multiple_of(page_size());
        parts.push(from..to.min(bytes));
    }
    if at < bytes {
        parts.push(at..bytes);
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_has_room_is_mapped() {
        use std::os::unix::fs::FileExt;
        let page = page_size();
        let file = tempfile::tempfile().unwrap();
        file.set_len(100 * page as u64).unwrap();
        file.write_all_at(&vec![1; page], 3 * page as u64).unwrap();
        file.write_all_at(&vec![2; 2 * page], 50 * page as u64)
            .unwrap();
        let mapped = EventsFile::map(&file, 100 * page as u64, 100 * page).unwrap();
        // SAFETY: the mapping has so many bytes, and nobody changes them.
        let bytes = unsafe { std::slice::from_raw_parts(mapped.base.cast::<u8>(), 100 * page) };
        for (number, some) in bytes.chunks(page).enumerate() {
            let wanted = match number {
                3 => 1,
                50 | 51 => 2,
                _ => 0,
            };
            assert!(some.iter().all(|&byte| byte == wanted), "{number}");
        }
        let parts = data(&file, 100 * page);
        assert!(parts.iter().any(|part| part.contains(&(3 * page))));
        assert!(data(&file, page).len() <= 1);
    }

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
