//! What a thread keeps for a recording.

use crate::clock;
use crate::code::{self, Base};
use crate::layout::{Chunk, PAGE_BYTES};
use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};

/// A thread's place in one recording. All zero is a thread that has not joined.
///
/// A signal handler may interrupt the writing of an event, and make requests itself. While [`is_writing`] it must have
/// another place than the code that it interrupts: for the recording it is another thread.
///
/// [`is_writing`]: Local::is_writing
#[derive(Debug)]
#[repr(C)]
pub struct Local {
    /// Where the next word goes.
    pub(crate) next: Cell<*const AtomicU64>,
    /// The end of the page.
    pub(crate) end: Cell<*const AtomicU64>,
    /// What the next word is relative to.
    pub(crate) stamp: Cell<u64>,
    pub(crate) address: Cell<u64>,
    /// The recording that the rest belongs to; 0 = none yet.
    pub(crate) session: Cell<u32>,
    /// An event is being written.
    pub(crate) writing: Cell<bool>,
    /// The thread is inside a recorded request; for who records only the outermost.
    busy: Cell<bool>,
    /// The chunk that the page is of.
    pub(crate) chunk: Cell<*const Chunk>,
    /// The thread's number in the recording.
    pub(crate) thread: Cell<u32>,
    /// How many segments the thread has taken.
    pub(crate) segments: Cell<u32>,
}

/// Where a thread stands: to find what it has written since.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct Place {
    pub(crate) next: *const AtomicU64,
    pub(crate) address: u64,
}

impl Local {
    /// A thread that has not joined.
    pub const fn new() -> Local {
        Local {
            next: Cell::new(std::ptr::null()),
            end: Cell::new(std::ptr::null()),
            stamp: Cell::new(0),
            address: Cell::new(0),
            session: Cell::new(0),
            writing: Cell::new(false),
            busy: Cell::new(false),
            chunk: Cell::new(std::ptr::null()),
            thread: Cell::new(0),
            segments: Cell::new(0),
        }
    }

    /// The recording that the thread is part of; 0 = none.
    #[inline(always)]
    pub fn session(&self) -> u32 {
        self.session.get()
    }

    /// Where the thread stands.
    #[inline(always)]
    pub fn place(&self) -> Place {
        Place {
            next: self.next.get(),
            address: self.address.get(),
        }
    }

    /// Whether the thread has written something since it stood at `place`.
    #[inline(always)]
    pub fn has_moved_from(&self, place: Place) -> bool {
        self.next.get() != place.next
    }

    /// Whether the calling code has interrupted the writing of an event.
    #[inline(always)]
    pub fn is_writing(&self) -> bool {
        self.writing.get()
    }

    /// Whether there is room for a word on the thread's page.
    #[inline(always)]
    pub fn has_room(&self) -> bool {
        self.next.get() != self.end.get()
    }

    /// The right to record one request; `None` while the thread already is inside one.
    #[inline]
    pub fn guard(&self) -> Option<Guard<'_>> {
        if self.busy.replace(true) {
            None
        } else {
            Some(Guard { busy: &self.busy })
        }
    }

    /// Goes to a page that has room, and writes what a page begins with. The stamp goes on from the page before.
    pub(crate) fn turn_to(&self, chunk: &Chunk, page: usize) {
        let words = chunk.words(page).as_ptr_range();
        self.chunk.set(chunk);
        self.next.set(words.start);
        self.end.set(words.end);
        for word in code::page_start(self.base()) {
            self.push(word);
        }
    }

    /// Is nowhere.
    pub(crate) fn leave_chunk(&self) {
        self.next.set(std::ptr::null());
        self.end.set(std::ptr::null());
        self.chunk.set(std::ptr::null());
        self.stamp.set(clock::before());
        self.address.set(0);
    }

    /// Number of the thread's page in its chunk.
    pub(crate) fn page_number(&self, chunk: &Chunk) -> usize {
        (self.end.get().addr() - chunk.pages.as_ptr().addr()) / PAGE_BYTES - 1
    }

    #[inline(always)]
    pub(crate) fn base(&self) -> Base {
        Base {
            stamp: self.stamp.get(),
            address: self.address.get(),
        }
    }

    /// Words left on the page.
    #[inline(always)]
    pub(crate) fn room(&self) -> usize {
        (self.end.get().addr() - self.next.get().addr()) / size_of::<u64>()
    }

    #[inline(always)]
    pub(crate) fn push(&self, word: u64) {
        let next = self.next.get();
        // SAFETY: callers have seen that there is room, so next is a word of a page that this thread took, which is
        // mapped as long as the recording is open, and one more is at most the page's end.
        unsafe {
            (*next).store(word, Ordering::Release);
            self.next.set(next.add(1));
        }
    }
}

impl Default for Local {
    fn default() -> Self {
        Local::new()
    }
}

/// Held while one request is recorded, so that nothing below it is.
#[derive(Debug)]
pub struct Guard<'a> {
    busy: &'a Cell<bool>,
}

impl Drop for Guard<'_> {
    #[inline]
    fn drop(&mut self) {
        self.busy.set(false);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_guard_is_a_value() {
        let local = Local::new();
        let first = local.guard();
        assert!(first.is_some());
        assert!(local.guard().is_none());
        // The refused attempt must not have opened the way.
        assert!(local.guard().is_none());
        drop(first);
        assert!(local.guard().is_some());
    }

    #[test]
    fn no_destructor() {
        assert!(!std::mem::needs_drop::<Local>());
    }
}
