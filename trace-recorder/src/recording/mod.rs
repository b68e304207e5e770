//! Recording an allocator: start, stop, and the tape.

mod alloc;
pub mod output;
mod tape;

pub use alloc::RecordingAlloc;
pub use tape::{Recorded, RecordingOptions};

pub(crate) use tape::write_tape;

use crate::RecordError;
use crate::finish::Progress;
use crate::runtime::{Capture, Session};
use std::path::Path;
use std::sync::atomic::{AtomicPtr, Ordering};

/// A recording that runs. Dropping it stops it and throws away what it caught.
#[derive(Debug)]
#[must_use = "a recording that is dropped leaves no tape"]
pub struct Recording<'a> {
    session: &'static Session,
    switch: &'a AtomicPtr<Session>,
    stopped: bool,
}

impl<'a> Recording<'a> {
    /// Starts recording what goes through `switch`.
    fn start(switch: &'a AtomicPtr<Session>) -> Result<Recording<'a>, RecordError> {
        // Opening a session allocates, which a running recording of the global allocator would catch.
        if !switch.load(Ordering::Relaxed).is_null() {
            return Err(RecordError::AlreadyRecording);
        }
        let session = Session::open()?;
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
            // SAFETY: the session was not given to anybody, so no thread has a chunk of its reserve.
            unsafe { session.reserve().unmap() };
            return Err(RecordError::AlreadyRecording);
        }
        Ok(Recording {
            session,
            switch,
            stopped: false,
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
    /// When the file can't be written. What was caught is lost then.
    pub fn finish(
        mut self,
        out: &Path,
        options: &RecordingOptions,
        progress: Progress<'_>,
    ) -> Result<Recorded, RecordError> {
        self.stop();
        output::to_file(out, |file| self.write(options, file, progress))
    }

    /// Stops recording and writes the tape to `out`.
    ///
    /// # Errors
    /// When `out` refuses.
    pub fn finish_to(
        mut self,
        out: &mut dyn std::io::Write,
        options: &RecordingOptions,
        progress: Progress<'_>,
    ) -> Result<Recorded, RecordError> {
        self.stop();
        self.write(options, out, progress)
    }

    fn write(
        &self,
        options: &RecordingOptions,
        out: &mut dyn std::io::Write,
        progress: Progress<'_>,
    ) -> Result<Recorded, RecordError> {
        write_tape(
            &Capture::of(self.session),
            self.session.started_unix_ns(),
            options,
            out,
            progress,
        )
    }
}

impl Drop for Recording<'_> {
    fn drop(&mut self) {
        self.stop();
        // A thread that is still inside a request keeps a place in the reserve, so its address space stays; its memory does not.
        self.session.reserve().clear();
    }
}
