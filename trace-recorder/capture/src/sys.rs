//! The few system calls of the recorder. None allocates, none leaves errno changed where the program would see it.

use core::ffi::CStr;
use core::ptr;

/// An error number of the system.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct Errno(pub i32);

impl Errno {
    /// That of the calling thread's last failed call.
    pub fn last() -> Errno {
        // SAFETY: the address is that of the calling thread's errno.
        Errno(unsafe { *libc::__errno_location() })
    }
}

/// Puts errno back when dropped: the program must not see what the recorder's own calls leave there.
#[derive(Debug)]
pub struct KeptErrno(Errno);

impl KeptErrno {
    /// Remembers errno.
    #[inline]
    pub fn keep() -> KeptErrno {
        KeptErrno(Errno::last())
    }
}

impl Drop for KeptErrno {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: the address is that of the calling thread's errno.
        unsafe { *libc::__errno_location() = self.0.0 };
    }
}

/// While it lives, no signal interrupts the calling thread.
#[derive(Debug)]
pub struct NoSignals(libc::sigset_t);

impl NoSignals {
    /// Holds signals off.
    pub fn hold() -> NoSignals {
        // SAFETY: sigset_t is plain memory, which sigfillset and pthread_sigmask write; both sets are valid.
        unsafe {
            let mut all: libc::sigset_t = core::mem::zeroed();
            let mut before: libc::sigset_t = core::mem::zeroed();
            libc::sigfillset(&mut all);
            libc::pthread_sigmask(libc::SIG_SETMASK, &all, &mut before);
            NoSignals(before)
        }
    }
}

impl Drop for NoSignals {
    fn drop(&mut self) {
        // SAFETY: the set was filled by pthread_sigmask in `hold`.
        unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &self.0, ptr::null_mut()) };
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

/// The calling process's number.
pub fn process() -> u64 {
    // SAFETY: takes nothing and cannot fail.
    unsafe { libc::getpid() as u64 }
}

/// The number of the calling process's parent.
pub fn parent() -> u64 {
    // SAFETY: takes nothing and cannot fail.
    unsafe { libc::getppid() as u64 }
}

/// The system's number and the name of the calling thread.
pub fn this_thread() -> (u64, [u8; 16]) {
    let mut name = [0u8; 16];
    // SAFETY: PR_GET_NAME writes at most 16 bytes; gettid takes nothing and cannot fail.
    let tid = unsafe {
        libc::prctl(libc::PR_GET_NAME, name.as_mut_ptr());
        libc::syscall(libc::SYS_gettid)
    };
    (tid as u64, name)
}

/// Whether the calling process has a thread of that number.
pub fn thread_lives(tid: u64) -> bool {
    // SAFETY: signal 0 is sent to nobody; the call only says whether the thread is there.
    unsafe { libc::syscall(libc::SYS_tgkill, libc::getpid(), tid as libc::pid_t, 0) == 0 }
}

/// The soft limit of a resource, in bytes; `None` when there is none.
pub fn limit(resource: libc::__rlimit_resource_t) -> Option<u64> {
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: `limit` is valid to write to.
    let result = unsafe { libc::getrlimit(resource, &mut limit) };
    (result == 0 && limit.rlim_cur != libc::RLIM_INFINITY).then_some(limit.rlim_cur)
}

/// An open file. It is closed when dropped.
#[derive(Debug)]
pub struct File(i32);

impl File {
    /// Opens a file with `flags`; a new one may be read and written by its owner only.
    pub fn open(path: &CStr, flags: i32) -> Result<File, Errno> {
        // SAFETY: the path ends with a zero.
        let fd = unsafe { libc::open(path.as_ptr(), flags | libc::O_CLOEXEC, 0o600) };
        if fd < 0 {
            Err(Errno::last())
        } else {
            Ok(File(fd))
        }
    }

    /// Reads up to `buffer.len()` bytes; 0 at the end.
    pub fn read(&self, buffer: &mut [u8]) -> Result<usize, Errno> {
        loop {
            // SAFETY: the buffer is valid for its length.
            let count = unsafe { libc::read(self.0, buffer.as_mut_ptr().cast(), buffer.len()) };
            match usize::try_from(count) {
                Ok(count) => return Ok(count),
                Err(_) if Errno::last().0 == libc::EINTR => {}
                Err(_) => return Err(Errno::last()),
            }
        }
    }

    /// Reads until the buffer is full or the file ends.
    pub fn read_full(&self, buffer: &mut [u8]) -> Result<usize, Errno> {
        let mut len = 0;
        while let Some(rest) = buffer.get_mut(len..).filter(|rest| !rest.is_empty()) {
            match self.read(rest)? {
                0 => break,
                count => len += count,
            }
        }
        Ok(len)
    }

    /// Gives the file a length, with holes.
    pub fn set_len(&self, bytes: usize) -> Result<(), Errno> {
        let len = libc::off_t::try_from(bytes).map_err(|_| Errno(libc::EFBIG))?;
        // SAFETY: changes only the file.
        match unsafe { libc::ftruncate(self.0, len) } {
            0 => Ok(()),
            _ => Err(Errno::last()),
        }
    }

    /// Writes zeros to a part of the file, so that it has room on disk.
    pub fn write_zeros(&self, mut from: usize, mut bytes: usize) -> Result<(), Errno> {
        static ZEROS: [u8; 64 << 10] = [0; 64 << 10];
        while bytes > 0 {
            let at = libc::off_t::try_from(from).map_err(|_| Errno(libc::EFBIG))?;
            let len = bytes.min(ZEROS.len());
            // SAFETY: so many zeros are there; changes only the file.
            let count = unsafe { libc::pwrite(self.0, ZEROS.as_ptr().cast(), len, at) };
            match usize::try_from(count) {
                Ok(0) => return Err(Errno(libc::ENOSPC)),
                Ok(count) => (from, bytes) = (from + count, bytes - count),
                Err(_) if Errno::last().0 == libc::EINTR => {}
                Err(_) => return Err(Errno::last()),
            }
        }
        Ok(())
    }

    /// Maps the file's first bytes, shared, for reading and writing.
    pub fn map(&self, bytes: usize) -> Result<*mut u8, Errno> {
        // SAFETY: a new mapping at an address of the kernel's choice touches no memory that is in use.
        let base = unsafe {
            libc::mmap(
                ptr::null_mut(),
                bytes,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_SHARED | libc::MAP_NORESERVE,
                self.0,
                0,
            )
        };
        if base == libc::MAP_FAILED {
            return Err(Errno::last());
        }
        // A core file is not the place for the recording. It is advice, and may be refused.
        // SAFETY: the range is the mapping just made.
        unsafe { libc::madvise(base, bytes, libc::MADV_DONTDUMP) };
        Ok(base.cast())
    }
}

/// Removes a file's name. What can't be removed stays.
pub fn remove(path: &CStr) {
    // SAFETY: the path ends with a zero.
    unsafe { libc::unlink(path.as_ptr()) };
}

impl Drop for File {
    fn drop(&mut self) {
        // SAFETY: the descriptor is ours.
        unsafe { libc::close(self.0) };
    }
}

/// Private zeroed memory of its own.
pub fn map_private(bytes: usize) -> Result<*mut u8, Errno> {
    // SAFETY: a new mapping at an address of the kernel's choice touches no memory that is in use.
    let base = unsafe {
        libc::mmap(
            ptr::null_mut(),
            bytes,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE,
            -1,
            0,
        )
    };
    if base == libc::MAP_FAILED {
        Err(Errno::last())
    } else {
        Ok(base.cast())
    }
}

/// Takes a mapping away.
///
/// # Safety
/// It was made by this module, and nobody uses it any more.
pub unsafe fn unmap(base: *mut u8, bytes: usize) {
    // SAFETY: the caller's promise.
    unsafe { libc::munmap(base.cast(), bytes) };
}

/// `MADV_POPULATE_WRITE`: makes pages present and writable, with room on disk. Since Linux 5.14.
const POPULATE_WRITE: i32 = 23;

/// Makes a page-aligned part of a mapping present, with room on disk, so that writing to it neither faults nor fails.
///
/// # Errors
/// `EFAULT` when there is no room on disk, `EINVAL` when the kernel does not know how.
///
/// # Safety
/// The part lies within one mapping made by [`File::map`].
pub unsafe fn populate(from: *mut u8, bytes: usize) -> Result<(), Errno> {
    for _ in 0..100 {
        // SAFETY: the caller's promise; the content of the pages does not change.
        if unsafe { libc::madvise(from.cast(), bytes, POPULATE_WRITE) } == 0 {
            return Ok(());
        }
        match Errno::last().0 {
            libc::EINTR | libc::EAGAIN => {}
            other => return Err(Errno(other)),
        }
    }
    Err(Errno(libc::EAGAIN))
}

/// The mapping is empty in a fork's child, instead of a copy. Since Linux 4.14; false where the kernel does not know how.
///
/// # Safety
/// The part lies within one mapping made by [`map_private`].
pub unsafe fn wipe_on_fork(base: *mut u8, bytes: usize) -> bool {
    // SAFETY: the caller's promise.
    unsafe { libc::madvise(base.cast(), bytes, libc::MADV_WIPEONFORK) == 0 }
}

/// Fills `list` with the numbers of the calling process's threads, sorted, and says how many there are. Without `/proc`
/// there are none.
pub fn threads(list: &mut [u32]) -> usize {
    let Ok(folder) = File::open(c"/proc/self/task", libc::O_RDONLY | libc::O_DIRECTORY) else {
        return 0;
    };
    #[repr(C, align(8))]
    struct Entries([u8; 4096]);
    let mut entries = Entries([0; 4096]);
    let mut len = 0;
    loop {
        // SAFETY: the buffer is valid for its length.
        let bytes = unsafe {
            libc::syscall(
                libc::SYS_getdents64,
                folder.0,
                entries.0.as_mut_ptr(),
                entries.0.len(),
            )
        };
        let Some(mut rest) = usize::try_from(bytes)
            .ok()
            .filter(|&bytes| bytes > 0)
            .and_then(|bytes| entries.0.get(..bytes))
        else {
            break;
        };
        // struct linux_dirent64: inode and offset (8 bytes each), length of the record (2), type (1), name with its zero.
        while let Some((&[low, high], name)) = rest
            .get(16..18)
            .and_then(|two| two.first_chunk::<2>())
            .zip(rest.get(19..))
        {
            if let (Some(tid), Some(place)) = (number(name), list.get_mut(len)) {
                *place = tid;
                len += 1;
            }
            rest = rest
                .get(usize::from(u16::from_ne_bytes([low, high])).max(1)..)
                .unwrap_or_default();
        }
    }
    if let Some(found) = list.get_mut(..len) {
        found.sort_unstable();
    }
    len
}

/// The decimal number that a name ending with a zero is.
fn number(name: &[u8]) -> Option<u32> {
    let end = name.iter().position(|&byte| byte == 0)?;
    core::str::from_utf8(name.get(..end)?).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_thread_is_among_the_threads() {
        let mut list = [0; 1000];
        let (tid, _) = this_thread();
        // While other threads end, the kernel's listing may leave some out.
        let found = (0..1000).any(|_| {
            let len = threads(&mut list);
            list[..len].binary_search(&(tid as u32)).is_ok()
        });
        assert!(found);
        assert!(thread_lives(tid));
        let gone = std::thread::spawn(|| this_thread().0).join().unwrap();
        // The kernel takes the number away a moment after the thread was joined.
        let waited = (0..1000).any(|_| {
            std::thread::sleep(std::time::Duration::from_millis(1));
            !thread_lives(gone)
        });
        assert!(waited);
    }

    #[test]
    fn errno_is_kept() {
        let set = |code| {
            // SAFETY: the address is that of the calling thread's errno.
            unsafe { *libc::__errno_location() = code }
        };
        set(5);
        {
            let _kept = KeptErrno::keep();
            set(7);
        }
        assert_eq!(Errno::last(), Errno(5));
    }
}
