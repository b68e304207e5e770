//! Appending: events in causal order, and whose block each releases.

use trace_format::{BlockId, Event};

use super::before::Made;
use super::entry::{What, describe};
use super::{Ended, HeapEvents, Kind, Log, MAX_FAILURES, Makers, NONE, Row};
use crate::error::SessionError;

impl Log {
    /// Appends the next event in causal order; those before the first only leave the blocks that live.
    ///
    /// # Errors
    /// It releases a block that is not live, or the log is full.
    #[inline]
    pub fn push(&mut self, thread: u32, event: &Event) -> Result<(), SessionError> {
        let number = self.seen;
        if number == NONE {
            return Err(SessionError::TooManyEvents {
                most: u64::from(NONE),
            });
        }
        if number < self.first {
            self.pass(thread, event)?;
        } else {
            self.keep(thread, event)?;
        }
        self.seen += 1;
        if self.seen == self.first {
            self.before.close();
        }
        Ok(())
    }

    /// An event before the first one that is kept.
    fn pass(&mut self, thread: u32, event: &Event) -> Result<(), SessionError> {
        let number = self.seen;
        let (kind, align_log2, size) = describe(&event.kind);
        if kind == Kind::ThreadEnd {
            self.end_thread(thread, event.time_ns);
        }
        if let Some(block) = event.kind.releases() {
            match self.before.release(block) {
                Some(made) => self.release(made.what.thread(), made.size),
                None if self.gaps => {}
                None => return Err(not_live(number, block)),
            }
        }
        if event.kind.makes_block() {
            let (_, makers) = self.of_thread(thread);
            let index = makers.first;
            makers.first += 1;
            let made = Made {
                event: number,
                what: What::new(kind, align_log2, thread),
                size,
                time_ns: event.time_ns,
                released_by: NONE,
            };
            self.before.make(BlockId { thread, index }, made);
            self.make(thread, size);
        }
        Ok(())
    }

    fn keep(&mut self, thread: u32, event: &Event) -> Result<(), SessionError> {
        let number = self.seen;
        let (mut kind, align_log2, mut value) = describe(&event.kind);
        let (mut maker, mut owner) = (NONE, None);
        if let Some(block) = event.kind.releases() {
            match self.find(number, block)? {
                Some((event, size)) => {
                    (maker, owner) = (event, Some(block.thread));
                    if kind == Kind::Free {
                        value = size;
                    }
                }
                None if kind == Kind::Free => kind = Kind::FreeUnknown,
                None => {}
            }
        }
        let makes = event.kind.makes_block();
        if let Some(owner) = owner {
            self.of_thread(owner).0.events.push(number);
        }
        if makes {
            self.live_bytes = self.live_bytes.saturating_add(value);
            self.live_blocks += 1;
            let (heap, makers) = self.of_thread(thread);
            if owner != Some(thread) {
                heap.events.push(number);
            }
            makers.events.push(number);
            heap.make(value);
            if heap.peak.is_none_or(|(_, most)| heap.live_bytes > most) {
                heap.peak = Some((number, heap.live_bytes));
            }
        }
        if kind == Kind::ThreadEnd {
            self.end_thread(thread, event.time_ns);
            self.of_thread(thread).0.events.push(number);
        }
        if kind == Kind::Failed && self.failures.len() < MAX_FAILURES {
            self.failures.push(number);
        }
        if makes && maker != NONE {
            self.moved.push((number, maker));
        }
        self.rows.push(Row {
            what: What::new(kind, align_log2, thread),
            value: u32::try_from(value).unwrap_or(NONE),
            link: if makes { NONE } else { maker },
        });
        if value >= u64::from(NONE) {
            self.wide.push((number, value));
        }
        self.times.push(event.time_ns);
        Ok(())
    }

    /// Marks a block as released by event `number`; the event that made it, and its bytes. `None` where damage has lost it.
    fn find(&mut self, number: u32, block: BlockId) -> Result<Option<(u32, u64)>, SessionError> {
        let maker = self.makers.get(block.thread as usize).and_then(|makers| {
            let at = usize::try_from(block.index.checked_sub(makers.first)?).ok()?;
            makers
                .events
                .get(at)
                .copied()
                .filter(|&event| event != NONE)
        });
        if let Some(maker) = maker {
            let at = (maker - self.first) as usize;
            return match self.rows.get_mut(at) {
                Some(row) if row.link == NONE => {
                    row.link = number;
                    let size = self.value_of(at);
                    self.release(block.thread, size);
                    Ok(Some((maker, size)))
                }
                _ if self.gaps => Ok(None),
                _ => Err(not_live(number, block)),
            };
        }
        match self.before.release(block) {
            Some(made) => {
                self.before.note(made.event, number);
                self.release(block.thread, made.size);
                Ok(Some((made.event, made.size)))
            }
            None if self.gaps => Ok(None),
            None => Err(not_live(number, block)),
        }
    }

    /// Looks at the row to which an event that releases this block will write, and does nothing: a number without meaning.
    #[inline]
    pub fn touch(&self, block: BlockId) -> u32 {
        let row = self.makers.get(block.thread as usize).and_then(|makers| {
            let at = usize::try_from(block.index.checked_sub(makers.first)?).ok()?;
            let maker = *makers.events.get(at)?;
            self.rows.get(maker.checked_sub(self.first)? as usize)
        });
        row.map_or(0, |row| row.link)
    }

    #[inline(always)]
    fn of_thread(&mut self, thread: u32) -> (&mut HeapEvents, &mut Makers) {
        if thread as usize >= self.heaps.len() {
            self.add_threads(thread as usize + 1);
        }
        (
            &mut self.heaps[thread as usize],
            &mut self.makers[thread as usize],
        )
    }

    /// For threads that the tape's list did not name.
    #[cold]
    fn add_threads(&mut self, threads: usize) {
        self.heaps.resize(threads, HeapEvents::default());
        self.makers.resize(threads, Makers::default());
    }

    /// Notes that the event to come is the thread's end.
    fn end_thread(&mut self, thread: u32, time_ns: u64) {
        let event = self.seen;
        let heap = self.of_thread(thread).0;
        let (blocks, bytes) = (heap.live_blocks, heap.live_bytes);
        // One that goes on after its end has ended all the same.
        heap.end.get_or_insert(Ended {
            event,
            time_ns,
            blocks,
            bytes,
        });
    }

    fn make(&mut self, thread: u32, size: u64) {
        self.live_bytes = self.live_bytes.saturating_add(size);
        self.live_blocks += 1;
        self.of_thread(thread).0.make(size);
    }

    fn release(&mut self, owner: u32, size: u64) {
        self.live_bytes = self.live_bytes.saturating_sub(size);
        self.live_blocks = self.live_blocks.saturating_sub(1);
        self.of_thread(owner).0.release(size);
    }

    /// On a tape with gaps: the thread's next block is its `index`-th, those before it are lost.
    pub fn skip_to(&mut self, thread: u32, index: u64) {
        let kept = self.seen >= self.first;
        let makers = self.of_thread(thread).1;
        let next = makers.first + makers.events.len() as u64;
        if kept {
            let lost = usize::try_from(index.saturating_sub(next)).unwrap_or(0);
            makers.events.extend(std::iter::repeat_n(NONE, lost));
        } else {
            makers.first = makers.first.max(index);
        }
    }

    /// Gives back what only appending needs.
    pub fn close(&mut self) {
        self.makers = Vec::new();
        self.before.forget_names();
        for heap in &mut self.heaps {
            heap.events.shrink_to_fit();
        }
    }
}

impl HeapEvents {
    /// A block of so many bytes is there.
    fn make(&mut self, size: u64) {
        self.live_blocks += 1;
        self.peak_live_blocks = self.peak_live_blocks.max(self.live_blocks);
        self.live_bytes = self.live_bytes.saturating_add(size);
        self.peak_live_bytes = self.peak_live_bytes.max(self.live_bytes);
    }

    /// It is gone.
    fn release(&mut self, size: u64) {
        self.live_blocks = self.live_blocks.saturating_sub(1);
        self.live_bytes = self.live_bytes.saturating_sub(size);
    }
}

#[cold]
fn not_live(event: u32, block: BlockId) -> SessionError {
    SessionError::NotLive {
        event: u64::from(event),
        thread: block.thread,
        index: block.index,
    }
}
