//! Recording an allocator: start, stop, and the tape.

mod alloc;
pub mod output;

pub use alloc::RecordingAlloc;

use crate::RecordError;
use crate::finish::Progress;
use crate::harvest::{Harvest, Outcome, Recorded, RecordingOptions};
use crate::runtime::{CaptureFolder, Session, SessionInfo};
use std::path::Path;
use std::sync::atomic::{AtomicPtr, Ordering};

/// A recording that runs. Dropping it stops it and throws away what it caught.
#[derive(Debug)]
#[must_use = "a recording that is dropped leaves no tape"]
pub struct Recording<'a> {
    session: &'static Session,
    switch: &'a AtomicPtr<Session>,
    stopped: bool,
    /// Whether the folder was named by the caller, who may look for it when the tape can't be made.
    named: bool,
}

impl<'a> Recording<'a> {
    /// Starts recording what goes through `switch`, in the new folder `folder` or one for temporary files.
    fn start(
        switch: &'a AtomicPtr<Session>,
        folder: Option<&Path>,
    ) -> Result<Recording<'a>, RecordError> {
        // Opening a session allocates, which a running recording of the global allocator would catch.
        if !switch.load(Ordering::Relaxed).is_null() {
            return Err(RecordError::AlreadyRecording);
        }
        let info = SessionInfo {
            pid: u64::from(std::process::id()),
            ..SessionInfo::default()
        };
        let session = Session::open(folder.unwrap_or(&CaptureFolder::temporary()), &info)?;
        let pointer = std::ptr::from_ref(session).cast_mut();
        if switch
            .compare_exchange(
                std::ptr::null_mut(),
                pointer,
                Ordering::Release,
                Ordering::Relaxed,
            )
            .is_err()
        {
            session.close();
            drop(session.take_folder());
            return Err(RecordError::AlreadyRecording);
        }
        Ok(Recording {
            session,
            switch,
            stopped: false,
            named: folder.is_some(),
        })
    }

    /// Records that a phase called `name` begins, in the calling thread. The same name is the same phase.
    pub fn mark(&self, name: &str) {
        self.session.mark(name);
    }

    /// Stops recording. Requests that run right now in other threads may or may not be on the tape.
    fn stop(&mut self) {
        if !std::mem::replace(&mut self.stopped, true) {
            self.switch.store(std::ptr::null_mut(), Ordering::Release);
            self.session.close();
        }
    }

    /// Stops recording and writes the tape to `out`: to a file beside it first, which takes its name when it is whole.
    ///
    /// # Errors
    /// When the file can't be written. A folder that was named for the recording then stays, for `heaptape salvage`.
    pub fn finish(
        self,
        out: &Path,
        options: &RecordingOptions,
        progress: Progress<'_>,
    ) -> Result<Recorded, RecordError> {
        output::to_file(out, |file| self.finish_to(file, options, progress))
    }

    /// Stops recording and writes the tape to `out`.
    ///
    /// # Errors
    /// As [`finish`](Recording::finish), when `out` refuses.
    pub fn finish_to(
        mut self,
        out: &mut dyn std::io::Write,
        options: &RecordingOptions,
        progress: Progress<'_>,
    ) -> Result<Recorded, RecordError> {
        self.stop();
        let Some(folder) = self.session.take_folder() else {
            return Err(RecordError::NoEvents);
        };
        write_folder(folder, self.named, options, out, progress)
    }
}

/// Writes the tape of a folder with one process, and removes the folder; if that fails, the folder stays if it was
/// `named`.
fn write_folder(
    mut folder: CaptureFolder,
    named: bool,
    options: &RecordingOptions,
    out: &mut dyn std::io::Write,
    progress: Progress<'_>,
) -> Result<Recorded, RecordError> {
    folder.compare_clocks();
    let harvest = Harvest::open(folder.path())?;
    let Some(process) = harvest.processes().first() else {
        return Err(RecordError::NoEvents);
    };
    let written = harvest.write_process(process, &Outcome::Unknown, options, out, progress);
    if written.is_err() && named {
        folder.keep();
    }
    written
}

impl Drop for Recording<'_> {
    fn drop(&mut self) {
        self.stop();
        drop(self.session.take_folder());
    }
}
