//! A file that lives in memory only, or on disk without a name, and that another process can open by a path while we hold it.

use std::ffi::CStr;
use std::fs::File;
use std::os::fd::{AsRawFd, FromRawFd};
use std::path::PathBuf;

use super::MapError;

/// A file without a name in any directory; it is gone when the last holder is gone, however the process ends.
#[derive(Debug)]
pub struct MemoryFile {
    file: File,
    len: u64,
}

impl MemoryFile {
    /// A zeroed file of `len` bytes.
    pub fn new(name: &'static CStr, len: u64) -> Result<MemoryFile, MapError> {
        // SAFETY: the name is a C string that outlives the call.
        let fd = unsafe { libc::memfd_create(name.as_ptr(), libc::MFD_CLOEXEC) };
        if fd < 0 {
            return Err(MapError::last("file in memory", len));
        }
        // SAFETY: memfd_create just gave us this descriptor; nobody else knows it.
        let file = unsafe { File::from_raw_fd(fd) };
        file.set_len(len).map_err(|error| MapError {
            what: "file in memory",
            bytes: len,
            error,
        })?;
        Ok(MemoryFile { file, len })
    }

    /// A zeroed file of `len` bytes on disk, without a name in any directory, in the system's folder for temporary files. Its blocks
    /// are there when this returns: writing to a mapping of it can't run out of disk.
    pub fn on_disk(len: u64) -> std::io::Result<MemoryFile> {
        let file = tempfile::tempfile()?;
        let bytes = libc::off_t::try_from(len).map_err(|_| std::io::ErrorKind::FileTooLarge)?;
        // SAFETY: the descriptor is open for writing; the call takes numbers only.
        match unsafe { libc::posix_fallocate(file.as_raw_fd(), 0, bytes) } {
            0 => Ok(MemoryFile { file, len }),
            error => Err(std::io::Error::from_raw_os_error(error)),
        }
    }

    /// The open file.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// Its length.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether it has no bytes.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// A path by which a child process can open the file as long as this process holds it.
    pub fn path(&self) -> PathBuf {
        PathBuf::from(format!(
            "/proc/{}/fd/{}",
            std::process::id(),
            self.file.as_raw_fd()
        ))
    }
}
