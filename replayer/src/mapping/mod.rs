//! Memory that the replay gets straight from the kernel, past every allocator.
//!
//! What the engine reads and writes while it measures lies here, touched beforehand: the plan (a file in memory that every worker
//! maps), the tables of slots, the threads' stacks and the board that the watcher reads.

mod file;
mod region;
mod table;

pub use file::MemoryFile;
pub use region::{Access, Region};
pub use table::{Plain, Table};

/// Memory could not be mapped, or a file in memory not be made.
#[derive(Debug, thiserror::Error)]
#[error("{what} ({bytes} bytes): {error}")]
pub struct MapError {
    /// What was wanted.
    pub what: &'static str,
    /// How much of it.
    pub bytes: u64,
    /// What the kernel said.
    pub error: std::io::Error,
}

impl MapError {
    /// The error of the system call that just failed.
    pub(crate) fn last(what: &'static str, bytes: u64) -> MapError {
        MapError {
            what,
            bytes,
            error: std::io::Error::last_os_error(),
        }
    }
}

/// Bytes of a page on this machine.
pub fn page_size() -> usize {
    // SAFETY: sysconf reads a constant of the system and touches no memory of ours.
    let size = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    usize::try_from(size)
        .ok()
        .filter(|s| s.is_power_of_two())
        .unwrap_or(4096)
}
