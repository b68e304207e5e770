//! The walk over a whole file that verifying and scanning share: it goes on behind whatever is damaged.
//!
//! With a sound footer and index the chunks are where the index says, and a damaged one is known by name. Without,
//! the walk looks for frames: each begins with a mark and a header that has its own checksum.

use crate::chunk::{decode_pieces, read_frame};
use crate::continuity::ThreadStates;
use crate::counts::ChunkCounts;
use crate::decode::{Bounds, Scratch};
use crate::error::{Damage, EventSpan, TapeError};
use crate::event::EventKind;
use crate::frame::{FRAME_HEADER_LEN, FRAME_MARK, FrameHeader, FrameKind};
use crate::header::Header;
use crate::index::{ChunkInfo, TRAILER_LEN, Trailer};
use crate::layout::{End, List, read_end, read_header, read_lists, read_prelude};
use crate::report::VerifyReport;
use crate::sentence::counted;
use crate::source::ReadAt;

/// The walk, and what it has found so far.
pub(crate) struct Audit<'s, S: ReadAt + ?Sized> {
    source: &'s S,
    scratch: Scratch,
    pub report: VerifyReport,
    pub threads: ThreadStates,
    pub counts: ChunkCounts,
    pub duration_ns: u64,
    /// One above the largest number of a thread and of a mark that the readable chunks name.
    pub seen: Bounds,
    /// The readable chunks, for who wants them; they take memory.
    pub kept: Option<Vec<ChunkInfo>>,
    bounds: Bounds,
}

/// The parts of a file that are sound besides its chunks.
pub(crate) struct Ends {
    pub header: Option<Header>,
    /// The footer, when the lists before it are sound too.
    pub end: Option<End>,
}

impl<'s, S: ReadAt + ?Sized> Audit<'s, S> {
    pub fn new(source: &'s S, keep: bool) -> Self {
        Audit {
            source,
            scratch: Scratch::default(),
            report: VerifyReport {
                len_bytes: source.len(),
                ..VerifyReport::default()
            },
            threads: ThreadStates::default(),
            counts: ChunkCounts::default(),
            duration_ns: 0,
            seen: Bounds {
                threads: 0,
                marks: 0,
            },
            kept: keep.then(Vec::new),
            bounds: Bounds::FORMAT,
        }
    }

    /// Walks over the file.
    ///
    /// # Errors
    /// When this is no tape, or one of a version that is not known: then nothing can be said of its bytes.
    pub fn run(&mut self) -> Result<Ends, TapeError> {
        match read_prelude(self.source) {
            Ok(()) => {}
            // What follows shows that it is a tape all the same.
            Err(TapeError::NotATape) if read_header(self.source, &mut self.scratch).is_ok() => {
                self.report
                    .add(damage(0, "the magic bytes are not those of a tape"));
            }
            Err(error @ (TapeError::NotATape | TapeError::Version { .. } | TapeError::Read(_))) => {
                return Err(error);
            }
            Err(error) => self.report.add(error.into_damage(0)),
        }
        let start = crate::header::PRELUDE_LEN as u64;
        let (header, from) = match read_header(self.source, &mut self.scratch) {
            Ok((header, from)) => (Some(header), from),
            Err(error) => {
                self.report.add(error.into_damage(start));
                (None, start)
            }
        };
        let end = match read_end(self.source, &mut self.scratch) {
            Ok(end) => self.promise(end),
            Err(error) => {
                self.report.add(error.into_damage(self.source.len()));
                None
            }
        };
        match &end {
            Some(end) => self.by_index(header.is_some().then_some(from), end),
            None => self.by_search(from, header.is_some()),
        }
        Ok(Ends { header, end })
    }

    /// Notes what the footer promises, and hands it back if the lists before it are sound.
    fn promise(&mut self, end: End) -> Option<End> {
        self.report.chunks_promised = Some(end.footer.chunks);
        self.report.events_promised = Some(end.footer.totals.events);
        self.report.ending = Some(end.footer.ending.clone());
        match read_lists(self.source, &end, &mut self.scratch, |_| Ok(())) {
            Ok(()) => {
                self.bounds = Bounds {
                    threads: end.footer.threads,
                    marks: end.footer.marks,
                };
                Some(end)
            }
            Err(error) => {
                self.report.add(error.into_damage(end.trailer.sections));
                None
            }
        }
    }

    /// Checks the chunks that the index names; they must fill the file from `from` (if that is known) to the lists.
    fn by_index(&mut self, from: Option<u64>, end: &End) {
        let mut expected = from;
        let mut number = 0;
        let source = self.source;
        let mut lists = Scratch::default();
        let outcome = read_lists(source, end, &mut lists, |list| {
            let List::Index(infos) = list else {
                return Ok(());
            };
            for info in infos {
                if expected.is_some_and(|expected| expected != info.offset) {
                    return Err(TapeError::damaged(
                        info.offset,
                        "the index's chunks do not follow one another",
                    ));
                }
                let next = info
                    .offset
                    .saturating_add(FRAME_HEADER_LEN as u64 + u64::from(info.stored_len));
                if next > end.trailer.sections {
                    return Err(TapeError::damaged(
                        info.offset,
                        "the index names a chunk behind the last",
                    ));
                }
                expected = Some(next);
                if let Err(what) = self.indexed_chunk(&info, next) {
                    let events = u64::from(info.events);
                    let span = Some(EventSpan {
                        thread: info.thread,
                        first: info.first_event,
                        events,
                    });
                    self.report.add(Damage {
                        offset: info.offset,
                        chunk: Some(number),
                        span,
                        what,
                    });
                    if let Some(state) = self.threads.get_mut(info.thread) {
                        state.skip(&info);
                    }
                }
                number += 1;
            }
            Ok(())
        });
        if let Err(error) = outcome {
            self.report.add(error.into_damage(end.trailer.sections));
        }
        if expected.is_some_and(|expected| expected != end.trailer.sections) {
            let offset = expected.unwrap_or_default();
            self.report
                .add(damage(offset, "there are bytes that belong to no chunk"));
        }
    }

    fn indexed_chunk(&mut self, info: &ChunkInfo, end: u64) -> Result<(), String> {
        let header = match read_frame(self.source, info.offset, end, &mut self.scratch) {
            Ok(header) => header,
            Err(TapeError::Damaged(damage)) => return Err(damage.what),
            Err(other) => return Err(other.to_string()),
        };
        if header.kind != FrameKind::Chunk || header.chunk_info(info.offset) != *info {
            return Err("the frame's header is not what the index says".into());
        }
        self.chunk(&header, info).map_err(str::to_string)
    }

    /// Looks for frames from `from` on; when `exact`, one must begin right there.
    fn by_search(&mut self, from: u64, exact: bool) {
        let len = self.source.len();
        let (mut at, mut exact) = (from, exact);
        let mut number = 0;
        while at < len {
            let header = match read_frame(self.source, at, len, &mut self.scratch) {
                Ok(header) => header,
                Err(TapeError::Read(error)) => {
                    self.report.add(TapeError::Read(error).into_damage(at));
                    return;
                }
                Err(error) => {
                    let next = self.find_frame(at + 1);
                    // The last bytes of a file without a good trailer have been told of already.
                    if exact && (next.is_some() || len - at > TRAILER_LEN as u64) {
                        self.report.add(error.into_damage(at));
                    }
                    let Some(next) = next else { return };
                    // What was passed over is told; from the next mark on, silence until a sound frame.
                    (at, exact) = (next, false);
                    continue;
                }
            };
            exact = true;
            if header.kind == FrameKind::Chunk {
                let info = header.chunk_info(at);
                if let Err(what) = self.found_chunk(&header, &info) {
                    let span = Some(header.span());
                    self.report.add(Damage {
                        offset: at,
                        chunk: Some(number),
                        span,
                        what: what.into(),
                    });
                }
                number += 1;
            }
            at += header.frame_len();
            if header.kind == FrameKind::Footer && self.ends_at(at) {
                return;
            }
        }
    }

    /// A chunk that was found by its mark: what is missing before it is told.
    fn found_chunk(&mut self, header: &FrameHeader, info: &ChunkInfo) -> Result<(), &'static str> {
        if let Some(state) = self.threads.get_mut(header.thread)
            && info.first_event > state.events
        {
            let span = EventSpan {
                thread: info.thread,
                first: state.events,
                events: info.first_event - state.events,
            };
            state.events = info.first_event;
            state.gap = true;
            self.report.add(damage(
                info.offset,
                format!("{span} are missing before this chunk"),
            ));
        }
        self.chunk(header, info).inspect_err(|_| {
            if let Some(state) = self.threads.get_mut(header.thread)
                && info.first_event == state.events
            {
                state.skip(info);
            }
        })
    }

    /// Checks a chunk whose frame stands in the scratch: payload, place in its thread.
    fn chunk(&mut self, header: &FrameHeader, info: &ChunkInfo) -> Result<(), &'static str> {
        let Some(state) = self
            .threads
            .get_mut(header.thread)
            .filter(|_| header.thread < self.bounds.threads)
        else {
            return Err("the chunk is of a thread that the tape does not have");
        };
        if info.first_event != state.events || info.start_ns < state.end_ns {
            return Err("the chunk does not follow the one before of its thread");
        }
        if !state.gap && info.first_allocation != state.allocations {
            return Err(
                "the chunk's first allocation does not follow the one before of its thread",
            );
        }
        let mut seen = self.seen;
        let counts = decode_pieces(header, self.bounds, &mut self.scratch, |events| {
            for event in events {
                if let EventKind::Mark { name } = event.kind {
                    seen.marks = seen.marks.max(name + 1);
                } else if let Some(block) = event.kind.releases() {
                    seen.threads = seen.threads.max(block.thread + 1);
                }
            }
        })?;
        self.seen = Bounds {
            threads: seen.threads.max(header.thread + 1),
            ..seen
        };
        if state.events == 0 {
            state.start_ns = info.start_ns;
        }
        state.events += u64::from(info.events);
        state.allocations = info.first_allocation + counts.allocations;
        state.end_ns = info.end_ns;
        state.gap = false;
        state.started |= counts.starts > 0;
        state.ended |= counts.ends > 0;
        self.counts.add(&counts);
        self.duration_ns = self.duration_ns.max(info.end_ns);
        self.report.chunks_readable += 1;
        self.report.events_readable += u64::from(info.events);
        if let Some(kept) = &mut self.kept {
            kept.push(*info);
        }
        Ok(())
    }

    /// Whether a trailer stands at `at`; what follows it is told.
    fn ends_at(&mut self, at: u64) -> bool {
        let mut bytes = [0; TRAILER_LEN];
        let there = self.source.read_at(at, &mut bytes).is_ok()
            && matches!(Trailer::parse(&bytes, at), Ok(Some(_)));
        let end = at + TRAILER_LEN as u64;
        if there && end < self.source.len() {
            let more = counted(self.source.len() - end, "byte");
            self.report
                .add(damage(end, format!("{more} behind the end of the tape")));
        }
        there
    }

    /// The next place from `from` on where a sound header of a frame stands.
    fn find_frame(&self, from: u64) -> Option<u64> {
        // Grows as it goes, so that a file of many false starts does not cost a large read for each.
        const SMALLEST: usize = 1 << 12;
        const LARGEST: usize = 1 << 16;
        let len = self.source.len();
        let mut window = Vec::new();
        let mut at = from;
        let mut size = SMALLEST;
        while len.saturating_sub(at) >= FRAME_HEADER_LEN as u64 {
            let there = usize::try_from(len - at).map_or(size, |left| left.min(size));
            window.resize(there, 0);
            self.source.read_at(at, &mut window).ok()?;
            let sound = |bytes: &[u8; FRAME_HEADER_LEN]| {
                bytes.starts_with(&FRAME_MARK) && FrameHeader::parse(bytes).is_ok()
            };
            let mut headers = window
                .windows(FRAME_HEADER_LEN)
                .map(<&[u8; FRAME_HEADER_LEN]>::try_from);
            if let Some(place) = headers.position(|bytes| bytes.is_ok_and(sound)) {
                return Some(at + place as u64);
            }
            at += (there - FRAME_HEADER_LEN + 1) as u64;
            size = (2 * size).min(LARGEST);
        }
        None
    }
}

fn damage(offset: u64, what: impl Into<String>) -> Damage {
    Damage {
        offset,
        chunk: None,
        span: None,
        what: what.into(),
    }
}
