//! A recording while it runs and what it leaves: the recorder's side of [`trace_capture`].
//!
//! * [`folder`]: the folder that a recording is, with its control file;
//! * [`session`]: the recording of an allocator within this process;
//! * [`timeline`]: from stamps to nanoseconds;
//! * [`capture`]: what was caught, thread by thread.

mod local;

pub mod clock;

pub mod folder;

pub mod session;

pub mod signals;

mod thread_end;

pub mod timeline;

pub mod capture;

pub use capture::{Capture, CapturedThread, Position, Reader};
pub use folder::{CaptureFolder, FOLDER_SUFFIX, SessionInfo};
pub use session::{Pen, Session};
pub use timeline::Timeline;
pub use trace_capture::control::{CONTROL_NAME, FOLDER_VARIABLE};
pub use trace_capture::raw;
