//! What stands where in a file of events.
//!
//! ```text
//! head     16 KiB: who the process is, its clock, how it ended
//! chunk    256 KiB, 64 pages: a head that says which threads wrote here, then pages of words (see `code`)
//! chunk    …
//! ```
//!
//! The file is sparse: only what was written takes room. Everything is atomic and valid with any bytes in it, so a
//! reader needs no trust in a file, and may read one that is still written.

use crate::clock::Moment;
use crate::sys::File;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// The first eight bytes of a file of events, as a little-endian number. Written last, when the head is complete.
pub const MAGIC: u64 = u64::from_le_bytes(*b"\x89HTCAP\r\n");

/// Version of the layout. Captures are read by the version that made them.
pub const VERSION: u32 = 1;

/// Bytes before the first chunk.
pub const HEAD_BYTES: usize = 16 << 10;

/// Bytes of a chunk: its head and the events.
pub const CHUNK_BYTES: usize = 256 << 10;

/// Bytes of a page: a thread's part of a chunk begins with one, and each decodes alone.
pub const PAGE_BYTES: usize = 4096;

/// Words of a page.
pub const PAGE_WORDS: usize = PAGE_BYTES / 8;

/// Pages of a chunk.
pub const CHUNK_PAGES: usize = CHUNK_BYTES / PAGE_BYTES;

/// Words at the start of a chunk's first page that its head takes.
pub const HEAD_WORDS: usize = 96;

/// Threads that may write to one chunk, one after the other.
pub const SEGMENTS: usize = 16;

/// Bytes of a command line that are kept.
pub const COMMAND_BYTES: usize = 8 << 10;

/// Bytes of a thread's name: what the kernel keeps.
pub const NAME_BYTES: usize = 16;

/// How a program ended, as far as the process itself could tell. Numbers are in files.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
#[repr(u32)]
pub enum State {
    /// It runs, or ended without a word: killed, or by the bare system call.
    Running = 0,
    /// It called `exit`, `_exit`, or returned from `main`.
    Exited = 1,
    /// It became another program.
    Replaced = 2,
    /// The recording of it was stopped by its own will, as with a recording of a part of a program.
    Closed = 3,
}

impl State {
    /// The state of a number in a file.
    pub fn from_code(code: u32) -> State {
        match code {
            1 => State::Exited,
            2 => State::Replaced,
            3 => State::Closed,
            _ => State::Running,
        }
    }
}

/// Why a process stopped recording before its end. Numbers are in files.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
#[repr(u32)]
pub enum Stop {
    /// The disk of the capture is full.
    DiskFull = 1,
    /// The recording has taken the room on disk that it may take.
    Limit = 2,
    /// The file has the largest size that the system allows (`ulimit -f`, or the file system).
    FileSize = 3,
    /// There was too little address space for more (`ulimit -v`).
    AddressSpace = 4,
    /// The disk of the capture has room for its tape left, and no more.
    DiskShare = 5,
}

impl Stop {
    /// The reason of a number in a file; `None` if recording was not stopped.
    pub fn from_code(code: u32) -> Option<Stop> {
        Some(match code {
            1 => Stop::DiskFull,
            2 => Stop::Limit,
            3 => Stop::FileSize,
            4 => Stop::AddressSpace,
            5 => Stop::DiskShare,
            _ => return None,
        })
    }

    /// A sentence's end: "recording stopped because …".
    pub fn because(self) -> &'static str {
        match self {
            Stop::DiskFull => "the disk of the capture was full",
            Stop::Limit => "the capture had taken the disk space that it may take",
            Stop::FileSize => "a file of the capture had the largest size that is allowed",
            Stop::AddressSpace => "there was no address space for more",
            Stop::DiskShare => {
                "the disk of the capture was full but for the room that its tape needs"
            }
        }
    }
}

/// A moment in a file. The number of writes is odd while it is written.
#[derive(Debug, Default)]
#[repr(C)]
pub struct MomentCell {
    writes: AtomicU64,
    stamp: AtomicU64,
    monotonic_ns: AtomicU64,
}

impl MomentCell {
    /// No moment.
    pub const fn new() -> MomentCell {
        MomentCell {
            writes: AtomicU64::new(0),
            stamp: AtomicU64::new(0),
            monotonic_ns: AtomicU64::new(0),
        }
    }

    /// Stores a moment, unless another thread is doing that right now.
    pub fn set(&self, moment: Moment) {
        let writes = self.writes.load(Ordering::Relaxed);
        if !writes.is_multiple_of(2)
            || self
                .writes
                .compare_exchange(writes, writes + 1, Ordering::Acquire, Ordering::Relaxed)
                .is_err()
        {
            return;
        }
        self.stamp.store(moment.stamp, Ordering::Relaxed);
        self.monotonic_ns
            .store(moment.monotonic_ns, Ordering::Relaxed);
        self.writes.store(writes + 2, Ordering::Release);
    }

    /// The moment; `None` if none was stored, or the writer died in the middle.
    pub fn get(&self) -> Option<Moment> {
        let writes = self.writes.load(Ordering::Acquire);
        (writes > 0 && writes.is_multiple_of(2)).then(|| Moment {
            stamp: self.stamp.load(Ordering::Relaxed),
            monotonic_ns: self.monotonic_ns.load(Ordering::Relaxed),
        })
    }
}

/// The head of a file of events.
#[derive(Debug)]
#[repr(C)]
pub struct FileHead {
    /// [`MAGIC`].
    pub magic: AtomicU64,
    /// [`VERSION`].
    pub version: AtomicU32,
    /// [`Clock`](crate::clock::Clock) of the stamps.
    pub clock: AtomicU32,
    /// The process's number.
    pub pid: AtomicU64,
    /// Its parent's number.
    pub parent: AtomicU64,
    /// When recording of this program began; stamps are not before it.
    pub began: MomentCell,
    /// The latest moment at which both clocks were compared.
    pub latest: MomentCell,
    /// Wall clock when it began, nanoseconds since 1970.
    pub began_unix_ns: AtomicU64,
    /// Chunks that were taken.
    pub chunks: AtomicU32,
    /// Threads that took part.
    pub threads: AtomicU32,
    /// Events that found no room.
    pub lost: AtomicU64,
    /// [`State`].
    pub state: AtomicU32,
    /// The exit status, where the state is [`State::Exited`] and it is known; else -1.
    pub status: AtomicU32,
    /// [`Stop`], or 0.
    pub stop: AtomicU32,
    /// When recording stopped, as a stamp.
    pub stopped: AtomicU64,
    /// Bytes in a page of memory.
    pub page_size: AtomicU32,
    /// Bits in a pointer.
    pub pointer_width: AtomicU32,
    /// 1 if the process began as a fork's child that has not become another program.
    pub forked: AtomicU32,
    /// Bytes used of `command`.
    pub command_len: AtomicU32,
    /// The command line: arguments, each ended by a zero.
    pub command: [AtomicU64; COMMAND_BYTES / 8],
}

const _: () = assert!(size_of::<FileHead>() <= HEAD_BYTES);

impl FileHead {
    /// Keeps as much of the process's command line as there is room for.
    pub(crate) fn keep_command(&self) {
        let Ok(file) = File::open(c"/proc/self/cmdline", libc::O_RDONLY) else {
            return;
        };
        // Straight into the file, in pieces: the thread's stack may be small.
        let mut len = 0;
        for words in self.command.chunks(32) {
            let mut piece = [0; 256];
            let Ok(count) = file.read_full(&mut piece) else {
                break;
            };
            store_bytes(words, piece.get(..count).unwrap_or_default());
            len += count;
            if count < piece.len() {
                break;
            }
        }
        self.command_len.store(len as u32, Ordering::Release);
    }

    /// The command line's arguments.
    pub fn command(&self) -> Vec<String> {
        let len = (self.command_len.load(Ordering::Acquire) as usize).min(COMMAND_BYTES);
        let bytes = load_bytes(&self.command);
        let text = bytes[..len].strip_suffix(&[0]).unwrap_or(&bytes[..len]);
        if text.is_empty() {
            return Vec::new();
        }
        text.split(|&byte| byte == 0)
            .map(|word| String::from_utf8_lossy(word).into_owned())
            .collect()
    }
}

/// A part of a chunk that one thread wrote.
#[derive(Debug)]
#[repr(C)]
pub struct Segment {
    /// 1 + the number of the thread; 0 = none. Written last.
    owner: AtomicU32,
    /// The how-manieth segment of this thread this is, from 0.
    sequence: AtomicU32,
    /// The first page.
    first: AtomicU32,
    spare: AtomicU32,
    os_tid: AtomicU64,
    name: [AtomicU64; NAME_BYTES / 8],
}

/// What a [`Segment`] says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SegmentInfo {
    /// The thread's number within the file.
    pub thread: u32,
    /// Its how-manieth segment this is.
    pub sequence: u32,
    /// The first page in the chunk.
    pub first: u32,
    /// The system's number of the thread.
    pub os_tid: u64,
    /// The thread's name.
    pub name: String,
}

impl Segment {
    /// Says who writes here. Called before the first event.
    pub fn claim(
        &self,
        thread: u32,
        sequence: u32,
        first: u32,
        os_tid: u64,
        name: &[u8; NAME_BYTES],
    ) {
        self.sequence.store(sequence, Ordering::Relaxed);
        self.first.store(first, Ordering::Relaxed);
        self.os_tid.store(os_tid, Ordering::Relaxed);
        self.rename(name);
        self.owner.store(thread.wrapping_add(1), Ordering::Release);
    }

    /// Gives the thread another name.
    pub fn rename(&self, name: &[u8; NAME_BYTES]) {
        store_bytes(&self.name, name);
    }

    /// What it says; `None` if nobody claimed it.
    pub fn info(&self) -> Option<SegmentInfo> {
        let thread = self.owner.load(Ordering::Acquire).checked_sub(1)?;
        let bytes = load_bytes(&self.name);
        let end = bytes.iter().position(|&b| b == 0).unwrap_or(bytes.len());
        Some(SegmentInfo {
            thread,
            sequence: self.sequence.load(Ordering::Relaxed),
            first: self.first.load(Ordering::Relaxed),
            os_tid: self.os_tid.load(Ordering::Relaxed),
            name: String::from_utf8_lossy(&bytes[..end]).into_owned(),
        })
    }

    /// The first page.
    pub(crate) fn first(&self) -> u32 {
        self.first.load(Ordering::Relaxed)
    }

    /// Whether it is of a thread.
    pub(crate) fn is_of(&self, thread: u32) -> bool {
        self.owner.load(Ordering::Relaxed) == thread.wrapping_add(1)
    }

    /// Whether somebody claimed it.
    pub fn is_taken(&self) -> bool {
        self.owner.load(Ordering::Acquire) != 0
    }
}

/// What stands at the start of each chunk.
#[derive(Debug)]
#[repr(C)]
pub struct ChunkHead {
    /// Who wrote here, in the order of pages.
    pub segments: [Segment; SEGMENTS],
    /// While the chunk waits for another thread: the next one that waits, as 1 + its number.
    pub(crate) next_idle: AtomicU32,
    /// While the chunk waits: where to look for the first empty page.
    pub(crate) idle_from: AtomicU32,
    /// While the chunk waits: the thread that leaves it.
    pub(crate) idle_tid: AtomicU64,
    /// Bytes from the chunk's start that have room on disk.
    pub(crate) prepared: AtomicU32,
    spare: AtomicU32,
}

/// A page of words.
pub type Page = [AtomicU64; PAGE_WORDS];

/// A chunk.
#[derive(Debug)]
#[repr(C)]
pub struct Chunk {
    /// All of it as pages; the first [`HEAD_WORDS`] are the head.
    pub pages: [Page; CHUNK_PAGES],
}

const _: () = assert!(
    size_of::<Chunk>() == CHUNK_BYTES
        && align_of::<Chunk>() == align_of::<ChunkHead>()
        && size_of::<ChunkHead>() <= HEAD_WORDS * 8
);

impl Chunk {
    /// Who writes here.
    pub fn head(&self) -> &ChunkHead {
        // SAFETY: the first HEAD_WORDS are at least as long as a head and aligned as one; both are all atomics, valid
        // with any bytes.
        unsafe { &*self.pages.as_ptr().cast::<ChunkHead>() }
    }

    /// The words of page `number` that events may have; none of a page that is not there.
    pub fn words(&self, number: usize) -> &[AtomicU64] {
        let from = if number == 0 { HEAD_WORDS } else { 0 };
        self.pages
            .get(number)
            .and_then(|page| page.get(from..))
            .unwrap_or_default()
    }

    /// Whether somebody wrote to page `number`.
    pub fn is_used(&self, number: usize) -> bool {
        self.words(number)
            .first()
            .is_some_and(|word| word.load(Ordering::Acquire) != 0)
    }
}

fn store_bytes(words: &[AtomicU64], bytes: &[u8]) {
    for (word, bytes) in words.iter().zip(bytes.chunks(8)) {
        let mut full = [0; 8];
        for (to, from) in full.iter_mut().zip(bytes) {
            *to = *from;
        }
        word.store(u64::from_le_bytes(full), Ordering::Relaxed);
    }
}

fn load_bytes(words: &[AtomicU64]) -> Vec<u8> {
    words
        .iter()
        .flat_map(|word| word.load(Ordering::Relaxed).to_le_bytes())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        assert_eq!(size_of::<Segment>(), 40);
        assert_eq!(CHUNK_PAGES, 64);
    }

    #[test]
    fn a_moment_is_whole_or_not_there() {
        let cell = MomentCell::default();
        assert_eq!(cell.get(), None);
        let moment = Moment {
            stamp: 1,
            monotonic_ns: 2,
        };
        cell.set(moment);
        assert_eq!(cell.get(), Some(moment));
        cell.writes.store(3, Ordering::Relaxed);
        assert_eq!(cell.get(), None);
    }
}
