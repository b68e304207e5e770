//! One recording while it runs: who takes part, and the pen that writes events.

use super::local::{self, Guard, Local, SLOTS};
use super::raw::{Op, Raw, RawSlot};
use super::reserve::{NAME_BYTES, Reserve};
use super::{clock, thread_end};
use crate::RecordError;
use std::sync::atomic::{AtomicPtr, AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// The sessions that threads may belong to, by slot. A session lives for ever once made: a thread may hold it a moment after it ended.
static SESSIONS: [AtomicPtr<Session>; SLOTS] =
    [const { AtomicPtr::new(std::ptr::null_mut()) }; SLOTS];

/// The number of the last session; 0 is none.
static LAST_ID: AtomicU32 = AtomicU32::new(0);

/// A recording that runs or ran.
#[derive(Debug)]
pub struct Session {
    id: u32,
    slot: usize,
    reserve: Reserve,
    threads: AtomicU32,
    lost: AtomicU64,
    started_stamp: u64,
    started_unix_ns: u64,
    /// The system's numbers of the threads that were there before the recording, sorted: their start is not an event of it.
    earlier: Vec<u64>,
    marks: Mutex<Vec<String>>,
}

impl Session {
    /// Begins a recording. It lasts until [`Session::close`].
    pub fn open() -> Result<&'static Session, RecordError> {
        thread_end::prepare();
        let reserve = Reserve::new().map_err(RecordError::Reserve)?;
        let mut session = Box::new(Session {
            id: LAST_ID.fetch_add(1, Ordering::Relaxed).wrapping_add(1),
            slot: 0,
            reserve,
            threads: AtomicU32::new(0),
            lost: AtomicU64::new(0),
            started_stamp: clock::now(),
            started_unix_ns: clock::wall_ns(),
            earlier: threads_of_this_process(),
            marks: Mutex::new(Vec::new()),
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
        // SAFETY: no thread ever saw this reserve.
        unsafe { session.reserve.unmap() };
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
    }

    /// Calls `f` with the pen of the calling thread. There is none while the thread is inside another recorded
    /// request; and a request that comes before the thread's start was recorded records that first.
    #[inline]
    pub fn with_pen<R>(&self, f: impl FnOnce(Option<Pen<'_>>) -> R) -> R {
        local::with(self.slot, |local| {
            let Some(guard) = local.guard() else {
                return f(None);
            };
            let pen = Pen {
                session: self,
                local,
                _guard: guard,
            };
            if local.session.get() != self.id {
                pen.join();
            }
            f(Some(pen))
        })
    }

    /// Where the events are.
    pub fn reserve(&self) -> &Reserve {
        &self.reserve
    }

    /// Events that found no room. They are not on the tape.
    pub fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    /// The stamp that is the tape's time 0.
    pub fn started_stamp(&self) -> u64 {
        self.started_stamp
    }

    /// Wall clock at the start, nanoseconds since 1970.
    pub fn started_unix_ns(&self) -> u64 {
        self.started_unix_ns
    }

    /// Records that a phase called `name` begins.
    pub fn mark(&self, name: &str) {
        // With the pen in hand: what keeping the name allocates is no request of the program.
        self.with_pen(|pen| {
            let Some(pen) = pen else { return };
            let number = {
                let mut marks = self.marks.lock().unwrap_or_else(PoisonError::into_inner);
                marks.iter().position(|m| m == name).unwrap_or_else(|| {
                    marks.push(name.to_owned());
                    marks.len() - 1
                })
            };
            pen.note(Op::Mark, number as u64);
        });
    }

    /// The names of the phases, by number.
    pub fn marks(&self) -> Vec<String> {
        self.marks
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
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

    /// Writes an event that is of no block, stamped now.
    #[inline]
    pub fn note(&self, op: Op, number: u64) {
        self.put(Raw {
            op,
            align_log2: 0,
            size: 0,
            address: number,
            stamp: clock::now(),
        });
    }

    #[inline]
    fn put(&self, raw: Raw) {
        if self.local.next.get() == self.local.end.get() && !self.turn() {
            self.session.lost.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let next: *const RawSlot = self.local.next.get();
        // SAFETY: next != end, and both are of a chunk that `turn` or `join` got from this session's reserve (the local
        // place carries this session's id), so `next` is a slot in it. A reserve is unmapped only when no thread of the
        // recording is left, and only this thread writes to its chunk.
        unsafe { &*next }.put(raw);
        // SAFETY: at most one past the chunk's last slot, since next != end.
        self.local.next.set(unsafe { next.add(1) });
    }

    /// Takes the next chunk. False when there is none.
    #[cold]
    fn turn(&self) -> bool {
        let chunk = self.session.reserve.take();
        if let Some(chunk) = chunk {
            let (tid, name) = this_thread();
            chunk.claim(self.local.thread.get(), self.local.chunks.get(), tid, &name);
            self.local.chunks.set(self.local.chunks.get() + 1);
        }
        self.local.turn_to(chunk);
        chunk.is_some()
    }

    /// Makes the calling thread a part of the recording.
    #[cold]
    fn join(&self) {
        let local = self.local;
        local.session.set(self.session.id);
        local
            .thread
            .set(self.session.threads.fetch_add(1, Ordering::Relaxed));
        local.chunks.set(0);
        local.turn_to(None);
        thread_end::watch();
        let (tid, _) = this_thread();
        if self.session.earlier.binary_search(&tid).is_err() {
            self.note(Op::ThreadStart, 0);
        }
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
        let takes_part = local::with(slot, |local| local.session.get() == session.id);
        if takes_part {
            session.with_pen(|pen| {
                if let Some(pen) = pen {
                    pen.note(Op::ThreadEnd, 0);
                }
            });
        }
    }
}

/// The system's number and the name of the calling thread.
fn this_thread() -> (u64, [u8; NAME_BYTES]) {
    let mut name = [0u8; NAME_BYTES];
    // SAFETY: PR_GET_NAME writes at most 16 bytes, and there are 32; gettid takes nothing and cannot fail.
    let tid = unsafe {
        libc::prctl(libc::PR_GET_NAME, name.as_mut_ptr());
        libc::syscall(libc::SYS_gettid)
    };
    (tid as u64, name)
}

/// The threads that there are now, sorted. Without `/proc` only the calling one is known.
fn threads_of_this_process() -> Vec<u64> {
    let mut threads: Vec<u64> = std::fs::read_dir("/proc/self/task")
        .map(|tasks| {
            tasks
                .flatten()
                .filter_map(|t| t.file_name().to_str()?.parse().ok())
                .collect()
        })
        .unwrap_or_default();
    threads.push(this_thread().0);
    threads.sort_unstable();
    threads
}
