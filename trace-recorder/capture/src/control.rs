//! The control file of a recording: one page that the recorder and all recorded processes map.

use crate::layout::{MomentCell, Stop};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// The first eight bytes of a control file, as a little-endian number.
pub const MAGIC: u64 = u64::from_le_bytes(*b"\x89HTCTL\r\n");

/// Version of the layout.
pub const VERSION: u32 = 1;

/// Bytes of a control file.
pub const CONTROL_BYTES: usize = 4096;

/// The name of the control file in a recording's folder.
pub const CONTROL_NAME: &str = "control";

/// What files of events end with.
pub const EVENTS_SUFFIX: &str = ".events";

/// The environment variable that names the recording's folder to a program.
pub const FOLDER_VARIABLE: &str = "HEAPTAPE_CAPTURE";

/// What the page holds. All of it is atomic, and valid with any bytes.
#[derive(Debug)]
#[repr(C)]
pub struct Control {
    /// [`MAGIC`].
    pub magic: AtomicU64,
    /// [`VERSION`].
    pub version: AtomicU32,
    /// [`Clock`](crate::clock::Clock) for all stamps.
    pub clock: AtomicU32,
    /// Whether requests are recorded right now: 0 or 1.
    pub on: AtomicU32,
    /// 1 if only the first process is recorded.
    pub alone: AtomicU32,
    /// With `alone`: the process that is recorded; 0 until it has come.
    pub first_pid: AtomicU64,
    /// Bytes that all processes together may take on disk.
    pub limit: AtomicU64,
    /// Bytes that they have taken.
    pub used: AtomicU64,
    /// When the recording began, on both clocks.
    pub began: MomentCell,
    /// The latest comparison of both clocks by the recorder.
    pub latest: MomentCell,
    /// When the recording began, nanoseconds since 1970.
    pub began_unix_ns: AtomicU64,
    /// How often recording was switched off and on again since it began.
    pub pauses: AtomicU32,
    /// 1 if `limit` is what the disk has room for, 0 if it is what the user allows.
    pub limited_by_disk: AtomicU32,
    /// 1 when the recording has ended for good: what begins then is no part of it, and the folder is about to go.
    pub over: AtomicU32,
}

const _: () = assert!(size_of::<Control>() <= CONTROL_BYTES);

impl Control {
    /// A page that says on or off, for when there is no file.
    pub const fn fixed(on: bool) -> Control {
        Control {
            magic: AtomicU64::new(0),
            version: AtomicU32::new(0),
            clock: AtomicU32::new(0),
            on: AtomicU32::new(on as u32),
            alone: AtomicU32::new(0),
            first_pid: AtomicU64::new(0),
            limit: AtomicU64::new(0),
            used: AtomicU64::new(0),
            began: MomentCell::new(),
            latest: MomentCell::new(),
            began_unix_ns: AtomicU64::new(0),
            pauses: AtomicU32::new(0),
            limited_by_disk: AtomicU32::new(0),
            over: AtomicU32::new(0),
        }
    }

    /// Whether requests are recorded right now.
    #[inline(always)]
    pub fn is_on(&self) -> bool {
        self.on.load(Ordering::Relaxed) != 0
    }

    /// Whether the recording has ended for good.
    pub fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed) != 0
    }

    /// Whether this is a control page of this version.
    pub fn is_sound(&self) -> bool {
        self.magic.load(Ordering::Acquire) == MAGIC
            && self.version.load(Ordering::Relaxed) == VERSION
    }

    /// Takes `bytes` of the room on disk.
    ///
    /// # Errors
    /// Why not, when that is more than there is.
    pub fn take(&self, bytes: u64) -> Result<(), Stop> {
        let before = self.used.fetch_add(bytes, Ordering::Relaxed);
        if before.saturating_add(bytes) <= self.limit.load(Ordering::Relaxed) {
            return Ok(());
        }
        self.give_back(bytes);
        Err(if self.limited_by_disk.load(Ordering::Relaxed) != 0 {
            Stop::DiskShare
        } else {
            Stop::Limit
        })
    }

    /// Gives back what was taken and could not be had.
    pub fn give_back(&self, bytes: u64) {
        self.used.fetch_sub(bytes, Ordering::Relaxed);
    }
}
