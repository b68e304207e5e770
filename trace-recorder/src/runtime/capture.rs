//! What was caught, thread by thread.

use super::raw::{Op, Raw};
use super::timeline::Timeline;
use crate::events::EventsFile;
use std::sync::atomic::{AtomicU64, Ordering};
use trace_capture::code::{Base, Decoder, MOST_WORDS, long, page_stamp, page_start};
use trace_capture::layout::{HEAD_WORDS, PAGE_WORDS, Page};

/// The events of some programs that go on one tape.
#[derive(Debug)]
pub struct Capture<'f> {
    /// The threads, those of one program after those of another.
    pub threads: Vec<CapturedThread<'f>>,
    /// What time is.
    pub timeline: Timeline,
    /// Events that found no room.
    pub lost: u64,
    files: Vec<&'f EventsFile>,
}

/// The events of one thread in its order.
#[derive(Debug)]
pub struct CapturedThread<'f> {
    /// The system's number.
    pub os_tid: u64,
    /// The name.
    pub name: String,
    /// Which address space its addresses are of.
    pub space: u32,
    pieces: Vec<Piece<'f>>,
    pages: u64,
}

/// Pages that follow one another in memory.
#[derive(Debug)]
struct Piece<'f> {
    /// Pages of the thread before.
    start: u64,
    pages: &'f [Page],
    /// Words of the first page that are no events.
    skip: usize,
}

/// A place between two words of a thread.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct Position {
    /// Pages before.
    pub page: u64,
    /// Words of the page before.
    pub word: u32,
}

impl Position {
    /// Words before, roughly, as a measure of work.
    pub fn words(self) -> u64 {
        self.page * PAGE_WORDS as u64 + u64::from(self.word)
    }
}

/// A place in a thread, and what the words from there on are relative to.
#[derive(Copy, Clone, PartialEq, Eq, Debug, Default)]
pub struct Reader {
    /// The place.
    pub position: Position,
    decoder: Decoder,
}

/// Events that a visitor is told at a time, at most.
const RUN: usize = 128;

impl<'f> Capture<'f> {
    /// What `files` hold. Each has an address space of its own; the text says what stands behind the names of its threads.
    pub fn of(files: &[(&'f EventsFile, String)], timeline: Timeline) -> Capture<'f> {
        let mut threads: Vec<CapturedThread> = Vec::new();
        let mut lost = 0;
        for (space, (file, suffix)) in (0u32..).zip(files) {
            lost += file.head().lost.load(Ordering::Relaxed);
            let pieces = file.pieces();
            for mine in pieces.chunk_by(|a, b| a.0.thread == b.0.thread) {
                let Some((last, _, _)) = mine.last() else {
                    continue;
                };
                let mut thread = CapturedThread {
                    os_tid: last.os_tid,
                    name: format!("{}{suffix}", last.name),
                    space,
                    pieces: Vec::with_capacity(mine.len()),
                    pages: 0,
                };
                for (_, first, pages) in mine {
                    thread.add(pages, if *first == 0 { HEAD_WORDS } else { 0 });
                }
                threads.push(thread);
            }
        }
        Capture {
            threads,
            timeline,
            lost,
            files: files.iter().map(|(file, _)| *file).collect(),
        }
    }

    /// A capture of pages that are kept elsewhere, for tests. Stamps are nanoseconds, `zero` is time 0.
    pub fn from_threads(threads: Vec<CapturedThread<'f>>, zero: u64) -> Capture<'f> {
        Capture {
            threads,
            timeline: Timeline::nanoseconds(zero),
            lost: 0,
            files: Vec::new(),
        }
    }

    /// Words of all threads: about as many as there are events.
    pub fn words(&self) -> u64 {
        self.threads.iter().map(|t| t.end().words()).sum()
    }

    /// Lets go of the memory of a thread's pages from `from` to before `to`. They can be read again.
    pub fn forget(&self, thread: usize, from: Position, to: Position) {
        for piece in self.threads[thread].at_page(from.page) {
            if piece.start >= to.page {
                return;
            }
            let a = from.page.saturating_sub(piece.start) as usize;
            let b = (to.page - piece.start).min(piece.pages.len() as u64) as usize;
            let pages = &piece.pages[a.min(b)..b];
            if let Some(file) = self.files.iter().find(|file| file.has(pages)) {
                file.forget(pages);
            }
        }
    }
}

impl<'f> CapturedThread<'f> {
    /// A thread whose events are in `pages`.
    pub fn new(os_tid: u64, name: String, pages: &'f [Page]) -> CapturedThread<'f> {
        let mut thread = CapturedThread {
            os_tid,
            name,
            space: 0,
            pieces: Vec::new(),
            pages: 0,
        };
        thread.add(pages, 0);
        thread
    }

    fn add(&mut self, pages: &'f [Page], skip: usize) {
        self.pieces.push(Piece {
            start: self.pages,
            pages,
            skip,
        });
        self.pages += pages.len() as u64;
    }

    /// Whether there are no events.
    pub fn is_empty(&self) -> bool {
        self.pages == 0
    }

    /// The end of the last page.
    pub fn end(&self) -> Position {
        Position {
            page: self.pages,
            word: 0,
        }
    }

    fn at_page(&self, page: u64) -> &[Piece<'f>] {
        let first = self
            .pieces
            .partition_point(|piece| piece.start + piece.pages.len() as u64 <= page);
        &self.pieces[first..]
    }

    /// Stamps at the starts of pages, of one in `step`.
    pub fn stamps(&self, step: usize) -> impl Iterator<Item = u64> + '_ {
        self.pieces
            .iter()
            .flat_map(|piece| {
                let words = piece.pages.iter().map(|page| &page[0]);
                // A chunk's first page begins behind the head.
                let first = piece.pages.first().and_then(|page| page.get(piece.skip));
                first.into_iter().chain(words.skip(1))
            })
            .step_by(step)
            .filter_map(|word| page_stamp(word.load(Ordering::Relaxed)))
    }

    /// Reads events from where `reader` stands on. `visit` is told some at a time, and says how many of them it takes:
    /// with fewer than it was told the reading ends. What comes back stands behind what was taken.
    #[inline]
    pub fn read(&self, reader: &Reader, mut visit: impl FnMut(&[Raw]) -> usize) -> Reader {
        let Reader {
            mut position,
            mut decoder,
        } = *reader;
        let mut run = [Raw::NONE; RUN];
        let mut from = position.word as usize;
        for piece in self.at_page(position.page) {
            let first = position.page.saturating_sub(piece.start) as usize;
            for (number, words) in piece.pages.iter().enumerate().skip(first) {
                let page = piece.start + number as u64;
                let skip = if number == 0 { piece.skip } else { 0 };
                let mut at = std::mem::take(&mut from).max(skip);
                while let Some(word) = words.get(at) {
                    position = Position {
                        page,
                        word: at as u32,
                    };
                    let before = decoder;
                    let told = decoder.take_plain(&words[at..], &mut run);
                    if told > 0 {
                        let taken = visit(&run[..told]);
                        at += taken;
                        if taken < told {
                            position.word = at as u32;
                            let last = taken.checked_sub(1).and_then(|last| run.get(last));
                            let stamp = last.map_or(before.stamp(), |last| last.stamp);
                            let decoder = decoder.back_to(stamp);
                            return Reader { position, decoder };
                        }
                        continue;
                    }
                    let word = word.load(Ordering::Acquire);
                    if word == 0 {
                        break;
                    }
                    let raw;
                    (decoder, raw) = before.after(word);
                    if raw.is_some_and(|raw| visit(&[raw]) == 0) {
                        let decoder = before;
                        return Reader { position, decoder };
                    }
                    at += 1;
                }
                position = Position {
                    page,
                    word: at as u32,
                };
            }
        }
        Reader { position, decoder }
    }

    /// Whether nothing stands behind `position`.
    pub fn is_last(&self, position: Position) -> bool {
        if position.page + 1 != self.pages {
            return position.page >= self.pages;
        }
        let Some(piece) = self.pieces.last() else {
            return true;
        };
        let word = piece
            .pages
            .last()
            .and_then(|page| page.get(position.word as usize));
        word.is_none_or(|word| word.load(Ordering::Relaxed) == 0)
    }
}

/// Pages with these events, at most `most` words on each, for tests.
pub fn pages_of(events: &[Raw], most: usize) -> Vec<Page> {
    let mut pages: Vec<Vec<u64>> = Vec::new();
    let mut base = Base::default();
    for event in events {
        if pages
            .last()
            .is_none_or(|page| page.len() + MOST_WORDS > most.clamp(8, PAGE_WORDS))
        {
            pages.push(page_start(base).to_vec());
        }
        let (words, len) = long(&mut base, *event);
        if let Some(page) = pages.last_mut() {
            page.extend_from_slice(&words[..len]);
        }
    }
    let whole = |words: &Vec<u64>| -> Page {
        std::array::from_fn(|at| AtomicU64::new(words.get(at).copied().unwrap_or(0)))
    };
    pages.iter().map(whole).collect()
}

/// A piece of a text that an event carries.
pub fn text_of(raw: &Raw) -> Option<[u8; 7]> {
    let [text @ .., _] = raw.address.to_le_bytes();
    (raw.op == Op::Text).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(count: u64) -> Vec<Raw> {
        let event = |n| Raw {
            op: if n % 3 == 0 { Op::Malloc } else { Op::Free },
            align_log2: 0,
            size: if n % 3 == 0 { n * 1000 } else { 0 },
            address: 16 * n,
            stamp: 100_000 * n,
        };
        (0..count).map(event).collect()
    }

    #[test]
    fn a_thread_is_read_in_parts() {
        let events = events(500);
        let pages = pages_of(&events, 40);
        let thread = CapturedThread::new(1, "t".into(), &pages);
        assert!(pages.len() > 20);
        let mut reader = Reader::default();
        let mut read = Vec::new();
        for stop in (0..=510).step_by(17) {
            reader = thread.read(&reader, |some| {
                let taken = some.len().min(stop - read.len());
                read.extend_from_slice(&some[..taken]);
                taken
            });
        }
        assert_eq!(read, events);
        assert!(thread.is_last(reader.position));
        assert!(!thread.is_last(Position::default()));
        assert_eq!(thread.stamps(1).count(), pages.len());
    }
}
