//! The wrapper that records what an allocator is asked.

use super::Recording;
use crate::RecordError;
use crate::runtime::Session;
use crate::runtime::raw::Op;
use std::alloc::{GlobalAlloc, Layout};
use std::path::Path;
use std::sync::atomic::{AtomicPtr, Ordering, fence};
use trace_capture::clock;

/// Up to this alignment a request is a plain malloc: it is what every allocator's malloc guarantees here.
const MALLOC_ALIGN: usize = 2 * size_of::<usize>();

/// An allocator that passes everything on to `A` and, while a recording is on, records it.
///
/// A block is stamped after it was made and before it is freed. While no recording is on, a request costs one relaxed
/// load more. What `A` itself asks of this allocator in the course of a request is not recorded: it is no request of
/// the program.
///
/// It records a whole program as its global allocator:
///
/// ```
/// use std::alloc::System;
/// use trace_recorder::{RecordingAlloc, RecordingOptions};
///
/// #[global_allocator]
/// static ALLOCATOR: RecordingAlloc<System> = RecordingAlloc::new(System);
///
/// fn main() -> Result<(), trace_recorder::RecordError> {
///     let options = RecordingOptions { name: "a hundred words".into(), ..Default::default() };
///
///     let recording = ALLOCATOR.record()?;
///     let words: Vec<String> = (0..100).map(|n| n.to_string()).collect();
///     drop(words);
///
///     let mut tape = Vec::new(); // not on the tape: it allocates when the recording is over
///     let recorded = recording.finish_to(&mut tape, &options, &|_, _, _| ())?;
///     assert!(recorded.events >= 202);
///     assert_eq!(recorded.live_blocks_at_end, 0);
///     Ok(())
/// }
/// ```
///
/// or a part of one, if only that part asks this value for memory.
#[derive(Debug)]
pub struct RecordingAlloc<A> {
    inner: A,
    session: AtomicPtr<Session>,
}

impl<A> RecordingAlloc<A> {
    /// Wraps an allocator. Nothing is recorded yet.
    pub const fn new(inner: A) -> RecordingAlloc<A> {
        RecordingAlloc {
            inner,
            session: AtomicPtr::new(std::ptr::null_mut()),
        }
    }

    /// Starts a recording of all threads. What is caught goes to files in the folder for temporary files, which are
    /// gone when the recording is finished or dropped.
    ///
    /// # Errors
    /// When this allocator or too many others are being recorded, or there is no room for the files.
    pub fn record(&self) -> Result<Recording<'_>, RecordError> {
        Recording::start(&self.session, None)
    }

    /// As [`record`](RecordingAlloc::record), with the files in a new folder `folder`. Should the program die,
    /// `heaptape salvage` makes a tape of that folder.
    ///
    /// # Errors
    /// As [`record`](RecordingAlloc::record), and when the folder is there already.
    pub fn record_in(&self, folder: &Path) -> Result<Recording<'_>, RecordError> {
        Recording::start(&self.session, Some(folder))
    }

    /// Records the start of the calling thread now, and not just before its first request.
    pub fn thread_starts(&self) {
        if let Some(session) = self.session() {
            session.with_pen(|_| ());
        }
    }

    #[inline]
    fn session(&self) -> Option<&'static Session> {
        let session = self.session.load(Ordering::Relaxed);
        if session.is_null() {
            return None;
        }
        // What the starting thread wrote to the session is to be seen from here on; a disabled recorder need not wait for it.
        fence(Ordering::Acquire);
        // SAFETY: only `Recording::start` stores here, a session that is never freed.
        Some(unsafe { &*session })
    }
}

impl<A: GlobalAlloc> RecordingAlloc<A> {
    /// Makes a block with `make` and records it.
    #[inline]
    fn made(
        &self,
        session: &Session,
        op: Op,
        layout: Layout,
        make: impl FnOnce() -> *mut u8,
    ) -> *mut u8 {
        session.with_pen(|pen| {
            let block = make();
            if let Some(pen) = pen {
                let stamp = clock::after();
                if block.is_null() {
                    pen.refused(layout.size());
                } else if layout.align() > MALLOC_ALIGN {
                    pen.aligned(block, layout.size(), layout.align(), stamp);
                } else {
                    pen.block(op, block, layout.size(), stamp);
                }
            }
            block
        })
    }
}

// SAFETY: every request goes to `inner` with the arguments it came with, and its answer comes back unchanged; recording
// neither touches the blocks nor unwinds nor allocates.
unsafe impl<A: GlobalAlloc> GlobalAlloc for RecordingAlloc<A> {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promises are the same that `inner` asks for.
        let make = || unsafe { self.inner.alloc(layout) };
        match self.session() {
            None => make(),
            Some(session) => self.made(session, Op::Malloc, layout, make),
        }
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as in `alloc`.
        let make = || unsafe { self.inner.alloc_zeroed(layout) };
        match self.session() {
            None => make(),
            Some(session) => self.made(session, Op::Calloc, layout, make),
        }
    }

    #[inline]
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: as in `alloc`.
        let free = || unsafe { self.inner.dealloc(block, layout) };
        match self.session() {
            None => free(),
            Some(session) => session.with_pen(|pen| {
                if let Some(pen) = pen {
                    pen.block(Op::Free, block, 0, clock::before());
                }
                free();
            }),
        }
    }

    #[inline]
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: as in `alloc`.
        let change = || unsafe { self.inner.realloc(block, layout, new_size) };
        let Some(session) = self.session() else {
            return change();
        };
        session.with_pen(|pen| {
            let Some(pen) = pen else { return change() };
            let before = clock::before();
            let changed = change();
            let after = clock::after();
            if changed.is_null() {
                pen.refused(new_size);
            } else if layout.align() > MALLOC_ALIGN {
                // No realloc of C keeps such an alignment: it is a free and an aligned malloc.
                pen.block(Op::Free, block, 0, before);
                pen.aligned(changed, new_size, layout.align(), after);
            } else {
                pen.block(Op::ReallocOld, block, 0, before);
                pen.block(Op::ReallocNew, changed, new_size, after);
            }
            changed
        })
    }
}
