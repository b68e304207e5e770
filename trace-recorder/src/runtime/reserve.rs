//! A big reserve of address space, cut into chunks that threads take one by one.
//!
//! Only touched pages cost memory. The kernel gives zeroed pages, which is what an empty [`RawSlot`] is.

use super::raw::RawSlot;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// Bytes of a chunk: its head and the events.
pub const CHUNK_BYTES: usize = 3 << 19;

/// Events in a chunk.
pub const CHUNK_EVENTS: usize = (CHUNK_BYTES - size_of::<ChunkHead>()) / size_of::<RawSlot>();

/// Address space that a recording asks for: 64 GiB, room for 2.8 thousand million events.
const MOST_BYTES: usize = 64 << 30;

/// With less than this there is no recording.
const LEAST_BYTES: usize = 64 << 20;

/// Bytes of a thread's name in a chunk's head; what the kernel keeps is shorter.
pub const NAME_BYTES: usize = 32;

/// What stands at the start of each chunk.
#[derive(Debug)]
#[repr(C)]
pub struct ChunkHead {
    /// 1 + the number of the thread that writes here; 0 = not taken. Written last.
    owner: AtomicU32,
    /// The how-manieth chunk of this thread this is, from 0.
    sequence: AtomicU32,
    os_tid: AtomicU64,
    name: [AtomicU64; NAME_BYTES / 8],
    spare: [AtomicU64; 2],
}

/// A chunk: who writes here, and the events.
#[derive(Debug)]
#[repr(C)]
pub struct Chunk {
    head: ChunkHead,
    slots: [RawSlot; CHUNK_EVENTS],
}

impl Chunk {
    /// Says who writes here. Called once, before the first event.
    pub fn claim(&self, thread: u32, sequence: u32, os_tid: u64, name: &[u8; NAME_BYTES]) {
        for (word, bytes) in self.head.name.iter().zip(name.as_chunks::<8>().0) {
            word.store(u64::from_le_bytes(*bytes), Ordering::Relaxed);
        }
        self.head.os_tid.store(os_tid, Ordering::Relaxed);
        self.head.sequence.store(sequence, Ordering::Relaxed);
        self.head.owner.store(thread + 1, Ordering::Release);
    }

    /// Thread and sequence of the chunk; `None` if nobody claimed it.
    pub fn owner(&self) -> Option<(u32, u32)> {
        let thread = self.head.owner.load(Ordering::Acquire).checked_sub(1)?;
        Some((thread, self.head.sequence.load(Ordering::Relaxed)))
    }

    /// The system's number of the thread that writes here.
    pub fn os_tid(&self) -> u64 {
        self.head.os_tid.load(Ordering::Relaxed)
    }

    /// The name of the thread that writes here.
    pub fn name(&self) -> String {
        let bytes: Vec<u8> = self
            .head
            .name
            .iter()
            .flat_map(|w| w.load(Ordering::Relaxed).to_le_bytes())
            .collect();
        let end = bytes.iter().position(|&b| b == 0).unwrap_or(bytes.len());
        String::from_utf8_lossy(&bytes[..end]).into_owned()
    }

    /// Where the events go, in order.
    pub fn slots(&self) -> &[RawSlot] {
        &self.slots
    }
}

/// The reserve of one recording.
#[derive(Debug)]
pub struct Reserve {
    base: *mut u8,
    bytes: usize,
    chunks: u32,
    taken: AtomicU32,
}

// SAFETY: the mapping belongs to the reserve alone and everything in it is atomic (Chunk), so any thread may use it.
unsafe impl Send for Reserve {}
// SAFETY: as above; `taken` gives each chunk to one thread only.
unsafe impl Sync for Reserve {}

impl Reserve {
    /// Reserves address space, as much as the system gives between 64 MiB and 64 GiB.
    pub fn new() -> std::io::Result<Reserve> {
        let mut bytes = MOST_BYTES;
        loop {
            match Reserve::map(bytes) {
                Ok(reserve) => return Ok(reserve),
                Err(error) if bytes / 2 < LEAST_BYTES => return Err(error),
                Err(_) => bytes /= 2,
            }
        }
    }

    fn map(bytes: usize) -> std::io::Result<Reserve> {
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
        // SAFETY: an anonymous mapping at an address of the kernel's choice touches no memory that is in use.
        let base = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                bytes,
                libc::PROT_READ | libc::PROT_WRITE,
                flags,
                -1,
                0,
            )
        };
        if base == libc::MAP_FAILED {
            return Err(std::io::Error::last_os_error());
        }
        // Where huge pages are always on, every thread's first event would cost one of them. It is advice: a kernel without huge pages refuses it, rightly.
        // SAFETY: the range is the mapping just made.
        unsafe { libc::madvise(base, bytes, libc::MADV_NOHUGEPAGE) };
        Ok(Reserve {
            base: base.cast(),
            bytes,
            chunks: (bytes / CHUNK_BYTES) as u32,
            taken: AtomicU32::new(0),
        })
    }

    /// Gives the calling thread a chunk that nobody else has; `None` when the reserve is used up.
    pub fn take(&self) -> Option<&Chunk> {
        let taken = self
            .taken
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| {
                (n < self.chunks).then_some(n + 1)
            });
        taken.ok().map(|n| self.chunk(n))
    }

    /// The chunks taken so far.
    pub fn taken(&self) -> impl Iterator<Item = &Chunk> {
        (0..self.taken.load(Ordering::Acquire)).map(|n| self.chunk(n))
    }

    fn chunk(&self, number: u32) -> &Chunk {
        debug_assert!(number < self.chunks);
        // SAFETY: number < chunks, so the chunk lies in the mapping, which lives as long as self; the mapping is page
        // aligned and CHUNK_BYTES a multiple of a page, so it is aligned; a Chunk is all atomics, valid with any bytes.
        unsafe { &*self.base.add(number as usize * CHUNK_BYTES).cast::<Chunk>() }
    }

    /// Gives the memory of `slots` that were read for good back to the system: the whole pages among them. They read as empty from then on.
    pub fn forget(&self, slots: &[RawSlot]) {
        let range = slots.as_ptr_range();
        let (start, end) = (range.start as usize, range.end as usize);
        let base = self.base as usize;
        assert!(
            start >= base && end <= base + self.bytes,
            "slots of another reserve"
        );
        let page = page_size();
        // A page at the front holds the chunk's head or slots that were forgotten before; one at the back holds slots still to be read.
        let (start, end) = (start / page * page, end / page * page);
        if start < end {
            // SAFETY: the pages lie within this mapping; they are private and anonymous, so they become zero, which is
            // a valid value of every atomic in them.
            unsafe { libc::madvise(start as *mut libc::c_void, end - start, libc::MADV_DONTNEED) };
        }
    }

    /// Gives all memory back, and keeps the address space: a thread that still holds a place in it does no harm.
    pub fn clear(&self) {
        // SAFETY: as in `forget`, for the whole mapping.
        unsafe { libc::madvise(self.base.cast(), self.bytes, libc::MADV_DONTNEED) };
    }

    /// Gives the address space back as well.
    ///
    /// # Safety
    /// No thread may touch a chunk of this reserve from now on.
    pub unsafe fn unmap(&self) {
        // SAFETY: the mapping is ours, and the caller promises that nobody uses it again.
        unsafe { libc::munmap(self.base.cast(), self.bytes) };
    }
}

/// Bytes of a page of memory.
pub fn page_size() -> usize {
    // SAFETY: sysconf reads a constant of the system.
    let size = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    usize::try_from(size)
        .ok()
        .filter(|s| s.is_power_of_two())
        .unwrap_or(4096)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layout() {
        assert_eq!(size_of::<RawSlot>(), 24);
        assert!(size_of::<Chunk>() <= CHUNK_BYTES);
        assert_eq!(CHUNK_BYTES % page_size(), 0);
        assert_eq!(CHUNK_EVENTS, 65_533);
    }

    #[test]
    fn chunks_are_taken_once_and_then_there_are_none() {
        let reserve = Reserve::map(3 * CHUNK_BYTES + 100).unwrap();
        let addresses: Vec<usize> = std::iter::from_fn(|| reserve.take())
            .map(|c| c as *const Chunk as usize)
            .collect();
        assert_eq!(addresses.len(), 3);
        assert!(addresses.is_sorted_by(|a, b| a + CHUNK_BYTES == *b));
        assert!(reserve.take().is_none());
        let chunk = reserve.taken().nth(1).unwrap();
        assert_eq!(chunk.owner(), None);
        let mut name = [0; NAME_BYTES];
        name[..5].copy_from_slice(b"hello");
        chunk.claim(6, 2, 99, &name);
        assert_eq!(
            (chunk.owner(), chunk.os_tid(), chunk.name().as_str()),
            (Some((6, 2)), 99, "hello")
        );
        reserve.clear();
        assert_eq!(chunk.owner(), None);
        // SAFETY: `chunk` is not used again.
        unsafe { reserve.unmap() };
    }
}
