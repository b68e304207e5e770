//! From the folder of a recording to tapes: which process goes on which tape, and how it ended.

mod counted;
mod image;
mod process;
mod tape;

pub(crate) use counted::Counted;
pub use image::Image;
pub use process::{Outcome, Process};
pub use tape::{Recorded, RecordingOptions};

use crate::RecordError;
use crate::events::{EventsError, EventsFile};
use crate::finish::Progress;
use crate::runtime::folder::{events_files, read_info};
use crate::runtime::{Capture, SessionInfo, Timeline, clock};
use std::io::Write;
use std::path::Path;
use trace_capture::clock::Moment;
use trace_capture::control::{CONTROL_BYTES, CONTROL_NAME, Control};
use trace_capture::sys::File;
use trace_format::{Ending, Header};

/// More address spaces than this do not go on one tape.
const MOST_SPACES: usize = 1 << 16;

/// What is in the folder of a recording.
#[derive(Debug)]
pub struct Harvest {
    info: SessionInfo,
    processes: Vec<Process>,
    unreadable: Vec<EventsError>,
    clocks: Option<(Moment, Moment)>,
    pauses: u32,
}

impl Harvest {
    /// Looks into the folder `path`, of a recording that has ended or not.
    ///
    /// # Errors
    /// When the folder can't be read. A file that can't be is among [`unreadable`](Harvest::unreadable).
    pub fn open(path: &Path) -> Result<Harvest, RecordError> {
        let files = events_files(path).map_err(|source| RecordError::Capture {
            path: path.to_owned(),
            source,
        })?;
        let (mut images, mut unreadable) = (Vec::new(), Vec::new());
        for file in files {
            match Image::read(&file) {
                Ok(image) => images.push(image),
                Err(error) => unreadable.push(error),
            }
        }
        let info = read_info(path).unwrap_or_default();
        let (clocks, pauses) = read_control(&path.join(CONTROL_NAME));
        Ok(Harvest {
            processes: process::group(images, info.pid),
            info,
            unreadable,
            clocks,
            pauses,
        })
    }

    /// What was known of the recording when it began.
    pub fn info(&self) -> &SessionInfo {
        &self.info
    }

    /// The processes, the first one first, the others in the order in which they began.
    pub fn processes(&self) -> &[Process] {
        &self.processes
    }

    /// Files that could not be read at all.
    pub fn unreadable(&self) -> &[EventsError] {
        &self.unreadable
    }

    /// Words in a process's files, of which an event takes mostly one; 0 if it has no events.
    ///
    /// # Errors
    /// When a file can't be read any more.
    pub fn words_of(&self, process: &Process) -> Result<u64, RecordError> {
        let mut words = 0;
        for image in &process.images {
            let file = EventsFile::open(&image.path)?;
            words += Capture::of(&[(&file, String::new())], Timeline::nanoseconds(0)).words();
        }
        Ok(words)
    }

    /// Writes the tape of one process to `out`. `outcome` is what its parent knows of its end.
    ///
    /// # Errors
    /// When a file can't be read or `out` refuses.
    pub fn write_process(
        &self,
        process: &Process,
        outcome: &Outcome,
        options: &RecordingOptions,
        out: &mut dyn Write,
        progress: Progress<'_>,
    ) -> Result<Recorded, RecordError> {
        let (ending, mut notes) = process.ending(outcome);
        if process.images.len() > 1 {
            let programs: Vec<&str> = process.images.iter().map(Image::name).collect();
            notes.push(format!(
                "The process became other programs on the way (exec): {}. Blocks of those before count as living to the end.",
                programs.join(", ")
            ));
        }
        let images: Vec<(&Image, String)> = process
            .images
            .iter()
            .map(|image| (image, String::new()))
            .collect();
        self.write(&images, ending, notes, options, out, progress)
    }

    /// Writes one tape of all processes to `out`. `outcome` is what is known of the end of the first one.
    ///
    /// # Errors
    /// As [`write_process`](Harvest::write_process), and when there are too many processes.
    pub fn write_merged(
        &self,
        outcome: &Outcome,
        options: &RecordingOptions,
        out: &mut dyn Write,
        progress: Progress<'_>,
    ) -> Result<Recorded, RecordError> {
        let images: Vec<(&Image, String)> = self
            .processes
            .iter()
            .flat_map(|process| &process.images)
            .map(|image| (image, format!(" ({})", image.pid)))
            .collect();
        if images.len() > MOST_SPACES {
            return Err(RecordError::TooManyProcesses {
                processes: images.len(),
                most: MOST_SPACES,
            });
        }
        let Some(first) = self.processes.first() else {
            return Err(RecordError::NoEvents);
        };
        let (ending, mut notes) = first.ending(outcome);
        for process in &self.processes {
            let programs: Vec<&str> = process.images.iter().map(Image::name).collect();
            notes.push(format!(
                "Process {} (child of {}): {}.",
                process.pid,
                process.parent(),
                programs.join(", then ")
            ));
        }
        self.write(&images, ending, notes, options, out, progress)
    }

    fn write(
        &self,
        images: &[(&Image, String)],
        ending: Ending,
        mut notes: Vec<String>,
        options: &RecordingOptions,
        out: &mut dyn Write,
        progress: Progress<'_>,
    ) -> Result<Recorded, RecordError> {
        let Some((first, _)) = images.iter().min_by_key(|(image, _)| image.began.stamp) else {
            return Err(RecordError::NoEvents);
        };
        let pairs = images
            .iter()
            .map(|(image, _)| (image.began, image.latest))
            .chain(self.clocks);
        let timeline = Timeline::new(first.clock, first.began.stamp, pairs).unwrap_or_else(|| {
            notes.push(
                "The cycle counter could not be calibrated; a nanosecond stands for one of its ticks."
                    .to_owned(),
            );
            Timeline::nanoseconds(first.began.stamp)
        });
        if self.pauses > 0 {
            notes.push(format!(
                "Recording was off {} on the way; what was freed then counts as living on.",
                match self.pauses {
                    1 => "once".to_owned(),
                    times => format!("{times} times"),
                }
            ));
        }
        let mut files = Vec::with_capacity(images.len());
        for (image, suffix) in images {
            files.push((EventsFile::open(&image.path)?, suffix.clone()));
        }
        let files: Vec<(&EventsFile, String)> = files
            .iter()
            .map(|(file, suffix)| (file, suffix.clone()))
            .collect();
        let capture = Capture::of(&files, timeline);
        let header = Header {
            recorder: concat!("heaptape ", env!("CARGO_PKG_VERSION")).to_owned(),
            name: options.name.clone(),
            command: options.command.clone(),
            pid: first.pid,
            started_unix_ns: first.began_unix_ns,
            clock: clock::on_tape(first.clock),
            page_size: first.page_size,
            pointer_width: first.pointer_width,
            notes: options.notes.iter().cloned().chain(notes).collect(),
        };
        tape::write_tape(&capture, &header, ending, out, progress)
    }
}

/// The recorder's own comparisons of the clocks, and how often recording was off on the way.
fn read_control(path: &Path) -> (Option<(Moment, Moment)>, u32) {
    let whole = std::fs::metadata(path).is_ok_and(|there| there.len() >= CONTROL_BYTES as u64);
    let mapped = crate::runtime::folder::c_path(path)
        .ok()
        .filter(|_| whole)
        .and_then(|path| File::open(&path, libc::O_RDWR).ok())
        .and_then(|file| file.map(CONTROL_BYTES).ok());
    let Some(page) = mapped else {
        return (None, 0);
    };
    // SAFETY: a mapping of CONTROL_BYTES, which hold a `Control`; it is all atomics, valid with any bytes.
    let control = unsafe { &*page.cast::<Control>() };
    let found = if control.is_sound() {
        let pauses = control.pauses.load(std::sync::atomic::Ordering::Relaxed);
        (control.began.get().zip(control.latest.get()), pauses)
    } else {
        (None, 0)
    };
    // SAFETY: made just above, and `control` is not used any more.
    unsafe { trace_capture::sys::unmap(page, CONTROL_BYTES) };
    found
}
