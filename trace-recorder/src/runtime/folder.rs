//! The folder that a recording is until its tape is made: the control file, what the tape's header shall say, and a
//! file of events for each program that a process ran.

use super::clock;
use crate::RecordError;
use serde::{Deserialize, Serialize};
use std::ffi::CString;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use trace_capture::clock::moment;
use trace_capture::control::{CONTROL_BYTES, CONTROL_NAME, Control, EVENTS_SUFFIX, MAGIC, VERSION};
use trace_capture::layout::{HEAD_BYTES, PAGE_BYTES};
use trace_capture::sys::File;

/// What is appended to a tape's name for the folder of its recording.
pub const FOLDER_SUFFIX: &str = ".capture";

/// The name of the file with [`SessionInfo`].
const INFO_NAME: &str = "session.json";

/// Room that a recording leaves free on a disk for other programs, in bytes: at most so much, and on a small disk one part
/// in so many.
const LEAVE_FREE: u64 = 256 << 20;
const LEAVE_PART: u64 = 16;

/// What a tape needs beside its capture, which goes only when the tape is there: 3 bytes an event for 8.
const TAPE_PARTS: u64 = 3;
const CAPTURE_PARTS: u64 = 8;

/// What is known of a recording as a whole when it begins.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionInfo {
    /// The program's or the scenario's name.
    pub name: String,
    /// The command line that was recorded.
    pub command: Vec<String>,
    /// Sentences for the reader of the tape.
    #[serde(default)]
    pub notes: Vec<String>,
    /// Whether forked children go on the same tape.
    #[serde(default)]
    pub merge: bool,
    /// The number of the first process; 0 until it is known.
    #[serde(default)]
    pub pid: u64,
}

/// A recording's folder. Dropped, it is removed with all that was caught, unless it is [kept](CaptureFolder::keep).
#[derive(Debug)]
pub struct CaptureFolder {
    path: PathBuf,
    control: &'static Control,
    keep: bool,
}

impl CaptureFolder {
    /// The folder that belongs to the tape `out`.
    pub fn beside(out: &Path) -> PathBuf {
        let mut name = out.as_os_str().to_owned();
        name.push(FOLDER_SUFFIX);
        name.into()
    }

    /// A folder for temporary files that is not there yet.
    pub fn temporary() -> PathBuf {
        static LAST: AtomicU32 = AtomicU32::new(0);
        let name = format!(
            "heaptape-{}-{}-{}{FOLDER_SUFFIX}",
            std::process::id(),
            LAST.fetch_add(1, Ordering::Relaxed),
            trace_capture::clock::monotonic_ns()
        );
        std::env::temp_dir().join(name)
    }

    /// Makes the folder `path`, in which recording is off.
    ///
    /// # Errors
    /// [`RecordError::CaptureExists`] when it is there: an unfinished recording must not be lost.
    /// [`RecordError::Capture`] when it can't be made.
    pub fn create(path: &Path, info: &SessionInfo) -> Result<CaptureFolder, RecordError> {
        let error = |source| RecordError::Capture {
            path: path.to_owned(),
            source,
        };
        let path = std::path::absolute(path).map_err(error)?;
        std::fs::DirBuilder::new()
            .mode(0o700)
            .create(&path)
            .map_err(|source| match source.kind() {
                std::io::ErrorKind::AlreadyExists => {
                    RecordError::CaptureExists { path: path.clone() }
                }
                _ => error(source),
            })?;
        // From here on the folder is removed if something fails.
        let mut folder = CaptureFolder {
            control: &NO_CONTROL,
            keep: false,
            path,
        };
        let written = folder.write_info(info).and_then(|()| folder.map_control());
        match written {
            Ok(control) => {
                folder.control = control;
                Ok(folder)
            }
            Err(source) => Err(error(source)),
        }
    }

    fn map_control(&self) -> std::io::Result<&'static Control> {
        let path = c_path(&self.path.join(CONTROL_NAME))?;
        // Written and not only lengthened: a full disk is an error here, and not a signal later.
        std::fs::write(self.path.join(CONTROL_NAME), [0; CONTROL_BYTES])?;
        let page = File::open(&path, libc::O_RDWR)
            .and_then(|file| file.map(CONTROL_BYTES))
            .map_err(|e| std::io::Error::from_raw_os_error(e.0))?;
        // SAFETY: a mapping of CONTROL_BYTES, which holds a `Control`; it is all atomics, valid with any bytes, and stays for good.
        let control = unsafe { &*page.cast::<Control>() };
        let now = {
            control
                .clock
                .store(clock::chosen() as u32, Ordering::Relaxed);
            moment()
        };
        control.version.store(VERSION, Ordering::Relaxed);
        control.began.set(now);
        control.latest.set(now);
        control
            .began_unix_ns
            .store(trace_capture::clock::wall_ns(), Ordering::Relaxed);
        control.limit.store(u64::MAX, Ordering::Relaxed);
        control.magic.store(MAGIC, Ordering::Release);
        Ok(control)
    }

    /// Says anew what is known of the recording.
    ///
    /// # Errors
    /// When the file can't be written.
    pub fn write_info(&self, info: &SessionInfo) -> std::io::Result<()> {
        let text = serde_json::to_string_pretty(info)?;
        std::fs::write(self.path.join(INFO_NAME), text)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The control page.
    pub fn control(&self) -> &'static Control {
        self.control
    }

    /// Lets the recording take as much room on disk as there is, but for what its tape needs and some that must stay free,
    /// and at most `most` bytes in all. Call it from time to time.
    pub fn set_limit(&self, most: u64) {
        let used = self.control.used.load(Ordering::Relaxed);
        let disk = free_bytes(&self.path).map_or(u64::MAX, |free| share(used, free));
        self.control
            .limited_by_disk
            .store(u32::from(disk < most), Ordering::Relaxed);
        self.control.limit.store(disk.min(most), Ordering::Relaxed);
    }

    /// Whether a process could have begun to be recorded here: a file of events takes its head and a page at least.
    pub fn has_room(&self) -> bool {
        let least = (HEAD_BYTES + PAGE_BYTES) as u64;
        let used = self.control.used.load(Ordering::Relaxed);
        used > 0 || free_bytes(&self.path).is_none_or(|free| share(0, free) >= least)
    }

    /// Compares the clocks once more: the longer the time between, the better the scale.
    pub fn compare_clocks(&self) {
        self.control.latest.set(moment());
    }

    /// Removes the folder.
    pub fn remove(mut self) {
        self.keep = false;
    }

    /// The folder stays when this is dropped.
    pub fn keep(&mut self) {
        self.keep = true;
    }
}

impl Drop for CaptureFolder {
    fn drop(&mut self) {
        if !self.keep {
            // What can't be removed now is found by whoever looks at the folder's place.
            let _ = std::fs::remove_dir_all(&self.path);
        }
    }
}

static NO_CONTROL: Control = Control::fixed(false);

/// What [`CaptureFolder::write_info`] wrote into the folder `path`; `None` if it is not there or damaged.
pub fn read_info(path: &Path) -> Option<SessionInfo> {
    serde_json::from_slice(&std::fs::read(path.join(INFO_NAME)).ok()?).ok()
}

/// The files of events in a folder, by name.
///
/// # Errors
/// When the folder can't be read.
pub fn events_files(path: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(path)? {
        let file = entry?.path();
        if file
            .as_os_str()
            .as_bytes()
            .ends_with(EVENTS_SUFFIX.as_bytes())
        {
            files.push(file);
        }
    }
    files.sort_unstable();
    Ok(files)
}

/// Bytes that a capture may take of the disk of `path`, where nothing of it is yet.
pub fn may_take(path: &Path) -> Option<u64> {
    free_bytes(path).map(|free| share(0, free))
}

/// Bytes that a capture may take in all, of a disk that has `free` bytes left now that the capture has `used`.
fn share(used: u64, free: u64) -> u64 {
    let all = used.saturating_add(free);
    let rest = all - LEAVE_FREE.min(all / LEAVE_PART);
    rest / (TAPE_PARTS + CAPTURE_PARTS) * CAPTURE_PARTS
}

/// Bytes that are free for this user on the disk of `path`.
fn free_bytes(path: &Path) -> Option<u64> {
    let path = c_path(path).ok()?;
    // SAFETY: statvfs is plain numbers, valid as zeros; the path ends with a zero.
    unsafe {
        let mut stats: libc::statvfs = std::mem::zeroed();
        (libc::statvfs(path.as_ptr(), &mut stats) == 0)
            .then(|| stats.f_bavail.saturating_mul(stats.f_frsize))
    }
}

/// A path for the system.
///
/// # Errors
/// When it has a zero in it.
pub(crate) fn c_path(path: &Path) -> std::io::Result<CString> {
    CString::new(path.as_os_str().as_bytes())
        .map_err(|_| std::io::Error::from(std::io::ErrorKind::InvalidInput))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tape_fits_beside_its_capture() {
        for disk in [0, 100_000, 900 << 10, 5 << 20, 300 << 20, 10 << 30, 1 << 44] {
            let most = share(0, disk);
            assert!(
                most + most * 3 / 8 <= disk - disk.min(256 << 20) / 17,
                "{disk}: {most}"
            );
            assert!(most >= disk.saturating_sub(256 << 20) / 2, "{disk}: {most}");
            // What the capture takes does not change what it may take.
            for used in [0, most / 3, most] {
                assert_eq!(share(used, disk - used), most, "{disk}");
            }
        }
    }
}
