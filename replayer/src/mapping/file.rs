//! A file that lives in memory only, and that another process can open by a path while we hold it.

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
