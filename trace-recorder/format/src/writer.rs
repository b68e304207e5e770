//! Writing a tape from front to back: nothing is ever gone back to, so a pipe will do.

use crate::builder::encode_chunk;
use crate::chunk::EncodedChunk;
use crate::counts::ChunkCounts;
use crate::error::TapeError;
use crate::event::{Event, ThreadIndex};
use crate::frame::{FRAME_HEADER_LEN, FrameHeader, FrameKind};
use crate::header::{Header, PRELUDE_LEN, prelude};
use crate::index::{ChunkInfo, Ending, Footer, LIST_ENTRIES, LiveTotals, ThreadInfo, Trailer};
use crate::payload;
use crate::{MAX_FRAME_LEN, MAX_MARKS, MAX_NAME_LEN, MAX_THREADS};
use bincode::Encode;
use std::collections::HashMap;
use std::io::Write;

/// Writes a tape. A tape without [`finish`](TapeWriter::finish) has no footer; its chunks can still be scanned.
#[derive(Debug)]
pub struct TapeWriter<W: Write> {
    out: W,
    /// Bytes written.
    at: u64,
    chunks: Vec<ChunkInfo>,
    threads: Vec<ThreadInfo>,
    marks: Vec<String>,
    mark_numbers: HashMap<String, u32>,
    counts: ChunkCounts,
    events: u64,
    duration_ns: u64,
    /// A thread number that [`thread`](TapeWriter::thread) could not take; told at the next call that can fail.
    bad_thread: Option<ThreadIndex>,
}

/// The name of the last mark there is room for, which then stands for all further ones.
const FURTHER_MARKS: &str = "(further marks)";

impl<W: Write> TapeWriter<W> {
    /// Begins a tape: writes the prelude and the header.
    ///
    /// Give it a buffered writer: frames are written in two pieces.
    ///
    /// # Errors
    /// When `out` refuses, or the header takes more than 4 MiB.
    pub fn new(out: W, header: &Header) -> Result<Self, TapeError> {
        let what = "the tape's header";
        let payload = payload::encode(header, 0, what)?;
        if payload::decode::<Header>(&payload).is_err() {
            return Err(TapeError::TooLarge {
                what,
                len: payload.len() as u64,
                most: u64::from(MAX_FRAME_LEN),
            });
        }
        let mut writer = TapeWriter {
            out,
            at: 0,
            chunks: Vec::new(),
            threads: Vec::new(),
            marks: Vec::new(),
            mark_numbers: HashMap::new(),
            counts: ChunkCounts::default(),
            events: 0,
            duration_ns: 0,
            bad_thread: None,
        };
        writer.out.write_all(&prelude())?;
        writer.at = PRELUDE_LEN as u64;
        writer.write_frame(
            &FrameHeader::plain(FrameKind::Header, 0, &payload),
            &payload,
        )?;
        Ok(writer)
    }

    /// Writes events of ONE thread, in time order, that follow those written before for that thread.
    ///
    /// # Errors
    /// As [`encode_chunk`](crate::encode_chunk) and [`write_encoded`](TapeWriter::write_encoded). No events are no
    /// error: nothing is written.
    pub fn write_chunk(&mut self, thread: ThreadIndex, events: &[Event]) -> Result<(), TapeError> {
        if events.is_empty() {
            return Ok(());
        }
        let (allocations, before) = self
            .threads
            .get(thread as usize)
            .map_or((0, 0), |info| (info.allocations, info.events));
        self.write_encoded(encode_chunk(thread, allocations, before, events)?)
    }

    /// Writes a chunk that was encoded elsewhere.
    ///
    /// # Errors
    /// [`TapeError::BadChunk`] when it does not follow the chunks written before for its thread: its first event, its
    /// first allocation or its first time is not what comes next. [`TapeError::Write`] when the writer refuses.
    pub fn write_encoded(&mut self, chunk: EncodedChunk) -> Result<(), TapeError> {
        let header = &chunk.header;
        let thread = header.thread;
        let bad = |what: String| TapeError::BadChunk { thread, what };
        self.check_threads()?;
        let slot = self
            .slot(thread)
            .ok_or_else(|| bad(format!("a tape holds at most {MAX_THREADS} threads")))?;
        if header.first_event != slot.events || header.first_allocation != slot.allocations {
            return Err(bad(format!(
                "it starts at event {} and allocation {}, but the thread stands at event {} and allocation {}",
                header.first_event, header.first_allocation, slot.events, slot.allocations
            )));
        }
        if slot.events > 0 && header.start_ns < slot.end_ns {
            return Err(bad(format!(
                "it starts at {} ns, but the thread's events before go up to {} ns",
                header.start_ns, slot.end_ns
            )));
        }
        if slot.events == 0 {
            slot.start_ns = header.start_ns;
        }
        slot.events += u64::from(header.entries);
        slot.allocations += chunk.counts.allocations;
        slot.end_ns = header.end_ns;
        slot.started |= chunk.counts.starts > 0;
        slot.ended |= chunk.counts.ends > 0;
        self.events += u64::from(header.entries);
        self.counts.add(&chunk.counts);
        self.duration_ns = self.duration_ns.max(header.end_ns);
        let info = header.chunk_info(self.at);
        self.write_frame(&chunk.header, &chunk.stored)?;
        self.chunks.push(info);
        Ok(())
    }

    /// Names a thread: its number in the system and its name (at most 1,024 bytes of it are kept).
    ///
    /// A number from [`MAX_THREADS`] on makes the next call that can fail return an error.
    pub fn thread(&mut self, thread: ThreadIndex, os_tid: u64, name: &str) {
        match self.slot(thread) {
            Some(slot) => {
                slot.os_tid = os_tid;
                slot.name = shortened(name).to_string();
            }
            None => self.bad_thread = Some(thread),
        }
    }

    /// The number of the mark with this name (at most 1,024 bytes of it are kept); the same name gets the same number.
    ///
    /// When a tape has 65,536 names, all further ones share the last number.
    pub fn mark(&mut self, name: &str) -> u32 {
        let name = shortened(name);
        if let Some(&number) = self.mark_numbers.get(name) {
            return number;
        }
        let last = MAX_MARKS - 1;
        let number = self.marks.len() as u32;
        if number > last {
            return last;
        }
        let name = if number == last { FURTHER_MARKS } else { name };
        self.marks.push(name.to_string());
        self.mark_numbers.insert(name.to_string(), number);
        number
    }

    /// How many events were written.
    pub fn events(&self) -> u64 {
        self.events
    }

    /// How many bytes were written.
    pub fn bytes(&self) -> u64 {
        self.at
    }

    /// Ends the tape: writes threads, marks, index, footer and trailer, and flushes.
    ///
    /// `live` are the figures that only who saw the merged order can know: see [`LiveTracker`](crate::LiveTracker).
    ///
    /// # Errors
    /// When the writer refuses, or the reason in `ending` takes more than 4 MiB.
    pub fn finish(mut self, ending: Ending, live: LiveTotals) -> Result<W, TapeError> {
        self.check_threads()?;
        let sections = self.at;
        let threads = std::mem::take(&mut self.threads);
        let marks = std::mem::take(&mut self.marks);
        let chunks = std::mem::take(&mut self.chunks);
        self.write_lists(FrameKind::Threads, &threads, "a list of threads")?;
        self.write_lists(FrameKind::Marks, &marks, "a list of marks")?;
        self.write_lists(FrameKind::Index, &chunks, "a list of chunks")?;
        let footer = self.at;
        let totals = self
            .counts
            .totals(self.events, self.duration_ns)
            .with_live(live);
        let content = Footer {
            ending,
            totals,
            threads: threads.len() as u32,
            marks: marks.len() as u32,
            chunks: chunks.len() as u64,
        };
        self.write_plain(FrameKind::Footer, 0, &content, "the tape's footer")?;
        self.out
            .write_all(&Trailer { sections, footer }.to_bytes())?;
        self.out.flush()?;
        Ok(self.out)
    }

    /// The thread's place in the list, which grows to hold it.
    fn slot(&mut self, thread: ThreadIndex) -> Option<&mut ThreadInfo> {
        if thread >= MAX_THREADS {
            return None;
        }
        let at = thread as usize;
        if at >= self.threads.len() {
            self.threads.resize(at + 1, ThreadInfo::default());
        }
        self.threads.get_mut(at)
    }

    fn check_threads(&self) -> Result<(), TapeError> {
        match self.bad_thread {
            None => Ok(()),
            Some(thread) => Err(TapeError::BadChunk {
                thread,
                what: format!("a tape holds at most {MAX_THREADS} threads"),
            }),
        }
    }

    fn write_lists<T: Encode>(
        &mut self,
        kind: FrameKind,
        all: &[T],
        what: &'static str,
    ) -> Result<(), TapeError> {
        for list in all.chunks(LIST_ENTRIES) {
            self.write_plain(kind, list.len() as u32, &list, what)?;
        }
        Ok(())
    }

    fn write_plain(
        &mut self,
        kind: FrameKind,
        entries: u32,
        content: &impl Encode,
        what: &'static str,
    ) -> Result<(), TapeError> {
        let payload = payload::encode(content, 0, what)?;
        self.write_frame(&FrameHeader::plain(kind, entries, &payload), &payload)
    }

    fn write_frame(&mut self, header: &FrameHeader, stored: &[u8]) -> Result<(), TapeError> {
        self.out.write_all(&header.to_bytes())?;
        self.out.write_all(stored)?;
        self.at += (FRAME_HEADER_LEN + stored.len()) as u64;
        Ok(())
    }
}

/// The longest start of `name` that a tape keeps.
fn shortened(name: &str) -> &str {
    &name[..name.floor_char_boundary(MAX_NAME_LEN)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::EventKind;
    use crate::header::Clock;

    fn header() -> Header {
        Header {
            recorder: "test".into(),
            name: "test".into(),
            command: vec![],
            pid: 0,
            started_unix_ns: 0,
            clock: Clock::Unknown,
            page_size: 0,
            pointer_width: 0,
            notes: vec![],
        }
    }

    fn event(time_ns: u64) -> [Event; 1] {
        [Event {
            time_ns,
            kind: EventKind::Malloc { size: 1 },
        }]
    }

    #[test]
    fn chunks_out_of_turn_are_refused() {
        let mut writer = TapeWriter::new(Vec::new(), &header()).unwrap();
        writer.write_chunk(0, &event(10)).unwrap();
        assert!(matches!(
            writer.write_chunk(0, &event(9)),
            Err(TapeError::BadChunk { thread: 0, .. })
        ));
        for (allocation, first) in [(0, 0), (0, 1), (1, 2)] {
            let chunk = encode_chunk(0, allocation, first, &event(20)).unwrap();
            assert!(writer.write_encoded(chunk).is_err());
        }
        writer
            .write_encoded(encode_chunk(0, 1, 1, &event(10)).unwrap())
            .unwrap();
        writer.write_chunk(1, &event(0)).unwrap();
        assert_eq!(writer.events(), 3);
        writer.thread(MAX_THREADS, 1, "");
        assert!(writer.write_chunk(1, &event(1)).is_err());
        assert!(
            writer
                .finish(Ending::Complete, LiveTotals::default())
                .is_err()
        );
    }

    #[test]
    fn marks_share_numbers_by_name_and_have_an_end() {
        let mut writer = TapeWriter::new(Vec::new(), &header()).unwrap();
        assert_eq!(writer.mark("a"), 0);
        assert_eq!(writer.mark("b"), 1);
        assert_eq!(writer.mark("a"), 0);
        let long = "é".repeat(MAX_NAME_LEN);
        assert_eq!(writer.mark(&long), writer.mark(&long[..MAX_NAME_LEN]));
        for name in 0..MAX_MARKS + 10 {
            assert!(writer.mark(&name.to_string()) < MAX_MARKS);
        }
        assert_eq!(writer.mark("one more"), MAX_MARKS - 1);
        assert_eq!(writer.marks.len(), MAX_MARKS as usize);
        assert_eq!(writer.marks.last().map(String::as_str), Some(FURTHER_MARKS));
    }

    #[test]
    fn a_header_that_is_too_large_is_refused() {
        let header = Header {
            name: "x".repeat(5 << 20),
            ..header()
        };
        assert!(matches!(
            TapeWriter::new(Vec::new(), &header),
            Err(TapeError::TooLarge { .. })
        ));
        // Small in bytes, but more than a reader's limit lets it allocate.
        let header = Header {
            command: vec![String::new(); 2 << 20],
            ..self::header()
        };
        assert!(matches!(
            TapeWriter::new(Vec::new(), &header),
            Err(TapeError::TooLarge { .. })
        ));
    }
}
