//! What can go wrong while recording.

use std::path::PathBuf;

/// Why there is no tape.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// An option that makes no sense, or not for this scenario. `flag` is its name on the command line.
    #[error("{flag}: {why}")]
    Option {
        /// The option's name on the command line, for example `--threads`.
        flag: &'static str,
        /// What is wrong with it, and what would be right.
        why: String,
    },
    /// The scenario would need more memory than there is.
    #[error(
        "{what} needs about {needed} bytes ({}), but only {available} bytes ({}) of memory are available; {advice}",
        crate::units::bytes(*needed), crate::units::bytes(*available)
    )]
    Memory {
        /// What needs it.
        what: String,
        /// Bytes needed.
        needed: u64,
        /// Bytes available, as the kernel says.
        available: u64,
        /// The way out.
        advice: String,
    },
    /// The threads would need more mappings than the system lets a process have.
    #[error(
        "{threads} threads need up to {needed} memory mappings, and this system lets a process have {most} (vm.max_map_count): ask for at most --threads {fewer}, or raise it with `sysctl -w vm.max_map_count={needed}` as root"
    )]
    Mappings {
        /// Threads that were asked for.
        threads: u32,
        /// Mappings that they may need.
        needed: u64,
        /// Mappings that the system allows.
        most: u64,
        /// So many threads fit.
        fewer: u64,
    },
    /// The capture would need more room than it may have on the disk.
    #[error(
        "{what} needs about {needed} bytes ({}) on the disk of {}, but only {available} bytes ({}) can be used beside the tape; {advice}",
        crate::units::bytes(*needed), disk.display(), crate::units::bytes(*available)
    )]
    Disk {
        /// What needs it.
        what: String,
        /// A folder on that disk.
        disk: PathBuf,
        /// Bytes needed.
        needed: u64,
        /// Bytes that a capture may take there.
        available: u64,
        /// The way out.
        advice: String,
    },
    /// The tape can't be created or written.
    #[error("{}: cannot write the tape", path.display())]
    Output {
        /// The file that was asked for.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// No address space for the capture buffers.
    #[error(
        "cannot reserve address space for the capture buffers: {0}; is the address space limited (ulimit -v)?"
    )]
    Reserve(std::io::Error),
    /// The capture's folder can't be made or written.
    #[error("{}: cannot keep the capture there", path.display())]
    Capture {
        /// The folder or the file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// There is a capture of an earlier recording that never became a tape.
    #[error(
        "{}: an unfinished recording is there; make its tape with `heaptape salvage {} -o OUT`, or remove the folder",
        path.display(), path.display()
    )]
    CaptureExists {
        /// The folder.
        path: PathBuf,
    },
    /// A file of the capture can't be read.
    #[error(transparent)]
    Events(#[from] crate::events::EventsError),
    /// There is nothing to make a tape of.
    #[error("nothing was recorded")]
    NoEvents,
    /// Too many processes for one tape.
    #[error(
        "{processes} processes do not go on one tape, {most} do; record them with --follow separate"
    )]
    TooManyProcesses {
        /// How many there are.
        processes: usize,
        /// How many may be.
        most: usize,
    },
    /// Too many recordings at once in one process.
    #[error(
        "{most} recordings are already running in this process, which is the most; finish one first"
    )]
    TooManyRecordings {
        /// How many may run at once.
        most: usize,
    },
    /// This allocator is being recorded already.
    #[error("this RecordingAlloc is already recording; finish that recording first")]
    AlreadyRecording,
    /// A thread of a scenario could not be started.
    #[error(
        "cannot start thread {number} of {threads}: {source}; fewer threads (--threads) may fit the system's limits"
    )]
    Spawn {
        /// Which thread.
        number: u32,
        /// How many were asked for.
        threads: u32,
        /// What the system said.
        source: std::io::Error,
    },
    /// A thread of a scenario panicked. This is a defect of the scenario.
    #[error("thread {name} of the scenario panicked")]
    Panicked {
        /// The thread's name.
        name: String,
    },
    /// The tape could not be encoded.
    #[error(transparent)]
    Tape(#[from] trace_format::TapeError),
}
