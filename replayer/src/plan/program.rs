//! Second pass: the events of a row's threads become its program.

use trace_format::{BlockId, Event, EventKind, ReadAt, Tape, ThreadIndex};

use super::Advance;
use super::blocks::{Blocks, MOST_SLOTS, Place};
use super::crossing::Crossings;
use super::error::PlanError;
use super::folding::Folding;
use super::layout::Part;
use super::locate;
use super::op::{Kind, Op, SizeField, WIDE_FROM, Wide};
use super::stretches::Stretches;
use super::survey::ThreadSurvey;

/// Where a row's program goes.
pub(super) struct Room<'a> {
    /// Its operations, as many as [`program_len`] says.
    pub ops: &'a mut [Op],
    /// When each is due; empty unless the plan keeps the pace.
    pub due: &'a mut [u64],
    /// Its wide records.
    pub wide: &'a mut [Wide],
    /// The number of the first of them.
    pub first_wide: u64,
    /// For each window, how many of its operations there are up to its end.
    pub ends: &'a mut [u64],
    /// Its parts, as many as pass one counted.
    pub parts: &'a mut [Part],
}

/// What all rows have in common.
pub(super) struct Ground<'a, S: ReadAt> {
    pub tape: &'a Tape<S>,
    pub threads: &'a [ThreadSurvey],
    pub folding: &'a Folding,
    pub crossings: &'a Crossings,
    pub windows: &'a Stretches,
    pub beats: &'a Stretches,
    /// The time of the tape's first event.
    pub began_ns: u64,
}

/// What is known of a program when it is written.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Written {
    /// Slots of the row's own table.
    pub slots: u32,
    /// Blocks that the tape never frees, and this program does at its end.
    pub leaked: u64,
    /// Whether a block is made and released by two rows at the same stamp.
    pub tied: bool,
}

/// How many operations the program of a row has: of these threads, of whose blocks other rows release `released_by_others`.
pub(super) fn program_len<'a>(
    threads: impl Iterator<Item = &'a ThreadSurvey>,
    released_by_others: u64,
) -> u64 {
    let (mut made, mut released, mut len) = (0, released_by_others, 0);
    for thread in threads {
        made += thread.allocations;
        released += thread.own_releases;
        len += thread.allocations + thread.frees + thread.reallocs;
    }
    len + made.saturating_sub(released)
}

/// A thread as its row's writer knows it.
#[derive(Default)]
struct Maker {
    blocks: Blocks,
    /// The shared slot of its next block that crosses, and the end of those.
    next_own: usize,
    end_own: usize,
}

/// Writes the program of one row.
pub(super) struct Writer<'a, S: ReadAt> {
    ground: &'a Ground<'a, S>,
    row: u32,
    room: Room<'a>,
    at: usize,
    wide_at: usize,
    window: usize,
    /// Parts that are begun; the last of them has the beat that goes on.
    parts: usize,
    beat: usize,
    /// Whether all events of the tape are written.
    ending: bool,
    makers: Vec<Maker>,
    /// Slots of the row's own table that are free.
    free: Vec<u32>,
    written: Written,
    now_ns: u64,
    /// Whose event is written.
    thread: ThreadIndex,
}

enum Complaint {
    This(PlanError),
    /// The block in this shared slot is released before it is made.
    Early {
        slot: usize,
    },
}

impl<'a, S: ReadAt> Writer<'a, S> {
    /// A writer into `room` for the threads of `row`.
    pub fn new(ground: &'a Ground<'a, S>, row: usize, room: Room<'a>) -> Writer<'a, S> {
        let maker = |&thread: &u32| {
            let own = ground.crossings.own(thread as usize);
            Maker {
                blocks: Blocks::default(),
                next_own: own.start,
                end_own: own.end,
            }
        };
        Writer {
            row: row as u32,
            makers: ground.folding.threads[row].iter().map(maker).collect(),
            ground,
            room,
            at: 0,
            wide_at: 0,
            window: 0,
            parts: 0,
            beat: 0,
            ending: false,
            free: Vec::new(),
            written: Written::default(),
            now_ns: 0,
            thread: 0,
        }
    }

    /// The whole program of a row that has one thread.
    pub fn write_thread(
        mut self,
        thread: ThreadIndex,
        advance: Advance<'_>,
    ) -> Result<Written, PlanError> {
        for &number in &self.ground.threads[thread as usize].chunks {
            let chunk = self.ground.tape.decode(number)?;
            for event in &chunk.events {
                self.event(thread, event)?;
            }
            super::tell(advance, chunk.events.len() as u64)?;
        }
        Ok(self.finish())
    }

    /// The next event of the row, which one of its threads has.
    pub fn event(&mut self, thread: ThreadIndex, event: &Event) -> Result<(), PlanError> {
        self.now_ns = event.time_ns;
        self.thread = thread;
        while self.ground.windows.ends_before(self.window, event.time_ns) {
            self.end_window();
        }
        let outcome = match event.kind {
            EventKind::Malloc { size } | EventKind::ReallocUnknown { size } => {
                self.make(Kind::Malloc, thread, size, None)
            }
            EventKind::Calloc { size } => self.make(Kind::Calloc, thread, size, None),
            EventKind::AlignedMalloc { size, align_log2 } => {
                self.make(Kind::Aligned, thread, size, Some(align_log2))
            }
            EventKind::Free { block } => self.release(Kind::Free, block),
            EventKind::Realloc { old, size } => self
                .release(Kind::Take, old)
                .and_then(|()| self.make(Kind::Realloc, thread, size, None)),
            EventKind::FreeUnknown
            | EventKind::Failed { .. }
            | EventKind::ThreadStart
            | EventKind::ThreadEnd
            | EventKind::Fork { .. }
            | EventKind::Mark { .. } => Ok(()),
        };
        outcome.map_err(|complaint| self.error(complaint))
    }

    /// Frees what the tape never does, in the order of making, and says what there is to know.
    pub fn finish(mut self) -> Written {
        let makers = std::mem::take(&mut self.makers);
        // They belong to the last operation's beat.
        self.ending = true;
        for (slot, size) in makers.iter().flat_map(|maker| maker.blocks.left()) {
            self.push(Op::new(Kind::Free, false, slot, size));
            self.written.leaked += 1;
        }
        while self.window < self.room.ends.len() {
            self.end_window();
        }
        self.written
    }

    fn end_window(&mut self) {
        if let Some(end) = self.room.ends.get_mut(self.window) {
            *end = self.at as u64;
        }
        self.window += 1;
    }

    fn maker(&mut self, thread: ThreadIndex) -> Option<&mut Maker> {
        let place = *self.ground.folding.place_of.get(thread as usize)?;
        self.makers.get_mut(place as usize)
    }

    fn make(
        &mut self,
        kind: Kind,
        thread: ThreadIndex,
        size: u64,
        align_log2: Option<u8>,
    ) -> Result<(), Complaint> {
        let size = if align_log2.is_none() && size < WIDE_FROM {
            SizeField::small(size)
        } else {
            self.wide(size, align_log2)
        };
        let size = size.unwrap_or_default();
        let crossings = self.ground.crossings;
        let (now_ns, mut crosses) = (self.now_ns, None);
        if let Some(maker) = self.maker(thread)
            && maker.next_own < maker.end_own
            && crossings.block(maker.next_own).index == maker.blocks.made()
        {
            crosses = Some(maker.next_own);
            maker.next_own += 1;
            maker.blocks.push_crossing();
        }
        if let Some(slot) = crosses {
            match crossings.made(slot, now_ns, size) {
                Some(false) => return Err(Complaint::Early { slot }),
                Some(true) => self.written.tied = true,
                None => {}
            }
            self.push(Op::new(kind, true, slot as u32, size));
            return Ok(());
        }
        let slot = self.free.pop().unwrap_or_else(|| {
            self.written.slots += 1;
            self.written.slots - 1
        });
        if slot >= MOST_SLOTS {
            let most = u64::from(MOST_SLOTS);
            return Err(Complaint::This(PlanError::TooMany {
                what: "blocks alive in one thread",
                count: most + 1,
                most,
            }));
        }
        if let Some(maker) = self.maker(thread) {
            maker.blocks.push(slot, size);
        }
        self.push(Op::new(kind, false, slot, size));
        Ok(())
    }

    fn wide(&mut self, size: u64, align_log2: Option<u8>) -> Option<SizeField> {
        let record = self.room.wide.get_mut(self.wide_at)?;
        *record = Wide {
            size,
            align_log2: u64::from(align_log2.unwrap_or(0)),
        };
        self.wide_at += 1;
        SizeField::wide(self.room.first_wide + self.wide_at as u64 - 1)
    }

    fn release(&mut self, kind: Kind, block: BlockId) -> Result<(), Complaint> {
        let ground = self.ground;
        let known = ground.folding.row_of.get(block.thread as usize);
        let made = ground.threads.get(block.thread as usize);
        let made = made.map_or(0, |thread| thread.allocations);
        if known != Some(&self.row) {
            let Some(slot) = ground.crossings.slot_of(block, made) else {
                return Err(Complaint::This(self.unknown(block)));
            };
            match ground.crossings.released(slot, self.now_ns) {
                Some(false) => return Err(Complaint::Early { slot }),
                Some(true) => self.written.tied = true,
                None => {}
            }
            // The size is filled in when all makers have said theirs.
            self.push(Op::new(kind, true, slot as u32, SizeField::default()));
            return Ok(());
        }
        let place = self
            .maker(block.thread)
            .map_or(Place::Unmade, |maker| maker.blocks.take(block.index));
        match place {
            Place::Slot(slot, size) => {
                self.free.push(slot);
                self.push(Op::new(kind, false, slot, size));
                Ok(())
            }
            Place::Gone => Err(Complaint::This(self.second(block))),
            Place::Unmade if block.index < made => Err(Complaint::This(self.early(block))),
            Place::Unmade => Err(Complaint::This(self.unknown(block))),
        }
    }

    fn push(&mut self, op: Op) {
        let another = || self.ground.beats.ends_before(self.beat, self.now_ns);
        if self.parts == 0 || (!self.ending && another()) {
            self.beat = self.ground.beats.at(self.now_ns);
            self.parts += 1;
        }
        // As long as pass one and pass two see the same events there is room for every one; PlanView::open checks the outcome.
        if let Some(place) = self.room.ops.get_mut(self.at) {
            *place = op;
        }
        if let Some(due) = self.room.due.get_mut(self.at) {
            *due = self.now_ns.saturating_sub(self.ground.began_ns);
        }
        self.at += 1;
        if let Some(part) = self.room.parts.get_mut(self.parts - 1) {
            *part = Part {
                beat: self.beat as u64,
                end: self.at as u64,
            };
        }
    }

    fn error(&self, complaint: Complaint) -> PlanError {
        match complaint {
            Complaint::This(error) => error,
            Complaint::Early { slot } => self.early(self.ground.crossings.block(slot)),
        }
    }

    fn early(&self, block: BlockId) -> PlanError {
        self.located(block, |thread, event, block| PlanError::FreeBeforeMalloc {
            thread,
            event,
            block,
        })
    }

    fn second(&self, block: BlockId) -> PlanError {
        match locate::last_release_by(self.ground.tape, self.thread, block) {
            Ok(event) => PlanError::DoubleFree {
                thread: self.thread,
                event,
                block,
            },
            Err(error) => error,
        }
    }

    fn unknown(&self, block: BlockId) -> PlanError {
        self.located(block, |thread, event, block| PlanError::UnknownBlock {
            thread,
            event,
            block,
        })
    }

    fn located(
        &self,
        block: BlockId,
        make: fn(ThreadIndex, u64, BlockId) -> PlanError,
    ) -> PlanError {
        match locate::release(self.ground.tape, block, 0) {
            Ok((thread, event)) => make(thread, event, block),
            Err(error) => error,
        }
    }
}
