//! A tape that can be read at any place.

use crate::chunk::{Chunk, read_frame};
use crate::columns::Columns;
use crate::decode::{Bounds, PIECE, Scratch, Walk};
use crate::error::{Damage, EventSpan, TapeError};
use crate::event::{Event, ThreadIndex};
use crate::frame::{FRAME_HEADER_LEN, FrameKind};
use crate::header::Header;
use crate::index::{ChunkInfo, Ending, ThreadInfo, Totals};
use crate::layout::{List, read_end, read_header, read_lists, read_prelude};
use crate::source::ReadAt;

/// A tape whose header and index are read and sound; its chunks are read when they are asked for.
#[derive(Debug)]
pub struct Tape<S: ReadAt> {
    source: S,
    parts: Parts,
    by_thread: ByThread,
}

/// What is known of a tape besides its chunks' content.
#[derive(Debug)]
pub(crate) struct Parts {
    pub header: Header,
    pub ending: Ending,
    pub totals: Totals,
    pub threads: Vec<ThreadInfo>,
    pub marks: Vec<String>,
    pub chunks: Vec<ChunkInfo>,
    /// Whether every event is there; not so when damaged chunks were left out.
    pub whole: bool,
}

impl<S: ReadAt> Tape<S> {
    /// Opens a whole tape. Reads and checks its header, its footer and its index, not its chunks: [`verify`] does.
    ///
    /// Takes memory in proportion to the index, which is in proportion to the file.
    ///
    /// [`verify`]: crate::verify
    ///
    /// # Errors
    /// [`TapeError::NotATape`] and [`TapeError::Version`] for files of another kind, [`TapeError::NoFooter`] for one
    /// that was cut or not finished ([`Tape::scan`] reads those), [`TapeError::Damaged`], [`TapeError::Read`].
    pub fn open(source: S) -> Result<Self, TapeError> {
        read_prelude(&source)?;
        let mut scratch = Scratch::default();
        let end = read_end(&source, &mut scratch)?;
        let (header, first_chunk) = read_header(&source, &mut scratch)?;
        let (mut threads, mut marks, mut chunks) = (Vec::new(), Vec::new(), Vec::new());
        read_lists(&source, &end, &mut scratch, |list| {
            match list {
                List::Threads(mut list) => threads.append(&mut list),
                List::Marks(mut list) => marks.append(&mut list),
                List::Index(mut list) => chunks.append(&mut list),
            }
            Ok(())
        })?;
        check_index(&threads, &chunks, first_chunk, end.trailer.sections)
            .map_err(|what| TapeError::damaged(end.trailer.sections, what))?;
        let events = threads
            .iter()
            .try_fold(0u64, |sum, thread| sum.checked_add(thread.events));
        if events != Some(end.footer.totals.events) {
            return Err(TapeError::damaged(
                end.trailer.footer,
                "the footer's count of events is not that of the threads",
            ));
        }
        let footer = end.footer;
        let parts = Parts {
            header,
            ending: footer.ending,
            totals: footer.totals,
            threads,
            marks,
            chunks,
            whole: true,
        };
        Ok(Tape::of(source, parts))
    }

    pub(crate) fn of(source: S, parts: Parts) -> Self {
        let by_thread = ByThread::of(parts.threads.len(), &parts.chunks);
        Tape {
            source,
            parts,
            by_thread,
        }
    }

    pub(crate) fn set_gaps(&mut self) {
        self.parts.whole = false;
    }

    pub(crate) fn set_totals(&mut self, totals: Totals) {
        self.parts.totals = totals;
    }

    /// What is known of the recording.
    pub fn header(&self) -> &Header {
        &self.parts.header
    }

    /// How the tape ended.
    pub fn ending(&self) -> &Ending {
        &self.parts.ending
    }

    /// Sums over the whole tape.
    pub fn totals(&self) -> &Totals {
        &self.parts.totals
    }

    /// The threads, by number.
    pub fn threads(&self) -> &[ThreadInfo] {
        &self.parts.threads
    }

    /// The marks' names, by number.
    pub fn marks(&self) -> &[String] {
        &self.parts.marks
    }

    /// The chunks in file order, which is time order for each thread.
    pub fn chunks(&self) -> &[ChunkInfo] {
        &self.parts.chunks
    }

    /// Whether every event that was written is there: always on an opened tape, not on one scanned with gaps.
    pub fn is_whole(&self) -> bool {
        self.parts.whole
    }

    /// The numbers of a thread's chunks, in time order; empty for a thread that is not there.
    pub fn chunks_of(&self, thread: ThreadIndex) -> &[usize] {
        self.by_thread.of_thread(thread)
    }

    /// The chunk that holds the thread's `event`-th event (counted from 0).
    pub fn chunk_with_event(&self, thread: ThreadIndex, event: u64) -> Option<usize> {
        let chunks = self.chunks_of(thread);
        let behind = chunks.partition_point(|&chunk| self.parts.chunks[chunk].first_event <= event);
        let chunk = *chunks.get(behind.checked_sub(1)?)?;
        let info = &self.parts.chunks[chunk];
        (event - info.first_event < u64::from(info.events)).then_some(chunk)
    }

    /// The thread's first chunk that has events at `time_ns` or later.
    pub fn chunk_at_time(&self, thread: ThreadIndex, time_ns: u64) -> Option<usize> {
        let chunks = self.chunks_of(thread);
        let before = chunks.partition_point(|&chunk| self.parts.chunks[chunk].end_ns < time_ns);
        chunks.get(before).copied()
    }

    /// Decodes a chunk. Chunks are independent: decode many at once.
    ///
    /// # Errors
    /// [`TapeError::Damaged`] with the chunk and its place, [`TapeError::Read`], [`TapeError::NoSuchChunk`].
    pub fn decode(&self, chunk: usize) -> Result<Chunk, TapeError> {
        let mut events = Vec::new();
        let info = *self.info(chunk)?;
        self.decode_into(chunk, &mut Scratch::default(), &mut events)?;
        Ok(Chunk { info, events })
    }

    /// [`decode`](Tape::decode) into buffers that are used again; `events` is cleared first.
    ///
    /// # Errors
    /// As [`decode`](Tape::decode); `events` then holds nothing of use.
    pub fn decode_into(
        &self,
        chunk: usize,
        scratch: &mut Scratch,
        events: &mut Vec<Event>,
    ) -> Result<(), TapeError> {
        events.clear();
        let (columns, mut walk) = self.columns(chunk, scratch)?;
        let count = walk.left();
        walk.take(&columns, count, events)
            .map_err(|what| self.damaged_chunk(chunk, what))
    }

    /// [`decode`](Tape::decode) in pieces, each handed to `take` while it is still near the processor: a chunk's events take
    /// 2.5 MiB, more than most processors keep close. For who looks at each event once.
    ///
    /// # Errors
    /// As [`decode`](Tape::decode); the pieces before the damage were handed out.
    pub fn decode_pieces(
        &self,
        chunk: usize,
        scratch: &mut Scratch,
        mut take: impl FnMut(&[Event]),
    ) -> Result<(), TapeError> {
        let (columns, mut walk) = self.columns(chunk, scratch)?;
        let mut events = std::mem::take(&mut scratch.piece);
        let mut result = Ok(());
        while walk.left() > 0 && result.is_ok() {
            events.clear();
            result = walk.take(&columns, PIECE, &mut events);
            if result.is_ok() {
                take(&events);
            }
        }
        scratch.piece = events;
        result.map_err(|what| self.damaged_chunk(chunk, what))
    }

    /// Length of the file in bytes.
    pub fn len_bytes(&self) -> u64 {
        self.source.len()
    }

    /// Where the bytes come from.
    pub fn source(&self) -> &S {
        &self.source
    }

    pub(crate) fn columns(
        &self,
        chunk: usize,
        scratch: &mut Scratch,
    ) -> Result<(Columns, Walk), TapeError> {
        let info = self.info(chunk)?;
        let place = |error| match error {
            TapeError::Damaged(Damage { what, .. }) => self.damaged_chunk(chunk, what),
            other => other,
        };
        // The index says how long the frame is; a header that says otherwise is not read further than that.
        let end = info
            .offset
            .saturating_add(FRAME_HEADER_LEN as u64 + u64::from(info.stored_len));
        let header = read_frame(
            &self.source,
            info.offset,
            end.min(self.source.len()),
            scratch,
        )
        .map_err(place)?;
        if header.kind != FrameKind::Chunk || header.chunk_info(info.offset) != *info {
            return Err(self.damaged_chunk(chunk, "the frame's header is not what the index says"));
        }
        let bounds = Bounds {
            threads: self.parts.threads.len() as u32,
            marks: self.parts.marks.len() as u32,
        };
        let (columns, walk, _) = scratch
            .columns(&header, bounds)
            .map_err(|what| self.damaged_chunk(chunk, what))?;
        Ok((columns, walk))
    }

    pub(crate) fn damaged_chunk(&self, chunk: usize, what: impl Into<String>) -> TapeError {
        let info = self.parts.chunks.get(chunk);
        let span = info.map(|i| EventSpan {
            thread: i.thread,
            first: i.first_event,
            events: u64::from(i.events),
        });
        let offset = info.map_or(0, |info| info.offset);
        TapeError::Damaged(Damage {
            offset,
            chunk: Some(chunk),
            span,
            what: what.into(),
        })
    }

    fn info(&self, chunk: usize) -> Result<&ChunkInfo, TapeError> {
        let chunks = self.parts.chunks.len();
        self.parts
            .chunks
            .get(chunk)
            .ok_or(TapeError::NoSuchChunk { chunk, chunks })
    }
}

/// Checks that the chunks fill the file between `from` and `to`, and that each thread's follow one another.
fn check_index(
    threads: &[ThreadInfo],
    chunks: &[ChunkInfo],
    from: u64,
    to: u64,
) -> Result<(), &'static str> {
    // Per thread: events so far, and the last time.
    let mut so_far = vec![(0u64, 0u64); threads.len()];
    let mut at = from;
    for info in chunks {
        let Some((events, end_ns)) = so_far.get_mut(info.thread as usize) else {
            return Err("the index names a thread that the tape does not have");
        };
        if info.offset != at {
            return Err("the chunks of the index do not follow one another");
        }
        if info.first_event != *events || info.start_ns < *end_ns || info.start_ns > info.end_ns {
            return Err("a thread's chunks in the index do not follow one another");
        }
        at = at.saturating_add(FRAME_HEADER_LEN as u64 + u64::from(info.stored_len));
        *events = events.saturating_add(u64::from(info.events));
        *end_ns = info.end_ns;
    }
    if at != to {
        return Err("the chunks of the index do not fill the file up to the lists");
    }
    let agree = |(info, so_far): (&ThreadInfo, &(u64, u64))| {
        (info.events, info.end_ns) == *so_far && info.allocations <= info.events
    };
    if threads.iter().zip(&so_far).all(agree) {
        Ok(())
    } else {
        Err("the list of threads is not what the index says")
    }
}

/// The chunks of each thread.
#[derive(Debug)]
struct ByThread {
    /// Chunk numbers, sorted by thread, in file order within one.
    chunks: Vec<usize>,
    /// Where in `chunks` each thread's begin; one more entry at the end.
    starts: Vec<usize>,
}

impl ByThread {
    fn of(threads: usize, infos: &[ChunkInfo]) -> ByThread {
        let mut starts = vec![0; threads + 1];
        for info in infos {
            starts[info.thread as usize + 1] += 1;
        }
        for thread in 0..threads {
            starts[thread + 1] += starts[thread];
        }
        let mut next = starts.clone();
        let mut chunks = vec![0; infos.len()];
        for (number, info) in infos.iter().enumerate() {
            let place = &mut next[info.thread as usize];
            chunks[*place] = number;
            *place += 1;
        }
        ByThread { chunks, starts }
    }

    fn of_thread(&self, thread: ThreadIndex) -> &[usize] {
        match (
            self.starts.get(thread as usize),
            self.starts.get(thread as usize + 1),
        ) {
            (Some(&from), Some(&to)) => &self.chunks[from..to],
            _ => &[],
        }
    }
}
