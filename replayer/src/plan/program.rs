//! Second pass: a thread's events become its program.

use trace_format::{BlockId, EventKind, ReadAt, Tape, ThreadIndex};

use super::crossing::Crossings;
use super::error::PlanError;
use super::locate;
use super::op::{Kind, Op, SizeField, WIDE_FROM, Wide};
use super::survey::ThreadSurvey;

/// A block of the thread's own that is gone.
const GONE: u32 = u32::MAX;
/// A block of the thread's own that another thread releases.
const CROSSES: u32 = u32::MAX - 1;

/// Where one thread's program goes.
pub(super) struct Room<'a> {
    /// The thread.
    pub thread: ThreadIndex,
    /// Its operations, as many as [`program_len`] says.
    pub ops: &'a mut [Op],
    /// Its wide records.
    pub wide: &'a mut [Wide],
    /// The number of the first of them.
    pub first_wide: u64,
    /// The sizes of its blocks that cross threads.
    pub sizes: &'a mut [SizeField],
}

/// What is known of a program when it is written.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Written {
    /// Slots of the thread's own table.
    pub slots: u32,
    /// Blocks that the tape never frees, and this program does at its end.
    pub leaked: u64,
    /// Whether a block is made and released by two threads at the same stamp.
    pub tied: bool,
}

/// How many operations the thread's program has; `released_by_others` counts its blocks that other threads release.
pub(super) fn program_len(thread: &ThreadSurvey, released_by_others: u64) -> u64 {
    let leaked = thread
        .allocations
        .saturating_sub(thread.own_releases + released_by_others);
    thread.allocations + thread.frees + thread.reallocs + leaked
}

#[derive(Clone, Copy)]
struct Block {
    slot: u32,
    size: SizeField,
}

struct Writer<'a> {
    room: Room<'a>,
    at: usize,
    wide_at: usize,
    /// The thread's blocks so far.
    blocks: Vec<Block>,
    /// Slots of the thread's own table that are free.
    free: Vec<u32>,
    slots: u32,
    crossings: &'a Crossings,
    /// The shared slot of the thread's next block that crosses.
    next_own: usize,
    next_release: usize,
    tied: bool,
}

/// Writes the program of one thread into `room`.
pub(super) fn write<'a, S: ReadAt>(
    tape: &Tape<S>,
    threads: &[ThreadSurvey],
    crossings: &'a Crossings,
    room: Room<'a>,
    step: &(dyn Fn(u64) + Sync),
) -> Result<Written, PlanError> {
    let thread = room.thread;
    let survey = &threads[thread as usize];
    let own = crossings.own(thread as usize);
    let mut writer = Writer {
        room,
        at: 0,
        wide_at: 0,
        blocks: Vec::with_capacity(survey.allocations as usize),
        free: Vec::new(),
        slots: 0,
        crossings,
        next_own: own.start,
        next_release: 0,
        tied: false,
    };
    for &number in &survey.chunks {
        let chunk = tape.decode(number)?;
        for (place, event) in chunk.events.iter().enumerate() {
            let at = chunk.info.first_event + place as u64;
            writer
                .event(at, event.time_ns, event.kind, threads)
                .map_err(|complaint| match complaint {
                    Complaint::This(error) => error,
                    Complaint::Early { slot } => early(tape, threads, crossings, slot),
                })?;
        }
        step(chunk.events.len() as u64);
    }
    let leaked = writer.free_what_is_left();
    Ok(Written {
        slots: writer.slots,
        leaked,
        tied: writer.tied,
    })
}

enum Complaint {
    This(PlanError),
    /// The block in this shared slot is released before it is made.
    Early {
        slot: usize,
    },
}

fn early<S: ReadAt>(
    tape: &Tape<S>,
    threads: &[ThreadSurvey],
    crossings: &Crossings,
    slot: usize,
) -> PlanError {
    let remote = crossings.blocks[slot];
    match locate::remote(tape, threads, remote.place) {
        Ok((thread, event)) => PlanError::FreeBeforeMalloc {
            thread,
            event,
            block: remote.block,
        },
        Err(error) => error,
    }
}

impl Writer<'_> {
    fn event(
        &mut self,
        at: u64,
        ns: u64,
        kind: EventKind,
        threads: &[ThreadSurvey],
    ) -> Result<(), Complaint> {
        match kind {
            EventKind::Malloc { size } | EventKind::ReallocUnknown { size } => {
                self.make(Kind::Malloc, ns, size, None)
            }
            EventKind::Calloc { size } => self.make(Kind::Calloc, ns, size, None),
            EventKind::AlignedMalloc { size, align_log2 } => {
                self.make(Kind::Aligned, ns, size, Some(align_log2))
            }
            EventKind::Free { block } => self.release(Kind::Free, at, ns, block, threads),
            EventKind::Realloc { old, size } => {
                self.release(Kind::Take, at, ns, old, threads)?;
                self.make(Kind::Realloc, ns, size, None)
            }
            EventKind::FreeUnknown
            | EventKind::Failed { .. }
            | EventKind::ThreadStart
            | EventKind::ThreadEnd
            | EventKind::Fork { .. }
            | EventKind::Mark { .. } => Ok(()),
        }
    }

    fn make(
        &mut self,
        kind: Kind,
        ns: u64,
        size: u64,
        align_log2: Option<u8>,
    ) -> Result<(), Complaint> {
        let size = if align_log2.is_none() && size < WIDE_FROM {
            SizeField::small(size)
        } else {
            self.wide(size, align_log2)
        };
        let size = size.unwrap_or_default();
        let index = self.blocks.len() as u64;
        let own = self.crossings.own(self.room.thread as usize);
        let crosses = own.contains(&self.next_own)
            && self.crossings.blocks[self.next_own].block.index == index;
        if crosses {
            let slot = self.next_own;
            self.next_own += 1;
            match self.crossings.made(slot, ns) {
                Some(false) => return Err(Complaint::Early { slot }),
                Some(true) => self.tied = true,
                None => {}
            }
            self.room.sizes[slot - own.start] = size;
            self.push(Op::new(kind, true, slot as u32, size));
            self.blocks.push(Block {
                slot: CROSSES,
                size,
            });
        } else {
            let slot = self.free.pop().unwrap_or_else(|| {
                self.slots += 1;
                self.slots - 1
            });
            if slot >= CROSSES {
                let most = u64::from(CROSSES);
                return Err(Complaint::This(PlanError::TooMany {
                    what: "blocks alive in one thread",
                    count: most + 1,
                    most,
                }));
            }
            self.push(Op::new(kind, false, slot, size));
            self.blocks.push(Block { slot, size });
        }
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

    fn release(
        &mut self,
        kind: Kind,
        event: u64,
        ns: u64,
        block: BlockId,
        threads: &[ThreadSurvey],
    ) -> Result<(), Complaint> {
        let thread = self.room.thread;
        if block.thread != thread {
            let slot = self.crossings.releases(thread as usize)[self.next_release] as usize;
            self.next_release += 1;
            match self.crossings.released(slot, ns) {
                Some(false) => return Err(Complaint::Early { slot }),
                Some(true) => self.tied = true,
                None => {}
            }
            // The size is filled in when all makers have said theirs.
            self.push(Op::new(kind, true, slot as u32, SizeField::default()));
            return Ok(());
        }
        let made = usize::try_from(block.index)
            .ok()
            .and_then(|index| self.blocks.get_mut(index));
        let Some(made) = made else {
            let exists = threads
                .get(thread as usize)
                .is_some_and(|t| block.index < t.allocations);
            return Err(Complaint::This(if exists {
                PlanError::FreeBeforeMalloc {
                    thread,
                    event,
                    block,
                }
            } else {
                PlanError::UnknownBlock {
                    thread,
                    event,
                    block,
                }
            }));
        };
        if made.slot >= CROSSES {
            return Err(Complaint::This(PlanError::DoubleFree {
                thread,
                event,
                block,
            }));
        }
        let Block { slot, size } = *made;
        made.slot = GONE;
        self.free.push(slot);
        self.push(Op::new(kind, false, slot, size));
        Ok(())
    }

    fn push(&mut self, op: Op) {
        // As long as pass one and pass two see the same events there is room for every one; PlanView::open checks the outcome.
        if let Some(place) = self.room.ops.get_mut(self.at) {
            *place = op;
        }
        self.at += 1;
    }

    /// Frees what the tape never does, in the order of making. Returns how many.
    fn free_what_is_left(&mut self) -> u64 {
        let mut leaked = 0;
        for at in 0..self.blocks.len() {
            let Block { slot, size } = self.blocks[at];
            if slot < CROSSES {
                self.push(Op::new(Kind::Free, false, slot, size));
                leaked += 1;
            }
        }
        leaked
    }
}
