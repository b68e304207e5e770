//! A process's file of events while it is written: opening, making room, ending.
//!
//! The whole file is mapped from the start, sparse and far larger than it will be, and no descriptor stays open. More
//! room on disk is made a step at a time and off the hot path. A program that closes all its descriptors, changes its
//! root or drops its rights goes on being recorded: then room is had through the mapping alone
//! (`MADV_POPULATE_WRITE`). When the disk is full, making room fails, where a plain write to the mapping would kill the
//! program; then recording stops, with its reason in the file.

use crate::clock::{self, Moment};
use crate::control::Control;
use crate::layout::{CHUNK_BYTES, Chunk, FileHead, HEAD_BYTES, MAGIC, State, Stop, VERSION};
use crate::place::Local;
use crate::sys::{self, Errno, File, NoSignals};
use core::ffi::CStr;
use std::sync::atomic::{AtomicPtr, AtomicU32, AtomicU64, AtomicUsize, Ordering};

/// Address space that a file of events asks for: 64 GiB, room for some eight thousand million events.
const MOST_BYTES: usize = 64 << 30;

/// With less than this there is no recording.
const LEAST_BYTES: usize = HEAD_BYTES + 2 * CHUNK_BYTES;

/// Where address space is limited, the recording takes one part in so many of it.
const ADDRESS_SHARE: u64 = 8;

/// Threads that can be known to have been there before.
const EARLIER_BYTES: usize = 1 << 20;

/// The number of the last recording of this process; 0 is none.
static LAST_SESSION: AtomicU32 = AtomicU32::new(0);

/// Memory that a fork's child finds empty: whether the recording is open there, and a lock that no fork can leave locked.
#[derive(Debug)]
#[repr(C)]
struct Gate {
    /// The recording's number while it is open, else [`SHUT`]; 0 before it is opened, and in a child.
    session: AtomicU32,
    lock: AtomicU32,
}

/// No thread is part of this recording.
pub(crate) const SHUT: u32 = u32::MAX;

static NO_GATE: Gate = Gate {
    session: AtomicU32::new(0),
    lock: AtomicU32::new(0),
};

/// Why a process can't be recorded.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum StoreError {
    /// The file can't be made.
    Create(Errno),
    /// The file can't be mapped, or there is no address space.
    Map(Errno),
    /// There is no room on disk for its head.
    Room(Stop),
}

/// How a process is recorded.
#[derive(Copy, Clone, Debug)]
pub struct Settings<'a> {
    /// The file to make; there must be none.
    pub path: &'a CStr,
    /// The recording's control page.
    pub control: &'static Control,
    /// Whether the process had threads before: the starts of those that are there now are no events.
    pub late: bool,
    /// Whether the process is a fork's child.
    pub forked: bool,
}

/// A process's file of events.
#[derive(Debug)]
pub struct Store {
    gate: AtomicPtr<Gate>,
    base: AtomicPtr<u8>,
    bytes: AtomicUsize,
    pub(crate) chunks: AtomicU32,
    control: AtomicPtr<Control>,
    /// First of the chunks that wait for another thread, as 1 + its number.
    pub(crate) idle: AtomicU32,
    /// Numbers of the threads that were there before, sorted.
    earlier: AtomicPtr<u32>,
    earlier_len: AtomicUsize,
    /// The file's path, for kernels that prepare room only through a descriptor; ends with a zero.
    path: [AtomicU64; libc::PATH_MAX as usize / 8],
}

impl Store {
    /// Nothing is open.
    pub const fn new() -> Store {
        Store {
            gate: AtomicPtr::new((&raw const NO_GATE).cast_mut()),
            base: AtomicPtr::new(std::ptr::null_mut()),
            bytes: AtomicUsize::new(0),
            chunks: AtomicU32::new(0),
            control: AtomicPtr::new(std::ptr::null_mut()),
            idle: AtomicU32::new(0),
            earlier: AtomicPtr::new(std::ptr::null_mut()),
            earlier_len: AtomicUsize::new(0),
            path: [const { AtomicU64::new(0) }; libc::PATH_MAX as usize / 8],
        }
    }

    #[inline(always)]
    fn gate(&self) -> &Gate {
        // SAFETY: NO_GATE, or a mapping that `open` made for good.
        unsafe { &*self.gate.load(Ordering::Relaxed) }
    }

    /// The recording's number while it is open; 0 before it is opened and in a fork's child, else [`SHUT`].
    pub(crate) fn session(&self) -> u32 {
        self.gate().session.load(Ordering::Acquire)
    }

    /// Whether the recording is open and the thread whose place is `local` is part of it. In a fork's child it is
    /// neither, until [`open`](Store::open) is called there.
    #[inline(always)]
    pub fn is_open_for(&self, local: &Local) -> bool {
        self.gate().session.load(Ordering::Acquire) == local.session()
    }

    /// Whether nothing was opened in this process: in a fork's child again.
    pub fn is_fresh(&self) -> bool {
        self.gate().session.load(Ordering::Acquire) == 0
    }

    /// Opens a file of events, in place of what a fork's child inherited. Others that call it meanwhile wait and find
    /// it open.
    ///
    /// # Errors
    /// [`StoreError`]; the recording is shut then.
    pub fn open(&self, settings: &Settings<'_>) -> Result<(), StoreError> {
        let _quiet = NoSignals::hold();
        if std::ptr::eq(self.gate(), &NO_GATE) {
            let page = sys::map_private(sys::page_size()).map_err(StoreError::Map)?;
            // SAFETY: the page was just mapped.
            if !unsafe { sys::wipe_on_fork(page, sys::page_size()) } {
                // Without it a fork's child would write into its parent's file. Linux has it since 4.14.
                return Err(StoreError::Map(Errno(libc::ENOSYS)));
            }
            let lost = self.gate.compare_exchange(
                (&raw const NO_GATE).cast_mut(),
                page.cast(),
                Ordering::AcqRel,
                Ordering::Relaxed,
            );
            if lost.is_err() {
                // SAFETY: nobody saw this page.
                unsafe { sys::unmap(page, sys::page_size()) };
            }
        }
        self.locked(|| {
            if !self.is_fresh() {
                return Ok(());
            }
            let result = self.open_file(settings);
            if result.is_err() {
                self.give_up(settings.path);
            }
            let session = match result {
                Ok(()) => {
                    // Never 0 and never SHUT.
                    let last = LAST_SESSION.fetch_add(1, Ordering::Relaxed);
                    last % (SHUT - 1) + 1
                }
                Err(_) => SHUT,
            };
            self.gate().session.store(session, Ordering::Release);
            result
        })
    }

    fn open_file(&self, settings: &Settings<'_>) -> Result<(), StoreError> {
        let old = self.base.swap(std::ptr::null_mut(), Ordering::Relaxed);
        if !old.is_null() {
            // SAFETY: this is a fork's child whose only thread is in here; the parent's mapping is its own.
            unsafe { sys::unmap(old, self.bytes.load(Ordering::Relaxed)) };
        }
        let flags = libc::O_RDWR | libc::O_CREAT | libc::O_EXCL;
        let file = File::open(settings.path, flags).map_err(StoreError::Create)?;
        let (base, bytes) = map_most(&file)?;
        self.base.store(base, Ordering::Relaxed);
        self.bytes.store(bytes, Ordering::Relaxed);
        let chunks = (bytes - HEAD_BYTES) / CHUNK_BYTES;
        self.chunks.store(chunks as u32, Ordering::Relaxed);
        self.idle.store(0, Ordering::Relaxed);
        self.control.store(
            std::ptr::from_ref(settings.control).cast_mut(),
            Ordering::Relaxed,
        );
        for (word, bytes) in self.path.iter().zip(settings.path.to_bytes().chunks(8)) {
            let mut full = [0; 8];
            full.iter_mut()
                .zip(bytes)
                .for_each(|(to, from)| *to = *from);
            word.store(u64::from_ne_bytes(full), Ordering::Relaxed);
        }
        self.room(0, HEAD_BYTES).map_err(StoreError::Room)?;
        self.list_earlier(settings.late);
        self.write_head(settings);
        Ok(())
    }

    /// Takes away what [`open_file`](Store::open_file) made before it failed. A head without room on disk must not be looked at
    /// by anybody: the system would end the process.
    fn give_up(&self, path: &CStr) {
        let base = self.base.swap(std::ptr::null_mut(), Ordering::Relaxed);
        if !base.is_null() {
            // SAFETY: this store's own mapping; the recording was not open yet, so no thread is part of it.
            unsafe { sys::unmap(base, self.bytes.load(Ordering::Relaxed)) };
            sys::remove(path);
        }
    }

    fn list_earlier(&self, late: bool) {
        self.earlier_len.store(0, Ordering::Relaxed);
        if !late {
            return;
        }
        if self.earlier.load(Ordering::Relaxed).is_null()
            && let Ok(list) = sys::map_private(EARLIER_BYTES)
        {
            self.earlier.store(list.cast(), Ordering::Relaxed);
        }
        let list = self.earlier.load(Ordering::Relaxed);
        if !list.is_null() {
            // SAFETY: the mapping is this store's own, of EARLIER_BYTES, aligned to a page, zeroed; the lock is held.
            let list = unsafe { core::slice::from_raw_parts_mut(list, EARLIER_BYTES / 4) };
            self.earlier_len
                .store(sys::threads(list), Ordering::Relaxed);
        }
    }

    pub(crate) fn was_there(&self, tid: u64) -> bool {
        let (list, len) = (
            self.earlier.load(Ordering::Relaxed),
            self.earlier_len.load(Ordering::Relaxed),
        );
        if list.is_null() || len == 0 {
            return false;
        }
        // SAFETY: `list_earlier` filled so many entries before the recording was opened, and nobody changes them.
        let list = unsafe { core::slice::from_raw_parts(list, len) };
        u32::try_from(tid).is_ok_and(|tid| list.binary_search(&tid).is_ok())
    }

    fn write_head(&self, settings: &Settings<'_>) {
        let Some(head) = self.head() else { return };
        let now = clock::moment();
        head.version.store(VERSION, Ordering::Relaxed);
        head.clock.store(clock::chosen() as u32, Ordering::Relaxed);
        head.pid.store(sys::process(), Ordering::Relaxed);
        head.parent.store(sys::parent(), Ordering::Relaxed);
        head.began.set(now);
        head.latest.set(now);
        head.began_unix_ns
            .store(clock::wall_ns(), Ordering::Relaxed);
        head.status.store(u32::MAX, Ordering::Relaxed);
        head.page_size
            .store(sys::page_size() as u32, Ordering::Relaxed);
        head.pointer_width.store(usize::BITS, Ordering::Relaxed);
        head.forked
            .store(u32::from(settings.forked), Ordering::Relaxed);
        head.keep_command();
        head.magic.store(MAGIC, Ordering::Release);
    }

    /// The file's head, while one is mapped.
    pub fn head(&self) -> Option<&FileHead> {
        let base = self.base.load(Ordering::Relaxed);
        // SAFETY: when it is not null, the mapping begins with a head, which is all atomics and was prepared by `open_file`.
        (!base.is_null()).then(|| unsafe { &*base.cast::<FileHead>() })
    }

    fn control(&self) -> Option<&Control> {
        // SAFETY: null or what `Settings` had for ever.
        unsafe { self.control.load(Ordering::Relaxed).as_ref() }
    }

    pub(crate) fn chunk(&self, number: u32) -> &Chunk {
        debug_assert!(number < self.chunks.load(Ordering::Relaxed));
        let at = HEAD_BYTES + number as usize * CHUNK_BYTES;
        // SAFETY: number < chunks, so the chunk lies in the mapping; HEAD_BYTES and CHUNK_BYTES are multiples of a page,
        // so it is aligned; a chunk is all atomics, valid with any bytes.
        unsafe { &*self.base.load(Ordering::Relaxed).add(at).cast::<Chunk>() }
    }

    pub(crate) fn number_of(&self, chunk: &Chunk) -> u32 {
        let base = self.base.load(Ordering::Relaxed).addr() + HEAD_BYTES;
        ((std::ptr::from_ref(chunk).addr() - base) / CHUNK_BYTES) as u32
    }

    /// Makes room on disk for a part of the mapping. Page-aligned, and nobody has written there.
    pub(crate) fn room(&self, from: usize, bytes: usize) -> Result<(), Stop> {
        if let Some(control) = self.control() {
            control.take(bytes as u64)?;
        }
        let made = self.make_room(from, bytes);
        if made.is_err()
            && let Some(control) = self.control()
        {
            control.give_back(bytes as u64);
        }
        made
    }

    fn make_room(&self, from: usize, bytes: usize) -> Result<(), Stop> {
        // Writing zeros costs an eighth of what the pages' first faults cost, since the file system then works on many
        // pages at once; and it says so when the disk is full.
        let written = match self.file() {
            Ok(file) => match file.write_zeros(from, bytes) {
                Ok(()) => true,
                Err(_) => return Err(Stop::DiskFull),
            },
            // The path may mean nothing any more: another root, other rights, no descriptor left.
            Err(_) => false,
        };
        // SAFETY: callers ask for parts of the mapping.
        match unsafe { sys::populate(self.base.load(Ordering::Relaxed).add(from), bytes) } {
            Ok(()) => Ok(()),
            // Kernels before 5.14 do not know this; what was written has its room.
            Err(Errno(libc::EINVAL)) if written => Ok(()),
            Err(_) => Err(Stop::DiskFull),
        }
    }

    fn file(&self) -> Result<File, Errno> {
        let mut path = [0u8; libc::PATH_MAX as usize];
        for (bytes, word) in path.chunks_mut(8).zip(&self.path) {
            bytes.copy_from_slice(&word.load(Ordering::Relaxed).to_ne_bytes());
        }
        let path = CStr::from_bytes_until_nul(&path).map_err(|_| Errno(libc::ENAMETOOLONG))?;
        File::open(path, libc::O_WRONLY)
    }

    /// Counts an event that can't be written.
    pub fn lose(&self) {
        if let Some(head) = self.head() {
            head.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Nothing is recorded any more, for this reason.
    pub(crate) fn stop(&self, stop: Stop) {
        if let Some(head) = self.head() {
            let first =
                head.stop
                    .compare_exchange(0, stop as u32, Ordering::Relaxed, Ordering::Relaxed);
            if first.is_ok() {
                head.stopped.store(clock::before(), Ordering::Relaxed);
            }
        }
        self.gate().session.store(SHUT, Ordering::Release);
    }

    /// The process, or the recording of it, ends in this way.
    pub fn end(&self, state: State, status: Option<u32>) {
        if let Some(head) = self.head() {
            head.latest.set(clock::moment());
            head.status
                .store(status.unwrap_or(u32::MAX), Ordering::Relaxed);
            head.state.store(state as u32, Ordering::Release);
        }
    }

    /// Nothing is recorded any more.
    pub fn shut(&self) {
        self.gate().session.store(SHUT, Ordering::Release);
    }

    /// Lets go of the file. A thread that is still writing an event writes it to memory that nobody reads.
    pub fn detach(&self) {
        self.shut();
        let base = self.base.load(Ordering::Relaxed);
        if base.is_null() {
            return;
        }
        // SAFETY: replaces this store's own mapping by another of the same size, so no address that a thread may still
        // hold becomes invalid; it is all atomics, valid as zeros.
        unsafe {
            libc::mmap(
                base.cast(),
                self.bytes.load(Ordering::Relaxed),
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE | libc::MAP_FIXED,
                -1,
                0,
            )
        };
    }

    /// A moment on both clocks, for the file's end.
    pub fn latest(&self) -> Option<Moment> {
        self.head()?.latest.get()
    }

    /// Calls `f` while no other thread is in here. Not on the hot path; signals are held off.
    pub(crate) fn locked<R>(&self, f: impl FnOnce() -> R) -> R {
        let lock = &self.gate().lock;
        while lock
            .compare_exchange_weak(0, 1, Ordering::Acquire, Ordering::Relaxed)
            .is_err()
        {
            // SAFETY: gives the processor to who holds the lock; takes nothing and cannot fail.
            unsafe { libc::sched_yield() };
        }
        let result = f();
        lock.store(0, Ordering::Release);
        result
    }
}

impl Default for Store {
    fn default() -> Self {
        Store::new()
    }
}

/// Maps the file at the greatest size that the system's limits allow.
fn map_most(file: &File) -> Result<(*mut u8, usize), StoreError> {
    let allowed = |limit: Option<u64>| {
        limit.map_or(MOST_BYTES, |bytes| {
            usize::try_from(bytes).unwrap_or(MOST_BYTES)
        })
    };
    // Beyond the limit of a file's size the system would end the program.
    let file_size = allowed(sys::limit(libc::RLIMIT_FSIZE));
    let address_space = allowed(sys::limit(libc::RLIMIT_AS).map(|bytes| bytes / ADDRESS_SHARE));
    let mut bytes = MOST_BYTES
        .min(address_space)
        .max(LEAST_BYTES)
        .min(file_size);
    loop {
        // Whole chunks.
        let chunks = bytes.saturating_sub(HEAD_BYTES) / CHUNK_BYTES;
        bytes = HEAD_BYTES + chunks * CHUNK_BYTES;
        if bytes < LEAST_BYTES {
            return Err(StoreError::Map(Errno(libc::EFBIG)));
        }
        let mapped = file.set_len(bytes).and_then(|()| file.map(bytes));
        match mapped {
            Ok(base) => return Ok((base, bytes)),
            Err(error) if bytes / 2 < LEAST_BYTES => return Err(StoreError::Map(error)),
            Err(_) => bytes /= 2,
        }
    }
}
