//! The recording of an allocator within this process: who takes part, and the pen that writes events.

use super::folder::{CaptureFolder, SessionInfo, c_path};
use super::local::{self, SLOTS};
use super::thread_end;
use crate::RecordError;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicPtr, Ordering};
use trace_capture::control::EVENTS_SUFFIX;
use trace_capture::layout::State;
use trace_capture::place::Guard;
use trace_capture::raw::{Op, Raw};
use trace_capture::{Local, Settings, Store, StoreError, clock};

/// The sessions that threads may belong to, by slot. A session lives for ever once made: a thread may hold it a moment after it ended.
static SESSIONS: [AtomicPtr<Session>; SLOTS] =
    [const { AtomicPtr::new(std::ptr::null_mut()) }; SLOTS];

/// A recording that runs or ran.
#[derive(Debug)]
pub struct Session {
    slot: usize,
    store: Store,
    /// Gone when the recording was finished or thrown away.
    folder: Mutex<Option<CaptureFolder>>,
}

impl Session {
    /// Begins a recording in a new folder. It lasts until [`Session::close`].
    ///
    /// # Errors
    /// When the folder or the mapping can't be made, or too many recordings run.
    pub fn open(path: &Path, info: &SessionInfo) -> Result<&'static Session, RecordError> {
        thread_end::prepare();
        let folder = CaptureFolder::create(path, info)?;
        folder.set_limit(u64::MAX);
        folder.control().on.store(1, Ordering::Relaxed);
        let store = Store::new();
        let error = |source| RecordError::Capture {
            path: path.to_owned(),
            source,
        };
        let file = folder
            .path()
            .join(format!("{}{EVENTS_SUFFIX}", std::process::id()));
        let settings = Settings {
            path: &c_path(&file).map_err(error)?,
            control: folder.control(),
            late: true,
            forked: false,
        };
        store.open(&settings).map_err(|failed| match failed {
            StoreError::Create(errno) => error(std::io::Error::from_raw_os_error(errno.0)),
            StoreError::Map(errno) => {
                RecordError::Reserve(std::io::Error::from_raw_os_error(errno.0))
            }
            StoreError::Room(_) => error(std::io::ErrorKind::StorageFull.into()),
        })?;
        let mut session = Box::new(Session {
            slot: 0,
            store,
            folder: Mutex::new(Some(folder)),
        });
        for (slot, place) in SESSIONS.iter().enumerate() {
            session.slot = slot;
            let pointer = Box::into_raw(session);
            let free = place.compare_exchange(
                std::ptr::null_mut(),
                pointer,
                Ordering::AcqRel,
                Ordering::Relaxed,
            );
            if free.is_ok() {
                // SAFETY: `pointer` comes from Box::into_raw just above and is never freed, so the reference may be 'static.
                return Ok(unsafe { &*pointer });
            }
            // SAFETY: `pointer` comes from Box::into_raw just above, and nobody else saw it: the box takes it back.
            session = unsafe { Box::from_raw(pointer) };
        }
        session.store.detach();
        Err(RecordError::TooManyRecordings { most: SLOTS })
    }

    /// Ends the recording: its slot is free for the next one. Events of threads that are inside a request right now may still arrive.
    pub fn close(&self) {
        let this = std::ptr::from_ref(self).cast_mut();
        let _ = SESSIONS[self.slot].compare_exchange(
            this,
            std::ptr::null_mut(),
            Ordering::AcqRel,
            Ordering::Relaxed,
        );
        self.store.end(State::Closed, None);
    }

    /// The folder with all that was caught. It is given once, and nothing is caught any more.
    pub fn take_folder(&self) -> Option<CaptureFolder> {
        self.store.detach();
        self.folder
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .take()
    }

    /// Calls `f` with the pen of the calling thread. There is none while the thread is inside another recorded
    /// request; and a request that comes before the thread's start was recorded records that first.
    #[inline]
    pub fn with_pen<R>(&self, f: impl FnOnce(Option<Pen<'_>>) -> R) -> R {
        local::with(self.slot, |local| {
            let Some(guard) = local.guard() else {
                return f(None);
            };
            if !self.store.is_open_for(local) {
                self.join(local);
            }
            f(Some(Pen {
                session: self,
                local,
                _guard: guard,
            }))
        })
    }

    #[cold]
    fn join(&self, local: &Local) {
        if self.store.join(local) {
            thread_end::watch();
        }
    }

    /// Records that a phase called `name` begins.
    pub fn mark(&self, name: &str) {
        self.with_pen(|pen| {
            if let Some(pen) = pen {
                self.store.mark(pen.local, name.as_bytes());
            }
        });
    }
}

/// The right of the calling thread to write events; no other request of this thread is recorded meanwhile.
#[derive(Debug)]
pub struct Pen<'a> {
    session: &'a Session,
    local: &'a Local,
    _guard: Guard<'a>,
}

impl Pen<'_> {
    /// Writes an event of a block.
    #[inline]
    pub fn block(&self, op: Op, address: *const u8, size: usize, stamp: u64) {
        self.put(Raw {
            op,
            align_log2: 0,
            size: size as u64,
            address: address.addr() as u64,
            stamp,
        });
    }

    /// Writes the making of an aligned block. `align` is a power of two.
    #[inline]
    pub fn aligned(&self, address: *const u8, size: usize, align: usize, stamp: u64) {
        let align_log2 = align.trailing_zeros() as u8;
        self.put(Raw {
            op: Op::Aligned,
            align_log2,
            size: size as u64,
            address: address.addr() as u64,
            stamp,
        });
    }

    /// Writes that a request of `size` bytes was refused.
    #[cold]
    pub fn refused(&self, size: usize) {
        self.put(Raw {
            op: Op::Failed,
            align_log2: 0,
            size: size as u64,
            address: 0,
            stamp: clock::after(),
        });
    }

    #[inline]
    fn put(&self, raw: Raw) {
        self.session.store.record(self.local, raw);
    }
}

/// The calling thread ends: an event of every recording that it is part of.
pub(super) fn thread_ends() {
    for (slot, session) in SESSIONS.iter().enumerate() {
        let session = session.load(Ordering::Acquire);
        if session.is_null() {
            continue;
        }
        // SAFETY: a session is never freed (see `open`).
        let session = unsafe { &*session };
        local::with(slot, |local| {
            if let Some(_guard) = local.guard() {
                session.store.end_thread(local);
            }
        });
    }
}
