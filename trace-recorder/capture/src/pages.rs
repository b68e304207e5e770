//! The pages that threads write to: taking them, leaving them, and finding again what was written.
//!
//! A thread takes a chunk and goes through its pages. A thread that ends leaves the rest of its chunk to another, so that
//! a program which starts a million short threads does not take a million chunks.

use crate::clock;
use crate::code::{self, Base, Decoder};
use crate::layout::{
    CHUNK_BYTES, CHUNK_PAGES, Chunk, HEAD_BYTES, PAGE_BYTES, SEGMENTS, Segment, Stop,
};
use crate::place::{Local, Place};
use crate::raw::Op;
use crate::store::{SHUT, Store};
use crate::sys::{self, NoSignals};
use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes of a thread's first chunk that are prepared when it takes it.
const FIRST_STEP: usize = 16 << 10;

/// Bytes that are prepared at a time later on.
const STEP: usize = 64 << 10;

/// Chunks that a thread has had before a whole one is prepared for it at once.
const BUSY: u32 = 1;

/// How many chunks that wait for a thread are looked at.
const LOOK_AT: usize = 8;

impl Store {
    /// Makes the calling thread a part of the recording. False when it is one already, or nothing is recorded.
    pub fn join(&self, local: &Local) -> bool {
        let session = self.session();
        if session == 0 || session == SHUT || session == local.session.get() {
            return false;
        }
        let _quiet = NoSignals::hold();
        let (tid, name) = sys::this_thread();
        let Some(head) = self.head() else {
            return false;
        };
        local.session.set(session);
        local
            .thread
            .set(head.threads.fetch_add(1, Ordering::Relaxed));
        local.segments.set(0);
        local.leave_chunk();
        if self.more(local, tid, &name) && !self.was_there(tid) {
            self.note(local, Op::ThreadStart, 0);
        }
        true
    }

    /// Makes room for any event of the calling thread: joins the recording, or goes to the next page. False when nothing
    /// can be recorded.
    pub(crate) fn prepare(&self, local: &Local) -> bool {
        self.join(local);
        if self.is_open_for(local) && local.session() != 0 {
            if local.room() >= code::MOST_WORDS || self.turn_page(local) {
                return true;
            }
            let _quiet = NoSignals::hold();
            let (tid, name) = sys::this_thread();
            if self.more(local, tid, &name) {
                return true;
            }
        }
        if self.session() == SHUT
            && let Some(head) = self.head()
        {
            head.lost.fetch_add(1, Ordering::Relaxed);
        }
        false
    }

    /// Goes to the next page of the chunk if that is prepared, as most are. This touches nothing but what is the thread's
    /// alone, and a signal handler has another place meanwhile: so there is no need to hold signals off, nor to ask the system
    /// who the thread is, which together takes four system calls, 2 ns for each event of a page.
    fn turn_page(&self, local: &Local) -> bool {
        let Some(chunk) = self.chunk_of(local) else {
            return false;
        };
        let next = local.page_number(chunk) + 1;
        let prepared = chunk.head().prepared.load(Ordering::Relaxed) as usize;
        let is_there = next < CHUNK_PAGES && (next + 1) * PAGE_BYTES <= prepared;
        if is_there {
            local.turn_to(chunk, next);
        }
        is_there
    }

    fn more(&self, local: &Local, tid: u64, name: &[u8; 16]) -> bool {
        match self.more_or_stop(local, tid, name) {
            Ok(()) => true,
            Err(stop) => {
                self.stop(stop);
                false
            }
        }
    }

    /// Goes to the next page: of the same chunk, or of another.
    fn more_or_stop(&self, local: &Local, tid: u64, name: &[u8; 16]) -> Result<(), Stop> {
        if let Some(chunk) = self.chunk_of(local) {
            let next = local.page_number(chunk) + 1;
            if next < CHUNK_PAGES && self.reach(chunk, next)? {
                local.turn_to(chunk, next);
                return Ok(());
            }
        }
        let (chunk, page) = match self.take_idle(tid) {
            Some(found) => found,
            None => (self.take_fresh(local.segments.get() > BUSY)?, 0),
        };
        if !self.reach(chunk, page)? {
            return Err(Stop::AddressSpace);
        }
        if let Some(segment) = chunk.head().segments.iter().find(|s| !s.is_taken()) {
            segment.claim(
                local.thread.get(),
                local.segments.get(),
                page as u32,
                tid,
                name,
            );
            local.segments.set(local.segments.get() + 1);
        }
        local.turn_to(chunk, page);
        if let Some(head) = self.head() {
            head.latest.set(clock::moment());
        }
        Ok(())
    }

    fn chunk_of(&self, local: &Local) -> Option<&Chunk> {
        // SAFETY: null, or a chunk of this recording's mapping, since `join` empties the place of another recording's
        // thread; callers come after it.
        unsafe { local.chunk.get().as_ref() }
    }

    /// Prepares a chunk up to and with page `page`; false when it has no such page.
    fn reach(&self, chunk: &Chunk, page: usize) -> Result<bool, Stop> {
        let prepared = &chunk.head().prepared;
        loop {
            let there = prepared.load(Ordering::Relaxed) as usize;
            if (page + 1) * PAGE_BYTES <= there {
                return Ok(page < CHUNK_PAGES);
            }
            let bytes = STEP.min(CHUNK_BYTES.saturating_sub(there));
            if bytes == 0 {
                return Ok(false);
            }
            let at = HEAD_BYTES + self.number_of(chunk) as usize * CHUNK_BYTES + there;
            let bytes = self.room_or_less(at, bytes, (page + 1) * PAGE_BYTES - there)?;
            prepared.store((there + bytes) as u32, Ordering::Relaxed);
        }
    }

    /// Prepares `bytes` of the file; `least` where there is no room for so many. Says how many they are.
    fn room_or_less(&self, at: usize, bytes: usize, least: usize) -> Result<usize, Stop> {
        match self.room(at, bytes) {
            Ok(()) => Ok(bytes),
            Err(_) if least < bytes => self.room(at, least).map(|()| least),
            Err(stop) => Err(stop),
        }
    }

    fn take_fresh(&self, whole: bool) -> Result<&Chunk, Stop> {
        let most = self.chunks.load(Ordering::Relaxed);
        let head = self.head().ok_or(Stop::AddressSpace)?;
        let taken = head
            .chunks
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| {
                (n < most).then_some(n + 1)
            });
        let Ok(number) = taken else {
            return Err(if sys::limit(libc::RLIMIT_FSIZE).is_some() {
                Stop::FileSize
            } else {
                Stop::AddressSpace
            });
        };
        // Nothing of the chunk may be touched, not even its head, before there is room for it.
        let bytes = if whole { CHUNK_BYTES } else { FIRST_STEP };
        let at = HEAD_BYTES + number as usize * CHUNK_BYTES;
        let bytes = self.room_or_less(at, bytes, sys::page_size().max(PAGE_BYTES))?;
        let chunk = self.chunk(number);
        chunk.head().prepared.store(bytes as u32, Ordering::Relaxed);
        Ok(chunk)
    }

    /// A chunk that a thread left which is gone, and its first page that nobody wrote to.
    fn take_idle(&self, tid: u64) -> Option<(&Chunk, usize)> {
        if self.idle.load(Ordering::Relaxed) == 0 {
            return None;
        }
        self.locked(|| {
            let mut link = &self.idle;
            for _ in 0..LOOK_AT {
                let chunk = self.chunk(link.load(Ordering::Relaxed).checked_sub(1)?);
                let head = chunk.head();
                let left_by = head.idle_tid.load(Ordering::Relaxed);
                // A number that is this thread's own now was that of a thread that is gone.
                if left_by != tid && sys::thread_lives(left_by) {
                    link = &head.next_idle;
                    continue;
                }
                link.store(head.next_idle.load(Ordering::Relaxed), Ordering::Relaxed);
                // It may have freed something after it left. Pages that are not prepared read as unused.
                let from = head.idle_from.load(Ordering::Relaxed) as usize;
                let prepared = head.prepared.load(Ordering::Relaxed) as usize / PAGE_BYTES;
                let unused = |page: &usize| *page >= prepared || !chunk.is_used(*page);
                if let Some(page) = (from..CHUNK_PAGES).find(unused) {
                    return Some((chunk, page));
                }
            }
            None
        })
    }

    /// The calling thread ends: records that, and leaves the rest of its chunk to another. What it still does
    /// afterwards is recorded all the same.
    pub fn end_thread(&self, local: &Local) {
        if !self.is_open_for(local) || local.session() == 0 {
            return;
        }
        let _quiet = NoSignals::hold();
        self.note(local, Op::ThreadEnd, 0);
        let Some(chunk) = self.chunk_of(local) else {
            return;
        };
        let (tid, name) = sys::this_thread();
        self.rename(local, &name);
        let head = chunk.head();
        let next = local.page_number(chunk) + 1;
        let is_full = next >= CHUNK_PAGES
            || head
                .segments
                .get(SEGMENTS - 1)
                .is_none_or(Segment::is_taken);
        if is_full {
            return;
        }
        self.locked(|| {
            head.idle_from.store(next as u32, Ordering::Relaxed);
            head.idle_tid.store(tid, Ordering::Relaxed);
            head.next_idle
                .store(self.idle.load(Ordering::Relaxed), Ordering::Relaxed);
            self.idle
                .store(self.number_of(chunk) + 1, Ordering::Relaxed);
        });
    }

    /// The calling thread has another name from now on.
    pub fn rename(&self, local: &Local, name: &[u8; 16]) {
        if !self.is_open_for(local) || local.session() == 0 {
            return;
        }
        if let Some(segment) = self.chunk_of(local).and_then(|chunk| last_of(chunk, local)) {
            segment.rename(name);
        }
    }

    /// Takes back what the thread recorded since `place` of the two addresses: steps of an allocator within a request
    /// that the request's own event stands for.
    #[cold]
    pub fn void_since(&self, local: &Local, place: Place, addresses: [u64; 2]) {
        if !self.is_open_for(local) || local.session() == 0 {
            return;
        }
        let Some(last) = self.chunk_of(local) else {
            return;
        };
        let base = self.chunk(0).pages.as_ptr().addr();
        // A thread stands behind a word that it wrote.
        let at = place.next.addr().wrapping_sub(base + size_of::<u64>());
        let known = !place.next.is_null()
            && at < self.chunks.load(Ordering::Relaxed) as usize * CHUNK_BYTES;
        let (here, page) = (self.number_of(last) as usize, local.page_number(last));
        // The page on which the thread stood.
        let (chunk, first) = if known {
            (at / CHUNK_BYTES, at % CHUNK_BYTES / PAGE_BYTES)
        } else {
            (
                here,
                last_of(last, local).map_or(page, |s| s.first() as usize),
            )
        };
        let mut decoder = Decoder::from_base(Base {
            stamp: 0,
            address: place.address,
        });
        let mut void = |words: &[AtomicU64]| {
            for word in words {
                let value = word.load(Ordering::Relaxed);
                let raw = decoder.take(value);
                if raw.is_some_and(|raw| {
                    (raw.op.makes() || raw.op.releases()) && addresses.contains(&raw.address)
                }) {
                    word.store(code::void(value), Ordering::Relaxed);
                }
            }
        };
        if known && chunk < self.chunks.load(Ordering::Relaxed) as usize {
            let old = self.chunk(chunk as u32);
            let words = old.words(first);
            let from = (place.next.addr().wrapping_sub(words.as_ptr().addr())) / size_of::<u64>();
            void(words.get(from..).unwrap_or_default());
            let until = if chunk == here { page } else { CHUNK_PAGES - 1 };
            let prepared = old.head().prepared.load(Ordering::Relaxed) as usize / PAGE_BYTES;
            (first + 1..=until)
                .take_while(|page| *page < prepared)
                .for_each(|page| void(old.words(page)));
        }
        if !known || chunk != here {
            let first = last_of(last, local).map_or(page, |s| s.first() as usize);
            (first..=page).for_each(|page| void(last.words(page)));
        }
    }
}

/// The last part of a chunk that is the thread's.
fn last_of<'c>(chunk: &'c Chunk, local: &Local) -> Option<&'c Segment> {
    chunk
        .head()
        .segments
        .iter()
        .rfind(|segment| segment.is_of(local.thread.get()))
}
